"""What a refused operation is called, and what a user can do about it."""

import errno
import os

from weft.kernel.netlink.channel import NetlinkError
from weft.kernel.nft.context import NftError
from weft.model.errors import SystemFailure
from weft.plan import operations as op

_PARENT_HELD = "the parent is a port of a bridge or a bond, or carries links of another kind: use another parent"
_OPTIONS = {
    "macvlan": ("macvlan links", "CONFIG_MACVLAN"),
    "ipvlan": ("ipvlan links", "CONFIG_IPVLAN"),
    "vlan": ("802.1q sub-interfaces", "CONFIG_VLAN_8021Q"),
}
_REMEDIES: dict[tuple[type, int], str] = {
    (op.CreateSandbox, errno.EEXIST): "delete that sandbox first",
    (op.CreateBridge, errno.EEXIST): "choose another name, or delete the link that has it",
    (op.CreateBridge, errno.EOPNOTSUPP): "the kernel lacks bridges: enable CONFIG_BRIDGE",
    (op.CreateVeth, errno.EEXIST): "choose another name, or delete the link that has it",
    (op.CreateVeth, errno.EOPNOTSUPP): "the kernel lacks veth links: enable CONFIG_VETH",
    (op.CreateVeth, errno.EXFULL): "a bridge has at most 1023 ports: use another network",
    (op.CreateMacvlan, errno.EBUSY): _PARENT_HELD,
    (op.CreateMacvlan, errno.EINVAL): "a parent in mode passthru has one endpoint, and an MTU is at most the parent's",
    (op.CreateMacvlan, errno.EADDRINUSE): "another link of that parent has this MAC address: choose another",
    (op.CreateMacvlan, errno.EEXIST): "the sandbox has an interface of that name: choose another",
    (op.CreateIpvlan, errno.EBUSY): _PARENT_HELD,
    (op.CreateIpvlan, errno.EINVAL): "an MTU is at most the parent's",
    (op.CreateIpvlan, errno.EADDRINUSE): "another link of that parent has this address: choose another",
    (op.CreateIpvlan, errno.EEXIST): "the sandbox has an interface of that name: choose another",
    (op.CreateVlan, errno.EEXIST): "the parent has a sub-interface of that VLAN id by another name: use that one",
    (op.CreateVlan, errno.EOPNOTSUPP): "the parent takes no VLANs",
    (op.CreateDummy, errno.EEXIST): "delete the link that has this name",
    (op.CreateDummy, errno.EOPNOTSUPP): "the kernel lacks dummy links: enable CONFIG_DUMMY",
    (op.MoveLink, errno.ENODEV): "the network driver named an interface that the host does not have",
    (op.MoveLink, errno.EEXIST): "the sandbox has an interface of that name: choose another",
    (op.AddAddress, errno.EACCES): "IPv6 is disabled on that link: set its sysctl disable_ipv6 to 0",
    (op.AddAddress, errno.EEXIST): "the link has that address already",
    (
        op.AddRoute,
        errno.ENETUNREACH,
    ): "the gateway is not within a subnet of that link: add an address of its subnet first",
    (
        op.AddRoute,
        errno.EHOSTUNREACH,
    ): "the gateway is not within a subnet of that link: add an address of its subnet first",
    (op.LimitRate, errno.ENOENT): "the kernel lacks token buckets: enable CONFIG_NET_SCH_TBF",
    (op.DelayPackets, errno.ENOENT): (
        "the kernel lacks netem: enable CONFIG_NET_SCH_NETEM, or leave out weft.delay, weft.jitter and weft.loss"
    ),
    (op.AddElements, errno.ENOENT): "load the table first",
    (op.AddElements, errno.EEXIST): "another element has that key: delete it first",
    (op.SetSysctl, errno.ENOENT): "the kernel does not have it; net.bridge.* need the module br_netfilter",
    (op.SetSysctl, errno.EROFS): "/proc/sys is mounted read-only: run weftd where it can write it",
}
_PRIVILEGE = "weftd needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)"


def failure(operation: op.Operation, error: OSError, *, subject: str = "") -> SystemFailure:
    """Return the error to raise: the operation, its object, the kernel's reason and the remedy; `subject` was missing.

    Its `__cause__` is the OSError, so that a caller can ask for the number.
    """
    if isinstance(operation, op.RequireLinks) and error.errno == errno.EOPNOTSUPP:
        return _lacking(operation, error)
    message = f"cannot {describe(operation)}: {_reason(error, subject)}"
    number = error.errno or 0
    remedy = _PRIVILEGE if number == errno.EPERM else _REMEDIES.get((type(operation), number), "")
    failed = SystemFailure(f"{message} ({remedy})" if remedy else message)
    failed.__cause__ = error
    return failed


