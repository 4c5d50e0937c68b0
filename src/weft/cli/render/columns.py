"""Aligning tab-separated cells (elastic tabstops, as Go's text/tabwriter does it)."""

from __future__ import annotations

Line = list[str]


def align(text: str, *, minimum: int = 10, padding: int = 3) -> str:
    """Return `text` with its tabs turned into spaces.

    A column is a run of lines that each have a tab-terminated cell there; it is as wide as its widest cell plus
    `padding`, and at least `minimum`. What follows a line's last tab is not padded.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    output: list[str] = []
    _block(lines, 0, len(lines), [], output, (minimum, padding))
    return "\n".join(output)


def _block(
    lines: list[Line], first: int, last: int, widths: list[int], output: list[str], sizes: tuple[int, int]
) -> None:
    column = len(widths)
    position = first
    while position < last:
        if column >= len(lines[position]) - 1:
            position += 1
            continue
        output += [_joined(line, widths) for line in lines[first:position]]
        first = position
        width = sizes[0]
        while position < last and column < len(lines[position]) - 1:
            width = max(width, display_width(lines[position][column]) + sizes[1])
            position += 1
        _block(lines, first, position, [*widths, width], output, sizes)
        first = position
    output += [_joined(line, widths) for line in lines[first:last]]


def _joined(line: Line, widths: list[int]) -> str:
    padded = [cell + " " * (width - display_width(cell)) for cell, width in zip(line, widths, strict=False)]
    return "".join(padded + line[len(widths) :])


def display_width(text: str) -> int:
    """Return the terminal columns that `text` takes: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def ellipsis(text: str, limit: int) -> str:
    """Return `text` cut to `limit` columns, with … where something was cut."""
    if display_width(text) <= limit:
        return text
    kept = ""
    for char in text:
        if display_width(kept + char) > limit - 1:
            break
        kept += char
    return kept + "…"
