"""The flags' part of a help text: names in one column, their help wrapped beside it."""

from collections.abc import Sequence

from weft.cli.flags.flag import Flag

NARROWEST = 24  # columns; below this the help goes under the flag, at BLOCK_INDENT
BLOCK_INDENT = 16
SLOP = 5  # columns a line may go over rather than leave a short last word


def flag_usages(flags: Sequence[Flag], width: int) -> str:
    """Return one entry a flag, sorted by name, lines at most about `width` columns wide; 0 does not wrap."""
    shown = sorted((flag for flag in flags if not flag.hidden and not flag.deprecated), key=lambda flag: flag.name)
    names = [_names(flag) for flag in shown]
    column = max(map(len, names), default=0) + 3
    lines = []
    for flag, left in zip(shown, names, strict=True):
        usage = flag.usage + (f" (default {flag.default_text})" if flag.default_text else "")
        lines.append(left + " " * (column - len(left)) + _wrapped(usage, column, width))
    return "".join(f"{line}\n" for line in lines)


def _names(flag: Flag) -> str:
    names = f"  -{flag.short}, --{flag.name}" if flag.short else f"      --{flag.name}"
    return f"{names} {flag.kind}" if flag.kind else names


def _wrapped(usage: str, indent: int, width: int) -> str:
    """Return `usage` wrapped for a column at `indent`; its own line feeds stay."""
    lines: list[str] = []
    start = ""
    if width and width - indent < NARROWEST:
        indent = BLOCK_INDENT
        start = "\n" + " " * indent
    room = width - indent
    if not width or room < NARROWEST:
        lines = usage.split("\n")
    else:
        rest = usage
        while rest:
            line, rest = _first_line(rest, room - SLOP)
            lines += line.split("\n")
    return start + ("\n" + " " * indent).join(lines)


def _first_line(text: str, room: int) -> tuple[str, str]:
    if room + SLOP > len(text):
        return text, ""
    head = text[:room]
    space = max(head.rfind(" "), head.rfind("\t"), head.rfind("\n"))
    if space <= 0:
        return text, ""
    feed = head.rfind("\n")
    end = feed if 0 < feed < space else space
    return text[:end], text[end + 1 :]
