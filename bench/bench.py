"""What every section needs: the engines side by side, interleaved measurement, programs in containers' namespaces."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rig.api import RawApi
from rig.engine import ENGINES, Engine, Kind
from rig.host import Host
from rig.image import BUSYBOX_CONFIG, busybox_layer, write_archive
from rig.process import Daemon

Samples = dict[Kind, list[float]]


class Bench:
    """The engines to compare, each alone in a throw-away host, with the same `busybox` image."""

    def __init__(self, kinds: Sequence[Kind], tools: Path) -> None:
        self.load = tools / "load"
        source = Path(__file__).with_name("load.c")
        subprocess.run(["gcc", "-O2", "-Wall", "-o", self.load, source], check=True)
        self.archive = tools / "busybox.tar"
        write_archive(self.archive, ["busybox:latest"], [busybox_layer()], BUSYBOX_CONFIG)
        self.engines: dict[Kind, Engine] = {kind: self.engine(kind) for kind in kinds}

    def engine(self, kind: Kind) -> Engine:
        """A new engine in a host of its own, started."""
        host = Host(f"bench-{kind}")
        # Closed connections leave the table at once; otherwise it would fill within seconds.
        host.sysctl(net__netfilter__nf_conntrack_tcp_timeout_close=1)
        engine = ENGINES[kind](host)
        engine.start()
        engine.load(self.archive)
        return engine

    def interleave(self, rounds: int, measure: Callable[[Engine], float]) -> Samples:
        """`measure` on each engine in turn, `rounds` times after one that does not count."""
        samples: Samples = {kind: [] for kind in self.engines}
        for number in range(rounds + 1):
            for kind, engine in self.engines.items():
                value = measure(engine)
                if number:
                    samples[kind].append(value)
        return samples

    def renew(self) -> None:
        """New engines in new hosts, where taking apart what was made would take longer."""
        kinds = list(self.engines)
        self.close()
        self.engines = {kind: self.engine(kind) for kind in kinds}

    def close(self) -> None:
        """End the engines and their hosts."""
        for engine in self.engines.values():
            engine.host.close()


def median(samples: Samples, kind: Kind) -> float | None:
    """The median of one engine's samples, None where it did not take part."""
    return statistics.median(samples[kind]) if samples.get(kind) else None


@contextmanager
def stopwatch(into: list[float]) -> Iterator[None]:
    """Append the milliseconds that the block took."""
    began = time.perf_counter()
    yield
    into.append((time.perf_counter() - began) * 1000)


def took(work: Callable[[], object]) -> float:
    """The milliseconds that `work` took."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def create(api: RawApi, name: str, *, network: str = "bridge", ports: Sequence[int] = ()) -> str:
    """A container of `sleep` that publishes `ports` under the same numbers; returns its id."""
    body = {
        "Image": "busybox",
        "Cmd": ["sleep", "100000"],
        "ExposedPorts": {f"{port}/tcp": {} for port in ports},
        "HostConfig": {
            "NetworkMode": network,
            "PortBindings": {f"{port}/tcp": [{"HostPort": str(port)}] for port in ports},
        },
    }
    identity: str = api.need("POST", f"/containers/create?name={name}", body)["Id"]
    return identity


def run(api: RawApi, name: str, *, network: str = "bridge", ports: Sequence[int] = ()) -> str:
    """The same, started."""
    identity = create(api, name, network=network, ports=ports)
    api.need("POST", f"/containers/{name}/start")
    return identity


def inside(engine: Engine, container: str, program: Sequence[str | Path]) -> list[str | Path]:
    """The argument list that runs one of this machine's programs in a container's network, for `host.run`."""
    pid = engine.api.need("GET", f"/containers/{container}/json")["State"]["Pid"]
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *program]


def address(engine: Engine, container: str, network: str = "bridge") -> str:
    """A container's IPv4 address."""
    found = engine.api.need("GET", f"/containers/{container}/json")["NetworkSettings"]["Networks"][network]
    return str(found["IPAddress"])


@contextmanager
def serving(engine: Engine, command: Sequence[str | Path], ready: str) -> Iterator[Daemon]:
    """A server for the length of the block, from the moment it has printed `ready`."""
    log = engine.directory / f"server-{time.monotonic_ns()}.log"
    daemon = engine.host.start(command, log=log)
    while ready not in log.read_text():
        if not daemon.running:
            raise RuntimeError(f"{command} ended: {log.read_text()}")
        time.sleep(0.01)
    try:
        yield daemon
    finally:
        daemon.kill()
