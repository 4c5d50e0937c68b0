"""Records to bytes and back: JSON, with addresses as text.

msgspec writes dataclasses but cannot read unions of address types, so reading goes by the dataclasses' own type hints.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from weft.engine.contract.records import Record
from weft.model.address import text
from weft.model.container import ContainerRecord
from weft.model.image import ImageRecord
from weft.model.network import NetworkRecord, TakenPool
from weft.model.volume import VolumeRecord

KINDS: dict[str, type[Record]] = {
    "container": ContainerRecord,
    "image": ImageRecord,
    "network": NetworkRecord,
    "taken pool": TakenPool,
    "volume": VolumeRecord,
}
_NAMES = {record_type: kind for kind, record_type in KINDS.items()}
_ADDRESS_TYPES = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface, IPv4Network, IPv6Network)
_FAMILIES: dict[frozenset[Any], Callable[[str], Any]] = {
    frozenset({IPv4Address, IPv6Address}): ip_address,
    frozenset({IPv4Interface, IPv6Interface}): ip_interface,
    frozenset({IPv4Network, IPv6Network}): ip_network,
}

Reader = Callable[[Any], Any]


def kind_of(record_type: type[Record]) -> str:
    """Return the name that records of this type are stored under."""
    return _NAMES[record_type]


def key_of(record: Record) -> str:
    """Return a record's key: its id, or a volume's name."""
    return record.name if isinstance(record, VolumeRecord) else record.id


def _to_text(value: Any) -> str:
    if isinstance(value, (IPv4Address, IPv6Address)):
        return text(value)
    if isinstance(value, _ADDRESS_TYPES):
        return str(value)
    raise NotImplementedError(f"cannot store {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_to_text)


def encode(record: Record) -> bytes:
    """Return the record as JSON."""
    return _encoder.encode(record)


def decode(record_type: type[Record], body: bytes) -> Record:
    """Return the record; raises ValueError, TypeError or KeyError if `body` is not one."""
    hint: Any = record_type
    record: Record = _reader(hint)(msgspec.json.decode(body))
    return record


@cache
def _reader(hint: Any) -> Reader:
    """Return what turns JSON values into `hint`'s type; fields that are not in the JSON keep their defaults."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_reader(hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union_reader(get_args(hint))
    if origin is tuple:
        return _tuple_reader(get_args(hint))
    if origin is not None and issubclass(origin, Mapping):
        value = _reader(get_args(hint)[1])
        return lambda found: {key: value(item) for key, item in found.items()}
    if isinstance(hint, type) and issubclass(hint, (Enum, *_ADDRESS_TYPES)):
        return hint
    return lambda found: found


def _dataclass_reader(record_type: type) -> Reader:
    hints = get_type_hints(record_type)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(record_type)}

    def read(found: dict[str, Any]) -> Any:
        return record_type(**{name: readers[name](value) for name, value in found.items() if name in readers})

    return read


def _union_reader(members: tuple[Any, ...]) -> Reader:
    kinds = [member for member in members if member is not types.NoneType]
    read = _FAMILIES.get(frozenset(kinds)) or _reader(kinds[0])
    return lambda found: None if found is None else read(found)


def _tuple_reader(members: tuple[Any, ...]) -> Reader:
    if len(members) == 2 and members[1] is Ellipsis:
        item = _reader(members[0])
        return lambda found: tuple(item(value) for value in found)
    items = [_reader(member) for member in members]
    return lambda found: tuple(read(value) for read, value in zip(items, found, strict=True))
