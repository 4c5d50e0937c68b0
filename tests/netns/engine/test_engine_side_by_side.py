"""The daemon as a program: two of them, its sockets, its configuration, how it ends."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agreement import agree

from rig.docker import Docker
from rig.engine import Engine, MakeEngine, WeftEngine
from rig.eventually import eventually
from rig.host import Host
from rig.lab import Lab
from rig.leftovers import settled, traces
from rig.namespace import in_network_namespace

pytestmark = pytest.mark.weft_only("these are Weft's flags and texts")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


class Neighbour(Host):
    """The same host as another, but for a network namespace of its own."""

    def __init__(self, host: Host) -> None:
        self.__dict__ = host.__dict__
        host.run(["ip", "netns", "add", "second"])
        self.run(["ip", "link", "set", "lo", "up"])

    def command(self, arguments: Any) -> list[str]:
        """The argument list that runs `arguments` in the namespace."""
        return super().command(["nsenter", "--net=/run/netns/second", "--", *arguments])

    def within(self, work: Callable[[], Any]) -> Any:
        """Call `work` in a thread in the namespace."""
        return in_network_namespace(self.path("/run/netns/second"), work)


class Flagged(WeftEngine):
    """Weft with more flags."""

    flags: tuple[str | Path, ...] = ()

    def _command(self, config_file: Path) -> list[str | Path]:
        return [*super()._command(config_file), *self.flags]


@pytest.fixture(scope="module")
def pair(lab: Lab) -> Iterator[tuple[Engine, Engine]]:
    """Two daemons in one mount and process namespace, with a network namespace each."""
    with lab.host() as host:
        engines = WeftEngine(host, name="first"), WeftEngine(Neighbour(host), name="second")
        for engine in engines:
            engine.start()
        yield engines


def test_two_daemons(pair: tuple[Engine, Engine]) -> None:
    """The same names, ports and subnets twice; what happens to one does not touch the other."""
    first, second = pair
    for number, engine in enumerate(pair, 1):
        docker = Docker(engine)
        docker.out("network", "create", "--subnet", "10.80.0.0/24", "net")
        docker.out("volume", "create", "data")
        docker.out(
            "run", "-d", "--name", "web", "--hostname", f"web{number}", "--network", "net", "-p", "8080:80", *WEB
        )
        docker.out("run", "-d", "--name", "client", "--network", "net", "busybox", "top")
    for number, engine in enumerate(pair, 1):
        eventually(lambda engine=engine: engine.host.reaches("127.0.0.1", 8080))  # type: ignore[misc]
        assert engine.host.fetch("127.0.0.1", 8080) == f"web{number}\n".encode()
        assert Docker(engine).out("exec", "client", "wget", "-qO-", "http://web/") == f"web{number}"
        agree(engine)
    before = traces(second).links, traces(second).ruleset
    first.kill()
    first.start()
    first.host.run(["nft", "flush", "ruleset"])
    Docker(first).out("restart", "-t", "0", "web")
    agree(first)
    first.sweep()
    first.stop()
    assert (traces(second).links, traces(second).ruleset) == before
    assert Docker(second).out("exec", "client", "wget", "-qO-", "http://web/") == "web2"
    agree(second)
    second.sweep()
    first.start()


def test_the_socket_is_for_root_and_the_group(pair: tuple[Engine, Engine]) -> None:
    mode = pair[0].socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def refusal(engine: Engine) -> str:
    """What a daemon that must not start says; it has ended with a failure."""
    shown = engine.log.stat().st_size if engine.log.exists() else 0
    assert engine.launch().wait() in (1, 2)
    return engine.log.read_text()[shown:]


def test_one_daemon_a_pid_file_and_a_socket(pair: tuple[Engine, Engine]) -> None:
    first = pair[0]
    before = settled(first)
    for index, flags in enumerate((("-p", "/run/first.pid"), ("-H", first.url))):
        other = Flagged(first.host, name=f"other{index}")
        other.flags = flags
        told = refusal(other)
        assert re.search(r"process with PID \d+ is still running|is another daemon running\?", told), told
        assert not (other.data_root / "weft.db").exists()
    assert first.api.get("/_ping").body == b"OK"
    assert settled(first) == before


WRONG = [
    ({"nonsense": 1}, "nonsense"),
    ({"mtu": "large"}, "mtu"),
    ({"bip": "172.17.0.300/16"}, "bip"),
    ({"default-address-pools": [{"base": "10.0.0.0/8"}]}, "default-address-pools|size"),
    ({"dns": ["nobody"]}, "dns"),
    ({"labels": ["alone"]}, "alone"),
    ({"registry-mirrors": ["not a url"]}, "not a url|mirror"),
    ({"iptables": False}, "iptables"),
    ({"storage-driver": "zfs"}, "storage-driver"),
    ({"log-driver": "nonsense"}, "nonsense"),
    ({"hosts": ["tcp://0.0.0.0:2375"]}, "hosts"),
    ({"data-root": "/elsewhere"}, "data-root"),
]


@pytest.mark.parametrize(("config", "named"), WRONG, ids=[str(config) for config, _ in WRONG])
def test_a_wrong_file_is_refused_before_anything_starts(
    pair: tuple[Engine, Engine], config: dict[str, Any], named: str
) -> None:
    first = pair[0]
    before = traces(first)
    broken = WeftEngine(first.host, config, name="broken")
    told = refusal(broken)
    assert re.search(named, told), told
    assert "Traceback" not in told
    for made in (
        broken.data_root,
        broken.socket,
        first.host.path(broken.exec_root),
        first.host.path("/run/broken.pid"),
    ):
        assert not made.exists(), made
    assert traces(first) == before


def test_a_file_that_is_no_json(pair: tuple[Engine, Engine]) -> None:
    broken = Flagged(pair[0].host, name="broken")
    for text in ("{", "[]", '{"mtu": 1400} trailing', '{"mtu": 1400, "mtu": 1500'):
        path = broken.directory / "other.json"
        path.write_text(text)
        broken.flags = ("--config-file", path)
        told = refusal(broken)
        assert str(path) in told
        assert "Traceback" not in told


def test_reload(make_engine: MakeEngine) -> None:
    """SIGHUP takes over debug, labels and registries; a wrong file, or what needs a restart, changes nothing."""
    engine = make_engine({"labels": ["color=red"]})
    Docker(engine).out("run", "-d", "--name", "box", "busybox", "top")

    def shown() -> tuple[Any, ...]:
        info = engine.api.need("GET", "/info")
        return info["Debug"], info["Labels"], info["RegistryConfig"]["Mirrors"]

    assert shown() == (False, ["color=red"], ["http://127.0.0.1:5000/"])
    engine.config |= {
        "debug": True,
        "labels": ["color=blue"],
        "registry-mirrors": ["http://127.0.0.1:5001"],
        "mtu": 1400,
    }
    engine.reload()
    changed = (True, ["color=blue"], ["http://127.0.0.1:5001/"])
    eventually(lambda: shown() == changed)
    assert "mtu" in engine.log.read_text()
    good = dict(engine.config)
    for wrong in ({"nonsense": 1}, {"debug": "yes"}, {"labels": ["alone"]}):
        engine.config = {**good, "debug": False, **wrong}
        size = engine.log.stat().st_size
        engine.reload()
        eventually(lambda size=size: "not reloaded" in engine.log.read_text()[size:])  # type: ignore[misc]
        assert shown() == changed
    assert Docker(engine).lines("ps", "--format", "{{.Names}}") == ["box"]


def test_sigterm_leaves_everything_to_the_next(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker = Docker(engine)
    docker.out("run", "-d", "--name", "web", "--hostname", "web", "-p", "8080:80", *WEB)
    pid = docker.inspect("web")["State"]["Pid"]
    eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    engine.api.close()
    assert engine.daemon is not None
    assert engine.daemon.stop() == 0
    assert not engine.socket.exists()
    assert not engine.host.path("/run/engine.pid").exists()
    assert engine.host.fetch("127.0.0.1", 8080) == b"web\n"
    engine.start()
    assert docker.inspect("web")["State"]["Pid"] == pid
    agree(engine)
    docker.out("stop", "-t", "0", "web")
    assert docker.inspect("web")["State"]["ExitCode"] == 137


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ca.pem, and a certificate and key each of `server`, `client`, and `stranger` of another CA."""
    made = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=made, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for authority, members in (("ca", ("server", "client")), ("other", ("stranger",))):
        issuer = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key")
        openssl(
            "req", "-x509", *key, "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-subj", f"/CN={authority}"
        )
        for name in members:
            names = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
            subject = ("-subj", f"/CN={name}", "-keyout", f"{name}.key")
            openssl("req", *key, *subject, "-out", f"{name}.csr", *names)
            openssl("x509", "-req", "-in", f"{name}.csr", *issuer, "-copy_extensions", "copy", "-out", f"{name}.pem")
    return made


