"""The flags that listings and inspections share, in docker's words."""

from __future__ import annotations

from weft.cli.flags.flag import Flag, many, switch, text
from weft.cli.flags.pairs import parse_filter

_LIST_FORMAT = """Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates"""
_INSPECT_FORMAT = """Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates"""


def list_format() -> Flag:
    return text("format", _LIST_FORMAT)


def inspect_format(short: str = "f") -> Flag:
    return text("format", _INSPECT_FORMAT, short=short)


def filter_flag(usage: str = "Filter output based on conditions provided", short: str = "f") -> Flag:
    return many("filter", usage, short=short, kind="filter", parse=parse_filter)


def force_prune() -> Flag:
    return switch("force", "Do not prompt for confirmation", short="f")
