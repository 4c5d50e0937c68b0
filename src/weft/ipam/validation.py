"""What may stand in IPAM.Config: text to `PoolSpec`, and whether its parts fit together. Texts are Docker's."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

from weft.model.address import Address
from weft.model.address import Network as Subnet
from weft.model.errors import InvalidParameter
from weft.model.network import PoolSpec

# on a bridge the first would take away the host's own loopback (RFC 1122, 4291), the others are no host's (RFC 5771)
_NEVER_HOSTS = tuple(map(ip_network, ("127.0.0.0/8", "224.0.0.0/4", "::1/128", "ff00::/8")))
_PREFIX = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolText:
    """One entry of IPAM.Config as a client sent it; "" is not given."""

    subnet: str = ""
    ip_range: str = ""
    gateway: str = ""
    aux_addresses: Mapping[str, str] = field(default_factory=dict)


def parse_pools(entries: Sequence[PoolText], *, ipv4: bool = True, ipv6: bool = True) -> tuple[PoolSpec, ...]:
    """Return the pools that `entries` describe, those of a disabled family left out, as Docker does.

    Raises InvalidParameter that begins with `invalid network config:` and names every fault.
    """
    faults: list[str] = []
    specs = [_parse(entry, faults) for entry in entries]
    _raise(faults)
    enabled = {version for version, on in ((4, ipv4), (6, ipv6)) if on}
    kept = tuple(spec for spec in specs if spec.subnet is None or spec.subnet.version in enabled)
    check_pools(kept)
    return kept


def check_pools(specs: Iterable[PoolSpec]) -> None:
    """Raise InvalidParameter, naming every fault, where range, gateway or auxiliary addresses lie outside a subnet."""
    _raise([fault for spec in specs for fault in _faults(spec)])


def is_preference(subnet: Subnet) -> bool:
    """Whether `subnet` only says how large a subnet is wanted: `0.0.0.0/24`, `::/120`."""
    return int(subnet.network_address) == 0


def _parse(entry: PoolText, faults: list[str]) -> PoolSpec:
    subnet = _parse_prefix("subnet", entry.subnet, faults)
    ip_range = _parse_prefix("ip-range", entry.ip_range, faults)
    gateway = _parse_address(f"gateway {entry.gateway}", entry.gateway, faults) if entry.gateway else None
    aux_addresses: dict[str, Address] = {}
    for name, text in entry.aux_addresses.items():
        address = _parse_address(f"auxiliary address {name}", text, faults)
        if address is not None:
            aux_addresses[name] = address
    return PoolSpec(subnet=subnet, ip_range=ip_range, gateway=gateway, aux_addresses=aux_addresses)


def _parse_prefix(what: str, text: str, faults: list[str]) -> Subnet | None:
    if not text:
        return None
    try:
        if not _PREFIX.fullmatch(text):
            raise ValueError(text)
        interface = ip_interface(text)
    except ValueError:
        faults.append(f"invalid {what} {text}: invalid CIDR block notation")
        return None
    if interface.ip != interface.network.network_address:
        faults.append(f"invalid {what} {text}: it should be {interface.network}")
        return None
    return interface.network


def _parse_address(what: str, text: str, faults: list[str]) -> Address | None:
    try:
        address = ip_address(text)
        if "%" in text:
            raise ValueError(text)
    except ValueError:
        faults.append(f"invalid {what}: invalid address")
        return None
    return address


def _faults(spec: PoolSpec) -> list[str]:
    if spec.subnet is None or is_preference(spec.subnet):
        if spec.ip_range is None and spec.gateway is None and not spec.aux_addresses:
            return []
        return ["every ip-range, gateway or auxiliary address must have a corresponding subnet"]
    faults = _subnet_faults(spec.subnet)
    if spec.ip_range is not None:
        faults.extend(_range_faults(spec.ip_range, spec.subnet))
    if spec.gateway is not None:
        faults.extend(_address_faults(f"gateway {spec.gateway}", spec.gateway, spec.subnet))
    for name, address in spec.aux_addresses.items():
        faults.extend(_address_faults(f"auxiliary address {name}", address, spec.subnet))
    return faults


def _subnet_faults(subnet: Subnet) -> list[str]:
    never = [block for block in _NEVER_HOSTS if block.version == subnet.version and block.overlaps(subnet)]
    return [f"invalid subnet {subnet}: {block} is not for hosts, choose another" for block in never]


def _range_faults(ip_range: Subnet, subnet: Subnet) -> list[str]:
    prefix = f"invalid ip-range {ip_range}:"
    if ip_range.version != subnet.version:
        return [f"{prefix} parent subnet is an IPv{subnet.version} block"]
    faults = []
    if ip_range.prefixlen < subnet.prefixlen:
        faults.append(f"{prefix} CIDR block is bigger than its parent subnet {subnet}")
    if not subnet.overlaps(ip_range):
        faults.append(f"{prefix} parent subnet {subnet} doesn't contain ip-range")
    return faults


def _address_faults(what: str, address: Address, subnet: Subnet) -> list[str]:
    if address.version != subnet.version:
        return [f"invalid {what}: parent subnet is an IPv{subnet.version} block"]
    if address not in subnet:
        return [f"invalid {what}: parent subnet {subnet} doesn't contain this address"]
    return []


def _raise(faults: Sequence[str]) -> None:
    if faults:
        lines = faults[0] if len(faults) == 1 else "\n".join(f"* {fault}" for fault in faults)
        raise InvalidParameter(f"invalid network config:\n{lines}")
