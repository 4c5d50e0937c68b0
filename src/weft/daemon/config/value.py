"""Values of options: from JSON and from flags, checked and typed. Errors are InvalidParameter and name the option."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, TypeVar

from weft.daemon.config.option import Kind, Option
from weft.model.address import Address
from weft.model.errors import InvalidParameter
from weft.model.exposure import parse_exposure
from weft.model.mark import parse_mark

T = TypeVar("T")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_TRUE, _FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})
_SMALLEST_POOL = {4: 32, 6: 128}


def from_json(option: Option, value: Any) -> Any:
    """Return the typed value of a key of the file."""
    if isinstance(value, bool) and option.kind is not Kind.BOOL:
        raise _expected(option, value)
    if not isinstance(value, _JSON_TYPES.get(option.kind, str)):
        raise _expected(option, value)
    try:
        return _from_json(option.kind, value)
    except ValueError as error:
        raise InvalidParameter(f"{option.key}: {error}") from None
    except TypeError:
        raise _expected(option, value) from None


def from_flag(option: Option, values: Sequence[str]) -> Any:
    """Return the typed value of a flag; `values` has one text, or several where the flag was repeated."""
    try:
        return _from_texts(option.kind, values)
    except ValueError as error:
        name = f"-{option.letter}, --{option.flag}" if option.letter else f"--{option.flag}"
        raise InvalidParameter(f'invalid argument "{values[-1]}" for "{name}" flag: {error}') from None


def bytes_of(text: str) -> int:
    """Return a size in bytes; units are powers of 1,024 as Docker has them. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"invalid size: '{text}'")
    return int(float(match[1]) * 1024 ** _UNITS[match[2].lower()])


def _from_json(kind: Kind, value: Any) -> Any:
    match kind:
        case Kind.BOOL | Kind.INT | Kind.OBJECT:
            return value
        case Kind.SIZE:
            return value if isinstance(value, int) else _scalar(kind, value)
        case Kind.TEXTS | Kind.IPS:
            return tuple(_item(kind, _text(item)) for item in value)
        case Kind.TEXT_MAP:
            return {name: _text(text) for name, text in value.items()}
        case Kind.BOOL_MAP:
            return {name: _boolean(switch) for name, switch in value.items()}
        case Kind.MAP_MAP:
            return {name: {key: _text(text) for key, text in _object(inner).items()} for name, inner in value.items()}
        case Kind.POOLS:
            return tuple(_pool_of_json(_object(entry)) for entry in value)
        case Kind.ULIMITS:
            return tuple(_ulimit_of_json(name, _object(limit)) for name, limit in value.items())
        case _:
            return _scalar(kind, value)


def _from_texts(kind: Kind, values: Sequence[str]) -> Any:
    match kind:
        case Kind.BOOL:
            return _boolean_of(values[-1])
        case Kind.INT:
            return _integer_of(values[-1])
        case Kind.TEXTS | Kind.IPS:
            return tuple(_item(kind, text) for text in values)
        case Kind.TEXT_MAP:
            return dict(_pair(text) for text in values)
        case Kind.BOOL_MAP:
            return {text.partition("=")[0]: _boolean_of(text.partition("=")[2] or "true") for text in values}
        case Kind.MAP_MAP:
            return _maps_of(values)
        case Kind.POOLS:
            return tuple(_pool_of_text(text) for text in values)
        case Kind.ULIMITS:
            return tuple(_ulimit_of_text(text) for text in values)
        case Kind.OBJECT:
            return dict(_pair(text) for text in values)
        case _:
            return _scalar(kind, values[-1])


def _scalar(kind: Kind, text: str) -> Any:
    """Return the value of one text; "" stands for none given, as dockerd has it."""
    if kind is Kind.TEXT:
        return text
    if not text:
        return None if kind is not Kind.PATH else ""
    return _SCALARS[kind](text)


def _item(kind: Kind, text: str) -> Any:
    return _address(text) if kind is Kind.IPS else text


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text} is not an absolute path")
    return text


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError(f"{text} is not an ip address") from None


def _ipv4(text: str) -> IPv4Address:
    address = _address(text)
    if not isinstance(address, IPv4Address):
        raise ValueError(f"{text} is not an IPv4 address")
    return address


def _ipv6(text: str) -> IPv6Address:
    address = _address(text)
    if not isinstance(address, IPv6Address):
        raise ValueError(f"{text} is not an IPv6 address")
    return address


