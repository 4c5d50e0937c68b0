"""The networks of a new container: from its mode and the client's endpoint settings to attachments."""

from collections.abc import Mapping
from dataclasses import replace

from weft.drivers.rates import rates_of
from weft.engine.inventory import Inventory
from weft.engine.sandbox.links import parse_link
from weft.engine.sandbox.mode import DEFAULT_BRIDGE, NONE, is_host, is_user_defined, joined_container
from weft.model.address import Address
from weft.model.container import ContainerRecord, NetworkingSpec
from weft.model.endpoint import Attachment, EndpointSpec
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound
from weft.model.network import NetworkRecord

_WITHOUT_LINKS = ("host", "null")


def attachments_of(
    inventory: Inventory, networking: NetworkingSpec, endpoints: Mapping[str, EndpointSpec]
) -> tuple[Attachment, ...]:
    """Return the attachments, the mode's own network first; one that is not there yet is looked for at the start.

    InvalidParameter or Conflict in Docker's words for combinations that cannot be.
    """
    if is_host(networking.mode) or joined_container(networking.mode) is not None:
        return _without_network(inventory, networking, endpoints)
    wanted = {network_name(inventory, name): spec for name, spec in endpoints.items()}
    first = network_name(inventory, networking.mode)
    attachments = []
    for name, spec in {first: wanted.pop(first, EndpointSpec()), **wanted}.items():
        network = inventory.network_named(name)
        if network is not None:
            _check(network, spec)
        attachments.append(Attachment(network_id=network.id if network else "", network_name=name, spec=spec))
    _check_combination(attachments)
    return tuple(attachments)


def with_networks(inventory: Inventory, record: ContainerRecord) -> ContainerRecord:
    """Return the record with the networks found that were made, or made again, under their names meanwhile.

    NotFound where one is not there, and the errors of a creation for one that it cannot be on.
    """
    attachments = []
    for attachment in record.attachments:
        if attachment.network_id not in inventory.networks:
            network = inventory.find_network(attachment.network_name)
            _check(network, attachment.spec)
            attachment = replace(attachment, network_id=network.id, network_name=network.name)
        attachments.append(attachment)
    return replace(record, attachments=tuple(attachments))


def network_name(inventory: Inventory, reference: str) -> str:
    """Return the name of the network that a name, an id or a prefix stands for; of none, the reference itself."""
    try:
        return inventory.find_network(reference).name
    except NotFound:
        return reference


def _check(network: NetworkRecord, spec: EndpointSpec) -> None:
    check_attachable(network)
    check_endpoint(network, spec)


def _without_network(
    inventory: Inventory, networking: NetworkingSpec, endpoints: Mapping[str, EndpointSpec]
) -> tuple[Attachment, ...]:
    others = [name for name in endpoints if name not in (networking.mode, "default")]
    if others:
        raise InvalidParameter(
            f"conflicting options: cannot attach both user-defined and non-user-defined network-modes: {others[0]}"
        )
    joined = joined_container(networking.mode)
    for spec in endpoints.values():
        _check_no_settings(networking.mode, spec)
    if joined is None:
        host = inventory.find_network(networking.mode)
        return (Attachment(network_id=host.id, network_name=host.name),)
    _check_joining(networking, joined)
    return ()


def _check_no_settings(mode: str, spec: EndpointSpec) -> None:
    """An endpoint in a namespace that is not the container's own can have none."""
    if spec.ipv4 or spec.ipv6 or spec.link_local:
        raise InvalidParameter("user-specified IP address is supported on user-defined networks only")
    if spec.aliases:
        raise InvalidParameter("network-scoped aliases are only supported for user-defined networks")
    if spec.mac_address:
        raise InvalidParameter("conflicting options: mac-address and the network mode")
    if spec.links:
        raise InvalidParameter(
            "conflicting options: host type networking can't be used with links. "
            "This would result in undefined behavior"
        )
    if spec.driver_options:
        raise InvalidParameter(
            f"driver options of an endpoint are not supported in network mode {mode}: it has no interface of its own"
        )


