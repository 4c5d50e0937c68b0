"""JSON schemas as flat lists of fields, so that two descriptions of one API can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Fields = dict[str, set[str]]  # `.HostConfig.Ulimits[].Name` -> JSON types; `{}` stands for any key


def fields(schema: Mapping[str, Any] | None, document: Mapping[str, Any]) -> Fields:
    """Every field below a schema with its types; references are followed within `document`."""
    found: Fields = {}
    for path, kind in _walk(schema or {}, document, "", ()):
        found.setdefault(path, set()).add(kind)
    return found


def _walk(
    schema: Mapping[str, Any], document: Mapping[str, Any], path: str, within: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    if reference := schema.get("$ref"):
        if reference not in within:  # a shape that holds itself is looked at once
            yield from _walk(_follow(document, reference), document, path, (*within, reference))
        return
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _walk(part, document, path, within)
    if isinstance(kind := schema.get("type"), str):
        yield path, kind
    for name, each in schema.get("properties", {}).items():
        yield f"{path}.{name}", "any"
        yield from _walk(each, document, f"{path}.{name}", within)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], document, path + mark, within)
    for each in schema.get("prefixItems", ()):
        yield from _walk(each, document, f"{path}[]", within)


def _follow(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    place: Any = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place