def _within(parse: Callable[[str], T], what: str) -> Callable[[str], T]:
    def convert(text: str) -> T:
        if "/" not in text:
            raise ValueError(f"invalid CIDR address: {text}: the prefix length is missing")
        try:
            return parse(text)
        except ValueError:
            raise ValueError(f"invalid CIDR address: {text}: not an {what}") from None

    return convert


def _pool_of_json(entry: Mapping[str, Any]) -> tuple[IPv4Network | IPv6Network, int]:
    unknown = set(entry) - {"base", "size"}
    if unknown or len(entry) != 2:
        raise ValueError(f"invalid pool {dict(entry)}: it has exactly base and size")
    if not isinstance(entry["size"], int) or isinstance(entry["size"], bool):
        raise TypeError
    return _pool(_text(entry["base"]), entry["size"])


def _pool_of_text(text: str) -> tuple[IPv4Network | IPv6Network, int]:
    parts = dict(_pair(part) for part in text.split(","))
    if set(parts) != {"base", "size"}:
        raise ValueError(f"invalid pool {text}: write base=SUBNET,size=LENGTH")
    return _pool(parts["base"], _integer_of(parts["size"]))


def _pool(base: str, size: int) -> tuple[IPv4Network | IPv6Network, int]:
    try:
        subnet = ip_network(base, strict=False)
    except ValueError:
        raise ValueError(f'invalid base pool "{base}": invalid CIDR address: {base}') from None
    if not subnet.prefixlen <= size <= _SMALLEST_POOL[subnet.version]:
        raise ValueError(
            f'invalid pool size {size} for "{base}": it is the prefix length of the networks taken from it, '
            f"{subnet.prefixlen} to {_SMALLEST_POOL[subnet.version]}"
        )
    return subnet, size


def _ulimit_of_json(name: str, limit: Mapping[str, Any]) -> tuple[str, int, int]:
    fields = {key.lower(): value for key, value in limit.items()}
    if set(fields) - {"name", "soft", "hard"}:
        raise ValueError(f"invalid ulimit {name}: it has Name, Soft and Hard")
    soft, hard = fields.get("soft", 0), fields.get("hard", 0)
    if any(not isinstance(number, int) or isinstance(number, bool) for number in (soft, hard)):
        raise TypeError
    if fields.get("name", name) != name:
        raise ValueError(f"invalid ulimit {name}: its Name is {fields['name']}")
    return name, soft, hard


def _ulimit_of_text(text: str) -> tuple[str, int, int]:
    name, separator, limits = text.partition("=")
    if not separator or not limits:
        raise ValueError(f"invalid ulimit argument: {text}")
    soft, _, hard = limits.partition(":")
    return name, _integer_of(soft), _integer_of(hard or soft)


def _maps_of(values: Sequence[str]) -> dict[str, dict[str, str]]:
    maps: dict[str, dict[str, str]] = {}
    for text in values:
        outer, inner = _pair(text)
        key, value = _pair(inner)
        maps.setdefault(outer, {})[key] = value
    return maps


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ValueError(f"{text} is not of the form name=value")
    return name, value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _boolean_of(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f'"{text}" is neither true nor false')


def _integer_of(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a whole number') from None


def _expected(option: Option, value: Any) -> InvalidParameter:
    return InvalidParameter(f"{option.key}: expected {option.kind.value}, not {value!r}")


_SCALARS: dict[Kind, Callable[[str], Any]] = {
    Kind.PATH: _path,
    Kind.SIZE: bytes_of,
    Kind.MARK: parse_mark,
    Kind.EXPOSURE: parse_exposure,
    Kind.IP: _address,
    Kind.IPV4: _ipv4,
    Kind.IPV6: _ipv6,
    Kind.IPV4_INTERFACE: _within(IPv4Interface, "IPv4 address with its prefix length"),
    Kind.IPV6_INTERFACE: _within(IPv6Interface, "IPv6 address with its prefix length"),
    Kind.IPV4_SUBNET: _within(lambda text: IPv4Network(text, strict=False), "IPv4 subnet"),
    Kind.IPV6_SUBNET: _within(lambda text: IPv6Network(text, strict=False), "IPv6 subnet"),
}
_JSON_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.BOOL: (bool,),
    Kind.INT: (int,),
    Kind.SIZE: (int, str),
    Kind.TEXTS: (list,),
    Kind.IPS: (list,),
    Kind.POOLS: (list,),
    Kind.TEXT_MAP: (dict,),
    Kind.BOOL_MAP: (dict,),
    Kind.MAP_MAP: (dict,),
    Kind.ULIMITS: (dict,),
    Kind.OBJECT: (dict,),
}
