"""The host's side of a bridge network: the bridge's addresses and sysctls."""

from collections.abc import Sequence

from weft.model.address import Interface
from weft.model.network import NetworkRecord
from weft.plan.operations import AddAddress, DeleteAddress, Operation, SetSysctl

_LOOSE = "2"  # rp_filter: a source that no route leads to is dropped, asymmetric routes are not (ip-sysctl.rst)


def bridge_address_changes(
    name: str, present: Sequence[Interface], wanted: Sequence[Interface], *, ours: bool
) -> list[Operation]:
    """Return what brings the bridge's addresses to `wanted`. Of a bridge that is not ours none is removed."""
    stale = [each for each in present if _is_stale(each, wanted)] if ours else []
    missing = [interface for interface in wanted if interface not in present]
    return [*(DeleteAddress(name, each) for each in stale), *(AddAddress(name, each) for each in missing)]


def _is_stale(interface: Interface, wanted: Sequence[Interface]) -> bool:
    # The kernel gives every IPv6 interface a link-local address of its own.
    return interface not in wanted and not (interface.version == 6 and interface.is_link_local)


def bridge_sysctls(
    record: NetworkRecord, name: str, *, ours: bool, ip_forward: bool, routed_within: bool = False
) -> list[Operation]:
    """Return the settings of a bridge, all of them each time: new namespaces inherit whatever the first one has.

    Of a bridge that is not ours only those are touched that the network cannot do without. Where `routed_within`, the
    host answers for neighbours (RFC 3069), so that the firewall decides what isolated ports say to each other.
    """
    forwards = ip_forward and not record.spec.internal
    operations: list[Operation] = []
    if record.pool_of(4) is not None:
        # 127.0.0.1 to a published port goes out by the bridge with that very source, before it is masqueraded.
        localhost = "0" if record.spec.internal else "1"
        operations += _sysctls(f"net/ipv4/conf/{name}", route_localnet=localhost, rp_filter=_LOOSE)
        if ours or routed_within:
            within = "1" if routed_within else "0"
            operations += _sysctls(f"net/ipv4/conf/{name}", proxy_arp_pvlan=within)
        if routed_within:
            operations += _sysctls(f"net/ipv4/conf/{name}", send_redirects="0")
            operations += _sysctls(f"net/ipv4/neigh/{name}", proxy_delay="0")  # else answers wait up to 0.8 s
        operations += [SetSysctl("net/ipv4/ip_forward", "1")] if forwards else []
    if record.pool_of(6) is not None:
        operations += _sysctls(f"net/ipv6/conf/{name}", disable_ipv6="0")
        # Solicitations for what is forwarded come from the link-local address, which waits a second and more for DAD,
        # from the first container on, while nothing gets in (RFC 4862, 5.4; Linux ndisc_send_ns).
        operations += _sysctls(f"net/ipv6/conf/{name}", accept_ra="0", accept_dad="0") if ours else []
        operations += [SetSysctl("net/ipv6/conf/all/forwarding", "1")] if forwards else []
    elif ours:
        # no IPv6 to turn off: a kernel without it, or an MTU below IPv6's least (RFC 8200, 5)
        operations.append(SetSysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1", optional=True))
    return operations


def _sysctls(path: str, **values: str) -> list[Operation]:
    return [SetSysctl(f"{path}/{key}", value) for key, value in values.items()]
