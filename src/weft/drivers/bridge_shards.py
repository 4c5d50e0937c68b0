"""A network larger than one Linux bridge, which takes 1,023 ports (Linux net/bridge, BR_MAX_PORTS).

The network's own bridge holds the first endpoints and has the addresses; behind it further bridges hold a thousand
each, one hop away: together one broadcast domain, so nothing shows in a container.
"""

from weft.drivers.contract import HostFacts
from weft.model.ids import short_id
from weft.model.network import NetworkRecord
from weft.plan.operations import DeleteLink, ExtendBridge

FIRST_SIZE = 900  # endpoints on the network's own bridge, which leaves room for the trunks, and for ports of a user's
FURTHER_SIZE = 1000
FURTHER_SHARDS = 100


def shard_size(shard: int) -> int:
    """Return how many endpoints a shard takes; 0 where the network ends."""
    if shard == 0:
        return FIRST_SIZE
    return FURTHER_SIZE if shard <= FURTHER_SHARDS else 0


def shard_bridge(record: NetworkRecord, own: str, shard: int) -> str:
    """Return the name of a shard's bridge, `own` being that of the first."""
    return own if shard == 0 else _name("b", record, shard)


def extension(record: NetworkRecord, own: str, shard: int, *, mtu: int, isolated: bool) -> tuple[ExtendBridge, ...]:
    """Return what makes a shard's bridge where it is not there yet; nothing for the first."""
    if shard == 0:
        return ()
    trunk, branch = _name("t", record, shard), _name("u", record, shard)
    return (ExtendBridge(own, _name("b", record, shard), trunk, branch, mtu, alias=record.id, isolated=isolated),)


def deletions(record: NetworkRecord, facts: HostFacts) -> tuple[DeleteLink, ...]:
    """Return what removes all shards but the first. A trunk's other end goes with it."""
    present = [name for name in facts.link_names() if name.endswith(_suffix(record))]
    return tuple(DeleteLink(name) for name in present if name[0] in "bt")


def _name(letter: str, record: NetworkRecord, shard: int) -> str:
    return f"{letter}{shard:02x}{_suffix(record)}"


def _suffix(record: NetworkRecord) -> str:
    return f"-{short_id(record.id)[:11]}"
