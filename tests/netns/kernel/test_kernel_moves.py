"""Links that are moved into a sandbox and given back, as remote drivers need it."""

from ipaddress import ip_interface

import pytest
from kernel_lab import Lab

from weft.model.errors import SystemFailure
from weft.plan.operations import AddAddress, CreateSandbox, DeleteSandbox, MoveLink, ReturnLink
from weft.plan.plan import Plan

MAC = "02:00:00:00:00:07"


def cable(lab: Lab) -> None:
    lab.ip("link", "add", "near", "type", "veth", "peer", "name", "far")


def test_a_link_goes_in_and_comes_back(lab: Lab) -> None:
    cable(lab)
    lab.apply(
        CreateSandbox("s"), MoveLink("far", "s", "eth0", MAC), AddAddress("eth0", ip_interface("10.0.0.2/24"), "s")
    )
    inside = lab.links("s")["eth0"]
    assert inside["address"] == MAC
    assert "UP" in inside["flags"]
    assert "far" not in lab.links()
    lab.apply(ReturnLink("eth0", "far", "s"))
    assert "eth0" not in lab.links("s")
    assert "UP" not in lab.links()["far"]["flags"]
    lab.apply(ReturnLink("eth0", "far", "s"))  # nothing to give back is no error
    lab.apply(DeleteSandbox("s"))
    lab.apply(ReturnLink("eth0", "far", "s"))


def test_a_plan_that_fails_gives_it_back(lab: Lab) -> None:
    cable(lab)
    with pytest.raises(SystemFailure, match="add address"):
        lab.apply(
            CreateSandbox("s"),
            MoveLink("far", "s", "eth0"),
            AddAddress("eth0", ip_interface("10.0.0.2/24"), "s"),
            AddAddress("eth0", ip_interface("10.0.0.2/24"), "s"),
        )
    assert "far" in lab.links()


def test_what_cannot_be_moved_is_named(lab: Lab) -> None:
    lab.apply(CreateSandbox("s"))
    with pytest.raises(SystemFailure, match="cannot move link far into sandbox s as eth0: link far of the host"):
        lab.apply(MoveLink("far", "s", "eth0"))
    cable(lab)
    with pytest.raises(SystemFailure, match="cannot move link far"):
        lab.apply(MoveLink("far", "s", "lo"))
    assert "far" in lab.links()


def test_a_plan_backwards(lab: Lab) -> None:
    plan = Plan((CreateSandbox("s"), MoveLink("far", "s", "eth0", MAC)))
    cable(lab)
    lab.run(lab.kernel.apply(plan))
    lab.run(lab.kernel.teardown(plan.inverse))
    assert "far" in lab.links()
