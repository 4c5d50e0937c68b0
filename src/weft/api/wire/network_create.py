"""POST /networks/create -> NetworkSpec, with Docker's checks of IPAM.Config (Engine API v1.51)."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface

import msgspec
from msgspec import field

from weft.api.version import Version
from weft.api.wire.shapes import Request, Text, TextMap, text_map
from weft.engine.networks.configuration import REFUSED_FIELDS
from weft.model.errors import Forbidden, InvalidParameter
from weft.model.network import NetworkSpec, PoolSpec, Scope

_IPV4_SINCE = Version(1, 48)  # older clients always get IPv4


class IpamPool(Request, frozen=True, kw_only=True):
    """One entry of IPAM.Config. AuxAddress is what clients send, AuxiliaryAddresses what the document says."""

    subnet: Text = None
    ip_range: Text = field(name="IPRange", default=None)
    gateway: Text = None
    auxiliary_addresses: TextMap = None
    aux_address: TextMap = None


class Ipam(Request, frozen=True, kw_only=True):
    """IPAM."""

    driver: Text = None
    options: TextMap = None
    config: list[IpamPool | None] | None = None


class ConfigReference(Request, frozen=True, kw_only=True):
    """ConfigFrom."""

    network: Text = None


class NetworkCreateRequest(Request, frozen=True, kw_only=True):
    """The body; CheckDuplicate is ignored: duplicates are always refused."""

    name: Text = None
    driver: Text = None
    scope: Text = None
    enable_ipv4: bool | None = field(name="EnableIPv4", default=None)
    enable_ipv6: bool | None = field(name="EnableIPv6", default=None)
    ipam: Ipam | None = field(name="IPAM", default=None)
    internal: bool | None = None
    attachable: bool | None = None
    ingress: bool | None = None
    config_only: bool | None = None
    config_from: ConfigReference | None = None
    options: TextMap = None
    labels: TextMap = None


DECODER = msgspec.json.Decoder(NetworkCreateRequest)
_Subnet = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address


def network_spec(request: NetworkCreateRequest, version: Version) -> NetworkSpec:
    """Return the spec; raises InvalidParameter `invalid network config:` with every problem on a line.

    Forbidden for a configuration network with a scope.
    """
    ipam = request.ipam or Ipam()
    if request.config_only and request.scope:  # local too: the spec cannot tell it from none
        raise Forbidden(REFUSED_FIELDS)
    problems: list[str] = []
    pools = tuple(pool for config in ipam.config or () if config is not None for pool in _pool(config, problems))
    if problems:
        raise InvalidParameter("invalid network config:\n" + "\n".join(problems))
    return NetworkSpec(
        name=request.name or "",
        driver=request.driver or "bridge",
        scope=_scope(request.scope or ""),
        ipv4=True if version < _IPV4_SINCE or request.enable_ipv4 is None else request.enable_ipv4,
        ipv6=_has_ipv6(request.enable_ipv6, pools),
        internal=bool(request.internal),
        attachable=bool(request.attachable),
        ingress=bool(request.ingress),
        config_only=bool(request.config_only),
        config_from=(request.config_from or ConfigReference()).network or "",
        ipam_driver=ipam.driver or "default",
        ipam_options=text_map(ipam.options),
        pools=pools,
        options=text_map(request.options),
        labels=text_map(request.labels),
    )


def _has_ipv6(asked: bool | None, pools: Iterable[PoolSpec]) -> bool:
    """Whether IPv6 is on; where a client does not say, an IPv6 subnet does, which Docker drops without a word."""
    if asked is not None:
        return asked
    return any(pool.subnet is not None and pool.subnet.version == 6 for pool in pools)


def _scope(text: str) -> Scope:
    try:
        return Scope(text or "local")
    except ValueError:
        raise InvalidParameter(f"invalid scope {text}: use local or swarm") from None


def _pool(config: IpamPool, problems: list[str]) -> Iterator[PoolSpec]:
    auxiliary = text_map(config.auxiliary_addresses) | text_map(config.aux_address)
    if not (config.subnet or config.ip_range or config.gateway or auxiliary):
        return
    subnet = _network(config.subnet or "", "subnet", problems)
    if subnet is None:
        return
    yield PoolSpec(
        subnet=subnet,
        ip_range=_ip_range(config.ip_range, subnet, problems) if config.ip_range else None,
        gateway=_member(config.gateway, subnet, "gateway", config.gateway, problems) if config.gateway else None,
        aux_addresses={
            name: address
            for name, text in auxiliary.items()
            if (address := _member(text, subnet, "auxiliary address", name, problems)) is not None
        },
    )


def _network(text: str, what: str, problems: list[str]) -> _Subnet | None:
    interface = None
    if "/" in text and "%" not in text:
        try:
            interface = ip_interface(text)
        except ValueError:
            interface = None
    if interface is None or not text.rpartition("/")[2].isdigit():
        problems.append(f"invalid {what} {text}: invalid CIDR block notation")
        return None
    if interface.ip != interface.network.network_address:
        problems.append(f"invalid {what} {text}: it should be {interface.network}")
        return None
    return interface.network


def _ip_range(text: str, subnet: _Subnet, problems: list[str]) -> _Subnet | None:
    ip_range = _network(text, "ip-range", problems)
    if ip_range is None:
        return None
    if ip_range.version != subnet.version:
        problems.append(f"invalid ip-range {text}: parent subnet is an IPv{subnet.version} block")
    elif ip_range.prefixlen < subnet.prefixlen:
        problems.append(f"invalid ip-range {text}: CIDR block is bigger than its parent subnet {subnet}")
    elif int(subnet.network_address) and ip_range.network_address not in subnet:
        problems.append(f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range")
    return ip_range


def _member(text: str, subnet: _Subnet, what: str, shown: str, problems: list[str]) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        problems.append(f"invalid {what} {shown}: invalid address")
        return None
    if getattr(address, "scope_id", None):
        problems.append(f"invalid {what} {shown}: invalid address")
        return None
    if address.version != subnet.version:
        problems.append(f"invalid {what} {shown}: parent subnet is an IPv{subnet.version} block")
    elif int(subnet.network_address) and address not in subnet:
        problems.append(f"invalid {what} {shown}: parent subnet {subnet} doesn't contain this address")
    return address
