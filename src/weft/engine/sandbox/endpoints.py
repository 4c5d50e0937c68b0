"""Endpoints: allocated for an attachment, and what they are called."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Interface

from weft.drivers.contract import Linked, Remote, Routed
from weft.drivers.endpoint_options import own_options
from weft.drivers.mac import mac_address
from weft.drivers.registry import Registry
from weft.engine.contract.environment import Environment
from weft.engine.networks.ipams import Given
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.mode import identity_of, is_user_defined
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.ids import short_id
from weft.model.network import NetworkRecord

_MAC_PREFIX = b"\x02\x42"  # as Docker had it before it went over to random ones


class Endpoints:
    """Makes endpoints: id, addresses, interfaces, MAC and names."""

    def __init__(self, addresses: AddressBook, drivers: Registry, environment: Environment, host_name: str) -> None:
        self._addresses = addresses
        self._drivers = drivers
        self._environment = environment
        self._host_name = host_name

    def allocate(
        self,
        record: ContainerRecord,
        network: NetworkRecord,
        attachment: Attachment,
        taken: Collection[str],
        given: Given | None = None,
    ) -> Endpoint:
        """Return an endpoint with addresses taken, `taken` being interface names in use in the sandbox.

        `given` is what an IPAM driver outside gave it. A remote driver's endpoint is left for that driver to complete.

        The errors are those of the allocator and the driver.
        """
        driver = self._drivers.get(network.driver)
        endpoint_id = given.endpoint_id if given is not None else self._environment.new_id()
        gateways = driver.gateways(network) if isinstance(driver, Routed) else (None, None)
        linked = isinstance(driver, Linked)
        sandbox_link = driver.sandbox_link(network, attachment.spec, taken) if isinstance(driver, Linked) else ""
        ipv4, ipv6 = self._addresses.take(network, attachment.spec) if given is None else (given.ipv4, given.ipv6)
        remote = isinstance(driver, Remote)
        mac = (given.mac if given is not None else "") or self.asked_mac(record, attachment)
        mac = mac or ("" if remote else self._mac(ipv4))
        return Endpoint(
            id=endpoint_id,
            network_id=network.id,
            ipv4=ipv4,
            ipv6=ipv6,
            gateway_ipv4=gateways[0] if ipv4 is not None else None,
            gateway_ipv6=gateways[1] if ipv6 is not None else None,
            mac_address=mac if linked else "",
            host_link=driver.host_link(endpoint_id) if isinstance(driver, Linked) else "",
            sandbox_link=sandbox_link,
            dns_names=self.names_of(record, attachment),
            remote=remote,
        )

    def release(self, endpoints: Iterable[Endpoint]) -> None:
        """Give addresses back."""
        for endpoint in endpoints:
            self._addresses.release(endpoint)

    def names_of(self, record: ContainerRecord, attachment: Attachment) -> tuple[str, ...]:
        """Return what the endpoint answers to: container name, aliases, short id, host name; none off user networks."""
        if not is_user_defined(attachment.network_name) or attachment.implicit:
            return ()
        hostname = identity_of(record, self._host_name).hostname
        return tuple(dict.fromkeys((record.name, *attachment.spec.aliases, short_id(record.id), hostname)))

    def asked_mac(self, record: ContainerRecord, attachment: Attachment) -> str:
        """Return the MAC address that a user gave the endpoint, lower case, or ""."""
        if attachment.spec.mac_address:
            return attachment.spec.mac_address.lower()
        first = record.attachments[0].network_id if record.attachments else attachment.network_id
        if record.spec.networking.mac_address and attachment.network_id == first:
            return record.spec.networking.mac_address.lower()
        return ""

    def _mac(self, ipv4: IPv4Interface | None) -> str:
        if ipv4 is not None:  # an address that is used again keeps its MAC: nobody's neighbour table goes stale
            return mac_address(_MAC_PREFIX + ipv4.ip.packed)
        return mac_address(self._environment.random_below(1 << 48).to_bytes(6))


def interface_names(attachments: Iterable[Attachment]) -> set[str]:
    """Return interface names in use, or asked for by a user, among these attachments."""
    used = {attachment.endpoint.sandbox_link for attachment in attachments if attachment.endpoint is not None}
    return (used | asked_names(attachments)) - {""}


def asked_names(attachments: Iterable[Attachment]) -> set[str]:
    """Return the interface names that users asked for, which automatic ones keep clear of."""
    return {own_options(attachment.spec.driver_options).interface_name for attachment in attachments} - {""}
