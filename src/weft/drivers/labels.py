"""Driver options: their names, and reading their values. Texts are Docker's."""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import TypeVar

from weft.model.address import Address
from weft.model.errors import InvalidParameter

T = TypeVar("T")

PREFIX = "com.docker.network."
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
# What ip-link(8) accepts, less what would need quoting in nft or a sysctl's path.
_INTERFACE_NAME = re.compile(r"[A-Za-z0-9_@+=-][A-Za-z0-9_.@+=-]{0,14}")


def read(options: Mapping[str, str], label: str, parse: Callable[[str], T], default: T) -> T:
    """Return an option's value, `default` where it is absent or empty; raises InvalidParameter in Docker's words."""
    value = options.get(label, "")
    if value == "":
        return default
    try:
        return parse(value)
    except ValueError as error:
        raise InvalidParameter(f"failed to parse {label} value: {value} ({error})") from error


def refuse_unknown(
    options: Iterable[str], known: Iterable[str], what: str, prefixes: tuple[str, ...] = (PREFIX,)
) -> None:
    """Raise InvalidParameter naming options of Docker's own that `what` does not support, and those that it does.

    Options without one of the `prefixes` are kept for users.
    """
    supported = set(known)
    unknown = sorted({label for label in options if label.startswith(prefixes)} - supported)
    if unknown:
        words, others = ", ".join(unknown), ", ".join(sorted(supported))
        raise InvalidParameter(f"{what} does not support the option {words}: leave it out; it knows {others}")


def parse_bool(value: str) -> bool:
    """Read a boolean as Go's strconv.ParseBool does."""
    if value not in _TRUE | _FALSE:
        raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return value in _TRUE


def parse_mtu(value: str) -> int:
    """Read an MTU in bytes; 0 is the default."""
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise ValueError(f'strconv.Atoi: parsing "{value}": invalid syntax')
    if not 0 <= int(value) <= 65535:
        raise ValueError(f"invalid MTU number: {int(value)}")
    return int(value)


def parse_address(value: str) -> Address:
    """Read an address of either family."""
    try:
        return ip_address(value)
    except ValueError as error:
        raise ValueError("nil ip") from error


def parse_interface_name(value: str) -> str:
    """Read the name of an interface: at most 15 characters, neither blank, slash, colon nor a shell's or nft's own."""
    if not _INTERFACE_NAME.fullmatch(value):
        raise ValueError(
            "an interface name has up to 15 letters, digits, or any of _ - + = @, and dots but at the start"
        )
    return value
