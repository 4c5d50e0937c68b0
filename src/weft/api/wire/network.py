"""NetworkRecord -> GET /networks and /networks/{id} (Engine API v1.51 Network)."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, UnsetType, field

from weft.api.version import Version
from weft.api.wire.shapes import Answer
from weft.api.wire.times import rfc3339
from weft.model.container import ContainerRecord
from weft.model.ids import short_id
from weft.model.network import NetworkRecord, Pool, PoolSpec

_IPV4_SINCE = Version(1, 48)


class IpamPoolAnswer(Answer, frozen=True, kw_only=True):
    """One entry of IPAM.Config."""

    subnet: str | UnsetType = UNSET
    ip_range: str | UnsetType = field(name="IPRange", default=UNSET)
    gateway: str | UnsetType = UNSET
    auxiliary_addresses: dict[str, str] | UnsetType = UNSET


class IpamAnswer(Answer, frozen=True, kw_only=True):
    """IPAM."""

    driver: str
    options: Mapping[str, str] | None
    config: list[IpamPoolAnswer]


class ConfigFromAnswer(Answer, frozen=True, kw_only=True):
    """ConfigFrom."""

    network: str


class MemberAnswer(Answer, frozen=True, kw_only=True):
    """One of Containers."""

    name: str
    endpoint_id: str = field(name="EndpointID")
    mac_address: str
    ipv4_address: str = field(name="IPv4Address")
    ipv6_address: str = field(name="IPv6Address")


class NetworkAnswer(Answer, frozen=True, kw_only=True):
    """One network."""

    name: str
    id: str
    created: str
    scope: str
    driver: str
    enable_ipv4: bool | UnsetType = field(name="EnableIPv4", default=UNSET)
    enable_ipv6: bool = field(name="EnableIPv6")
    ipam: IpamAnswer = field(name="IPAM")
    internal: bool
    attachable: bool
    ingress: bool
    config_from: ConfigFromAnswer
    config_only: bool
    containers: Mapping[str, MemberAnswer]
    options: Mapping[str, str]
    labels: Mapping[str, str]


def network_answer(record: NetworkRecord, version: Version, members: Iterable[ContainerRecord] = ()) -> NetworkAnswer:
    """Return one network; a list shows it without its members."""
    spec = record.spec
    return NetworkAnswer(
        name=spec.name,
        id=record.id,
        created=rfc3339(record.created),
        scope=spec.scope.value,
        driver=spec.driver,
        enable_ipv4=spec.ipv4 if version >= _IPV4_SINCE else UNSET,
        enable_ipv6=spec.ipv6,
        ipam=IpamAnswer(
            driver=spec.ipam_driver,
            options=None if record.predefined else spec.ipam_options,
            config=[_pool(pool) for pool in record.pools]
            or [_pool(pool) for pool in spec.pools]
            or ([_EVERYWHERE] if spec.ipam_driver == "null" else []),
        ),
        internal=spec.internal,
        attachable=spec.attachable,
        ingress=spec.ingress,
        config_from=ConfigFromAnswer(network=spec.config_from),
        config_only=spec.config_only,
        containers={member.id: _member(member, record.id) for member in members},
        options=spec.options,
        labels=spec.labels,
    )


_EVERYWHERE = IpamPoolAnswer(subnet="0.0.0.0/0")  # as Docker shows a network that has no address management


def _pool(pool: Pool | PoolSpec) -> IpamPoolAnswer:
    return IpamPoolAnswer(
        subnet=UNSET if pool.subnet is None else str(pool.subnet),
        ip_range=UNSET if pool.ip_range is None else str(pool.ip_range),
        gateway=UNSET if pool.gateway is None else str(pool.gateway),
        auxiliary_addresses={name: str(address) for name, address in pool.aux_addresses.items()} or UNSET,
    )


def _member(container: ContainerRecord, network: str) -> MemberAnswer:
    attachment = container.attachment_to(network)
    endpoint = attachment.endpoint if attachment else None
    return MemberAnswer(
        name=f"gateway_{short_id(container.id)}" if attachment and attachment.implicit else container.name,
        endpoint_id=endpoint.id if endpoint else "",
        mac_address=endpoint.mac_address if endpoint else "",
        ipv4_address=str(endpoint.ipv4) if endpoint and endpoint.ipv4 else "",
        ipv6_address=str(endpoint.ipv6) if endpoint and endpoint.ipv6 else "",
    )
