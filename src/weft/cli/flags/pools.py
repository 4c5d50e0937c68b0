"""--subnet, --ip-range, --gateway and --aux-address, which belong together by what lies in which subnet."""

from __future__ import annotations

import ipaddress

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network
Pool = dict[str, object]


def pools(subnets: list[str], ranges: list[str], gateways: list[str], auxiliary: dict[str, str]) -> list[Pool]:
    """Return IPAM.Config; raises ValueError with docker's texts."""
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise ValueError("every ip-range or gateway must have a corresponding subnet")
    parsed: list[Subnet] = []
    for text in subnets:
        subnet = _subnet(text)
        if any(subnet.version == other.version and _overlap(subnet, other) for other in parsed):
            raise ValueError("multiple overlapping subnet configuration is not supported")
        parsed.append(subnet)
    result: list[Pool] = [{"Subnet": text} for text in subnets]
    for text in ranges:
        _address(text)
        _place(parsed, result, text, "IPRange", "range")
    for text in gateways:
        _place(parsed, result, text, "Gateway", "gateway")
    for name, text in auxiliary.items():
        matching = [pool for subnet, pool in zip(parsed, result, strict=True) if _inside(subnet, text)]
        if not matching:
            raise ValueError(f"no matching subnet for aux-address {text}")
        for pool in matching:
            addresses = pool.get("AuxiliaryAddresses")
            pool["AuxiliaryAddresses"] = {**(addresses if isinstance(addresses, dict) else {}), name: text}
    return result


def _place(subnets: list[Subnet], pools_: list[Pool], text: str, key: str, what: str) -> None:
    matching = [pool for subnet, pool in zip(subnets, pools_, strict=True) if _inside(subnet, text)]
    if not matching:
        raise ValueError(f"no matching subnet for {what} {text}")
    for pool in matching:
        if key in pool:
            where = "on the same" if what == "range" else "for the same"
            raise ValueError(
                f"cannot configure multiple {what}s ({text}, {pool[key]}) {where} subnet ({pool['Subnet']})"
            )
        pool[key] = text


def _subnet(text: str) -> Subnet:
    if "/" not in text:
        raise ValueError(f"invalid subnet: invalid CIDR address: {text}")
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"invalid subnet: invalid CIDR address: {text}") from None


def _overlap(one: Subnet, other: Subnet) -> bool:
    return one.network_address in other or other.network_address in one


def _address(text: str) -> None:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError(f"invalid CIDR address: {text}") from None


def _inside(subnet: Subnet, text: str) -> bool:
    try:
        return ipaddress.ip_interface(text).ip in subnet
    except ValueError:
        if "/" in text:
            raise ValueError(f"invalid CIDR address: {text}") from None
        return False
