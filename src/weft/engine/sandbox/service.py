"""A container's sandbox: raised at start, lowered at the end."""

from collections.abc import Iterable
from dataclasses import replace

from weft.engine.containers.attachments import with_networks
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.leases import Lease
from weft.engine.contract.runtime import Bundle, Runtime
from weft.engine.inventory import Inventory
from weft.engine.networks.arrivals import Arrivals
from weft.engine.sandbox.allotment import Allotment
from weft.engine.sandbox.endpoints import interface_names
from weft.engine.sandbox.leasing import Leasing, with_leases
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.mode import identity_of, is_private, joined_container, mode_joining
from weft.engine.sandbox.name_service import NameService
from weft.engine.sandbox.news import News
from weft.engine.sandbox.outside import Outside
from weft.engine.sandbox.planner import SandboxPlanner
from weft.engine.sandbox.publisher import Publisher
from weft.engine.sandbox.way_out import WayOut
from weft.model.container import ContainerRecord
from weft.model.errors import Conflict
from weft.plan.operations import CreateSandbox, DeleteSandbox
from weft.plan.plan import Plan


class SandboxService:
    """Owns sandboxes: their id is that of the container they were made for. Callers hold the container's lock."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        runtime: Runtime,
        name_service: NameService,
        allotment: Allotment,
        planner: SandboxPlanner,
        publisher: Publisher,
        links: Links,
        outside: Outside,
        leasing: Leasing,
        way_out: WayOut,
        news: News,
        arrivals: Arrivals,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._runtime = runtime
        self._name_service = name_service
        self._allotment = allotment
        self._planner = planner
        self._publisher = publisher
        self._links = links
        self._outside = outside
        self._leasing = leasing
        self._way_out = way_out
        self._news = news
        self._arrivals = arrivals

    # ── what others ask about a sandbox ──

    def path(self, record: ContainerRecord) -> str:
        """Return the path of the namespace that the container is in; "" is the host's."""
        return self._kernel.sandbox_path(record.sandbox_id) if record.sandbox_id else ""

    def files_directory(self, record: ContainerRecord) -> str:
        """Return the directory of hosts, hostname and resolv.conf: a joined container's files are its target's."""
        return self._runtime.directory(joined_container(record.spec.networking.mode) or record.id)

    def bundle(self, record: ContainerRecord) -> Bundle:
        """Return what the runtime starts the container from."""
        directory = self.files_directory(record)
        owner = self._inventory.containers.get(joined_container(record.spec.networking.mode) or record.id, record)
        return Bundle(
            record=self._with_variables(record),
            network_namespace=self.path(record),
            hostname=identity_of(owner, self._name_service.files.hostname()).hostname,
            hosts_path=f"{directory}/hosts",
            resolv_conf_path=f"{directory}/resolv.conf",
            hostname_path=f"{directory}/hostname",
            mounts=record.mounts,
            sysctls=record.spec.security.sysctls,
        )

    def _with_variables(self, record: ContainerRecord) -> ContainerRecord:
        """Return the record with what links add to the environment, before the container's own variables."""
        given = self._links.variables(record)
        if not given:
            return record
        process = replace(record.spec.process, env=(*given, *record.spec.process.env))
        return replace(record, spec=replace(record.spec, process=process))

    def links_of(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return the legacy links of a container, as `/target:/container/alias`."""
        return tuple(f"/{link.target.name}:/{record.name}/{link.alias}" for link in self._links.of(record))

    # ── up and down ──

    async def raise_up(self, record: ContainerRecord) -> ContainerRecord:
        """Prepare the network that a container starts in; all or nothing. Return the record with its endpoints."""
        mode = record.spec.networking.mode
        joined = joined_container(mode)
        if joined is not None:
            return self._joining(record, joined)
        if is_private(mode):
            self._links.check(record)
            record = await self._raise_own(record)
        self._news.write_files(record)
        return record

    async def raised(self, record: ContainerRecord) -> None:
        """Return when all that `raise_up` began beside what followed is done: before a start is answered."""
        await self._publisher.carried(record)

    def _joining(self, record: ContainerRecord, reference: str) -> ContainerRecord:
        target = self._inventory.find_container(reference)
        if not target.state.is_running:
            raise Conflict(f"cannot join network namespace of a non running container: {target.id}")
        mode = mode_joining(target.id)  # what was named before it was there counts by its id from now on
        spec = record.spec
        if mode != spec.networking.mode:
            spec = replace(spec, networking=replace(spec.networking, mode=mode))
        return replace(record, sandbox_id=target.sandbox_id, spec=spec)

    async def _raise_own(self, record: ContainerRecord) -> ContainerRecord:
        if record.sandbox_id:  # kept for containers that joined it
            return record
        await self._arrivals.made(with_networks(self._inventory, record).attachments)
        record = with_networks(self._inventory, _bare(record))
        with self._arrivals.arriving(record.attachments):
            return await self._raise_on_networks(record)

    async def _raise_on_networks(self, former: ContainerRecord) -> ContainerRecord:
        record, applied = await self._allotment.take_all(former), Plan()
        try:
            record = await self._enter_outside(record)
            record = await self._enter_wires(record)
            record = await self._publisher.allocate(record)
            plan = self._planner.raise_plan(record) + self._links.settle(record)
            await self._kernel.apply(plan)
            applied = plan
            await self._publisher.begin_to_carry(record)
            record = await self._outside.publish(former, record)
        except BaseException:
            if not record.sandbox_id:  # else what follows takes all of the sandbox down
                await self._kernel.teardown(applied.inverse)
            await self._leave_outside(record, former)
            await self._release(record)
            raise
        record = replace(record, sandbox_id=record.id)
        try:
            self._inventory.save(record)
            self._news.tell_linkers(record)
            await self._news.open(record)
        except BaseException:
            await self.lower(record)
            raise
        self._news.connected(record.attachments, record)
        return record

    async def _enter_outside(self, record: ContainerRecord) -> ContainerRecord:
        """Let remote drivers attach what is theirs, in a sandbox made for it, and give a way out where none has one."""
        if not self._outside.has(record):
            return record
        entered = replace(record, sandbox_id=record.id)
        self._inventory.save(entered)  # what a crash leaves outside from here on, the next start takes away
        try:
            await self._kernel.apply(Plan((CreateSandbox(record.id),)))
            entered = await self._outside.attach(entered)
        except BaseException:
            await self._kernel.teardown(Plan((DeleteSandbox(record.id),)))
            self._inventory.save(_bare(record))
            raise
        try:
            if self._way_out.is_needed(entered):
                way_out = await self._way_out.attachment()
                way_out = await self._allotment.take(entered, way_out, interface_names(entered.attachments))
                entered = replace(entered, attachments=(*entered.attachments, way_out))
        except BaseException:
            await self._leave_outside(entered, record)
            raise
        return entered

    async def _enter_wires(self, record: ContainerRecord) -> ContainerRecord:
        """Make the links that get their addresses from DHCP servers, in a sandbox made for them, and lease these."""
        wired = [each for each in record.attachments if self._leasing.is_leased(each)]
        if not wired:
            return record
        entered = replace(record, sandbox_id=record.id)
        self._inventory.save(entered)
        try:
            await self._kernel.apply(self._planner.wire_plan(wired, record.id, made=bool(record.sandbox_id)))
            return await self._leasing.acquire(entered)
        except BaseException:
            await self._leave_outside(entered, record)
            raise

    async def _leave_outside(self, record: ContainerRecord, former: ContainerRecord) -> None:
        """Undo a start with remote drivers, whatever came of it; its addresses apart."""
        if record.sandbox_id:
            await self._outside.leave(record)
            await self._leasing.release(record)
            await self._kernel.teardown(self._planner.lower_plan(record))
            self._inventory.save(_bare(former))

    async def _release(self, record: ContainerRecord) -> None:
        await self._publisher.carry(_bare(record))
        await self._allotment.give_back(record.attachments)
        self._publisher.release(record)
        self._links.settle(_bare(record))

    async def unlink(self, record: ContainerRecord) -> None:
        """Save a container from which a link was taken away, and let it take effect at once."""
        self._inventory.save(record)
        if record.sandbox_id == record.id:
            await self._kernel.apply(self._links.settle(record))
            self._news.write_hosts(record)

    async def lower(self, record: ContainerRecord) -> ContainerRecord:
        """Take the sandbox down, unless containers that joined it still run; return the record without it."""
        owner_id = record.sandbox_id
        if not owner_id:
            return record
        if owner_id != record.id:
            record = replace(record, sandbox_id="")
            await self._lower_left_behind(owner_id, leaving=record.id)
            return record
        if any(self._joined(owner_id, leaving=record.id)):
            return record
        return await self._take_down(record)

    def _joined(self, owner_id: str, leaving: str) -> Iterable[ContainerRecord]:
        for other in self._inventory.containers.values():
            if other.sandbox_id == owner_id and other.id not in (owner_id, leaving) and other.state.is_running:
                yield other

    async def _lower_left_behind(self, owner_id: str, leaving: str) -> None:
        owner = self._inventory.containers.get(owner_id)
        ended = owner is not None and not owner.state.is_running and owner.sandbox_id == owner_id
        if owner is not None and ended and not any(self._joined(owner_id, leaving)):
            self._inventory.save(await self._take_down(owner))

    async def drop(self, record: ContainerRecord) -> ContainerRecord:
        """Take down what a container that is being removed still holds, even if others joined it."""
        return await self._take_down(record) if record.sandbox_id == record.id else record

    async def _take_down(self, record: ContainerRecord) -> ContainerRecord:
        await self._news.close(record)
        await self._outside.leave(record)
        await self._leasing.release(record)
        await self._kernel.teardown(self._links.settle(_bare(record)) + self._planner.lower_plan(record))
        await self._release(record)
        self._news.disconnected(record.attachments, record)
        return replace(_bare(record), sandbox_id="", ports=())

    async def check_outside(self) -> None:
        """After a start of the daemon: let drivers outside say which endpoints are not as they made them."""
        for record in tuple(self._inventory.containers.values()):
            if record.sandbox_id == record.id:
                await self._outside.check(record)

    # ── leases ──

    async def adopt_leases(self) -> None:
        """After a start of the daemon: take over what DHCP clients got meanwhile, and end those of nobody."""
        live = [record for record in self._inventory.containers.values() if record.sandbox_id == record.id]
        leases = await self._leasing.adopt(live)
        for record in live:
            await self._follow(record, leases)

    async def follow_lease(self, record: ContainerRecord, lease: Lease) -> None:
        """Let records, files and names follow a lease that changed; its client changed the interface already."""
        await self._follow(record, [lease])

    async def _follow(self, record: ContainerRecord, leases: Iterable[Lease]) -> None:
        changed = with_leases(record, leases)
        if changed == record:
            return
        self._inventory.save(changed)
        await self._news.changed(record, changed)
        for attachment in changed.attachments:
            await self._news.publish(attachment)


def _bare(record: ContainerRecord) -> ContainerRecord:
    """Return the record without endpoints, and without attachments that it has while it runs alone."""
    kept = (each for each in record.attachments if not each.implicit)
    return replace(record, attachments=tuple(replace(each, endpoint=None) for each in kept))
