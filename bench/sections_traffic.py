"""Names, connections and throughput, and what the daemons weigh."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread

from bench import Bench, Samples, address, inside, median, run, serving
from rig.api import RawApi
from rig.engine import Engine
from table import Row


def _row(operation: str, samples: Samples, unit: str, target: float, *, at_least: bool = True) -> Row:
    return Row(operation, median(samples, "docker"), median(samples, "weft"), unit, target, at_least)


def names(bench: Bench) -> list[Row]:
    """Answers a second by dnsperf with 1, 8 and 32 outstanding; the 99th percentile at 32; beside restarts."""
    for engine in bench.engines.values():
        engine.api.need("POST", "/networks/create", {"Name": "net"})
        for name in ("client", "server"):
            run(engine.api, name, network="net")
        (engine.directory / "queries").write_text("server A\n")
    rows = []
    for outstanding, target in ((1, 1.0), (8, 2.0), (32, 2.2)):
        samples = bench.interleave(3, lambda engine, q=outstanding: _answers(engine, q))  # type: ignore[misc]
        rows.append(_row(f"DNS answers/s, {outstanding} outstanding", samples, "/s", target))
    late = bench.interleave(3, lambda engine: _percentile(bench, engine))
    rows.append(_row("DNS 99th percentile, 32 outstanding", late, "us", 0.3, at_least=False))
    if "weft" in bench.engines:
        engine = bench.engines["weft"]
        idle = [_answers(engine, 32) for _ in range(3)]
        with _Bustle(engine):
            busy = [_answers(engine, 32) for _ in range(3)]
        own = median({"weft": idle}, "weft")
        operation = "DNS answers/s while 8 containers a second start and stop / Weft's own idle"
        rows.append(Row(operation, None, median({"weft": busy}, "weft"), "/s", 0.7, True, own))
    for engine in bench.engines.values():
        engine.sweep()
    return rows


def _answers(engine: Engine, outstanding: int) -> float:
    program = ["dnsperf", "-s", "127.0.0.11", "-d", engine.directory / "queries", "-q", str(outstanding), "-l", "2"]
    shown = engine.host.output(*inside(engine, "client", program))
    found = re.search(r"Queries per second:\s+([\d.]+)", shown)
    lost = re.search(r"Queries lost:\s+(\d+)", shown)
    assert found is not None, shown
    assert lost is not None, shown
    return float(found[1])


def _percentile(bench: Bench, engine: Engine) -> float:
    program = [bench.load, "dns", "127.0.0.11", "server", "32", "2"]
    return float(engine.host.output(*inside(engine, "client", program)).split()[2])


class _Bustle:
    """Eight containers a second start and stop while the block lasts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._over = Event()
        self._thread = Thread(target=self._work)

    def _work(self) -> None:
        with RawApi(self._engine.socket) as api:
            due, number = time.monotonic(), 0
            while not self._over.is_set():
                run(api, f"busy{number}", network="net")
                api.need("DELETE", f"/containers/busy{number}?force=1")
                number, due = number + 1, due + 1 / 8
                self._over.wait(max(0.0, due - time.monotonic()))

    def __enter__(self) -> _Bustle:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


FIRST_PORT = 10000


def connects(bench: Bench) -> list[Row]:
    """Connections a second, each with an octet back: same bridge, last of 1,000 ports, 127.0.0.1, and 10,000 ports."""
    for engine in bench.engines.values():
        _furnish(engine, 1000)
    rows = [
        _row("connects/s, same bridge", bench.interleave(3, lambda e: _same_bridge(bench, e)), "/s", 1.5),
        _row("connects/s, last of 1,000 ports", bench.interleave(3, lambda e: _published(bench, e, 1000)), "/s", 3.5),
        _row("connects/s, 127.0.0.1", bench.interleave(3, lambda e: _loopback(bench, e)), "/s", 4.0),
    ]
    if "weft" in bench.engines:
        engine = bench.engines["weft"]
        few: Samples = {"weft": []}
        many: Samples = {"weft": []}
        # Turn about, so that a slow spell of the machine meets both.
        for _ in range(3):
            for count, into in ((10, few), (10_000, many)):
                engine.sweep()
                _furnish(engine, count)
                into["weft"].append(_published(bench, engine, count))
        operation = "connects/s, last of 10,000 ports / of 10"
        rows.append(Row(operation, None, median(many, "weft"), "/s", 0.9, True, median(few, "weft")))
    bench.renew()
    return rows


