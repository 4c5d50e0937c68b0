"""TCP throughput of one stream: between neighbours, from the host to a published port, through 127.0.0.1."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

from harness import containers
from harness.bench import BOTH, Bench
from harness.programs import command_within, output_within
from harness.row import Row, Target
from harness.turns import Figures, take_turns
from rig.engine import Engine

_SAME, _PORT, _LOCAL = "throughput, same bridge", "throughput, host to port", "throughput, 127.0.0.1"
_TARGETS = {_SAME: Target(1.0, least=True), _PORT: Target(1.0, least=True), _LOCAL: Target(1.2, least=True)}
_OUTER, _INNER = 30_000, 5201


def measure(bench: Bench) -> list[Row]:
    """Rows: three paths, in Gbit/s of payload."""
    with bench.engines(*BOTH) as engines:
        ends = {engine: _ends(engine) for engine in engines}
        weft, docker = take_turns(engines, bench.heavy(6), partial(_figures, bench, ends))
    return [Row(name, "Gbit/s", weft[name], docker[name], target) for name, target in _TARGETS.items()]


def _ends(engine: Engine) -> tuple[str, str]:
    server = containers.run(engine.api, PortBindings=containers.published({_OUTER: _INNER}))
    return server, containers.run(engine.api)


def _figures(bench: Bench, ends: dict[Engine, tuple[str, str]], engine: Engine) -> Figures:
    server, client = ends[engine]
    serving, host = containers.namespace(engine, server), containers.host_namespace(engine)
    neighbour = containers.address(engine.api, server)
    return {
        _SAME: _stream(bench, serving, containers.namespace(engine, client), neighbour, _INNER),
        _PORT: _stream(bench, serving, host, containers.gateway(engine.api, server), _OUTER),
        _LOCAL: _stream(bench, serving, host, "127.0.0.1", _OUTER),
    }


def _stream(bench: Bench, serving: Path, asking: Path, address: str, port: int) -> float:
    """Gbit/s that a server in one namespace receives from a client in another."""
    command = command_within(serving, ["iperf3", "-4", "-s", "-1", "-p", _INNER])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        seconds = max(1, round(bench.seconds))  # 0 would be for ever
        try:
            _wait_until_listening(server.pid)
            seen = output_within(asking, ["iperf3", "-J", "-c", address, "-p", port, "-t", seconds])
            server.wait(10)
        finally:
            server.kill()
    return float(seen["end"]["sum_received"]["bits_per_second"]) / 1e9


def _wait_until_listening(pid: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        # Local address, remote address, state; 0A is LISTEN (proc_net_tcp in the kernel's documentation).
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{_INNER:04X}") and fields[3] == "0A":
                return
        time.sleep(0.01)
    raise RuntimeError("iperf3 does not listen")
