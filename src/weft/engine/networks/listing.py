"""Filters of `network ls` (Engine API v1.51 NetworkList)."""

import re
from collections.abc import Callable, Mapping

from weft.engine.inventory import Inventory
from weft.engine.label_filters import labels_match
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkRecord

Filters = Mapping[str, tuple[str, ...]]
Test = Callable[[NetworkRecord], bool]
_TRUE, _FALSE = ("true", "1"), ("false", "0")


def list_networks(inventory: Inventory, filters: Filters) -> tuple[NetworkRecord, ...]:
    """Return the networks that match, by name."""
    tests = [_test(inventory, key, values) for key, values in filters.items() if values]
    found = sorted(inventory.networks.values(), key=lambda record: record.name)
    return tuple(record for record in found if all(test(record) for test in tests))


def _test(inventory: Inventory, key: str, values: tuple[str, ...]) -> Test:
    match key:
        case "driver":
            return lambda record: record.driver in values
        case "id":
            return lambda record: any(record.id.startswith(value) for value in values)
        case "label":
            return lambda record: labels_match(record.spec.labels, values)
        case "name":
            return lambda record: any(value in record.name or _matches(value, record.name) for value in values)
        case "scope":
            return lambda record: record.spec.scope.value in values
        case "type":
            return _type(values)
        case "dangling":
            return _dangling(inventory, values)
    raise InvalidParameter(f"invalid filter '{key}'")


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _type(values: tuple[str, ...]) -> Test:
    for value in values:
        if value not in ("builtin", "custom"):
            raise InvalidParameter(f"invalid filter: 'type'='{value}'")
    return lambda record: ("builtin" if record.predefined else "custom") in values


def _dangling(inventory: Inventory, values: tuple[str, ...]) -> Test:
    wanted = {value.lower() for value in values}
    if len(wanted) > 1 or not wanted <= {*_TRUE, *_FALSE}:
        raise InvalidParameter(f"invalid filter 'dangling={values[0]}'")
    dangling = bool(wanted & set(_TRUE))

    def test(record: NetworkRecord) -> bool:
        unused = not record.predefined and not any(inventory.containers_on(record.id))
        return unused is dangling

    return test
