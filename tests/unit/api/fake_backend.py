"""An engine in memory: it keeps state and refuses illegal steps, and runs nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from fake_containers import IMAGE_ID, FakeContainers, FakeExecs, network_id
from fake_files import FakeCommits, FakeFiles

from weft.api.backend import Backend
from weft.engine.containers.stats import Sample
from weft.engine.contract.images import Credentials, Distribution, Progress
from weft.engine.contract.runtime import RuntimeInfo
from weft.engine.results import Created, Pruned, SystemState
from weft.model.container import ContainerRecord
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound, Unauthorized
from weft.model.event import Event
from weft.model.image import ImageConfig, ImageRecord
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.model.volume import VolumeRecord

Filters = Mapping[str, tuple[str, ...]]


class FakeNetworks:
    """Implements weft.api.backend.Networks."""

    def __init__(self, containers: FakeContainers) -> None:
        self._containers = containers
        self.records: dict[str, NetworkRecord] = {}
        self.calls: list[tuple[object, ...]] = []
        for name, driver in (("bridge", "bridge"), ("host", "host"), ("none", "null")):
            pools = (Pool(subnet=IPv4Network("172.17.0.0/16"), gateway=IPv4Address("172.17.0.1")),)
            self._add(NetworkSpec(name=name, driver=driver), pools if name == "bridge" else (), predefined=True)

    def _add(self, spec: NetworkSpec, pools: tuple[Pool, ...], *, predefined: bool = False) -> NetworkRecord:
        record = NetworkRecord(
            id=network_id(spec.name),
            created=time.time_ns(),
            spec=spec,
            pools=pools,
            predefined=predefined,
        )
        self.records[record.id] = record
        return record

    def find(self, reference: str) -> NetworkRecord:
        for record in self.records.values():
            if reference in (record.id, record.name):
                return record
        raise NotFound(f"network {reference} not found")

    def list(self, filters: Filters) -> tuple[NetworkRecord, ...]:
        self.calls.append(("list", filters))
        for key in filters:
            if key not in ("name", "driver", "type", "label", "id", "scope", "dangling"):
                raise InvalidParameter(f"invalid filter '{key}'")
        names = filters.get("name")
        return tuple(r for r in self.records.values() if names is None or any(name in r.name for name in names))

    def members(self, record: NetworkRecord) -> tuple[ContainerRecord, ...]:
        return tuple(
            c
            for c in self._containers.records.values()
            if c.state.is_running and any(a.network_name == record.name for a in c.attachments)
        )

    async def create(self, spec: NetworkSpec) -> Created:
        if not spec.name.strip():
            raise InvalidParameter(f"invalid name: {spec.name}")
        if any(record.name == spec.name for record in self.records.values()):
            raise Conflict(f"network with name {spec.name} already exists")
        pools = tuple(Pool(subnet=p.subnet, gateway=p.gateway) for p in spec.pools if p.subnet is not None)
        return Created(self._add(spec, pools).id)

    async def remove(self, reference: str) -> None:
        record = self.find(reference)
        if record.predefined:
            raise Forbidden(f"{record.name} is a pre-defined network and cannot be removed")
        del self.records[record.id]

    async def connect(self, reference: str, container: str, spec: EndpointSpec) -> None:
        self.calls.append(("connect", self.find(reference).name, self._containers.find(container).name, spec))

    async def disconnect(self, reference: str, container: str, *, force: bool) -> None:
        self.calls.append(("disconnect", self.find(reference).name, self._containers.find(container).name, force))

    async def prune(self, filters: Filters) -> Pruned:
        gone = [record for record in self.records.values() if not record.predefined]
        for record in gone:
            del self.records[record.id]
        return Pruned(tuple(record.name for record in gone))


class FakeVolumes:
    """Implements weft.api.backend.Volumes."""

    def __init__(self) -> None:
        self.records: dict[str, VolumeRecord] = {}
        self.prunes: list[Filters] = []

    def find(self, name: str) -> VolumeRecord:
        if name not in self.records:
            raise NotFound(f"get {name}: no such volume")
        return self.records[name]

    def list(self, filters: Filters) -> tuple[VolumeRecord, ...]:
        return tuple(self.records.values())

    async def size(self, record: VolumeRecord) -> int:
        return 11

    async def create(
        self, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> VolumeRecord:
        name = name or "f" * 64
        record = VolumeRecord(
            name=name, created=time.time_ns(), mountpoint=f"/volumes/{name}", labels=labels, options=options
        )
        return self.records.setdefault(name, record)

    async def remove(self, name: str, *, force: bool) -> None:
        if self.records.pop(name, None) is None and not force:
            raise NotFound(f"get {name}: no such volume")

    async def prune(self, filters: Filters) -> Pruned:
        self.prunes.append(filters)
        return Pruned((), 0)


class FakeImages:
    """Implements weft.api.backend.ImageService."""

    def __init__(self) -> None:
        self.record = ImageRecord(
            id=IMAGE_ID,
            created="2026-01-02T03:04:05Z",
            architecture="amd64",
            config=ImageConfig(cmd=("sh",), env=("PATH=/bin",)),
            layers=("sha256:" + "cd" * 32,),
            layer_sizes=(1000,),
            tags=("busybox:latest",),
            tagged=1,
        )
        self.calls: list[tuple[object, ...]] = []
        self.received = 0

    def list(self) -> tuple[ImageRecord, ...]:
        return (self.record,)

    def find(self, reference: str) -> ImageRecord:
        if reference in ("busybox", "busybox:latest", IMAGE_ID):
            return self.record
        raise NotFound(f"No such image: {reference if ':' in reference else reference + ':latest'}")

    def filtered(self, filters: Filters, *, all: bool) -> tuple[ImageRecord, ...]:
        return self.list()

    def containers_of(self, image_id: str) -> int:
        return 0

    async def history(self, reference: str) -> tuple[dict[str, object], ...]:
        return ({"Id": self.find(reference).id, "Created": 1, "CreatedBy": "", "Tags": None, "Size": 1, "Comment": ""},)

    async def distribution(self, reference: str, credentials: Credentials | None) -> Distribution:
        self.find(reference)
        self.calls.append(("distribution", reference, credentials))
        platforms = (("linux", "amd64", ""), ("linux", "arm", "v7"))
        return Distribution(digest="sha256:" + "ef" * 32, media_type="a/b", size=7, platforms=platforms)

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord:
        if repository != repository.lower():
            raise InvalidParameter("invalid reference format: repository name must be lowercase")
        self.calls.append(("tag", repository, tag))
        return self.find(source)

    async def delete(self, reference: str, *, force: bool, prune: bool) -> tuple[tuple[str, str], ...]:
        self.find(reference)
        return (("Untagged", "busybox:latest"), ("Deleted", IMAGE_ID))

    async def prune_unused(self, filters: Filters) -> tuple[tuple[tuple[str, str], ...], int]:
        return (), 0

    async def pull(
        self, reference: str, credentials: Credentials | None, platform: str, *, all_tags: bool = False
    ) -> AsyncIterator[Progress]:
        self.calls.append(("pull", reference, credentials, platform, all_tags))
        if reference.startswith("denied"):
            raise Unauthorized("pull access denied")
        yield Progress(status="Pulling from library/x", id="latest")
        yield Progress(status="Pulling fs layer", id="abc", row=True)
        yield Progress(status="Downloading", id="abc", current=1, total=2, row=True)
        if reference.startswith("broken"):
            raise NotFound("manifest unknown")
        yield Progress(status="Status: Downloaded newer image for x:latest")

    async def push(self, reference: str, credentials: Credentials | None) -> AsyncIterator[Progress]:
        self.calls.append(("push", reference, credentials))
        yield Progress(status="Pushed", id="abc", row=True)
        yield Progress(aux={"Tag": "latest", "Digest": "sha256:1", "Size": 3})

    async def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncIterator[Progress]:
        async for chunk in archive:
            self.received += len(chunk)
        if not self.received:
            raise InvalidParameter("unexpected EOF")
        yield Progress(stream="Loaded image: busybox:latest\n")

    async def save(self, references: tuple[str, ...]) -> AsyncIterator[bytes]:
        for reference in references:
            self.find(reference)
        for _ in range(3):
            yield b"t" * 1000

    async def import_(
        self,
        archive: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: tuple[str, ...],
        platform: str = "",
    ) -> AsyncIterator[Progress]:
        self.received += len(b"".join([chunk async for chunk in archive]))
        self.calls.append(("import", repository, tag, message, changes))
        yield Progress(status=IMAGE_ID)

    def layer_directories(self, diff_ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"/layers/{diff_id[7:19]}" for diff_id in diff_ids)


class FakeEvents:
    """Implements weft.api.backend.Events."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[Event]] = []
        self.filters: list[Filters] = []

    def emit(self, event: Event) -> None:
        for queue in self.queues:
            queue.put_nowait(event)

    async def subscribe(self, *, filters: Filters, since: int, until: int) -> AsyncIterator[Event]:
        if "nonsense" in filters:
            raise InvalidParameter("invalid filter 'nonsense'")
        self.filters.append(filters)
        if until:
            return
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)