def _check_joining(networking: NetworkingSpec, joined: str) -> None:
    if not joined:
        raise InvalidParameter("invalid container format container:<name|id>")
    given = (
        (networking.hostname, "hostname and the network mode"),
        (networking.dns, "dns and the network mode"),
        (networking.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (networking.mac_address, "mac-address and the network mode"),
        (networking.ports or networking.publish_all, "port publishing and the container type network mode"),
    )
    for value, conflict in given:
        if value:
            raise InvalidParameter(f"conflicting options: {conflict}")


def _check_combination(attachments: list[Attachment]) -> None:
    names = [attachment.network_name for attachment in attachments]
    if len(names) > 1 and NONE in names:
        raise InvalidParameter(
            "container cannot be connected to multiple networks with one of the networks in private (none) mode"
        )
    if len(names) > 1 and "host" in names:
        raise InvalidParameter(
            "cannot connect container to host network - container must be created in host network mode"
        )


def check_attachable(network: NetworkRecord) -> None:
    """Raise if containers cannot be on this network at all."""
    if network.spec.config_only:
        raise Forbidden("cannot create endpoint on configuration-only network")


def check_endpoint(network: NetworkRecord, spec: EndpointSpec) -> None:
    """Raise InvalidParameter, in Docker's words, for settings that this network cannot have."""
    if not is_user_defined(network.name):
        if spec.ipv4 or spec.ipv6:
            raise InvalidParameter("user-specified IP address is supported on user-defined networks only")
        if spec.aliases and network.name == DEFAULT_BRIDGE:
            raise InvalidParameter("network-scoped aliases are only supported for user-defined networks")
    if rates_of(spec.driver_options) and network.driver in _WITHOUT_LINKS:
        raise InvalidParameter(
            f"network {network.name} gives a container no interface of its own: leave out its rates, delay and loss"
        )
    for link in spec.links:
        parse_link(link)
        if not is_user_defined(network.name):
            raise InvalidParameter("links are only supported for user-defined networks")
    if spec.link_local:
        raise InvalidParameter("link-local addresses of endpoints are not supported: use --ip or --ip6")
    for address in (spec.ipv4, spec.ipv6):
        if address is not None:
            _check_address(network, address)


def _check_address(network: NetworkRecord, address: Address) -> None:
    if not network.pools and network.driver_data:  # its driver gives addresses, and says so if it cannot give this one
        return
    pools = [pool for pool in network.pools if pool.subnet.version == address.version]
    if not any(address in pool.subnet for pool in pools):
        raise InvalidParameter(f"invalid endpoint settings:\nno configured subnet contains IP address {address}")


def check_connectable(network: NetworkRecord, mode: str, present: tuple[Attachment, ...], name: str) -> None:
    """Raise if a container of this mode and these attachments cannot be connected to `network`."""
    if network.name == "host":
        raise InvalidParameter(
            "cannot connect container to host network - container must be created in host network mode"
        )
    if joined_container(mode) is not None or is_host(mode):
        raise InvalidParameter(
            "container sharing network namespace with another container or host "
            "cannot be connected to any other network"
        )
    names = [attachment.network_name for attachment in present]
    if names and (network.name == NONE or NONE in names):
        raise InvalidParameter(
            "container cannot be connected to multiple networks with one of the networks in private (none) mode"
        )
    if network.name in names:
        raise Forbidden(f"endpoint with name {name} already exists in network {network.name}")


def check_disconnectable(network: NetworkRecord, container_id: str, attached: bool) -> None:
    """Raise if a container cannot be disconnected from `network`."""
    if network.name == "host":
        raise InvalidParameter(
            "cannot disconnect container from host network - container was created in host network mode"
        )
    if not attached:
        raise Conflict(f"container {container_id} is not connected to network {network.name}")