def test_tcp_is_for_loopback_alone() -> None:
    with Host() as host:
        engine = Flagged(host)
        for refused in ("tcp://0.0.0.0:2375", "tcp://[::]:2375", "0.0.0.0:2375"):
            engine.flags = ("-H", refused)
            assert "--tlsverify" in refusal(engine)
        engine.flags = ("-H", "tcp://127.0.0.1:2375", "-H", "tcp://[::1]:2375")
        engine.start()
        assert host.fetch("127.0.0.1", 2375, "/_ping") == b"OK"
        assert host.fetch("::1", 2375, "/_ping") == b"OK"


def test_tls_asks_for_a_certificate(certificates: Path) -> None:
    with Host() as host:
        engine = Flagged(host)
        files = (("--tlscacert", "ca.pem"), ("--tlscert", "server.pem"), ("--tlskey", "server.key"))
        given = [item for flag, name in files for item in (flag, certificates / name)]
        engine.flags = ("-H", "tcp://0.0.0.0:2376", "--tlsverify", *given)
        engine.start()
        assert _version(host, certificates, "client")["ApiVersion"]
        for stranger in ("", "stranger"):
            with pytest.raises(OSError):  # noqa: PT011 - an alert of TLS or a connection that is reset
                _version(host, certificates, stranger)
        with host.connect("127.0.0.1", 2376) as plain:
            plain.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            assert b"ApiVersion" not in plain.recv(4096)
        engine.stop()
        engine.flags = ("-H", "tcp://0.0.0.0:2376", "--tlsverify", *given[:-1], certificates / "none.key")
        assert "none.key" in refusal(engine)


def _version(host: Host, certificates: Path, who: str) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    if who:
        context.load_cert_chain(certificates / f"{who}.pem", certificates / f"{who}.key")
    with host.connect("127.0.0.1", 2376) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET /version HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        found: dict[str, Any] = json.loads(answer.read())
        return found
