"""The file that holds a lease: written by the script, from what a stranger's server said."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TypeVar

from weft.engine.contract.leases import Lease

_Value = TypeVar("_Value")
_LARGEST = 65536  # bytes


def read_lease(path: Path) -> Lease | None:
    """Return the lease in the file named after its endpoint; None where there is none, or it cannot be read."""
    try:
        with path.open("rb") as file:
            return parse_lease(path.name, file.read(_LARGEST).decode(errors="replace"))
    except OSError:
        return None


def parse_lease(endpoint_id: str, text: str) -> Lease | None:
    """Return the lease that the text tells of, one without an interface where it ended; None for nonsense."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values.setdefault(key, value)
    if values.get("event") == "lost":
        return Lease(endpoint_id=endpoint_id)
    interface = _first(IPv4Interface, values.get("address", ""))
    if values.get("event") != "bound" or interface is None:
        return None
    seconds = values.get("lease", "")
    return Lease(
        endpoint_id=endpoint_id,
        interface=interface,
        gateway=_first(IPv4Address, values.get("router", "")),
        dns_servers=tuple(str(address) for address in _all(IPv4Address, values.get("dns", ""))),
        dns_search=tuple(word for word in values.get("search", "").split() if _is_domain(word)),
        server=str(_first(IPv4Address, values.get("server", "")) or ""),
        seconds=int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 11 else 0,
    )


def _first(read: Callable[[str], _Value], text: str) -> _Value | None:
    return next(iter(_all(read, text)), None)


def _all(read: Callable[[str], _Value], text: str) -> list[_Value]:
    found = []
    for word in text.split():
        try:
            found.append(read(word))
        except ValueError:
            continue
    return found


def _is_domain(word: str) -> bool:
    return len(word) <= 253 and all(character.isalnum() or character in "-._" for character in word)
