"""EndpointSettings as requests carry them -> EndpointSpec (Engine API v1.51)."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec
from msgspec import field

from weft.api.wire.shapes import Integer, Request, Text, TextMap, Texts, text_map, texts
from weft.model.endpoint import EndpointSpec
from weft.model.errors import InvalidParameter

_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")


class EndpointIpamConfig(Request, frozen=True, kw_only=True):
    """Addresses that a user wants."""

    ipv4_address: Text = field(name="IPv4Address", default=None)
    ipv6_address: Text = field(name="IPv6Address", default=None)
    link_local_ips: Texts = field(name="LinkLocalIPs", default=None)


class EndpointConfig(Request, frozen=True, kw_only=True):
    """The half of EndpointSettings that a request means; the other half, what an endpoint got, is ignored."""

    ipam_config: EndpointIpamConfig | None = field(name="IPAMConfig", default=None)
    links: Texts = None
    aliases: Texts = None
    mac_address: Text = None
    driver_opts: TextMap = None
    gw_priority: Integer = None


def endpoint_spec(config: EndpointConfig | None) -> EndpointSpec:
    """Return the spec; raises InvalidParameter listing everything that is wrong with it."""
    if config is None:
        return EndpointSpec()
    problems: list[str] = []
    ipam = config.ipam_config or EndpointIpamConfig()
    ipv4 = _address(ipam.ipv4_address, 4, problems)
    ipv6 = _address(ipam.ipv6_address, 6, problems)
    link_local = tuple(_link_local(text, problems) for text in texts(ipam.link_local_ips))
    mac_address = _mac(config.mac_address or "", problems)
    if problems:
        raise InvalidParameter("invalid endpoint settings:\n" + "\n".join(problems))
    return EndpointSpec(
        ipv4=ipv4 if isinstance(ipv4, IPv4Address) else None,
        ipv6=ipv6 if isinstance(ipv6, IPv6Address) else None,
        link_local=tuple(address for address in link_local if address is not None),
        aliases=texts(config.aliases),
        links=texts(config.links),
        driver_options=text_map(config.driver_opts),
        mac_address=mac_address,
        gateway_priority=config.gw_priority or 0,
    )


def parse_mac(text: str) -> str:
    """Return a MAC address in lower case with colons; InvalidParameter if it is none."""
    if not _MAC.fullmatch(text):
        raise InvalidParameter(f"invalid MAC address: {text}")
    return text.lower().replace("-", ":")


def _mac(text: str, problems: list[str]) -> str:
    if not text:
        return ""
    try:
        return parse_mac(text)
    except InvalidParameter as error:
        problems.append(error.message)
        return ""


def _address(text: str | None, version: int, problems: list[str]) -> IPv4Address | IPv6Address | None:
    if not text:
        return None
    address = _parse(text)
    if address is None or address.version != version:
        problems.append(f"invalid IPv{version} address: {text}")
        return None
    return address


def _link_local(text: str, problems: list[str]) -> IPv4Address | IPv6Address | None:
    address = _parse(text)
    if address is None:
        problems.append(f"invalid link-local IP address: {text}")
    return address


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


NetworkingConfigs = dict[str, EndpointConfig | None] | None


class NetworkingConfig(Request, frozen=True, kw_only=True):
    """NetworkingConfig of container create, keyed by network name or id."""

    endpoints_config: NetworkingConfigs = None


class ConnectRequest(Request, frozen=True, kw_only=True):
    """POST /networks/{id}/connect."""

    container: Text = None
    endpoint_config: EndpointConfig | None = None


class DisconnectRequest(Request, frozen=True, kw_only=True):
    """POST /networks/{id}/disconnect."""

    container: Text = None
    force: bool | None = None


CONNECT = msgspec.json.Decoder(ConnectRequest)
DISCONNECT = msgspec.json.Decoder(DisconnectRequest)
