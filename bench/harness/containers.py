"""Containers of one engine, through its API."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Any

from rig.api import RawApi
from rig.engine import Engine

SLEEP = ("sleep", "100000")
# Process 1 gets no signal that it has no handler for.
ENDS_ON_TERM = ("sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")


def create(api: RawApi, command: Sequence[str] = SLEEP, *, network: str = "", name: str = "", **host: Any) -> str:
    """Create a container of the busybox image and return its id; `host` are fields of HostConfig."""
    body: dict[str, Any] = {"Image": "busybox", "Cmd": list(command), "HostConfig": dict(host)}
    if network:
        body["HostConfig"]["NetworkMode"] = network
    if ports := host.get("PortBindings"):
        body["ExposedPorts"] = {port: {} for port in ports}
    made = api.need("POST", f"/containers/create?name={name}" if name else "/containers/create", body)
    return str(made["Id"])


def start(api: RawApi, container: str) -> None:
    """Start it."""
    api.need("POST", f"/containers/{container}/start")


def run(api: RawApi, command: Sequence[str] = SLEEP, **options: Any) -> str:
    """Create and start a container and return its id."""
    container = create(api, command, **options)
    start(api, container)
    return container


def stop(api: RawApi, container: str) -> None:
    """Stop it with the signal and the patience of its own."""
    api.need("POST", f"/containers/{container}/stop")


def remove(api: RawApi, container: str) -> None:
    """`docker rm -f`."""
    api.need("DELETE", f"/containers/{container}?force=1&v=1")


def published(ports: Mapping[int, int]) -> dict[str, list[dict[str, str]]]:
    """The value of PortBindings that publishes TCP ports, host's -> container's."""
    return {f"{inner}/tcp": [{"HostPort": str(outer)}] for outer, inner in ports.items()}


def inspect(api: RawApi, container: str) -> Any:
    """What the engine knows of it."""
    return api.need("GET", f"/containers/{container}/json")


def address(api: RawApi, container: str) -> str:
    """Its IPv4 address on its only network."""
    return str(_endpoint(api, container)["IPAddress"])


def gateway(api: RawApi, container: str) -> str:
    """The IPv4 address that the host has on its only network."""
    return str(_endpoint(api, container)["Gateway"])


def _endpoint(api: RawApi, container: str) -> Any:
    (endpoint,) = inspect(api, container)["NetworkSettings"]["Networks"].values()
    return endpoint


def process(engine: Engine, container: str) -> Path:
    """The /proc directory of its first process."""
    # The engine counts process ids as its host does.
    return engine.host.path(f"/proc/{inspect(engine.api, container)['State']['Pid']}")


def namespace(engine: Engine, container: str) -> Path:
    """Its network namespace."""
    return process(engine, container) / "ns" / "net"


def host_namespace(engine: Engine) -> Path:
    """The network namespace of the engine's host."""
    return engine.host.path("/proc/1/ns/net")


def wait_for_handler(engine: Engine, container: str) -> None:
    """Wait until the container's first process handles SIGTERM."""
    status = process(engine, container) / "status"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        (caught,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        if int(caught, 16) >> (SIGTERM - 1) & 1:
            return
        time.sleep(0.001)
    raise RuntimeError(f"{container} does not handle SIGTERM")
