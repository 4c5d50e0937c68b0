"""JSON documents as `inspect` prints them: the daemon's own text, indented by four spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


def indented(documents: Iterable[bytes]) -> str:
    """Return a JSON list of the documents; strings and numbers stay as the daemon wrote them."""
    source = "[" + ",".join(document.decode("utf-8", "replace").strip() for document in documents) + "]"
    output: list[str] = []
    depth = 0
    pending = False  # after an opening bracket: a line feed only if something comes
    for found in _TOKEN.finditer(source):
        part = found[0]
        if part in "]}":
            depth -= 1
            if not pending:
                output.append(_break(depth))
            pending = False
            output.append(part)
            continue
        if pending:
            output.append(_break(depth))
            pending = False
        if part in "[{":
            depth += 1
            pending = True
        output.append({":": ": ", ",": "," + _break(depth)}.get(part, part))
    return "".join(output)


def compact(documents: Iterable[bytes]) -> str:
    """Return a JSON list of the documents without white space."""
    source = "[" + ",".join(document.decode("utf-8", "replace").strip() for document in documents) + "]"
    return "".join(found[0] for found in _TOKEN.finditer(source))


def _break(depth: int) -> str:
    return "\n" + "    " * depth