def _furnish(engine: Engine, ports: int) -> None:
    run(engine.api, "server", ports=range(FIRST_PORT, FIRST_PORT + ports))
    run(engine.api, "client")


def _same_bridge(bench: Bench, engine: Engine) -> float:
    target = address(engine, "server")
    with serving(engine, inside(engine, "server", [bench.load, "serve", "0.0.0.0", "9000"]), "ready"):
        program = inside(engine, "client", [bench.load, "connect", target, "9000", "32", "2"])
        return float(engine.host.output(*program).split()[0])


def _gateway(engine: Engine) -> str:
    """The host's address on the default bridge."""
    return str(engine.api.need("GET", "/containers/server/json")["NetworkSettings"]["Gateway"])


def _published(bench: Bench, engine: Engine, ports: int) -> float:
    return _to_port(bench, engine, _gateway(engine), FIRST_PORT + ports - 1)


def _loopback(bench: Bench, engine: Engine) -> float:
    return _to_port(bench, engine, "127.0.0.1", FIRST_PORT)


def _to_port(bench: Bench, engine: Engine, target: str, port: int) -> float:
    """From the host to a published port."""
    with serving(engine, inside(engine, "server", [bench.load, "serve", "0.0.0.0", str(port)]), "ready"):
        return float(engine.host.output(bench.load, "connect", target, str(port), "32", "2").split()[0])


def throughput(bench: Bench) -> list[Row]:
    """Gbit/s of one TCP stream by iperf3."""
    for engine in bench.engines.values():
        _furnish(engine, 1)

    def measure(engine: Engine, way: str) -> float:
        port = str(FIRST_PORT)
        target = {"bridge": address(engine, "server"), "port": _gateway(engine), "loopback": "127.0.0.1"}[way]
        program: list[str | Path] = ["iperf3", "-c", target, "-p", port, "-t", "2", "-J"]
        if way == "bridge":
            program = inside(engine, "client", program)
        with serving(engine, inside(engine, "server", ["iperf3", "-s", "-p", port, "--forceflush"]), "listening"):
            shown = json.loads(engine.host.output(*program))
        return float(shown["end"]["sum_received"]["bits_per_second"]) / 1e9

    rows = []
    for way, name, target in (
        ("bridge", "same bridge", 1.0),
        ("port", "host to port", 1.0),
        ("loopback", "127.0.0.1", 1.2),
    ):
        samples = bench.interleave(3, lambda engine, w=way: measure(engine, w))  # type: ignore[misc]
        rows.append(_row(f"Gbit/s, {name}", samples, "Gbit/s", target))
    for engine in bench.engines.values():
        engine.sweep()
    return rows


_SUPERVISORS = {"docker": "containerd-shim", "weft": "conmon"}


def memory(bench: Bench) -> list[Row]:
    """PSS of freshly started daemons, and of what supervises each of twenty containers."""
    bench.renew()
    time.sleep(2)
    idle: Samples = {
        kind: [_weight(engine.host.processes(), ("dockerd", "containerd", "weft"))]
        for kind, engine in bench.engines.items()
    }
    supervisors: Samples = {}
    for kind, engine in bench.engines.items():
        for number in range(20):
            run(engine.api, f"box{number}")
        supervisors[kind] = [_weight(engine.host.processes(), (_SUPERVISORS[kind],)) / 20]
        engine.sweep()
    return [
        _row("memory of daemon and DNS process, idle, PSS", idle, "MiB", 0.75, at_least=False),
        _row("memory of the supervisor of a container, PSS", supervisors, "MiB", 0.25, at_least=False),
    ]


def _weight(processes: dict[int, list[str]], programs: Iterable[str]) -> float:
    """MiB of proportional set size (proc_pid_smaps(5)) of the processes whose program or script is one of these."""
    kibibytes = 0
    for pid, line in processes.items():
        words = [Path(word).name for word in line[:1]] + [word for word in line[1:5] if "weft" in word]
        if any(word.startswith(name) or name == "weft" and "weft" in word for word in words for name in programs):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kibibytes += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
    return kibibytes / 1024
