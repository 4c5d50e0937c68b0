"""The interface of the host that a macvlan or ipvlan network hangs on: given, made of a VLAN id, or leading nowhere.

Texts are Docker's where it has one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from weft.drivers.contract import HostFacts, LinkFact
from weft.drivers.vlan import parse_vlan
from weft.model.errors import Conflict, InvalidParameter
from weft.model.ids import short_id
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import CreateDummy, CreateVlan, DeleteLink, Operation, RequireLinks, SetAlias

PARENT = "parent"  # the option's name
DRIVERS = ("ipvlan", "macvlan")
_CLOSED = ("bridge", "bond", "team", "openvswitch")  # masters that take all frames of their ports for themselves


@dataclass(frozen=True, slots=True)
class Family:
    """What the two drivers call theirs: `link_kinds` are those of links upon a parent, `dummy` a prefix of names."""

    driver: str
    dummy: str
    link_kinds: tuple[str, ...]


MACVLAN = Family("macvlan", "dm", ("macvlan", "macvtap"))
IPVLAN = Family("ipvlan", "di", ("ipvlan", "ipvtap"))


def given_parent(spec: NetworkSpec) -> str:
    """Return the interface that the network is to hang on, "" where it leads nowhere: without one, or internal."""
    return "" if spec.internal else spec.options.get(PARENT, "")


def parent_name(record: NetworkRecord, family: Family) -> str:
    """Return the name of the parent: the one given, or that of a link of the network's own that leads nowhere."""
    return given_parent(record.spec) or dummy_name(record, family)


def dummy_name(record: NetworkRecord, family: Family) -> str:
    """Return the name of the link that leads nowhere: dm-<short id> or di-<short id>."""
    return f"{family.dummy}-{short_id(record.id)}"


def check_parent(name: str, family: Family) -> None:
    """Raise InvalidParameter for a name that can be no parent's, whatever the host has."""
    if name == "lo":
        raise InvalidParameter(f"loopback interface is not a valid {family.driver} parent link")
    if len(name) > 15 or "/" in name or name in (".", "..") or any(each.isspace() or each == ":" for each in name):
        raise InvalidParameter(
            f"-o parent interface was not found on the host: {name} (an interface name has up to 15 characters)"
        )


def parent_plan(record: NetworkRecord, family: Family, facts: HostFacts) -> list[Operation]:
    """Return what makes the network's parent where it is missing.

    Raises InvalidParameter where it is missing and is no name of a sub-interface of one that is there, Conflict where
    it is somebody else's.
    """
    name = parent_name(record, family)
    operations: list[Operation] = [RequireLinks(family.driver)]
    link = facts.link(name)
    if link is not None:
        _check_free(name, link, family, facts)
        return operations
    if not given_parent(record.spec):
        return [*operations, CreateDummy(name, alias=record.id)]
    vlan = parse_vlan(name)
    base = facts.link(vlan.base)
    if base is None:
        raise InvalidParameter(f"-o parent interface was not found on the host: {vlan.base}")
    return [*operations, RequireLinks("vlan"), CreateVlan(name, vlan.base, vlan.vid, alias=record.id)]


def _check_free(name: str, link: LinkFact, family: Family, facts: HostFacts) -> None:
    master = next((each for each in facts.links if link.master and each.index == link.master), None)
    if master is not None and master.kind in _CLOSED:
        raise Conflict(
            f"parent interface {name} is a port of the {master.kind} {master.name}, which takes all of its traffic: "
            f"use {master.name} as parent, or another interface"
        )
    other = IPVLAN if family is MACVLAN else MACVLAN
    taken = [each.name for each in facts.links if each.lower == link.index and each.kind in other.link_kinds]
    if taken:
        raise Conflict(
            f"parent interface {name} carries the {other.driver} link {taken[0]}, and an interface carries links of "
            "one kind: delete it, or use another parent"
        )


def parent_removal(
    record: NetworkRecord, family: Family, others: Iterable[NetworkRecord], facts: HostFacts
) -> list[Operation]:
    """Return what removes the parent if Weft made it and no other network hangs on it; otherwise it changes hands."""
    name = parent_name(record, family)
    link = facts.link(name)
    if link is None:
        return []
    if not given_parent(record.spec):
        return [DeleteLink(name)]
    if link.alias != record.id:
        return []
    heir = next((each for each in others if each.id != record.id and name == _shared_parent(each)), None)
    return [DeleteLink(name) if heir is None else SetAlias(name, heir.id)]


def on_same_parent(record: NetworkRecord, others: Iterable[NetworkRecord]) -> list[NetworkRecord]:
    """Return the other networks that hang on the parent that this one was given."""
    name = _shared_parent(record)
    return [each for each in others if name and each.id != record.id and _shared_parent(each) == name]


def parent_warnings(record: NetworkRecord, facts: HostFacts) -> tuple[str, ...]:
    """Return what is worth a word about the parent as the host has it."""
    name = given_parent(record.spec)
    link = facts.link(name) or (facts.link(name.rpartition(".")[0]) if name else None)
    if not name or link is None or link.up:
        return ()
    return (f"parent interface {link.name} of network {record.name} is down: nothing passes before it is up",)


def _shared_parent(record: NetworkRecord) -> str:
    return given_parent(record.spec) if record.driver in DRIVERS and not record.spec.config_only else ""