class FakeSystem:
    """Implements weft.api.backend.System."""

    def state(self) -> SystemState:
        runtime = RuntimeInfo(
            name="crun",
            version="1.8.1",
            supervisor_version="2.1.6",
            cgroup_version=1,
            controllers=frozenset({"memory", "cpu", "pids"}),
            seccomp=True,
            init="catatonit",
            init_version="0.1.7",
            others=("runc", "io.containerd.runc.v2"),
        )
        return SystemState(
            id="ABCD",
            hostname="host",
            data_root="/var/lib/weft",
            exec_root="/run/weft",
            debug=False,
            images=1,
            containers={"running": 1, "paused": 0, "stopped": 2},
            runtime=runtime,
            cpus=2,
            memory=1 << 30,
            kernel_version="6.1",
            operating_system="Debian GNU/Linux 12 (bookworm)",
            os_version="12",
            architecture="x86_64",
            labels=(),
            registry_mirrors=(),
            insecure_registries=("10.0.0.0/8", "registry:5000"),
            address_pools=(("172.17.0.0/16", 16),),
            ipv4_forwarding=True,
            event_listeners=0,
            file_descriptors=10,
            tasks=5,
            nft_version="1.0.6",
            warnings=(),
            started=1,
            network_drivers=("bridge", "host", "null"),
            log_driver="local",
            backing_file_system="ext4",
            proxies=("http://xxxxx:xxxxx@proxy:3128", "", "localhost"),
        )

    async def verify_credentials(self, username: str, password: str, server: str) -> str:
        if password != "right":
            raise Unauthorized("incorrect username or password")
        return "Login Succeeded"


