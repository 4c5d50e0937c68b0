"""Short TCP connections a second: to a neighbour, to the last of many published ports, through 127.0.0.1."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness import containers
from harness.bench import BOTH, Bench
from harness.programs import output_within
from harness.row import Row, Target
from harness.turns import Figures, take_turns
from rig.api import RawApi
from rig.engine import Engine

_SAME, _LAST, _LOCAL = "connects, same bridge", "connects to the last of 1,000 ports", "connects to 127.0.0.1"
_MANY = "connects to the last of 10,000 ports"
_TARGETS = {_SAME: Target(1.5, least=True), _LAST: Target(3.5, least=True), _LOCAL: Target(4, least=True)}
_FIRST, _SERVED, _INNER = 10_000, 30_000, 7000
_A_CONTAINER = 999  # ports at most that one container publishes here
_CLIENTS = 2  # processes that connect
_PATIENCE = 600  # seconds that an engine may take to publish them


def measure(bench: Bench) -> list[Row]:
    """Rows: beside dockerd, and Weft with 10,000 ports beside Weft with 10."""
    with bench.engines(*BOTH) as engines:
        servers = {engine: _serve(bench, engine, 1000) for engine in engines}
        clients = {engine: containers.run(engine.api) for engine in engines}
        weft, docker = take_turns(engines, bench.heavy(6), partial(_figures, bench, servers, clients))
    rows = [Row(name, "/s", weft[name], docker[name], target) for name, target in _TARGETS.items()]
    return [*rows, _many_beside_few(bench)]


def _many_beside_few(bench: Bench) -> Row:
    with bench.engines("weft", "weft") as engines:
        servers = {engine: _serve(bench, engine, ports) for engine, ports in zip(engines, (10_000, 10), strict=True)}
        work = partial(_published_only, bench, servers)
        many, few = take_turns(engines, bench.heavy(4), work)
    return Row(_MANY, "/s", many[_MANY], few[_MANY], Target(0.9, least=True), own="of 10")


def _serve(bench: Bench, engine: Engine, ports: int) -> str:
    """Publish ports of containers that do nothing, then the last one of a server; return the server's id."""
    left = range(_FIRST, _FIRST + ports - 1)
    with RawApi(engine.socket, timeout=_PATIENCE) as api:
        for lowest in range(left.start, left.stop, _A_CONTAINER):
            share = range(lowest, min(lowest + _A_CONTAINER, left.stop))
            containers.run(api, PortBindings=containers.published({port: port for port in share}))
    program = bench.programs.compiled("connects")
    return containers.run(
        engine.api,
        ("/connects", "serve", str(_INNER)),
        Binds=[f"{program}:/connects:ro"],
        PortBindings=containers.published({_SERVED: _INNER}),
    )


def _connect(bench: Bench, namespace: Path, address: str, port: int) -> float:
    seen = output_within(
        namespace, [bench.programs.compiled("connects"), "run", address, port, bench.seconds, _CLIENTS]
    )
    if seen["failed"] > max(_CLIENTS, seen["rate"] / 1000):
        raise RuntimeError(f"connections to {address} port {port} in {namespace} fail: {seen}")
    return float(seen["rate"])


def _to_port(bench: Bench, engine: Engine, server: str) -> float:
    host = containers.gateway(engine.api, server)
    return _connect(bench, containers.host_namespace(engine), host, _SERVED)


def _published_only(bench: Bench, servers: dict[Engine, str], engine: Engine) -> Figures:
    return {_MANY: _to_port(bench, engine, servers[engine])}


def _figures(bench: Bench, servers: dict[Engine, str], clients: dict[Engine, str], engine: Engine) -> Figures:
    neighbour = containers.address(engine.api, servers[engine])
    return {
        _SAME: _connect(bench, containers.namespace(engine, clients[engine]), neighbour, _INNER),
        _LAST: _to_port(bench, engine, servers[engine]),
        _LOCAL: _connect(bench, containers.host_namespace(engine), "127.0.0.1", _SERVED),
    }
