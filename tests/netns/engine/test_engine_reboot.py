"""The host reboots: every process, namespace, mount and /run are gone, the data root is not."""

from __future__ import annotations

import pytest
from agreement import addresses_are_unique, agree

from rig.docker import Docker
from rig.engine import Engine, MakeEngine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE
from rig.lab import Lab

pytestmark = pytest.mark.weft_only("what is compared is Weft's own layout")

WEB = ("busybox", "sh", "-c", "mkdir -p /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
POLICIES = {
    "web": ("--restart", "always", "-p", "8080:80", "--network-alias", "www"),
    "put-away": ("--restart", "always"),
    "unless": ("--restart", "unless-stopped", "-p", "127.0.0.1:8081:80"),
    "stopped": ("--restart", "unless-stopped"),
    "failing": ("--restart", "on-failure"),
    "finished": ("--restart", "on-failure"),
    "plain": (),
    "no": ("--restart", "no"),
}
# on-failure: what a reboot ends has failed; what ended well before it has not. always: even what a user stopped.
COME_BACK = {"web", "put-away", "unless", "failing"}


def reboot(engine: Engine, lab: Lab) -> None:
    """Everything ends; the host comes up with its cable, and the daemon is started."""
    engine.api.close()
    engine.host.reboot()
    lab.wire(engine.host)
    engine.start()


def test_a_reboot(make_engine: MakeEngine, lab: Lab) -> None:
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    docker.out("network", "create", "--subnet", "10.91.0.0/16", "--ipv6", "net")
    docker.out("network", "create", "--internal", "back")
    docker.out("volume", "create", "kept")
    for name, flags in POLICIES.items():
        what = ("busybox", "true") if name == "finished" else WEB
        docker.out("run", "-d", "--name", name, "--hostname", name, "--network", "net", *flags, *what)
    docker.out("network", "connect", "back", "unless")
    docker.out("run", "-d", "--name", "away", "--rm", "-v", "kept:/kept", "busybox", "top")
    docker.out("exec", "web", "sh", "-c", "echo written >/www/more.html")
    docker.out("stop", "-t", "0", "stopped", "put-away")
    networks = {name: docker.inspect("network", name)["IPAM"] for name in ("bridge", "net", "back")}

    reboot(engine, lab)

    def running() -> set[str]:
        return set(docker.lines("ps", "--format", "{{.Names}}"))

    eventually(lambda: running() >= COME_BACK)
    agree(engine)
    addresses_are_unique(engine)
    assert running() == COME_BACK
    assert {name: docker.inspect("network", name)["IPAM"] for name in networks} == networks
    for name in ("plain", "no"):
        state = docker.inspect(name)["State"]
        assert (state["Status"], state["Pid"]) == ("exited", 0)
        assert state["ExitCode"] != 0, f"{name} did not end well"
    assert "away" not in docker.lines("ps", "-a", "--format", "{{.Names}}")
    assert docker.lines("volume", "ls", "-q") == ["kept"]
    assert eventually(lambda: host.reaches("127.0.0.1", 8080))
    assert (host.fetch("127.0.0.1", 8080), host.fetch(host.outer[0], 8080)) == (b"web\n", b"web\n")
    assert host.fetch("127.0.0.1", 8080, "/more.html") == b"written\n"
    assert host.fetch("127.0.0.1", 8081) == b"unless\n"
    inside = Inside(engine, "unless")
    for name in ("web", "www", "web.net", "failing"):
        assert inside.addresses(name), name
    assert inside.addresses("plain") == []
    assert inside.addresses("google.com") == [GOOGLE]
    assert inside.fetch(inside.addresses("web")[0]) == b"web\n"

    docker.out("start", "plain")
    assert docker.out("exec", "plain", "wget", "-qO-", "http://web/") == "web"
    engine.sweep()


def test_a_reboot_while_the_daemon_was_stopped(make_engine: MakeEngine, lab: Lab) -> None:
    """Stopped in order first, as an init system does it; and a second reboot finds the same again."""
    engine = make_engine()
    docker = Docker(engine)
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "web", "--restart", "always", "--network", "net", "-p", "8080:80", *WEB)
    docker.out("run", "-d", "--name", "guest", "--network", "container:web", "--restart", "always", "busybox", "top")
    for _ in range(2):
        engine.stop()
        reboot(engine, lab)
        eventually(lambda: set(docker.lines("ps", "--format", "{{.Names}}")) == {"web", "guest"})
        assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
        agree(engine)
