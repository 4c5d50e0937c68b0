"""Endpoints: allocated for an attachment, and what they are called."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface

from weft.drivers.contract import Linked, Parented, Remote, Routed, Sharded
from weft.drivers.endpoint_options import own_options
from weft.drivers.mac import mac_address, mac_of
from weft.drivers.registry import Registry
from weft.engine.contract.environment import Environment
from weft.engine.networks.ipams import Given
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.mode import identity_of, is_user_defined
from weft.engine.sandbox.shards import ShardBook
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.ids import short_id
from weft.model.network import NetworkRecord


class Endpoints:
    """Makes endpoints: id, addresses, interfaces, MAC and names."""

    def __init__(
        self,
        addresses: AddressBook,
        shards: ShardBook,
        drivers: Registry,
        environment: Environment,
        host_name: str,
    ) -> None:
        self._addresses = addresses
        self._shards = shards
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
        mac = (given.mac if given is not None else "") or self.asked_mac(record, attachment)
        parented = driver if isinstance(driver, Parented) else None
        if parented is not None:
            driver.validate_endpoint(replace(attachment.spec, mac_address=mac))
        endpoint_id = given.endpoint_id if given is not None else self._environment.new_id()
        linked = isinstance(driver, Linked)
        sandbox_link = driver.sandbox_link(network, attachment.spec, taken) if isinstance(driver, Linked) else ""
        shard = self._shards.first_with_room(network, driver) if isinstance(driver, Sharded) else 0
        ipv4, ipv6 = self._addresses.take(network, attachment.spec) if given is None else (given.ipv4, given.ipv6)
        self._shards.take(network.id, shard)
        used = _with_pools_of(network, ipv4, ipv6)
        gateways = driver.gateways(used) if isinstance(driver, Routed) else (None, None)
        remote = isinstance(driver, Remote)
        inherited = remote or (parented is not None and parented.shares_mac(network.spec))
        mac = mac or ("" if inherited else self._mac(ipv4))
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
            beside_host=parented is not None,
            by_link=parented is not None and parented.leaves_by_link(network.spec),
            shard=shard,
        )

    def release(self, endpoints: Iterable[Endpoint]) -> None:
        """Give addresses and places back."""
        for endpoint in endpoints:
            self._addresses.release(endpoint)
            self._shards.release(endpoint)

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
            return mac_of(ipv4.ip)
        return mac_address(self._environment.random_below(1 << 48).to_bytes(6))


def _with_pools_of(network: NetworkRecord, ipv4: IPv4Interface | None, ipv6: IPv6Interface | None) -> NetworkRecord:
    """Return the network with those of its pools alone that hold the addresses: their gateways are the endpoint's."""
    if len(network.pools) <= 1:
        return network
    held = [interface.ip for interface in (ipv4, ipv6) if interface is not None]
    pools = tuple(pool for pool in network.pools if any(address in pool.subnet for address in held))
    return replace(network, pools=pools or network.pools)


def interface_names(attachments: Iterable[Attachment]) -> set[str]:
    """Return interface names in use, or asked for by a user, among these attachments."""
    used = {attachment.endpoint.sandbox_link for attachment in attachments if attachment.endpoint is not None}
    return (used | asked_names(attachments)) - {""}


def asked_names(attachments: Iterable[Attachment]) -> set[str]:
    """Return the interface names that users asked for, which automatic ones keep clear of."""
    return {own_options(attachment.spec.driver_options).interface_name for attachment in attachments} - {""}
