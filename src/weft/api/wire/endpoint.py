"""Attachments -> EndpointSettings (Engine API v1.51)."""

from collections.abc import Iterable

from msgspec import UNSET, UnsetType, field, structs

from weft.api.version import Version
from weft.api.wire.shapes import Answer
from weft.model.endpoint import Attachment, Endpoint, EndpointSpec
from weft.model.ids import short_id

_SHORT_ID_ALIAS_UNTIL = Version(1, 45)
_DNS_NAMES_SINCE = Version(1, 44)
_PRIORITY_SINCE = Version(1, 48)
_NOTHING = Endpoint(id="", network_id="")


class EndpointIpam(Answer, frozen=True, kw_only=True):
    """IPAMConfig: the addresses that the user wanted."""

    ipv4_address: str | UnsetType = field(name="IPv4Address", default=UNSET)
    ipv6_address: str | UnsetType = field(name="IPv6Address", default=UNSET)
    link_local_ips: list[str] | UnsetType = field(name="LinkLocalIPs", default=UNSET)


class EndpointAnswer(Answer, frozen=True, kw_only=True):
    """One entry of NetworkSettings.Networks."""

    ipam_config: EndpointIpam | None = field(name="IPAMConfig")
    links: tuple[str, ...] | None
    aliases: tuple[str, ...] | None
    mac_address: str
    driver_opts: dict[str, str] | None
    gw_priority: int | UnsetType = UNSET
    network_id: str = field(name="NetworkID")
    endpoint_id: str = field(name="EndpointID")
    gateway: str
    ip_address: str = field(name="IPAddress")
    ip_prefix_len: int = field(name="IPPrefixLen")
    ipv6_gateway: str = field(name="IPv6Gateway")
    global_ipv6_address: str = field(name="GlobalIPv6Address")
    global_ipv6_prefix_len: int = field(name="GlobalIPv6PrefixLen")
    dns_names: tuple[str, ...] | UnsetType | None = field(name="DNSNames", default=UNSET)


def endpoint_answers(attachments: Iterable[Attachment], container: str, version: Version) -> dict[str, EndpointAnswer]:
    """Return NetworkSettings.Networks of the container with that id."""
    return {a.network_name: endpoint_answer(a, container, version) for a in attachments if not a.implicit}


def endpoint_answer(attachment: Attachment, container: str, version: Version) -> EndpointAnswer:
    """Return one attachment: what was asked for, and what it has while its container runs."""
    spec, endpoint = attachment.spec, attachment.endpoint or _NOTHING
    ipv4, ipv6 = endpoint.ipv4, endpoint.ipv6
    return EndpointAnswer(
        ipam_config=_ipam(spec),
        links=spec.links or None,
        aliases=_aliases(spec, attachment.network_name, container, version),
        mac_address=endpoint.mac_address,
        driver_opts=dict(spec.driver_options) or None,
        gw_priority=spec.gateway_priority if version >= _PRIORITY_SINCE else UNSET,
        network_id=attachment.network_id,
        endpoint_id=endpoint.id,
        gateway=_text(endpoint.gateway_ipv4),
        ip_address=str(ipv4.ip) if ipv4 else "",
        ip_prefix_len=ipv4.network.prefixlen if ipv4 else 0,
        ipv6_gateway=_text(endpoint.gateway_ipv6),
        global_ipv6_address=str(ipv6.ip) if ipv6 else "",
        global_ipv6_prefix_len=ipv6.network.prefixlen if ipv6 else 0,
        dns_names=(endpoint.dns_names or None) if version >= _DNS_NAMES_SINCE else UNSET,
    )


def listed_endpoints(attachments: Iterable[Attachment], container: str, version: Version) -> dict[str, EndpointAnswer]:
    """Return the Networks of a line of ps, where Docker leaves out names, links and driver options."""
    answers = endpoint_answers(attachments, container, version)
    absent = None if version >= _DNS_NAMES_SINCE else UNSET
    return {
        name: structs.replace(answer, links=None, aliases=None, driver_opts=None, dns_names=absent)
        for name, answer in answers.items()
    }


def _text(address: object) -> str:
    return "" if address is None else str(address)


def _aliases(spec: EndpointSpec, network: str, container: str, version: Version) -> tuple[str, ...] | None:
    """Before 1.45 the short id was an alias on networks that users made."""
    aliases = spec.aliases
    if version < _SHORT_ID_ALIAS_UNTIL and network not in ("bridge", "host", "none"):
        aliases = (*aliases, short_id(container))
    return aliases or None


def _ipam(spec: EndpointSpec) -> EndpointIpam | None:
    if spec.ipv4 is None and spec.ipv6 is None and not spec.link_local:
        return None
    return EndpointIpam(
        ipv4_address=UNSET if spec.ipv4 is None else str(spec.ipv4),
        ipv6_address=UNSET if spec.ipv6 is None else str(spec.ipv6),
        link_local_ips=[str(address) for address in spec.link_local] or UNSET,
    )
