"""What an option is: its names, the type of its value, and what Weft makes of it."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Types of values; the text is what an error says was expected."""

    BOOL = "true or false"
    INT = "a whole number"
    TEXT = "a string"
    PATH = "a string (an absolute path)"
    TEXTS = "a list of strings"
    IPV4 = "a string (an IPv4 address)"
    IPV6 = "a string (an IPv6 address)"
    IP = "a string (an IP address)"
    IPS = "a list of strings (IP addresses)"
    IPV4_INTERFACE = "a string (an IPv4 address with its prefix length, as 192.168.1.5/24)"
    IPV6_INTERFACE = "a string (an IPv6 address with its prefix length, as 2001:db8::1/64)"
    IPV4_SUBNET = "a string (an IPv4 subnet, as 192.168.1.0/25)"
    IPV6_SUBNET = "a string (an IPv6 subnet, as 2001:db8::/64)"
    SIZE = "a string or a number (bytes, or with a unit as 64M)"
    TEXT_MAP = "an object of strings"
    BOOL_MAP = "an object of true or false"
    MAP_MAP = "an object of objects of strings"
    POOLS = 'a list of objects {"base": subnet, "size": prefix length}'
    ULIMITS = 'an object of objects {"Name": string, "Soft": number, "Hard": number}'
    OBJECT = "an object"
    MARK = "a string (a firewall mark, with a mask or without, as 0x1/0x3)"
    EXPOSURE = "a string (open, lan, localhost, or prefixes with commas)"


class Effect(Enum):
    """What Weft makes of an option."""

    SUPPORTED = "supported"
    NONE = "accepted, since it makes no difference here"
    REFUSED = "refused where it asks for something else than Weft does"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `reason` says why it has no effect, or why it is refused and what to do instead.

    A refused option may still be given with what Weft does anyway: an empty value, or one of `harmless`.
    """

    key: str  # in daemon.json
    kind: Kind
    flag: str = ""  # without dashes; "" where there is none
    letter: str = ""
    default: object = None
    effect: Effect = Effect.SUPPORTED
    reason: str = ""
    harmless: tuple[object, ...] = ()
    reloads: bool = False  # a SIGHUP takes it over
    help: str = ""

    @property
    def field(self) -> str:
        """Name of the attribute of DaemonConfig."""
        return self.key.replace("-", "_")

    @property
    def repeats(self) -> bool:
        """Whether the flag may be given several times."""
        return self.kind in _REPEATED


_REPEATED = frozenset({Kind.TEXTS, Kind.IPS, Kind.TEXT_MAP, Kind.BOOL_MAP, Kind.MAP_MAP, Kind.POOLS, Kind.ULIMITS})
