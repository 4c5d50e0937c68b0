"""Containers and networks by the CLI and the API: one at a time, and many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import Bench, Samples, create, median, run, took
from rig.api import RawApi
from rig.docker import Docker
from rig.engine import Engine
from table import Row


def cli(bench: Bench) -> list[Row]:
    """`docker run --rm busybox true`."""
    samples = bench.interleave(15, lambda engine: took(lambda: Docker(engine).out("run", "--rm", "busybox", "true")))
    return [_row("docker run --rm busybox true, by the docker CLI", samples, 0.25)]


def start_stop(bench: Bench) -> list[Row]:
    """Start; then stop and rm of a program that heeds SIGTERM."""
    stops: Samples = {kind: [] for kind in bench.engines}

    def once(engine: Engine) -> float:
        body = {"Image": "busybox", "Cmd": ["top"], "HostConfig": {"NetworkMode": "bridge"}}
        engine.api.need("POST", "/containers/create?name=one", body)
        started = took(lambda: engine.api.need("POST", "/containers/one/start"))
        stops[engine.kind].append(took(lambda: _stop_and_remove(engine.api)))
        return started

    starts = bench.interleave(20, once)
    return [_row("API start, bridge", starts, 0.15), _row("API stop + rm", stops, 0.15)]


def _stop_and_remove(api: RawApi) -> None:
    api.need("POST", "/containers/one/stop?t=5")
    api.need("DELETE", "/containers/one")


def networks(bench: Bench) -> list[Row]:
    """create, connect a running container, disconnect it, rm."""
    steps = {
        "create": ("POST", "/networks/create", {"Name": "net"}, 0.2),
        "connect": ("POST", "/networks/net/connect", {"Container": "one"}, 0.3),
        "disconnect": ("POST", "/networks/net/disconnect", {"Container": "one"}, 0.3),
        "rm": ("DELETE", "/networks/net", None, 0.3),
    }
    for engine in bench.engines.values():
        run(engine.api, "one")
    samples: dict[str, Samples] = {name: {kind: [] for kind in bench.engines} for name in steps}

    def once(engine: Engine) -> float:
        for name, (method, path, body, _) in steps.items():
            samples[name][engine.kind].append(took(lambda m=method, p=path, b=body: _send(engine.api, m, p, b)))  # type: ignore[misc]
        return 0

    bench.interleave(12, once)
    for engine in bench.engines.values():
        engine.sweep()
    return [_row(f"network {name}, API", samples[name], step[3]) for name, step in steps.items()]


def _send(api: RawApi, method: str, path: str, body: Any) -> None:
    if body is None:
        api.need(method, path)
    else:
        api.need(method, path, body)


def fifty(bench: Bench) -> list[Row]:
    """Fifty containers created and started, one by one and eight at a time."""

    def serial(engine: Engine) -> float:
        lasted = took(lambda: [run(engine.api, f"box{number}") for number in range(50)])
        engine.sweep()
        return lasted

    def eight(engine: Engine) -> float:
        with ThreadPoolExecutor(8) as pool:
            apis = [RawApi(engine.socket) for _ in range(8)]

            def share(lane: int) -> None:
                for number in range(lane, 50, 8):
                    run(apis[lane], f"box{number}")

            lasted = took(lambda: list(pool.map(share, range(8))))
        for api in apis:
            api.close()
        engine.sweep()
        return lasted

    return [
        _row("50 containers, one by one", bench.interleave(3, serial), 0.15),
        _row("50 containers, 8 at a time", bench.interleave(3, eight), 0.15),
    ]


def ports(bench: Bench) -> list[Row]:
    """Start and rm with 100 published ports, beside Weft's own start with none."""
    removals: Samples = {kind: [] for kind in bench.engines}
    plain: Samples = {kind: [] for kind in bench.engines}

    def once(engine: Engine) -> float:
        api = engine.api
        create(api, "plain")
        plain[engine.kind].append(took(lambda: api.need("POST", "/containers/plain/start")))
        api.need("DELETE", "/containers/plain?force=1")
        create(api, "many", ports=range(20000, 20100))
        started = took(lambda: api.need("POST", "/containers/many/start"))
        removals[engine.kind].append(took(lambda: api.need("DELETE", "/containers/many?force=1")))
        return started

    starts = bench.interleave(5, once)
    own = median(starts, "weft")
    return [
        _row("start with 100 published ports", starts, 0.03),
        _row("rm -f of it", removals, 0.01),
        Row("the same start / Weft's own start with none", None, own, "ms", 1.3, against=median(plain, "weft")),
    ]


def many_ports(bench: Bench) -> list[Row]:
    """470 containers of 32 ports each, Weft alone: the last ten starts beside the first ten."""
    if "weft" not in bench.engines:
        return []
    engine = bench.engines["weft"]
    engine.api.need("POST", "/networks/create", {"Name": "wide", "IPAM": {"Config": [{"Subnet": "10.60.0.0/16"}]}})
    starts = []
    for number in range(470):
        first = 10000 + 32 * number
        create(engine.api, f"box{number}", network="wide", ports=range(first, first + 32))
        starts.append(took(lambda n=number: engine.api.need("POST", f"/containers/box{n}/start")))  # type: ignore[misc]
    engine.sweep()
    first, last = median({"weft": starts[1:21]}, "weft"), median({"weft": starts[-20:]}, "weft")
    return [Row("470 containers x 32 ports: last start / first", None, last, "ms", 1.3, against=first)]


def _row(operation: str, samples: Samples, target: float) -> Row:
    return Row(operation, median(samples, "docker"), median(samples, "weft"), "ms", target)
