"""Networks of a container that change while it is there: connect and disconnect."""

from dataclasses import replace

from weft.engine.contract.kernel import Kernel
from weft.engine.inventory import Inventory
from weft.engine.sandbox.allotment import Allotment
from weft.engine.sandbox.endpoints import interface_names
from weft.engine.sandbox.leasing import Leasing
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.news import News
from weft.engine.sandbox.outside import Outside
from weft.engine.sandbox.planner import SandboxPlanner
from weft.engine.sandbox.publisher import Publisher
from weft.engine.sandbox.way_out import WayOut
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment
from weft.model.network import NetworkRecord


class Membership:
    """Attaches containers to networks and detaches them. Callers hold the container's lock."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        allotment: Allotment,
        planner: SandboxPlanner,
        publisher: Publisher,
        links: Links,
        outside: Outside,
        leasing: Leasing,
        way_out: WayOut,
        news: News,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._allotment = allotment
        self._planner = planner
        self._publisher = publisher
        self._links = links
        self._outside = outside
        self._leasing = leasing
        self._way_out = way_out
        self._news = news

    async def connect(self, record: ContainerRecord, attachment: Attachment) -> None:
        """Attach a container to one more network and save its record."""
        if not record.sandbox_id or not record.state.is_running:
            self._inventory.save(replace(record, attachments=(*record.attachments, attachment)))
            return
        attachment = await self._allotment.take(record, attachment, interface_names(record.attachments))
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
            await self._allotment.give_back([attachment])
            self._inventory.save(record)
            raise
        attachment = connected.attachments[-1]
        self._inventory.save(connected)
        await self._news.changed(record, connected)
        await self._news.publish(attachment)
        self._news.connected([attachment], connected)
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
        self._publisher.moved(before, after)

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
        await self._news.withdraw(attachment)
        disconnected = await self._publisher.move(record, disconnected)
        await self._leasing.release(record, {attachment.network_id})
        plan = self._links.settle(disconnected) + self._planner.disconnect_plan(record, disconnected, attachment)
        await self._kernel.teardown(plan)
        self._publisher.moved(record, disconnected)
        await self._publisher.carry(disconnected)
        await self._outside.leave(record, {attachment.network_id})
        disconnected = await self._outside.publish_what_can(record, disconnected)
        await self._allotment.give_back([attachment])
        self._inventory.save(disconnected)
        await self._news.changed(record, disconnected)
        self._news.disconnected([attachment], disconnected)
        await self._settle_way_out(disconnected)


def _unsettled(record: ContainerRecord, attachment: Attachment) -> ContainerRecord:
    """Return the record with that attachment marked as one on which work is under way."""
    endpoint = attachment.endpoint and replace(attachment.endpoint, unsettled=True)
    marked = replace(attachment, endpoint=endpoint)
    return replace(record, attachments=tuple(marked if one is attachment else one for one in record.attachments))
