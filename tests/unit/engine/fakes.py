"""The engine's surroundings in memory: they keep state and refuse illegal steps."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from weft.daemon.engine import Engine
from weft.daemon.services import Edges
from weft.drivers.registry import built_in
from weft.engine.contract.container_files import ChangeKind, Extraction, FileChange, PathStat
from weft.engine.contract.images import Commit, Deletion, InUse
from weft.engine.contract.kernel import Facts, ForeignListing, Link, Listener, SandboxSockets
from weft.engine.contract.leases import Lease, LeaseRequest
from weft.engine.contract.names import SandboxView
from weft.engine.contract.records import Change, Delete, Put, Record
from weft.engine.contract.relay import RelayedPort
from weft.engine.contract.remote import RemoteDriver, RemoteIpam, Remotes
from weft.engine.contract.runtime import Bundle, ExecSpec, Exit, LogLine, LogQuery, RuntimeInfo
from weft.engine.contract.usage import InterfaceCounters, Usage
from weft.engine.settings import Settings
from weft.model.address import Address
from weft.model.container import ContainerRecord, Resources
from weft.model.errors import Conflict, InvalidParameter, NotFound, SystemFailure
from weft.model.image import ImageConfig, ImageRecord
from weft.model.volume import VolumeRecord
from weft.plan.operations import (
    AddElements,
    CreateBridge,
    CreateSandbox,
    CreateVeth,
    DeleteElements,
    DeleteLink,
    DeleteSandbox,
    LoadTable,
    Operation,
)
from weft.plan.plan import Plan

BUSYBOX = ImageRecord(
    id="sha256:" + "b" * 64,
    created="2026-01-01T00:00:00Z",
    architecture="amd64",
    config=ImageConfig(cmd=("sh",), env=("PATH=/bin",)),
    layers=("sha256:" + "1" * 64,),
    tags=("busybox:latest",),
)


class FakeKernel:
    """Links, sandboxes and set elements; `fail_on` names an operation's type that fails once."""

    def __init__(self) -> None:
        self.bridges: dict[str, str] = {}
        self.veths: dict[str, CreateVeth] = {}
        self.sandboxes: set[str] = set()
        self.elements: dict[str, set[Any]] = defaultdict(set)
        self.loads = 0
        self.fail_on = ""
        self.makes_bridges = asyncio.Event()  # plans that make one wait for it
        self.makes_bridges.set()
        self.occupied: frozenset[Listener] = frozenset()
        self.foreign = ForeignListing()
        self.neighbours = 0  # of which the limit is not shown
        self.changes_of_others: asyncio.Queue[None] = asyncio.Queue()
        self.flushes: asyncio.Queue[str] = asyncio.Queue()

    async def apply(self, plan: Plan) -> None:
        if any(isinstance(operation, CreateBridge) for operation in plan):
            await self.makes_bridges.wait()
        done: list[Operation] = []
        try:
            for operation in plan:
                if type(operation).__name__ == self.fail_on:
                    self.fail_on = ""
                    raise SystemFailure(f"{type(operation).__name__}: refused")
                self._perform(operation)
                done.append(operation)
        except BaseException:
            await self.teardown(Plan(tuple(done)).inverse)
            raise

    async def teardown(self, plan: Plan) -> None:
        for operation in plan:
            self._perform(operation)

    def _perform(self, operation: Operation) -> None:
        match operation:
            case CreateSandbox(sandbox):
                assert sandbox not in self.sandboxes, f"sandbox {sandbox} is there already"
                self.sandboxes.add(sandbox)
            case DeleteSandbox(sandbox):
                self.sandboxes.discard(sandbox)
                self.veths = {name: veth for name, veth in self.veths.items() if veth.sandbox != sandbox}
            case CreateBridge(name):
                assert name not in self.bridges, f"bridge {name} is there already"
                self.bridges[name] = operation.alias
            case CreateVeth():
                assert operation.bridge in self.bridges, f"no bridge {operation.bridge}"
                assert operation.sandbox in self.sandboxes, f"no sandbox {operation.sandbox}"
                self.veths[operation.name] = operation
            case DeleteLink(name):
                self.veths.pop(name, None)
                self.bridges.pop(name, None)
            case AddElements(_, name, elements):
                self.elements[name] |= set(elements)
            case DeleteElements(_, name, elements):
                self.elements[name] -= set(elements)
            case LoadTable():
                self.loads += 1

    async def facts(self) -> Facts:
        return Facts(
            links=tuple(Link(1, name, "bridge", "", 1500, True, alias) for name, alias in self.bridges.items()),
            routes=(),
            default_mtu=1500,
            sandboxes=frozenset(self.sandboxes),
            tables=frozenset(),
        )

    async def listeners(self) -> frozenset[Listener]:
        return self.occupied

    def ephemeral_ports(self) -> range:
        return range(32768, 32778)

    def make_room_for_neighbours(self) -> int:
        return self.neighbours

    async def open_dns_sockets(self, sandbox: str) -> SandboxSockets:
        assert sandbox in self.sandboxes
        return SandboxSockets(0, 0, 1053, 1053)

    async def counters(self, sandbox: str) -> Mapping[str, InterfaceCounters]:
        assert sandbox in self.sandboxes
        zero = InterfaceCounters(
            rx_bytes=7,
            rx_packets=1,
            rx_errors=0,
            rx_dropped=0,
            tx_bytes=0,
            tx_packets=0,
            tx_errors=0,
            tx_dropped=0,
        )
        return {"lo": zero, "eth0": zero, "its-own": zero}

    def is_local(self, address: Address) -> bool:
        return str(address) != "203.0.113.99"

    def sandbox_path(self, sandbox: str) -> str:
        return f"/netns/{sandbox}"

    async def addresses_changed(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def foreign_rules(self) -> ForeignListing:
        return self.foreign

    async def foreign_changes(self) -> AsyncIterator[None]:
        while True:
            yield await self.changes_of_others.get()

    async def flushed(self) -> AsyncIterator[str]:
        while True:
            yield await self.flushes.get()


class FakeStdio:
    """Streams that carry what the test puts in."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self.written: list[bytes] = []
        self.input_closed = False

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while (piece := await self.pieces.get()) is not None:
            yield piece

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def close_input(self) -> None:
        self.input_closed = True

    def close(self) -> None:
        self.pieces.put_nowait(None)


_EXEC_FAILURES = {
    "missing": InvalidParameter('exec: "missing": executable file not found in $PATH: unknown'),
    "unexecutable": InvalidParameter('exec: "unexecutable": permission denied: unknown'),
    "unlucky": SystemFailure("the supervisor ended"),
}


class FakeRuntime:
    """Processes that end when they are killed; a command `missing` cannot be run, `stubborn` only hears SIGKILL."""

    def __init__(self) -> None:
        self.prepared: set[str] = set()
        self.created: dict[str, Bundle] = {}
        self.running: dict[str, Bundle] = {}
        self.ended: dict[str, Exit] = {}
        self.attached: dict[str, list[FakeStdio]] = defaultdict(list)
        self.signals: list[int] = []
        self.frozen: list[str] = []  # what was frozen and let go on
        self.limits: dict[str, Resources] = {}
        self.probes = 0  # how the next execs named `probe` end; those named `hung` end when they are killed
        self.hung: dict[str, tuple[FakeStdio, Callable[[Exit], Awaitable[None]]]] = {}
        self.looks = 0  # at what a container uses
        self.creates = asyncio.Event()  # creations wait for it
        self.creates.set()
        self._ending: list[asyncio.Future[None]] = []
        self._callback: Callable[[str, Exit], None] | None = None
        self._pid = 100

    def info(self) -> RuntimeInfo:
        return RuntimeInfo(
            name="crun", version="1", supervisor_version="1", cgroup_version=2, controllers=frozenset(), seccomp=True
        )

    def on_exit(self, callback: Callable[[str, Exit], None]) -> None:
        self._callback = callback

    async def limit(self, container_id: str, resources: Resources, former: Resources) -> None:
        assert container_id in self.running
        self.limits[container_id] = resources

    async def prepare(self, record: ContainerRecord) -> None:
        self.prepared.add(record.id)

    async def create(self, bundle: Bundle) -> int:
        container_id = bundle.record.id
        assert container_id in self.prepared
        assert container_id not in self.running
        assert container_id not in self.created
        if bundle.record.spec.process.argv[0] == "missing":
            raise InvalidParameter('exec: "missing": executable file not found in $PATH: unknown')
        await asyncio.sleep(0)
        await self.creates.wait()
        self._pid += 1
        self.created[container_id] = bundle
        return self._pid

    async def start(self, container_id: str) -> None:
        self.running[container_id] = self.created.pop(container_id)
        if self.running[container_id].record.spec.process.argv[0] == "true":
            self.end(container_id, 0)

    def end(self, container_id: str, code: int, now: int = 0) -> None:
        """Let a process end by itself."""
        assert self._callback is not None
        self.running.pop(container_id)
        for stdio in self.attached.pop(container_id, []):
            stdio.close()
        asyncio.get_running_loop().call_soon(self._callback, container_id, Exit(code, now))

    async def attach(self, container_id: str) -> FakeStdio:
        assert container_id in self.created or container_id in self.running
        stdio = FakeStdio()
        self.attached[container_id].append(stdio)
        return stdio

    async def kill(self, container_id: str, signal: int) -> None:
        self.signals.append(signal)
        if container_id not in self.running:
            raise NotFound("gone")
        if signal == 9 or self.running[container_id].record.spec.process.argv[0] != "stubborn":
            self.end(container_id, 128 + signal)

    async def release(self, container_id: str) -> None:
        self.created.pop(container_id, None)
        assert container_id not in self.running

    async def remove(self, container_id: str) -> None:
        self.prepared.discard(container_id)

    async def recover(self, container_id: str) -> int | Exit:
        return self.ended.get(container_id, 4711)

    async def known(self) -> frozenset[str]:
        return frozenset(self.prepared)

    async def size(self, container_id: str) -> int:
        return 7

    def directory(self, container_id: str) -> str:
        return f"/c/{container_id}"

    def log_path(self, container_id: str) -> str:
        return f"/c/{container_id}/log"

    async def exec_start(
        self, container: ContainerRecord, exec_id: str, spec: ExecSpec, ended: Callable[[Exit], Awaitable[None]]
    ) -> tuple[int, FakeStdio]:
        if failure := _EXEC_FAILURES.get(spec.argv[0]):
            raise failure
        stdio = FakeStdio()
        if spec.argv[0] == "hung":
            self.hung[exec_id] = stdio, ended
            return 5, stdio
        if spec.argv[0] == "probe":
            stdio.pieces.put_nowait((1, b"as told"))
        await ended(Exit(self.probes if spec.argv[0] == "probe" else 3, 0))
        stdio.close()
        return 5, stdio

    def exec_kill(self, exec_id: str) -> None:
        stdio, ended = self.hung.pop(exec_id)

        async def end() -> None:
            await ended(Exit(137, 0))
            stdio.close()

        self._ending.append(asyncio.ensure_future(end()))

    async def usage(self, container_id: str) -> Usage:
        if container_id not in self.running:
            raise Conflict("gone")
        self.looks += 1
        return Usage(pids=self.looks)

    async def pause(self, container_id: str) -> None:
        self.frozen.append("pause")

    async def unpause(self, container_id: str) -> None:
        self.frozen.append("unpause")

    async def logs(self, container_id: str, query: LogQuery) -> AsyncIterator[LogLine]:
        yield LogLine(1, 0, b"hello\n")


class FakeContainerFiles:
    """Each container has the same few files; counts how many have them open."""

    def __init__(self) -> None:
        self.content = {"/etc/passwd": b"root"}
        self.open_now = 0
        self.layer = b"layer"

    async def open(self, bundle: Bundle, *, whole: bool) -> "FakeContainerFiles":
        self.open_now += 1
        return self

    async def close(self) -> None:
        assert self.open_now > 0
        self.open_now -= 1

    async def stat(self, path: str) -> PathStat:
        if path not in self.content:
            raise FileNotFoundError(path)
        return PathStat(name=path.rpartition("/")[2], size=len(self.content[path]), mode=0o100644, mtime=0)

    async def archive(self, path: str, stat: PathStat) -> AsyncIterator[bytes]:
        assert self.open_now
        yield self.content[path]

    async def extract(self, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        if path == "/nowhere":
            raise FileNotFoundError(path)
        self.content[path] = b"".join([piece async for piece in archive])

    async def export(self) -> AsyncIterator[bytes]:
        assert self.open_now
        for content in self.content.values():
            yield content

    async def difference(self) -> AsyncIterator[bytes]:
        assert self.open_now
        yield self.layer

    async def changes(self) -> tuple[FileChange, ...]:
        return (FileChange(ChangeKind.ADDED, "/new"),)


class FakeNames:
    """Zones and sandboxes as the DNS process would hold them."""

    def __init__(self) -> None:
        self.zones: dict[str, dict[str, tuple[tuple[str, ...], tuple[Address, ...]]]] = defaultdict(dict)
        self.views: dict[str, SandboxView] = {}

    async def open(self, sandbox: str, sockets: SandboxSockets, namespace_path: str, view: SandboxView) -> None:
        self.views[sandbox] = view

    async def update(self, sandbox: str, view: SandboxView) -> None:
        assert sandbox in self.views
        self.views[sandbox] = view

    async def close(self, sandbox: str) -> None:
        self.views.pop(sandbox, None)

    async def publish(
        self, network: str, endpoint: str, names: tuple[str, ...], addresses: tuple[Address, ...]
    ) -> None:
        self.zones[network][endpoint] = (names, addresses)

    async def withdraw(self, network: str, endpoint: str) -> None:
        self.zones[network].pop(endpoint, None)

    async def sandboxes(self) -> frozenset[str]:
        return frozenset(self.views)

    async def replace_zones(self, zones: Mapping[str, Mapping[str, Any]]) -> None:
        self.zones = defaultdict(dict, {network: dict(endpoints) for network, endpoints in zones.items()})

    def names(self) -> set[str]:
        """Return every name that answers anywhere."""
        return {name for zone in self.zones.values() for names, _ in zone.values() for name in names}


class FakeImages:
    """One image, and what a test adds."""

    def __init__(self) -> None:
        self.records = [BUSYBOX]
        self.saved: list[tuple[str, ...]] = []
        self.committed: list[bytes] = []  # layers
        self.full = False  # commits fail
        self.blocked: asyncio.Event | None = None  # commits wait for it

    def list(self) -> tuple[ImageRecord, ...]:
        return tuple(self.records)

    def find(self, reference: str) -> ImageRecord:
        for record in self.records:
            if reference == record.id or reference in record.tags or f"{reference}:latest" in record.tags:
                return record
        raise NotFound(f"No such image: {reference}")

    async def save(self, references: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        self.saved.append(references)
        yield b"archive"

    async def ensure_builtin(self, reference: str) -> bool:
        return False

    async def collect(self, in_use: InUse) -> None: ...

    def changed_config(self, config: ImageConfig, changes: tuple[str, ...]) -> ImageConfig:
        return config

    def commit_name(self, repository: str, tag: str) -> str:
        return f"{repository}:{tag or 'latest'}" if repository else ""

    async def commit(self, parent: str, layer: AsyncIterator[bytes], commit: Commit) -> ImageRecord:
        self.committed.append(b"".join([piece async for piece in layer]))
        if self.blocked is not None:
            await self.blocked.wait()
        if self.full:
            raise OSError("No space left on device")
        record = replace(self.find(parent), id="sha256:new", tags=(), comment=commit.comment, author=commit.author)
        self.records.append(record)
        return record

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord:
        record = replace(self.find(source), tags=(self.commit_name(repository, tag),))
        self.records = [record if each.id == record.id else each for each in self.records]
        return record

    async def remove(self, reference: str, *, force: bool, prune: bool, in_use: InUse) -> tuple[Deletion, ...]:
        return (Deletion("Untagged", reference),)

    def __getattr__(self, name: str) -> Any:
        return None


class FakeVolumes:
    """Directories of volumes."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.refuses = False

    def mountpoint(self, name: str, options: Mapping[str, str]) -> str:
        return f"/volumes/{name}/_data"

    async def create(self, record: VolumeRecord) -> None:
        if self.refuses:
            raise SystemFailure(f"create {record.name}: no space left on device")
        self.made.add(record.name)

    def exists(self, record: VolumeRecord) -> bool:
        return record.name in self.made

    async def remove(self, record: VolumeRecord) -> None:
        self.made.remove(record.name)

    async def size(self, record: VolumeRecord) -> int:
        return 11


class FakeFiles:
    """The host's files, and those written for containers."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}
        self.present: set[str] = {"/host"}

    def resolv_conf(self) -> tuple[str, str]:
        return "/etc/resolv.conf", "nameserver 10.9.8.7\nsearch example.org\n"

    def hosts(self) -> str:
        return "127.0.0.1\thost\n"

    def hostname(self) -> str:
        return "host"

    def write_hosts(self, directory: str, text: str) -> None:
        self.written[f"{directory}/hosts"] = text

    def write_hostname(self, directory: str, text: str) -> None:
        self.written[f"{directory}/hostname"] = text

    def write_resolv_conf(self, directory: str, text: str) -> None:
        self.written[f"{directory}/resolv.conf"] = text

    def exists(self, path: str) -> bool:
        return path in self.present

    def make_directory(self, path: str) -> None:
        self.present.add(path)


class MemoryStore:
    """Records in a dictionary; `fail_next` makes one commit fail."""

    def __init__(self) -> None:
        self.records: dict[tuple[type, str], Record] = {}
        self.fail_next = False

    def load(self) -> tuple[Record, ...]:
        return tuple(self.records.values())

    def commit(self, *changes: Change) -> None:
        if self.fail_next:
            self.fail_next = False
            raise SystemFailure("disk full")
        for change in changes:
            if isinstance(change, Put):
                self.records[type(change.record), _key(change.record)] = change.record
            else:
                assert isinstance(change, Delete)
                self.records.pop((change.type, change.key), None)


def _key(record: Record) -> str:
    return record.name if isinstance(record, VolumeRecord) else record.id


class NoRemotes:
    """No program outside."""

    async def driver(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteDriver:
        raise NotFound(f"could not find plugin {name} in v1 plugin registry: plugin not found")

    async def ipam(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteIpam:
        raise NotFound(f"could not find plugin {name} in v1 plugin registry: plugin not found")

    def active(self, kind: str) -> tuple[str, ...]:
        return ()


class NoLeases:
    """Nobody has a lease."""

    async def acquire(self, request: LeaseRequest) -> Lease:
        raise SystemFailure("no DHCP client here")

    async def release(self, endpoint_id: str) -> None: ...

    async def adopt(self, requests: Collection[LeaseRequest]) -> tuple[Lease, ...]:
        return ()

    async def changes(self) -> AsyncIterator[Lease]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]


class FakeRelay:
    """A relay that keeps what it is given; `available` as daemon.json's userland-proxy has it."""

    def __init__(self) -> None:
        self.available = False
        self.port = 0
        self.ports: dict[str, tuple[RelayedPort, ...]] = {}

    def listeners(self) -> frozenset[Listener]:
        return frozenset()

    async def settle(self, container_id: str, ports: tuple[RelayedPort, ...]) -> None:
        self.ports[container_id] = ports

    async def settled(self, container_id: str) -> None: ...

    async def moved(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def restore(self, ports: Mapping[str, tuple[RelayedPort, ...]]) -> None:
        self.ports = dict(ports)


@dataclass
class World:
    """An engine and all that it stands on."""

    kernel: FakeKernel = field(default_factory=FakeKernel)
    runtime: FakeRuntime = field(default_factory=FakeRuntime)
    names: FakeNames = field(default_factory=FakeNames)
    images: FakeImages = field(default_factory=FakeImages)
    volumes: FakeVolumes = field(default_factory=FakeVolumes)
    files: FakeFiles = field(default_factory=FakeFiles)
    container_files: FakeContainerFiles = field(default_factory=FakeContainerFiles)
    relay: FakeRelay = field(default_factory=FakeRelay)
    remotes: Remotes = field(default_factory=NoRemotes)
    store: MemoryStore = field(default_factory=MemoryStore)
    settings: Settings = field(default_factory=lambda: Settings(data_root="/d", exec_root="/x", host_id="host"))

    def engine(self) -> Engine:
        """Return an engine over the store's records: a second one is the daemon after a crash."""
        edges = Edges(
            self.kernel,
            self.runtime,  # type: ignore[arg-type]
            self.images,  # type: ignore[arg-type]
            self.volumes,
            self.files,
            self.container_files,
            self.names,
            self.store,
            self.remotes,
            self.relay,
            NoLeases(),
        )
        return Engine(edges, self.store.load(), self.settings, built_in())