class FakeStats:
    """Samples that a test puts in; after the last one the container is gone."""

    def __init__(self, containers: FakeContainers) -> None:
        self._containers = containers
        self.samples: list[Sample] = []

    async def once(self, reference: str) -> Sample:
        record = self._containers.find(reference)
        return self.samples[0] if self.samples else Sample(id=record.id, name=record.name)

    async def follow(self, reference: str) -> AsyncIterator[Sample]:
        self._containers.find(reference)
        for sample in self.samples:
            yield sample


class FakeEngine:
    """All of it, and the Backend made of it."""

    def __init__(self) -> None:
        self.containers = FakeContainers()
        self.files = FakeFiles(self.containers)
        self.commits = FakeCommits(self.containers)
        self.execs = FakeExecs(self.containers)
        self.stats = FakeStats(self.containers)
        self.networks = FakeNetworks(self.containers)
        self.volumes = FakeVolumes()
        self.images = FakeImages()
        self.events = FakeEvents()
        self.system = FakeSystem()

    @property
    def backend(self) -> Backend:
        return Backend(
            containers=self.containers,
            files=self.files,
            commits=self.commits,
            execs=self.execs,
            stats=self.stats,
            networks=self.networks,
            volumes=self.volumes,
            images=self.images,
            events=self.events,
            system=self.system,
        )
