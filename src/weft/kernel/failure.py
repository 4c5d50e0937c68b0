"""What a refused operation is called, and what a user can do about it."""

import errno
import os

from weft.kernel.netlink.channel import NetlinkError
from weft.kernel.nft.context import NftError
from weft.model.errors import SystemFailure
from weft.plan import operations as op

_REMEDIES: dict[tuple[type, int], str] = {
    (op.CreateSandbox, errno.EEXIST): "delete that sandbox first",
    (op.CreateBridge, errno.EEXIST): "choose another name, or delete the link that has it",
    (op.CreateBridge, errno.EOPNOTSUPP): "the kernel lacks bridges: enable CONFIG_BRIDGE",
    (op.CreateVeth, errno.EEXIST): "choose another name, or delete the link that has it",
    (op.CreateVeth, errno.EOPNOTSUPP): "the kernel lacks veth links: enable CONFIG_VETH",
    (op.CreateVeth, errno.EXFULL): "a bridge has at most 1023 ports: use another network",
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
    message = f"cannot {describe(operation)}: {_reason(error, subject)}"
    number = error.errno or 0
    remedy = _PRIVILEGE if number == errno.EPERM else _REMEDIES.get((type(operation), number), "")
    failed = SystemFailure(f"{message} ({remedy})" if remedy else message)
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
