"""Make engine_api.json of Docker's own description of its API: paths, parameters, fields and types, no prose.

    python tests/unit/api/extract_reference.py engine-api-v1.51.yaml

The description is api/swagger.yaml of github.com/moby/moby (Apache-2.0).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

EXTRACT = Path(__file__).with_name("engine_api.json")
_KEPT = ("type", "$ref", "required")


def schema(full: dict[str, Any]) -> dict[str, Any]:
    """One schema without its prose."""
    kept = {key: full[key] for key in _KEPT if key in full and isinstance(full[key], str)}
    if "properties" in full:
        kept["properties"] = {name: schema(each or {}) for name, each in full["properties"].items()}
    if isinstance(full.get("items"), dict):
        kept["items"] = schema(full["items"])
    if isinstance(full.get("additionalProperties"), dict):
        kept["additionalProperties"] = schema(full["additionalProperties"])
    if "allOf" in full:
        kept["allOf"] = [schema(each) for each in full["allOf"]]
    return kept


def operation(full: dict[str, Any]) -> dict[str, Any]:
    """Parameters as `[in, name, type]`, the body's schema, the answers' schemas by status (null: none)."""
    parameters = full.get("parameters", [])
    body = [schema(each["schema"]) for each in parameters if each["in"] == "body"]
    return {
        "parameters": [[each["in"], each["name"], each["type"]] for each in parameters if each["in"] != "body"],
        "body": body[0] if body else None,
        "answers": {
            str(status): schema(each["schema"]) if "schema" in each else None
            for status, each in full["responses"].items()
        },
    }


def _lines(entries: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(key)}: {json.dumps(each)}" for key, each in entries.items())


def main() -> None:
    """Write the extract: a line a path and a line a definition."""
    full = yaml.safe_load(Path(sys.argv[1]).read_text())
    parts = {
        "paths": {
            path: {name.upper(): operation(each) for name, each in methods.items()}
            for path, methods in full["paths"].items()
        },
        "definitions": {name: schema(each) for name, each in full["definitions"].items()},
    }
    text = ",\n".join(f'"{part}": {{\n{_lines(entries)}\n}}' for part, entries in parts.items())
    EXTRACT.write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
