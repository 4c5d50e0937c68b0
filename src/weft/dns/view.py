"""What a sandbox sees: zones in the order of lookup, upstreams, options. Views are immutable and swapped whole."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from weft.dns.zone import Endpoint, LinkedZone, Names, Zone

OWN_ADDRESS = "127.0.0.11"  # never asked as an upstream: it is ourselves
MOST_UPSTREAMS = 3
_MOST_WEIGHT = 256 * 1024  # bytes of remembered answers a view
_WEIGHT_OF_AN_ENTRY = 200


class Upstream(NamedTuple):
    """A server to ask; `inside` from the sandbox's own namespace, else from the host's."""

    address: str
    inside: bool
    port: int = 53


class ViewSpec(NamedTuple):
    """What the daemon says a sandbox sees: networks as (id, name) in order of lookup."""

    networks: tuple[tuple[str, str], ...]
    host_upstreams: tuple[str, ...] = ()
    sandbox_upstreams: tuple[str, ...] = ()
    ndots: int = 0
    internal: bool = False  # no way out: host upstreams are not asked
    links: tuple[tuple[str, str, str], ...] = ()  # network id, alias, the name that it stands for in this sandbox alone


class Rotation(NamedTuple):
    """An answer of several records of one size, that starts with another one at each turn.

    `ring` holds the records twice over, so that any rotation is one slice of `shown` bytes.
    """

    head: bytes  # header after the id, and question
    ring: bytes
    unit: int  # bytes a record
    records: int
    shown: int  # bytes of records that fit the client's limit
    tail: bytes


class View:
    """Zones and upstreams of a sandbox. `answers` remembers finished answers by the query's bytes after the id."""

    __slots__ = ("_weight", "answers", "ndots", "upstreams", "zones")

    def __init__(self, zones: tuple[tuple[bytes, Names], ...], upstreams: tuple[Upstream, ...], ndots: int) -> None:
        self.zones = zones  # (name of the network in lower case, its zone)
        self.upstreams = upstreams
        self.ndots = ndots
        self.answers: dict[bytes, bytes | Rotation] = {}
        self._weight = 0

    def remember(self, question: bytes, answer: bytes | Rotation) -> None:
        """Keep a finished answer; past 256 KiB of them, whoever asked so much, all are forgotten and it begins anew."""
        size = len(answer) if isinstance(answer, bytes) else len(answer.ring) + len(answer.head)
        self._weight += size + len(question) + _WEIGHT_OF_AN_ENTRY
        if self._weight > _MOST_WEIGHT:
            self.answers.clear()
            self._weight = 0
            return
        self.answers[question] = answer


class Slot:
    """The place where the sandboxes of one spec find their present view."""

    __slots__ = ("spec", "users", "view")

    def __init__(self, spec: ViewSpec, view: View) -> None:
        self.spec = spec
        self.view = view
        self.users = 0


def upstreams_of(spec: ViewSpec) -> tuple[Upstream, ...]:
    """Return whom to ask, at most three, the user's own servers first and ourselves never."""
    inside = [Upstream(address, True) for address in spec.sandbox_upstreams]
    outside = [] if spec.internal else [Upstream(address, False) for address in spec.host_upstreams]
    return tuple(u for u in inside + outside if u.address != OWN_ADDRESS)[:MOST_UPSTREAMS]


class Directory:
    """All zones, shared, and the views made of them: a changed zone costs one new view a spec, not one a sandbox."""

    def __init__(self) -> None:
        self._zones: dict[str, Zone] = {}
        self._slots: dict[ViewSpec, Slot] = {}
        self._slots_of: dict[str, dict[ViewSpec, Slot]] = {}  # network -> slots that see it

    def acquire(self, spec: ViewSpec) -> Slot:
        """Return the slot of a spec for one more sandbox."""
        slot = self._slots.get(spec)
        if slot is None:
            slot = self._slots[spec] = Slot(spec, self._view(spec))
            for network, _ in spec.networks:
                self._slots_of.setdefault(network, {})[spec] = slot
        slot.users += 1
        return slot

    def release(self, slot: Slot) -> None:
        """Give back what `acquire` returned."""
        slot.users -= 1
        if slot.users:
            return
        del self._slots[slot.spec]
        for network in dict.fromkeys(network for network, _ in slot.spec.networks):
            slots = self._slots_of[network]
            del slots[slot.spec]
            if not slots:
                del self._slots_of[network]

    def publish(self, network: str, ident: str, entry: Endpoint) -> None:
        """Make an endpoint's names answer on a network."""
        self._change(network, self._zones.get(network, Zone()).with_endpoint(ident, entry))

    def withdraw(self, network: str, ident: str) -> None:
        """Make an endpoint's names unknown on a network; nothing where they are already."""
        zone = self._zones.get(network)
        if zone is not None:
            self._change(network, zone.without(ident))

    def replace(self, zones: Mapping[str, Mapping[str, Endpoint]]) -> None:
        """Replace all zones."""
        self._zones = {network: Zone(endpoints) for network, endpoints in zones.items() if endpoints}
        self._refresh(self._slots.values())

    def _change(self, network: str, zone: Zone) -> None:
        if len(zone):
            self._zones[network] = zone
        else:
            self._zones.pop(network, None)
        self._refresh(self._slots_of.get(network, {}).values())

    def _refresh(self, slots: Iterable[Slot]) -> None:
        for slot in slots:
            slot.view = self._view(slot.spec)

    def _view(self, spec: ViewSpec) -> View:
        zones = tuple((name.encode().lower(), self._seen(ident, spec)) for ident, name in spec.networks)
        return View(zones, upstreams_of(spec), spec.ndots)

    def _seen(self, network: str, spec: ViewSpec) -> Names:
        zone = self._zones.get(network, _EMPTY)
        links = {alias: name for ident, alias, name in spec.links if ident == network}
        return LinkedZone(zone, links) if links else zone


_EMPTY = Zone()
