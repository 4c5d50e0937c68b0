"""Endpoints of remote drivers: attached before the plan of a sandbox, detached before it is taken down."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import replace

from weft.drivers.contract import Remote
from weft.drivers.registry import Registry
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.remote import CheckingDriver, Place, RemoteDriver, Remotes
from weft.engine.inventory import Inventory
from weft.engine.sandbox.endpoints import interface_names
from weft.engine.sandbox.gateways import gateways_of
from weft.engine.sandbox.ports import PortBook, requests_of
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.errors import WeftError
from weft.model.network import NetworkRecord

_log = logging.getLogger(__name__)


class Outside:
    """Calls remote drivers for the endpoints of one container at a time. Callers hold the container's lock."""

    def __init__(
        self, inventory: Inventory, kernel: Kernel, drivers: Registry, remotes: Remotes, ports: PortBook
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._drivers = drivers
        self._remotes = remotes
        self._ports = ports

    def has(self, record: ContainerRecord) -> bool:
        """Whether an endpoint of the record is a remote driver's."""
        return any(_is_remote(attachment) for attachment in record.attachments)

    async def attach(self, record: ContainerRecord, only: Collection[str] | None = None) -> ContainerRecord:
        """Return the record with its remote endpoints attached and completed: all, or those of the networks in `only`.

        All or nothing; the sandbox is there already. Errors are the drivers'.
        """
        done: list[Attachment] = []
        for attachment in record.attachments:
            if not _is_remote(attachment) or (only is not None and attachment.network_id not in only):
                continue
            try:
                record, attached = await self._attach(record, attachment)
            except BaseException:
                await self._detach_all(record, done)
                raise
            done.append(attached)
        return record

    async def _attach(self, record: ContainerRecord, attachment: Attachment) -> tuple[ContainerRecord, Attachment]:
        network = self._inventory.networks[attachment.network_id]
        endpoint = attachment.endpoint
        assert endpoint is not None  # noqa: S101 - `_is_remote` looked
        driver = await self._remotes.driver(network.driver, known=True)
        others = [other for other in record.attachments if other is not attachment]
        completed = await driver.attach(
            network, endpoint, attachment.spec, self._place(record, interface_names(others))
        )
        attached = replace(attachment, endpoint=completed)
        try:
            self._ports.claim(record.id, completed.ports)
        except BaseException:
            await self._detach_all(record, [attached])
            raise
        return _with(record, attachment, attached), attached

    async def leave(self, record: ContainerRecord, only: Collection[str] | None = None) -> None:
        """Revoke, detach and remove remote endpoints; goes on after errors, which are logged."""
        leaving = [
            attachment
            for attachment in record.attachments
            if _is_remote(attachment) and (only is None or attachment.network_id in only)
        ]
        for attachment in leaving:
            if attachment.network_id in _leading(record, self._inventory.networks):
                await self._revoke(record, attachment)
        await self._detach_all(record, leaving)

    async def _detach_all(self, record: ContainerRecord, attachments: Iterable[Attachment]) -> None:
        for attachment in attachments:
            found = await self._find(record, attachment)
            if found is None:
                continue
            network, endpoint, driver = found
            self._ports.disclaim(record.id, endpoint.ports)
            planner = self._drivers.get(network.driver)
            with _logged("detach", record, network):
                await driver.detach(network, endpoint, self._place(record))
            if isinstance(planner, Remote):
                with _logged("return the interface of", record, network):
                    await self._kernel.apply(planner.returned(endpoint, record.id))
            with _logged("remove the endpoint of", record, network):
                await driver.remove(network, endpoint)

    async def publish(self, before: ContainerRecord, after: ContainerRecord) -> ContainerRecord:
        """Return `after` with the outside let in by its gateway endpoints; those that are none any more are revoked.

        `before` without endpoints is a container that starts. Raises the driver's error with nothing published anew.
        """
        networks = self._inventory.networks
        was, now = _leading(before, networks), _leading(after, networks)
        for attachment in before.attachments:
            if attachment.network_id in was - now and after.attachment_to(attachment.network_id) is not None:
                await self._revoke(before, attachment)
        published: list[Attachment] = []
        for attachment in after.attachments:
            if attachment.network_id not in now - was or attachment.endpoint is None:
                continue
            network = networks[attachment.network_id]
            try:
                driver = await self._remotes.driver(network.driver)
                endpoint = await driver.publish(network, attachment.endpoint, self._place(after))
            except BaseException:
                for done in published:
                    await self._revoke(after, done)
                raise
            opened = replace(attachment, endpoint=endpoint)
            after = _with(after, attachment, opened)
            published.append(opened)
        return after

    async def publish_what_can(self, before: ContainerRecord, after: ContainerRecord) -> ContainerRecord:
        """Publish after an endpoint went; a driver's error is logged, since what went cannot come back."""
        try:
            return await self.publish(before, after)
        except WeftError as error:
            _log.error("the ports of container %s could not be published: %s", after.name, error.message)
            return after

    async def check(self, record: ContainerRecord) -> None:
        """Have drivers look after the endpoints of a running container; what they object to is logged."""
        for attachment in record.attachments:
            found = await self._find(record, attachment) if _is_remote(attachment) else None
            if found is None:
                continue
            network, endpoint, driver = found
            if isinstance(driver, CheckingDriver):
                with _logged("find in order", record, network):
                    await driver.check(network, endpoint, self._place(record))

    async def _revoke(self, record: ContainerRecord, attachment: Attachment) -> None:
        found = await self._find(record, attachment)
        if found is not None:
            network, endpoint, driver = found
            with _logged("revoke the ports of", record, network):
                await driver.revoke(network, endpoint)

    async def _find(
        self, record: ContainerRecord, attachment: Attachment
    ) -> tuple[NetworkRecord, Endpoint, RemoteDriver] | None:
        network = self._inventory.networks.get(attachment.network_id)
        if network is None or attachment.endpoint is None:
            return None
        with _logged("reach the driver of", record, network):
            return network, attachment.endpoint, await self._remotes.driver(network.driver, wait=False)
        return None

    def _place(self, record: ContainerRecord, taken: Collection[str] = ()) -> Place:
        requests = requests_of(record.spec.networking)
        exposed = (*record.spec.networking.exposed, *(request.container_port for request in requests))
        return Place(
            sandbox=record.id,
            path=self._kernel.sandbox_path(record.id),
            container_id=record.id,
            container_name=record.name,
            requests=requests,
            exposed=tuple(dict.fromkeys(exposed)),
            taken=frozenset(taken),
        )


class _logged:
    """Lets a WeftError go no further than the log."""

    def __init__(self, what: str, record: ContainerRecord, network: NetworkRecord) -> None:
        self._what = f"could not {what} container {record.name} on network {network.name}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, WeftError):
            return False
        _log.error("%s: %s", self._what, error.message)
        return True


def _is_remote(attachment: Attachment) -> bool:
    return attachment.endpoint is not None and attachment.endpoint.remote


def _leading(record: ContainerRecord, networks: dict[str, NetworkRecord]) -> set[str]:
    """Return the networks whose remote endpoint the container leaves by."""
    gateways = gateways_of(record, networks)
    chosen = (attachment for attachment in (gateways.ipv4, gateways.ipv6) if attachment is not None)
    return {attachment.network_id for attachment in chosen if _is_remote(attachment)}


def _with(record: ContainerRecord, former: Attachment, present: Attachment) -> ContainerRecord:
    attachments = tuple(present if each is former else each for each in record.attachments)
    return replace(record, attachments=attachments)
