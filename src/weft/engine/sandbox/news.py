"""Who hears of an endpoint that comes, changes or goes: the DNS process, hosts files, events."""

from collections.abc import Iterable
from dataclasses import replace

from weft.engine.contract.kernel import Kernel
from weft.engine.contract.names import Names
from weft.engine.contract.runtime import Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.sandbox.endpoints import Endpoints
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.mode import is_user_defined
from weft.engine.sandbox.name_service import NameService, offered
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment
from weft.model.network import NetworkRecord


class News:
    """Tells them. Callers hold the container's lock."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        runtime: Runtime,
        names: Names,
        name_service: NameService,
        endpoints: Endpoints,
        links: Links,
        events: EventBus,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._runtime = runtime
        self._names = names
        self._name_service = name_service
        self._endpoints = endpoints
        self._links = links
        self._events = events

    def networks_of(self, record: ContainerRecord) -> list[NetworkRecord]:
        """Return the networks of a container's attachments that still exist."""
        users = (attachment for attachment in record.attachments if not attachment.implicit)
        found = (self._inventory.networks.get(attachment.network_id) for attachment in users)
        return [network for network in found if network is not None]

    def write_files(self, record: ContainerRecord) -> None:
        """Write hosts, hostname and resolv.conf of a container that is about to start."""
        self._name_service.write(record, self._runtime.directory(record.id), self.networks_of(record))

    def write_hosts(self, record: ContainerRecord) -> None:
        """Write a container's hosts file anew."""
        self._name_service.write_hosts(record, self._runtime.directory(record.id))

    def tell_linkers(self, record: ContainerRecord) -> None:
        """Write the hosts files of those that link to a container anew: it may have another address now."""
        for linker in self._links.linkers(record.id):
            if linker.sandbox_id == linker.id:
                self.write_hosts(linker)

    async def open(self, record: ContainerRecord) -> None:
        """Let a sandbox's queries be answered, and its endpoints be found; nothing off user-defined networks."""
        networks = self.networks_of(record)
        if not any(is_user_defined(network.name) for network in networks):
            return
        sockets = await self._kernel.open_dns_sockets(record.sandbox_id)
        path = self._kernel.sandbox_path(record.sandbox_id)
        await self._names.open(record.sandbox_id, sockets, path, self._name_service.view(record, networks))
        for attachment in record.attachments:
            await self.publish(attachment)

    async def restore(self, record: ContainerRecord, *, held: bool) -> None:
        """Bring the sandbox's view up to date, or hand its sockets over where the DNS process has none."""
        if held:
            view = self._name_service.view(record, self.networks_of(record))
            await self._names.update(record.sandbox_id, view)
        else:
            await self.open(record)

    async def close(self, record: ContainerRecord) -> None:
        """Let a sandbox's endpoints be found no more, and its queries stay without answer."""
        for attachment in record.attachments:
            await self.withdraw(attachment)
        await self._names.close(record.sandbox_id)

    async def publish(self, attachment: Attachment) -> None:
        """Let an endpoint be found by its names."""
        endpoint = attachment.endpoint
        if endpoint is not None and endpoint.dns_names:
            addresses = tuple(interface.ip for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None)
            await self._names.publish(attachment.network_id, endpoint.id, endpoint.dns_names, addresses)

    async def withdraw(self, attachment: Attachment) -> None:
        """Let an endpoint be found no more."""
        if attachment.endpoint is not None and attachment.endpoint.dns_names:
            await self._names.withdraw(attachment.network_id, attachment.endpoint.id)

    async def changed(self, before: ContainerRecord, after: ContainerRecord) -> None:
        """Bring files and the DNS view up to date with a changed set of networks."""
        self.write_hosts(after)
        self.tell_linkers(after)
        directory, networks = self._runtime.directory(after.id), self.networks_of(after)
        had, has = (any(a.endpoint and a.endpoint.dns_names for a in r.attachments) for r in (before, after))
        if has and not had:
            self._name_service.write_resolv_conf(after, directory, networks)
            await self.restore(after, held=after.sandbox_id in await self._names.sandboxes())
        elif had or has:
            if offered(before) != offered(after):
                self._name_service.write_resolv_conf(after, directory, networks)
            await self._names.update(after.sandbox_id, self._name_service.view(after, networks))

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
            await self.publish(attachment)
        return renamed

    def connected(self, attachments: Iterable[Attachment], record: ContainerRecord) -> None:
        """Say in events that these endpoints came."""
        for attachment in attachments:
            self._emit("connect", attachment, record)

    def disconnected(self, attachments: Iterable[Attachment], record: ContainerRecord) -> None:
        """Say in events which of these endpoints went."""
        for attachment in attachments:
            if attachment.endpoint is not None:
                self._emit("disconnect", attachment, record)

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
