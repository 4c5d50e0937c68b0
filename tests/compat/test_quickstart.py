"""`scripts/quickstart` in a throw-away host, and its removal."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from rig.docker import Docker
from rig.engine import WeftEngine
from rig.host import Host

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.weft_only("it is Weft's own"),
    pytest.mark.skipif(
        not (CHECKOUT / ".venv" / ".weft-setup").exists(),
        reason="scripts/setup --test has not been run in this checkout, and a throw-away host cannot fetch packages",
    ),
]


def script(host: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with everything it keeps inside the host's own directory."""
    settings = [
        f"WEFT_SOCKET={host.directory}/engine/api.sock",
        f"WEFT_DATA_ROOT={host.directory}/engine/data",
        "WEFT_EXEC_ROOT=/run/engine",
        f"HOME={host.directory}",
    ]
    return host.run(["env", *settings, CHECKOUT / "scripts" / "quickstart", *arguments], timeout=240)


def test_quickstart_and_removal() -> None:
    with Host("quickstart") as host:
        before = host.output("ip", "-o", "link").count("\n"), host.output("nft", "list", "ruleset")
        engine = WeftEngine(host)  # for its paths and the CLI; the script starts the daemon
        shown = script(host).stdout
        assert "my-net" in shown
        assert len(re.findall(r"2 packets transmitted, 2 packets received, 0% packet loss", shown)) == 2
        assert "Hello from a container on my-net." in shown
        assert "docker -H unix://" in shown
        assert "--remove" in shown
        docker = Docker(engine)
        assert set(docker.lines("ps", "--format", "{{.Names}}")) == {"web", "client"}
        assert b"Hello from a container" in host.fetch("127.0.0.1", 8080)
        assert script(host).returncode == 0, "a second run must work too"
        script(host, "--remove")
        assert list(host.processes().values()) == [["catatonit", "-P"]]
        assert (host.output("ip", "-o", "link").count("\n"), host.output("nft", "list", "ruleset")) == before
        assert not engine.data_root.exists()
