"""A network's names: which endpoints hold a name, and which name an address has. Pure; a change makes a new zone."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from weft.dns.message import encode_name


class Endpoint(NamedTuple):
    """What an endpoint answers to. Names are lower case, the first is the canonical one; addresses are packed."""

    names: tuple[bytes, ...]
    addresses: tuple[bytes, ...]  # 4 or 16 bytes each


def endpoint(names: Iterable[str], addresses: Iterable[bytes]) -> Endpoint:
    """Return an endpoint with its names normalised: lower case, no final dot, each once, none that DNS cannot carry."""
    normal = (_normal(name) for name in names)
    return Endpoint(tuple(dict.fromkeys(name for name in normal if encode_name(name))), tuple(dict.fromkeys(addresses)))


class Zone:
    """Names of one network: which endpoints hold a name, and which hold an address."""

    __slots__ = ("_endpoints", "_names", "_pointers")

    def __init__(self, endpoints: Mapping[str, Endpoint] | None = None) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._names: dict[bytes, tuple[str, ...]] = {}
        self._pointers: dict[bytes, tuple[str, ...]] = {}
        for ident, entry in (endpoints or {}).items():
            self._add(ident, entry)

    def __len__(self) -> int:
        return len(self._endpoints)

    def with_endpoint(self, ident: str, entry: Endpoint) -> "Zone":
        """Return a zone where that endpoint has these names and addresses, whatever it had before."""
        zone = self._copy()
        zone._remove(ident)
        zone._add(ident, entry)
        return zone

    def without(self, ident: str) -> "Zone":
        """Return a zone without that endpoint; itself where it has none such."""
        if ident not in self._endpoints:
            return self
        zone = self._copy()
        zone._remove(ident)
        return zone

    def addresses(self, name: bytes) -> tuple[bytes, ...] | None:
        """Return the packed addresses of both families behind a lower-case name, or None where it is unknown."""
        holders = self._names.get(name)
        if holders is None:
            return None
        return tuple(dict.fromkeys(a for ident in holders for a in self._endpoints[ident].addresses))

    def name_of(self, address: bytes) -> bytes | None:
        """Return the canonical name behind a packed address; of several the one published last."""
        for ident in reversed(self._pointers.get(address, ())):
            if self._endpoints[ident].names:
                return self._endpoints[ident].names[0]
        return None

    def _copy(self) -> "Zone":
        zone = Zone()
        zone._endpoints = dict(self._endpoints)
        zone._names = dict(self._names)
        zone._pointers = dict(self._pointers)
        return zone

    def _add(self, ident: str, entry: Endpoint) -> None:
        self._endpoints[ident] = entry
        for name in entry.names:
            self._names[name] = (*self._names.get(name, ()), ident)
        for address in entry.addresses:
            self._pointers[address] = (*self._pointers.get(address, ()), ident)

    def _remove(self, ident: str) -> None:
        entry = self._endpoints.pop(ident, None)
        if entry is not None:
            _drop(self._names, entry.names, ident)
            _drop(self._pointers, entry.addresses, ident)


class LinkedZone:
    """A zone as one sandbox sees it, with aliases of its own; an alias hides an endpoint of that name."""

    __slots__ = ("_links", "_zone")

    def __init__(self, zone: Zone, links: Mapping[str, str]) -> None:
        self._zone = zone
        self._links = {_normal(alias): _normal(name) for alias, name in links.items()}

    def addresses(self, name: bytes) -> tuple[bytes, ...] | None:
        """Return the packed addresses behind a lower-case name, or None where it is unknown."""
        return self._zone.addresses(self._links.get(name, name))

    def name_of(self, address: bytes) -> bytes | None:
        """Return the canonical name behind a packed address."""
        return self._zone.name_of(address)


Names = Zone | LinkedZone


def _normal(name: str) -> bytes:
    return name.encode().lower().rstrip(b".")


def _drop(index: dict[bytes, tuple[str, ...]], keys: tuple[bytes, ...], ident: str) -> None:
    """Take an endpoint out of an index, and keys out that nobody holds any more."""
    for key in keys:
        left = tuple(holder for holder in index[key] if holder != ident)
        if left:
            index[key] = left
        else:
            del index[key]
