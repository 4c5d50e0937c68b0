"""scripts/quickstart as a user runs it, on a host of its own without an uplink: what it shows, and what it leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.eventually import eventually
from rig.host import Host

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = "<p>Hello from a container on my-net.</p>"


@pytest.fixture
def fresh() -> Iterator[Host]:
    if not (CHECKOUT / ".venv" / ".weft-setup").exists():
        pytest.skip("scripts/setup --test has not been run in this checkout, and this host has no uplink to run it now")
    with Host("fresh") as host:
        yield host


def _script(host: Host, *arguments: str) -> str:
    variables = [f"WEFT_DATA_ROOT={host.directory}/weft", "WEFT_PORT=8090"]
    return host.run(["env", *variables, CHECKOUT / "scripts" / "quickstart", *arguments], timeout=180).stdout


def _state(host: Host) -> dict[str, str]:
    return {
        "links": host.output("ip", "-o", "link"),
        "rules": host.output("nft", "list", "ruleset"),
        "mounts": host.output("cat", "/proc/mounts"),
        "run": host.output("ls", "-A", "/run"),
        "directory": host.output("ls", "-A", host.directory),
        "sysctls": host.output(
            "sysctl",
            "--ignore",
            "net.ipv4.ip_forward",
            "net.ipv6.conf.all.forwarding",
            "net.bridge.bridge-nf-call-iptables",
            "net.bridge.bridge-nf-call-ip6tables",
        ),
    }


def test_quickstart_and_remove(fresh):
    before = _state(fresh)
    shown = _script(fresh)
    assert "weft exec client ping -c 2 web" in shown
    assert shown.count("2 packets received, 0% packet loss") == 2
    assert shown.count(f"\n{PAGE}\n") == 1
    assert '"Name": "my-net"' in shown
    assert "docker -H unix:///run/weft.sock ps" in shown
    # weftd stays, and so does what it runs
    assert PAGE in fresh.fetch("127.0.0.1", 8090).decode()
    # a second run finds the daemon and starts over
    assert "A daemon already answers at /run/weft.sock" in _script(fresh)

    removed = _script(fresh, "--remove")
    assert "Removing 2 containers" in removed
    assert _state(fresh) == before
    assert not [line for line in fresh.processes().values() if any("weft" in word for word in line)]


def test_remove_takes_down_what_runs_without_a_daemon(fresh):
    before = _state(fresh)
    _script(fresh)
    fresh.run(["sh", "-c", "kill -9 $(cat /run/weft/weft.pid)"])
    assert PAGE in fresh.fetch("127.0.0.1", 8090).decode()
    _script(fresh, "--remove")
    assert _state(fresh) == before


def test_a_daemon_that_somebody_else_started_stays(fresh):
    command = [CHECKOUT / ".venv/bin/weftd", "--data-root", f"{fresh.directory}/other", "-p", f"{fresh.directory}/pid"]
    fresh.start(command, log=fresh.directory / "weftd.log")
    eventually(lambda: fresh.run(["test", "-S", "/run/weft.sock"], check=False).returncode == 0)
    shown = _script(fresh)
    assert "A daemon already answers at /run/weft.sock" in shown
    assert "weft rm -f web client && weft network rm my-net" in shown
    assert "--remove" not in shown
    refused = fresh.run([CHECKOUT / "scripts/quickstart", "--remove"], check=False)
    assert refused.returncode == 1
    assert "was not started by scripts/quickstart: stop it first" in refused.stderr
    assert PAGE in fresh.fetch("127.0.0.1", 8090).decode()


def test_unknown_arguments_are_refused(fresh):
    for script in ("quickstart", "setup"):
        done = fresh.run([CHECKOUT / "scripts" / script, "--nope"], check=False)
        assert done.returncode == 2
        assert "unknown argument --nope" in done.stderr
