"""What a network adds to the table: isolation and masquerading."""

from ipaddress import IPv4Address, IPv6Address

from weft.firewall.chains import CLOSED, DIRECT, EXPOSED, LINKED_ONLY, PUBLISHED_ONLY, ROUTED, TRUSTED_DIRECT
from weft.firewall.contents import Contents, add, delete
from weft.firewall.sets import BRIDGES, ENTERING, FAMILIES, INTERNAL, TRUSTED, WITHIN, Family
from weft.model.segment import Segment
from weft.plan.operations import Element
from weft.plan.plan import Plan


def network_added(segment: Segment) -> Plan:
    """Return the plan that isolates a new network and lets it out."""
    return add(network_contents(segment))


def network_removed(segment: Segment) -> Plan:
    """Return the plan that forgets a network."""
    return delete(network_contents(segment))


def network_contents(segment: Segment) -> Contents:
    """Return the elements that stand for a network, by set."""
    # Quoted: an interface may be called what is a word of nft's own.
    bridge = f'"{segment.bridge}"'
    within = "accept" if segment.icc else f"goto {LINKED_ONLY}"
    contents: dict[str, tuple[Element, ...]] = {
        BRIDGES: (Element((bridge,)),),
        INTERNAL: (Element((bridge,)),) if segment.internal else (),
        WITHIN: (Element((bridge, bridge), (within,)),),
        ENTERING: tuple(
            Element((family.protocol, bridge), (_entering(segment, family),)) for family in FAMILIES.values()
        ),
        TRUSTED: tuple(Element((f'"{interface}"', bridge)) for interface in _trusted(segment)),
    }
    for family in FAMILIES.values():
        contents |= _leaving(segment, family, bridge)
    return {name: elements for name, elements in contents.items() if elements}


def _entering(segment: Segment, family: Family) -> str:
    if segment.internal:
        return f"goto {CLOSED}"
    if family.version in segment.unprotected:
        return f"goto {EXPOSED}"
    if family.version in segment.routed:
        return f"goto {ROUTED}"
    if segment.direct:
        return f"goto {DIRECT}"
    return f"goto {TRUSTED_DIRECT if segment.trusted else PUBLISHED_ONLY}"


def _trusted(segment: Segment) -> tuple[str, ...]:
    return () if segment.internal else segment.trusted


def _leaving(segment: Segment, family: Family, bridge: str) -> Contents:
    subnets = [str(subnet) for subnet in segment.subnets if subnet.version == family.version]
    contents = {family.home: tuple(Element((subnet, bridge)) for subnet in subnets)}
    source: IPv4Address | IPv6Address | None = segment.source_ipv4 if family.version == 4 else segment.source_ipv6
    if segment.internal or not segment.masquerade or family.version in segment.routed:
        return contents
    if source is not None:
        return contents | {family.source: tuple(Element((subnet,), (str(source),)) for subnet in subnets)}
    return contents | {family.masquerade: tuple(Element((subnet,)) for subnet in subnets)}
