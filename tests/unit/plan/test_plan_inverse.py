"""Plans are undone in reverse."""

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from weft.plan.operations import (
    AddAddress,
    AddElements,
    AddRoute,
    CreateBridge,
    CreateSandbox,
    CreateVeth,
    DeleteAddress,
    DeleteElements,
    DeleteLink,
    DeleteRoute,
    DeleteSandbox,
    DeleteTable,
    Element,
    ForgetFlows,
    LoadTable,
    MoveLink,
    Operation,
    ReturnLink,
    SetSysctl,
)
from weft.plan.plan import Plan

ADDRESS = ip_interface("10.0.0.1/24")
ELEMENTS = (Element(("tcp", "80"), ("10.0.0.2", "80")),)
PAIRS = [
    (CreateSandbox("s"), DeleteSandbox("s")),
    (CreateBridge("b"), DeleteLink("b")),
    (CreateVeth("v", "s", "eth0", "02:00:00:00:00:01"), DeleteLink("v")),
    (AddAddress("b", ADDRESS, "s"), DeleteAddress("b", ADDRESS, "s")),
    (
        AddRoute(ip_network("::/0"), "eth0", ip_address("fd00::1"), "s"),
        DeleteRoute(ip_network("::/0"), "eth0", ip_address("fd00::1"), "s"),
    ),
    (AddElements("t", "m", ELEMENTS, "s"), DeleteElements("t", "m", ELEMENTS, "s")),
    (LoadTable("t", "", "s"), DeleteTable("t", "s")),
    (MoveLink("tap0", "s", "eth0"), ReturnLink("eth0", "tap0", "s")),
]


@pytest.mark.parametrize(("made", "undone"), PAIRS, ids=lambda operation: type(operation).__name__)
def test_what_undoes_an_operation(made: Operation, undone: Operation) -> None:
    assert made.inverse == undone


@pytest.mark.parametrize(("made", "undone"), PAIRS[3:6], ids=lambda operation: type(operation).__name__)
def test_what_can_be_undone_both_ways(made: Operation, undone: Operation) -> None:
    assert undone.inverse == made


def test_a_plan_backwards() -> None:
    plan = Plan((PAIRS[0][0], SetSysctl("net/a", "1"), PAIRS[2][0])) + Plan((PAIRS[3][0], ForgetFlows(ADDRESS.ip)))
    assert plan.inverse.operations == (PAIRS[3][1], PAIRS[2][1], PAIRS[0][1])
    assert bool(plan)
    assert not Plan()
