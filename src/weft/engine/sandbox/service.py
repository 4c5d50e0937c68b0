"""A container's sandbox: raised at start, lowered at the end, changed by connect and disconnect."""

from collections.abc import Iterable
from dataclasses import replace

from weft.engine.contract.kernel import Kernel
from weft.engine.contract.leases import Lease
from weft.engine.contract.names import Names
from weft.engine.contract.runtime import Bundle, Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.networks.ipams import Ipams
from weft.engine.sandbox.endpoints import Endpoints, asked_names, interface_names
from weft.engine.sandbox.gateways import Gateways, gateways_of
from weft.engine.sandbox.leasing import Leasing, with_leases
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.mode import identity_of, is_private, is_user_defined, joined_container
from weft.engine.sandbox.name_service import NameService, offered
from weft.engine.sandbox.outside import Outside
from weft.engine.sandbox.planner import SandboxPlanner
from weft.engine.sandbox.publisher import Publisher
from weft.engine.sandbox.way_out import WayOut
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.errors import Conflict
from weft.model.network import NetworkRecord
from weft.plan.operations import CreateSandbox, DeleteSandbox
from weft.plan.plan import Plan


class SandboxService:
    """Owns sandboxes: their id is that of the container they were made for. Callers hold the container's lock."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        runtime: Runtime,
        names: Names,
        name_service: NameService,
        endpoints: Endpoints,
        planner: SandboxPlanner,
        publisher: Publisher,
        links: Links,
        outside: Outside,
        leasing: Leasing,
        ipams: Ipams,
        way_out: WayOut,
        events: EventBus,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._runtime = runtime
        self._names = names
        self._name_service = name_service
        self._endpoints = endpoints
        self._planner = planner
        self._publisher = publisher
        self._links = links
        self._outside = outside
        self._leasing = leasing
        self._ipams = ipams
        self._way_out = way_out
        self._events = events

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

    def networks_of(self, record: ContainerRecord) -> list[NetworkRecord]:
        """Return the networks of a container's attachments that still exist."""
        users = (attachment for attachment in record.attachments if not attachment.implicit)
        found = (self._inventory.networks.get(attachment.network_id) for attachment in users)
        return [network for network in found if network is not None]

    # ── up and down ──

    async def raise_up(self, record: ContainerRecord) -> ContainerRecord:
        """Prepare the network that a container starts in; all or nothing. Return the record with its endpoints."""
        mode = record.spec.networking.mode
        joined = joined_container(mode)
        if joined is not None:
            return replace(record, sandbox_id=self._sandbox_to_join(joined))
        if is_private(mode):
            self._links.check(record)
            record = await self._raise_own(record)
        self._name_service.write(record, self._runtime.directory(record.id), self.networks_of(record))
        return record

    def _sandbox_to_join(self, container_id: str) -> str:
        target = self._inventory.find_container(container_id)
        if not target.state.is_running:
            raise Conflict(f"cannot join network namespace of a non running container: {target.id}")
        return target.sandbox_id

    async def _raise_own(self, record: ContainerRecord) -> ContainerRecord:
        if record.sandbox_id:  # kept for containers that joined it
            return record
        record = former = self._with_networks_found(_bare(record))
        record = await self._allocate(record)
        try:
            record = await self._enter_outside(record)
            record = await self._enter_wires(record)
            record = await self._publisher.allocate(record)
            plan = self._planner.raise_plan(record) + self._links.settle(record)
            await self._kernel.apply(plan)
            await self._publisher.carry(record)
            record = await self._outside.publish(former, record)
        except BaseException:
            await self._leave_outside(record, former)
            await self._release(record)
            raise
        record = replace(record, sandbox_id=record.id)
        try:
            self._inventory.save(record)
            self._tell_linkers(record)
            await self._open_names(record)
        except BaseException:
            await self.lower(record)
            raise
        for attachment in record.attachments:
            self._emit("connect", attachment, record)
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
                way_out = await self._with_endpoint(entered, way_out, interface_names(entered.attachments))
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

    def _with_networks_found(self, record: ContainerRecord) -> ContainerRecord:
        """Find networks that were removed and made again under their old names; NotFound otherwise."""
        attachments = []
        for attachment in record.attachments:
            network = self._inventory.networks.get(attachment.network_id)
            if network is None:
                network = self._inventory.find_network(attachment.network_name)
            attachments.append(replace(attachment, network_id=network.id))
        return replace(record, attachments=tuple(attachments))

    async def _allocate(self, record: ContainerRecord) -> ContainerRecord:
        done: list[Attachment] = []
        try:
            for position, attachment in enumerate(record.attachments):
                later = record.attachments[position + 1 :]
                done.append(await self._with_endpoint(record, attachment, interface_names(done) | asked_names(later)))
        except BaseException:
            await self._give_back(live_endpoints(done))
            raise
        return replace(record, attachments=tuple(done))

    async def _with_endpoint(self, record: ContainerRecord, attachment: Attachment, taken: set[str]) -> Attachment:
        network = self._inventory.networks[attachment.network_id]
        given = await self._ipams.take(record, network, attachment, self._endpoints.asked_mac(record, attachment))
        try:
            endpoint = self._endpoints.allocate(record, network, attachment, taken, given)
        except BaseException:
            if given is not None:
                unused = Endpoint(id=given.endpoint_id, network_id=network.id, ipv4=given.ipv4, ipv6=given.ipv6)
                await self._ipams.release([unused])
            raise
        return replace(attachment, endpoint=endpoint)

    async def _give_back(self, endpoints: list[Endpoint]) -> None:
        """Give addresses back, Weft's own and those of IPAM drivers outside."""
        self._endpoints.release(endpoints)
        await self._ipams.release(endpoints)

    async def _release(self, record: ContainerRecord) -> None:
        await self._publisher.carry(_bare(record))
        await self._give_back(live_endpoints(record.attachments))
        self._publisher.release(record)
        self._links.settle(_bare(record))

    def _tell_linkers(self, record: ContainerRecord) -> None:
        """Write the hosts files of those that link to a container anew: it may have another address now."""
        for linker in self._links.linkers(record.id):
            if linker.sandbox_id == linker.id:
                self._name_service.write_hosts(linker, self._runtime.directory(linker.id))

    async def unlink(self, record: ContainerRecord) -> None:
        """Save a container from which a link was taken away, and let it take effect at once."""
        self._inventory.save(record)
        if record.sandbox_id == record.id:
            await self._kernel.apply(self._links.settle(record))
            self._name_service.write_hosts(record, self._runtime.directory(record.id))

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
        for attachment in record.attachments:
            await self._withdraw(attachment)
        await self._names.close(record.sandbox_id)
        await self._outside.leave(record)
        await self._leasing.release(record)
        await self._kernel.teardown(self._links.settle(_bare(record)) + self._planner.lower_plan(record))
        await self._release(record)
        for attachment in record.attachments:
            if attachment.endpoint is not None:
                self._emit("disconnect", attachment, record)
        return replace(_bare(record), sandbox_id="", ports=())

    # ── names ──

    async def _open_names(self, record: ContainerRecord) -> None:
        networks = self.networks_of(record)
        if not any(is_user_defined(network.name) for network in networks):
            return
        sockets = await self._kernel.open_dns_sockets(record.sandbox_id)
        path = self._kernel.sandbox_path(record.sandbox_id)
        await self._names.open(record.sandbox_id, sockets, path, self._name_service.view(record, networks))
        for attachment in record.attachments:
            await self._publish(attachment)

    async def restore_names(self, record: ContainerRecord, *, held: bool) -> None:
        """Bring the sandbox's view up to date, or hand its sockets over where the DNS process has none."""
        networks = self.networks_of(record)
        if held:
            await self._names.update(record.sandbox_id, self._name_service.view(record, networks))
        else:
            await self._open_names(record)

    async def _publish(self, attachment: Attachment) -> None:
        endpoint = attachment.endpoint
        if endpoint is not None and endpoint.dns_names:
            addresses = tuple(interface.ip for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None)
            await self._names.publish(attachment.network_id, endpoint.id, endpoint.dns_names, addresses)

    async def _withdraw(self, attachment: Attachment) -> None:
        if attachment.endpoint is not None and attachment.endpoint.dns_names:
            await self._names.withdraw(attachment.network_id, attachment.endpoint.id)

    async def rename(self, record: ContainerRecord, name: str) -> ContainerRecord:
        """Give a container another name, on its networks too; return and save the new record."""
        renamed = replace(record, name=name)
        attachments = []
        for attachment in renamed.attachments:
            if attachment.endpoint is not None:
                names = self._endpoints.names_of(renamed, attachment)
                attachment = replace(attachment, endpoint=replace(attachment.endpoint, dns_names=names))
            attachments.append(attachment)
        renamed = replace(renamed, attachments=tuple(attachments))
        self._inventory.save(renamed)
        for attachment in renamed.attachments:
            await self._publish(attachment)
        return renamed

    # ── connect and disconnect ──

    async def connect(self, record: ContainerRecord, attachment: Attachment) -> None:
        """Attach a container to one more network and save its record."""
        if not record.sandbox_id or not record.state.is_running:
            self._inventory.save(replace(record, attachments=(*record.attachments, attachment)))
            return
        attachment = await self._with_endpoint(record, attachment, interface_names(record.attachments))
        connected = replace(record, attachments=(*record.attachments, attachment))
        entered = False
        try:
            if self._outside.has(replace(record, attachments=(attachment,))):
                self._inventory.save(_unsettled(connected, attachment))
                connected = await self._outside.attach(connected, {attachment.network_id})
                attachment, entered = connected.attachments[-1], True
            if self._leasing.is_leased(attachment):
                self._inventory.save(_unsettled(connected, attachment))
                connected = await self._lease_one(connected, attachment)
                attachment = connected.attachments[-1]
            connected = await self._publisher.move(record, connected)
            self._inventory.save(_unsettled(connected, attachment))
            await self._apply_connect(record, connected, attachment)
            connected = await self._let_in(record, connected, attachment)
        except BaseException:
            if entered:
                await self._outside.leave(connected, {attachment.network_id})
            if attachment.endpoint is not None and attachment.endpoint.leased:
                await self._leave_wire(connected, attachment)
            await self._give_back(live_endpoints([attachment]))
            self._inventory.save(record)
            raise
        attachment = connected.attachments[-1]
        self._inventory.save(connected)
        await self._names_changed(record, connected)
        await self._publish(attachment)
        self._emit("connect", attachment, connected)
        try:
            await self._settle_way_out(connected)
        except BaseException:
            await self._disconnect(self._inventory.containers[record.id], attachment)
            raise

    async def _lease_one(self, record: ContainerRecord, attachment: Attachment) -> ContainerRecord:
        await self._kernel.apply(self._planner.wire_plan([attachment], record.id, made=True))
        try:
            return await self._leasing.acquire(record, {attachment.network_id})
        except BaseException:
            await self._leave_wire(record, attachment)
            raise

    async def _leave_wire(self, record: ContainerRecord, attachment: Attachment) -> None:
        await self._leasing.release(record, {attachment.network_id})
        await self._kernel.teardown(self._planner.unwire_plan(attachment, record.sandbox_id))

    async def _apply_connect(self, before: ContainerRecord, after: ContainerRecord, attachment: Attachment) -> None:
        try:
            await self._kernel.apply(self._planner.connect_plan(before, after, attachment) + self._links.settle(after))
            await self._publisher.carry(after)
        except BaseException:
            self._publisher.undo_move(before, after)
            self._links.settle(before)
            await self._publisher.carry(before)
            raise

    async def _let_in(self, before: ContainerRecord, after: ContainerRecord, attachment: Attachment) -> ContainerRecord:
        try:
            return await self._outside.publish(before, after)
        except BaseException:
            await self._kernel.teardown(self._planner.disconnect_plan(after, before, attachment))
            self._publisher.undo_move(before, after)
            self._links.settle(before)
            await self._publisher.carry(before)
            raise

    async def _settle_way_out(self, record: ContainerRecord) -> None:
        """Connect a running container to docker_gwbridge, or disconnect it, as its other networks have it."""
        present = self._way_out.present(record)
        if present is None and self._way_out.is_needed(record):
            await self.connect(record, await self._way_out.attachment())
        elif present is not None and not self._way_out.is_needed(record):
            await self._disconnect(record, present)

    async def disconnect(self, record: ContainerRecord, network: NetworkRecord) -> None:
        """Detach a container from a network and save its record."""
        # by name: while the container was stopped the network may have been removed and made again
        attachment = next((one for one in record.attachments if one.network_name == network.name), None)
        if attachment is not None:
            await self._disconnect(record, attachment)

    async def _disconnect(self, record: ContainerRecord, attachment: Attachment) -> None:
        rest = tuple(other for other in record.attachments if other is not attachment)
        disconnected = replace(record, attachments=rest)
        if attachment.endpoint is None or not record.state.is_running:
            self._inventory.save(disconnected)
            return
        self._inventory.save(_unsettled(record, attachment))
        await self._withdraw(attachment)
        disconnected = await self._publisher.move(record, disconnected)
        await self._leasing.release(record, {attachment.network_id})
        plan = self._links.settle(disconnected) + self._planner.disconnect_plan(record, disconnected, attachment)
        await self._kernel.teardown(plan)
        await self._publisher.carry(disconnected)
        await self._outside.leave(record, {attachment.network_id})
        disconnected = await self._outside.publish_what_can(record, disconnected)
        await self._give_back([attachment.endpoint])
        self._inventory.save(disconnected)
        await self._names_changed(record, disconnected)
        self._emit("disconnect", attachment, disconnected)
        await self._settle_way_out(disconnected)

    async def _names_changed(self, before: ContainerRecord, after: ContainerRecord) -> None:
        """Bring files and the DNS view up to date with a changed set of networks."""
        directory = self._runtime.directory(after.id)
        networks = self.networks_of(after)
        self._name_service.write_hosts(after, directory)
        self._tell_linkers(after)
        had, has = (any(a.endpoint and a.endpoint.dns_names for a in r.attachments) for r in (before, after))
        if has and not had:
            self._name_service.write_resolv_conf(after, directory, networks)
            await self.restore_names(after, held=after.sandbox_id in await self._names.sandboxes())
        elif had or has:
            if offered(before) != offered(after):
                self._name_service.write_resolv_conf(after, directory, networks)
            await self._names.update(after.sandbox_id, self._name_service.view(after, networks))

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
        await self._names_changed(record, changed)
        for attachment in changed.attachments:
            await self._publish(attachment)

    def gateways(self, record: ContainerRecord) -> Gateways:
        """Return the endpoints that carry the container's default routes."""
        return gateways_of(record, self._inventory.networks)

    def _emit(self, action: str, attachment: Attachment, record: ContainerRecord) -> None:
        if attachment.implicit:
            return
        network = self._inventory.networks.get(attachment.network_id)
        attributes = {
            "container": record.id,
            "name": attachment.network_name,
            "type": network.driver if network is not None else "",
        }
        self._events.emit("network", action, attachment.network_id, attributes)


def _unsettled(record: ContainerRecord, attachment: Attachment) -> ContainerRecord:
    """Return the record with that attachment marked as one on which work is under way."""
    endpoint = attachment.endpoint and replace(attachment.endpoint, unsettled=True)
    marked = replace(attachment, endpoint=endpoint)
    return replace(record, attachments=tuple(marked if one is attachment else one for one in record.attachments))


def _bare(record: ContainerRecord) -> ContainerRecord:
    """Return the record without endpoints, and without attachments that it has while it runs alone."""
    kept = (each for each in record.attachments if not each.implicit)
    return replace(record, attachments=tuple(replace(each, endpoint=None) for each in kept))


def live_endpoints(attachments: Iterable[Attachment]) -> list[Endpoint]:
    """Return the endpoints that are there."""
    return [attachment.endpoint for attachment in attachments if attachment.endpoint is not None]
