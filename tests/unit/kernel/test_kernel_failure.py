"""Every operation has words for its failure."""

import errno
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from weft.kernel.failure import describe, failure
from weft.kernel.netlink.channel import NetlinkError
from weft.kernel.nft.context import NftError
from weft.plan import operations as op

ROUTE = (ip_network("10.0.0.0/8"), "eth0", ip_address("10.0.0.1"), "s1")

TABLE = "nftables table inet weft"


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (op.CreateSandbox("s1"), "create sandbox s1"),
        (op.DeleteSandbox("s1"), "delete sandbox s1"),
        (op.CreateBridge("br0"), "create bridge br0"),
        (op.CreateVeth("veth1", "s1", "eth0", ""), "create veth veth1 with eth0 in sandbox s1"),
        (op.DeleteLink("eth0", "s1"), "delete link eth0 in sandbox s1"),
        (op.AddAddress("br0", ip_interface("10.0.0.1/8")), "add address 10.0.0.1/8 to br0"),
        (op.DeleteAddress("br0", ip_interface("10.0.0.1/8")), "delete address 10.0.0.1/8 of br0"),
        (op.AddRoute(*ROUTE), "add route 10.0.0.0/8 via 10.0.0.1 dev eth0 in sandbox s1"),
        (op.DeleteRoute(ip_network("10.0.0.0/8"), "eth0"), "delete route 10.0.0.0/8 dev eth0"),
        (op.SetSysctl("net.x", "1"), "set sysctl net.x to '1'"),
        (op.LoadTable("weft", ""), "load nftables table inet weft"),
        (op.DeleteTable("weft"), "delete nftables table inet weft"),
        (op.AddElements("weft", "pm", (op.Element(("a", "b")),)), f"add element a . b to set pm of {TABLE}"),
        (op.DeleteElements("weft", "pm", (op.Element(("a",)),) * 2), f"delete 2 elements of set pm of {TABLE}"),
        (op.ForgetFlows(ip_address("10.0.0.1")), "forget the UDP flows to 10.0.0.1"),
    ],
)
def test_words(operation: op.Operation, words: str) -> None:
    assert describe(operation) == words


def test_message_has_reason_detail_and_remedy() -> None:
    failed = failure(op.CreateBridge("br0"), NetlinkError(errno.EEXIST, "name taken"))
    assert failed.message == (
        "cannot create bridge br0: File exists: name taken (choose another name, or delete the link that has it)"
    )
    assert isinstance(failed.__cause__, NetlinkError)
    denied = failure(op.CreateSandbox("s1"), OSError(errno.EPERM, "x"))
    assert denied.message.endswith("Operation not permitted (weftd needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN))")


def test_libnftables_own_words_are_quoted() -> None:
    failed = failure(op.LoadTable("weft", "x"), NftError("Error: syntax error\nx\n^\n"))
    assert "syntax error\nx\n^" in failed.message