def _lacking(operation: op.RequireLinks, error: OSError) -> SystemFailure:
    what, option = _OPTIONS.get(operation.kind, (f"links of kind {operation.kind}", ""))
    remedy = f"enable {option} or load its module" if option else "load its module"
    failed = SystemFailure(f"the kernel lacks {what}: {remedy}")
    failed.__cause__ = error
    return failed


def describe(operation: op.Operation) -> str:
    """Return the operation in words, naming its object."""
    match operation:
        case op.CreateSandbox(sandbox):
            return f"create sandbox {sandbox}"
        case op.DeleteSandbox(sandbox):
            return f"delete sandbox {sandbox}"
        case op.CreateBridge(name=name):
            return f"create bridge {name}"
        case op.CreateVeth(name=name, sandbox=sandbox, peer=peer):
            return f"create veth {name} with {peer} in sandbox {sandbox}"
        case op.CreateMacvlan(name=name, parent=parent, sandbox=sandbox):
            return f"create macvlan {name} on {parent}{_place(sandbox)}"
        case op.CreateIpvlan(name=name, parent=parent, sandbox=sandbox):
            return f"create ipvlan {name} on {parent}{_place(sandbox)}"
        case op.CreateVlan(name=name, parent=parent, vid=vid):
            return f"create sub-interface {name} of {parent} with VLAN id {vid}"
        case op.CreateDummy(name=name):
            return f"create dummy link {name}"
        case op.RaiseLink(link):
            return f"bring up link {link}"
        case op.SetAlias(link, _):
            return f"write the alias of link {link}"
        case op.RequireLinks(kind):
            return f"make links of kind {kind}"
        case op.MoveLink(source=source, sandbox=sandbox, link=link):
            return f"move link {source} into sandbox {sandbox} as {link}"
        case op.ReturnLink(link, source, namespace):
            return f"give link {link}{_place(namespace)} back to the host as {source}"
        case op.DeleteLink(name, namespace):
            return f"delete link {name}{_place(namespace)}"
        case op.AddAddress(link, interface, namespace):
            return f"add address {interface} to {link}{_place(namespace)}"
        case op.DeleteAddress(link, interface, namespace):
            return f"delete address {interface} of {link}{_place(namespace)}"
        case op.AddRoute(destination, link, gateway, namespace):
            return f"add route {destination}{_via(gateway)} dev {link}{_place(namespace)}"
        case op.DeleteRoute(destination, link, gateway, namespace):
            return f"delete route {destination}{_via(gateway)} dev {link}{_place(namespace)}"
        case _:
            return _describe_rules(operation)


def _describe_rules(operation: op.Operation) -> str:
    match operation:
        case op.LimitRate(link=link, namespace=namespace):
            return f"limit the rate of link {link}{_place(namespace)}"
        case op.DelayPackets(link=link, namespace=namespace):
            return f"delay or lose packets on link {link}{_place(namespace)}"
        case op.ClearQueue(link=link, namespace=namespace):
            return f"clear the queue of link {link}{_place(namespace)}"
        case op.SetSysctl(key, value, namespace, _):
            return f"set sysctl {key} to {value!r}{_place(namespace)}"
        case op.LoadTable(table=table, namespace=namespace):
            return f"load nftables table inet {table}{_place(namespace)}"
        case op.DeleteTable(table, namespace):
            return f"delete nftables table inet {table}{_place(namespace)}"
        case op.AddElements(table, name, elements, namespace):
            return f"add {_count(elements)} to set {name} of nftables table inet {table}{_place(namespace)}"
        case op.DeleteElements(table, name, elements, namespace):
            return f"delete {_count(elements)} of set {name} of nftables table inet {table}{_place(namespace)}"
        case op.ForgetFlows(address):
            return f"forget the UDP flows to {address}"
        case _:
            return f"perform {operation!r}"


def _reason(error: OSError, subject: str) -> str:
    if isinstance(error, NftError):
        return (error.strerror or "") if error.errno else error.detail
    reason = os.strerror(error.errno) if error.errno else str(error)
    if subject:
        reason = f"{subject}: {reason}"
    detail = error.detail if isinstance(error, NetlinkError) else ""
    return f"{reason}: {detail}" if detail else reason


def _count(elements: tuple[op.Element, ...]) -> str:
    if len(elements) == 1:
        return f"element {' . '.join(elements[0].key)}"
    return f"{len(elements)} elements"


def _place(namespace: str) -> str:
    return f" in sandbox {namespace}" if namespace else ""


def _via(gateway: object) -> str:
    return f" via {gateway}" if gateway is not None else ""
