"""Containers and execs of a fake engine, in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

from fake_process import FakeProcess, FakeStdio

from weft.engine.containers.limits import LimitChange
from weft.engine.contract.runtime import ExecSpec, LogLine, LogQuery
from weft.engine.results import Created, ExecState, Pruned, TopResult
from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import (
    ContainerRecord,
    ContainerSpec,
    ContainerState,
    Mount,
    MountType,
    RestartPolicy,
    Status,
)
from weft.model.endpoint import Attachment, Endpoint, EndpointSpec
from weft.model.errors import Conflict, InvalidParameter, NotFound, NotModified
from weft.model.port import PortRequest, PublishedPort

IMAGE_ID = "sha256:" + "ab" * 32
Filters = Mapping[str, tuple[str, ...]]


def network_id(name: str) -> str:
    return name.encode().hex().ljust(64, "0")[:64]


class FakeContainers:
    """Implements weft.api.backend.Containers."""

    def __init__(self) -> None:
        self.records: dict[str, ContainerRecord] = {}
        self.processes: dict[str, FakeProcess] = {}
        self.pending: dict[str, list[FakeStdio]] = {}
        self.lines: dict[str, list[LogLine]] = {}
        self.calls: list[tuple[object, ...]] = []
        self.waiters: list[tuple[str, WaitCondition, asyncio.Future[WaitResult]]] = []
        self.slow = asyncio.Event()
        self.slow.set()
        self.count = 0
        self.images = {"busybox", "busybox:latest"}

    def add(self, name: str, **changes: object) -> ContainerRecord:
        """Put a container there without a request."""
        spec = changes.pop("spec", None) or ContainerSpec(image="busybox")
        record = self._new(name, spec, {})
        self.records[record.id] = replace(record, **changes)
        return self.records[record.id]

    def find(self, reference: str) -> ContainerRecord:
        wanted = reference.removeprefix("/")
        by_name = [record for record in self.records.values() if record.name == wanted]
        by_id = [record for record in self.records.values() if len(wanted) > 3 and record.id.startswith(wanted)]
        for record in by_name + by_id:
            return record
        raise NotFound(f"No such container: {reference}")

    def links(self, record: ContainerRecord) -> tuple[str, ...]:
        pairs = (link.split(":") for link in record.spec.networking.links)
        return tuple(f"/{self.records[target].name}:/{record.name}/{alias}" for target, alias in pairs)

    def list(self, *, all: bool, limit: int, filters: Filters) -> tuple[ContainerRecord, ...]:
        self.calls.append(("list", all, limit, filters))
        for key in filters:
            if key not in ("name", "status", "label", "id"):
                raise InvalidParameter(f"invalid filter '{key}'")
        found = [r for r in reversed(self.records.values()) if all or r.state.is_running]
        names = filters.get("name")
        found = [r for r in found if names is None or r.name in names]
        return tuple(found[: limit or None])

    async def create(
        self, name: str, spec: ContainerSpec, networks: Mapping[str, EndpointSpec], platform: str
    ) -> Created:
        if spec.image not in self.images:
            raise NotFound(f"No such image: {spec.image}")
        if any(record.name == name for record in self.records.values()):
            raise Conflict(f'Conflict. The container name "/{name}" is already in use')
        record = self._new(name, spec, networks)
        self.records[record.id] = record
        self.calls.append(("create", name, spec, networks, platform))
        return Created(record.id)

    def _new(self, name: str, spec: ContainerSpec, networks: Mapping[str, EndpointSpec]) -> ContainerRecord:
        self.count += 1
        mode = spec.networking.mode
        attachments = tuple(
            Attachment(network_id=network_id(network), network_name=network, spec=endpoint)
            for network, endpoint in ({mode: EndpointSpec()} | dict(networks)).items()
        )
        return ContainerRecord(
            id=f"{self.count:064x}"[::-1],
            name=name or f"quiet_{self.count}",
            created=time.time_ns(),
            image_id=IMAGE_ID,
            spec=spec,
            attachments=attachments,
            mounts=tuple(
                Mount(type=m.type, source=m.source, target=m.target, read_only=m.read_only, mode=m.mode)
                for m in spec.mounts
                if m.type is not MountType.TMPFS
            ),
        )

    async def start(self, reference: str) -> None:
        record = self.find(reference)
        await self.slow.wait()
        if record.state.is_running:
            raise NotModified("already started")
        state = ContainerState(status=Status.RUNNING, pid=1000, started=time.time_ns())
        endpoints = tuple(replace(a, endpoint=_endpoint(a, i)) for i, a in enumerate(record.attachments))
        ports = tuple(
            PublishedPort(request.container_port, IPv4Address("0.0.0.0"), request.host_first or 32768)
            for request in record.spec.networking.ports
        )
        self.records[record.id] = replace(record, state=state, attachments=endpoints, ports=ports)
        process = FakeProcess(record.spec.process.argv, lambda code: self._ended(record.id, code))
        self.processes[record.id] = process
        process.start()
        for stdio in self.pending.pop(record.id, []):
            await process.adopt(stdio)

    def _ended(self, container: str, code: int) -> None:
        record = self.records[container]
        state = replace(record.state, status=Status.EXITED, pid=0, exit_code=code, finished=time.time_ns())
        self.records[container] = replace(record, state=state, ports=())
        for waiter in tuple(self.waiters):
            if waiter[0] == container and waiter[1] is not WaitCondition.REMOVED:
                self._answer(waiter, WaitResult(code))
        if record.spec.auto_remove:
            self._remove(container)

    def _answer(self, waiter: tuple[str, WaitCondition, "asyncio.Future[WaitResult]"], result: WaitResult) -> None:
        self.waiters.remove(waiter)
        if not waiter[2].done():
            waiter[2].set_result(result)

    async def _finish(self, reference: str, code: int) -> None:
        record = self.find(reference)
        if not record.state.is_running:
            raise NotModified("not running")
        await self.processes[record.id].exit(code)

    async def stop(self, reference: str, *, grace: int | None, signal: str) -> None:
        self.calls.append(("stop", grace, signal))
        await self._finish(reference, 143)

    async def restart(self, reference: str, *, grace: int | None, signal: str) -> None:
        if self.find(reference).state.is_running:
            await self._finish(reference, 143)
        await self.start(reference)

    async def kill(self, reference: str, signal: str) -> None:
        record = self.find(reference)
        self.calls.append(("kill", signal))
        if not record.state.is_running:
            raise Conflict(f"cannot kill container: {reference}: container {record.id} is not running")
        await self._finish(reference, 137)

    async def pause(self, reference: str) -> None:
        self._set_status(reference, Status.RUNNING, Status.PAUSED)

    async def unpause(self, reference: str) -> None:
        self._set_status(reference, Status.PAUSED, Status.RUNNING)

    def _set_status(self, reference: str, before: Status, after: Status) -> None:
        record = self.find(reference)
        if record.state.status is not before:
            raise Conflict(f"container {record.id} is not {before.value}")
        self.records[record.id] = replace(record, state=replace(record.state, status=after))

    async def rename(self, reference: str, name: str) -> None:
        if not name:
            raise InvalidParameter("Neither old nor new names may be empty")
        record = self.find(reference)
        self.records[record.id] = replace(record, name=name)

    async def remove(self, reference: str, *, force: bool, volumes: bool, link: bool) -> None:
        record = self.find(reference)
        self.calls.append(("remove", force, volumes, link))
        if record.state.is_running:
            if not force:
                raise Conflict(f"cannot remove container {reference}: container is running")
            await self._finish(reference, 137)
        self._remove(record.id)

    def _remove(self, container: str) -> None:
        record = self.records.pop(container, None)
        for waiter in tuple(self.waiters):
            if waiter[0] == container:
                self._answer(waiter, WaitResult(record.state.exit_code if record else 0))

    async def prune(self, filters: Filters) -> Pruned:
        gone = tuple(record.id for record in self.records.values() if not record.state.is_running)
        for container in gone:
            self._remove(container)
        return Pruned(gone, 42 * len(gone))

    async def wait(self, reference: str, condition: WaitCondition) -> Awaitable[WaitResult]:
        record = self.find(reference)
        future: asyncio.Future[WaitResult] = asyncio.get_running_loop().create_future()
        if condition is WaitCondition.NOT_RUNNING and not record.state.is_running:
            future.set_result(WaitResult(record.state.exit_code))
        else:
            self.waiters.append((record.id, condition, future))
        return future

    async def attach(self, reference: str) -> FakeStdio:
        record = self.find(reference)
        if record.state.is_running:
            return self.processes[record.id].connect()
        stdio = FakeStdio(FakeProcess((), lambda code: None))
        self.pending.setdefault(record.id, []).append(stdio)
        return stdio

    async def logs(self, reference: str, query: LogQuery) -> AsyncIterator[LogLine]:
        record = self.find(reference)
        self.calls.append(("logs", query))
        wanted = {1} if not query.stderr else {2} if not query.stdout else {1, 2}
        lines = [line for line in self.lines.get(record.id, []) if line.stream in wanted]
        for line in lines[-query.tail :] if query.tail else lines:
            yield line
        if query.follow and record.id in self.processes:
            await self.processes[record.id].ended.wait()

    async def resize(self, reference: str, rows: int, columns: int) -> None:
        self.calls.append(("resize", self.find(reference).name, rows, columns))

    async def top(self, reference: str, ps_args: str) -> TopResult:
        record = self.find(reference)
        if not record.state.is_running:
            raise Conflict(f"container {record.id} is not running")
        return TopResult(("PID", "CMD"), (("1", " ".join(record.spec.process.argv)),))

    async def sizes(self, reference: str) -> tuple[int, int]:
        self.find(reference)
        return 10, 1010

    async def publish(self, reference: str, requests: Sequence[PortRequest]) -> ContainerRecord:
        record = self.find(reference)
        ports = tuple(PublishedPort(one.container_port, IPv4Address("0.0.0.0"), one.host_first) for one in requests)
        return self.add_ports(record, ports)

    def add_ports(self, record: ContainerRecord, ports: tuple[PublishedPort, ...]) -> ContainerRecord:
        self.records[record.id] = replace(record, ports=record.ports + ports)
        return self.records[record.id]

    async def withdraw(self, reference: str, withdrawals: Sequence[PortRequest]) -> ContainerRecord:
        record = self.find(reference)
        going = {one.container_port for one in withdrawals}
        left = tuple(port for port in record.ports if port.container_port not in going)
        return self.add_ports(replace(record, ports=()), left)

    async def update(
        self,
        reference: str,
        *,
        ports: Sequence[PortRequest] | None,
        restart: RestartPolicy | None,
        limits: LimitChange | None,
    ) -> ContainerRecord:
        self.calls.append(("update", reference, ports, restart, limits))
        return self.find(reference)

    def log_path(self, record: ContainerRecord) -> str:
        return f"/data/containers/{record.id}/container.log"

    def directory(self, record: ContainerRecord) -> str:
        return f"/data/containers/{record.id}"

    def sandbox_path(self, record: ContainerRecord) -> str:
        return f"/run/netns/{record.id[:12]}" if record.state.is_running else ""

    def exec_ids(self, record: ContainerRecord) -> tuple[str, ...]:
        return ()


def _endpoint(attachment: Attachment, index: int) -> Endpoint:
    return Endpoint(
        id="e" * 64,
        network_id=attachment.network_id,
        ipv4=IPv4Interface(f"172.17.{index}.2/16"),
        gateway_ipv4=IPv4Address("172.17.0.1"),
        mac_address="02:42:ac:11:00:02",
        dns_names=("c", *attachment.spec.aliases),
    )


class FakeExecs:
    """Implements weft.api.backend.Execs."""

    def __init__(self, containers: FakeContainers) -> None:
        self._containers = containers
        self.states: dict[str, ExecState] = {}
        self.processes: dict[str, FakeProcess] = {}
        self.sizes: list[tuple[str, int, int]] = []

    async def create(self, container: str, spec: ExecSpec) -> str:
        record = self._containers.find(container)
        if not record.state.is_running:
            raise Conflict(f"container {record.id} is not running")
        exec_id = f"{len(self.states):064x}"
        self.states[exec_id] = ExecState(
            id=exec_id, container_id=record.id, spec=spec, running=False, exit_code=None, pid=0
        )
        return exec_id

    async def start(self, exec_id: str, *, detach: bool, tty: bool, console_size: tuple[int, int]) -> FakeStdio | None:
        state = self.inspect(exec_id)
        if state.spec.argv[0] == "missing":
            self.states[exec_id] = replace(state, exit_code=127)
            raise InvalidParameter('exec: "missing": executable file not found in $PATH')
        process = FakeProcess(state.spec.argv, lambda code: self._ended(exec_id, code))
        self.processes[exec_id] = process
        stdio = None if detach else process.connect()
        self.states[exec_id] = replace(state, running=True, pid=7)
        process.start()
        return stdio

    def _ended(self, exec_id: str, code: int) -> None:
        self.states[exec_id] = replace(self.states[exec_id], running=False, exit_code=code, pid=0)

    async def resize(self, exec_id: str, rows: int, columns: int) -> None:
        self.sizes.append((self.inspect(exec_id).id, rows, columns))

    def inspect(self, exec_id: str) -> ExecState:
        if exec_id not in self.states:
            raise NotFound(f"No such exec instance: {exec_id}")
        return self.states[exec_id]
