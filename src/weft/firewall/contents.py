"""Contents of the table: elements by set, merged and turned into operations."""

from collections.abc import Iterable, Mapping
from itertools import chain

from weft.plan.operations import AddElements, DeleteElements, Element
from weft.plan.plan import Plan

TABLE = "weft"

Contents = Mapping[str, tuple[Element, ...]]  # name of a set or map -> its elements


def merged(parts: Iterable[Contents]) -> Contents:
    """Return the union, each set's elements once and in order."""
    gathered: dict[str, set[Element]] = {}
    for name, elements in chain.from_iterable(part.items() for part in parts):
        gathered.setdefault(name, set()).update(elements)
    return {name: tuple(sorted(elements, key=_words)) for name, elements in sorted(gathered.items())}


def _words(element: Element) -> tuple[tuple[str, ...], tuple[str, ...]]:
    # Elements order themselves so too, but five times as slowly.
    return element.key, element.value


def add(contents: Contents) -> Plan:
    """Return the plan that adds these elements; empty sets are left out."""
    return Plan(tuple(AddElements(TABLE, name, elements) for name, elements in contents.items() if elements))


def delete(contents: Contents) -> Plan:
    """Return the plan that deletes these elements; empty sets are left out."""
    return Plan(tuple(DeleteElements(TABLE, name, elements) for name, elements in contents.items() if elements))
