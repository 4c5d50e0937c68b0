"""printf as Go's fmt has it: the verbs and flags that templates use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from weft.cli.template.values import quoted, shown

_VERB = re.compile(r"%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?([a-zA-Z%])")


def sprintf(layout: str, values: Sequence[object]) -> str:
    """Return `layout` with its verbs filled in; what does not fit is said in the text, as Go does (%!d(string=x))."""
    rest = list(values)

    def replace(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        size = _size(width, rest)
        digits = _size(precision, rest) if precision is not None else (0 if "." in found[0] else None)
        if not rest:
            return f"%!{verb}(MISSING)"
        text = _formatted(rest.pop(0), verb, flags, digits)
        if size is None:
            return text
        if "-" in flags:
            return text.ljust(size)
        return text.zfill(size) if "0" in flags and verb in "dxXofeg" else text.rjust(size)

    result = _VERB.sub(replace, layout)
    if rest:
        extra = ", ".join(f"{_kind(value)}={shown(value)}" for value in rest)
        result += f"%!(EXTRA {extra})"
    return result


def _size(text: str | None, rest: list[object]) -> int | None:
    if text == "*":
        value = rest.pop(0) if rest else 0
        return value if isinstance(value, int) else 0
    return int(text) if text else None


def _formatted(value: object, verb: str, flags: str, digits: int | None) -> str:
    if verb == "v":
        return shown(value)
    if verb == "s" and isinstance(value, str | list | dict):
        text = shown(value)
        return text if digits is None else text[:digits]
    if verb == "q" and isinstance(value, str):
        return quoted(value)
    if verb == "t" and isinstance(value, bool):
        return shown(value)
    if verb in "dxXobc" and isinstance(value, int) and not isinstance(value, bool):
        text = chr(value) if verb == "c" else format(value, verb)
        return "+" + text if "+" in flags and value >= 0 else text
    if verb in "xX" and isinstance(value, str):
        text = value.encode().hex()
        return text.upper() if verb == "X" else text
    if verb in "feEgG" and isinstance(value, float):
        return format(value, f".{6 if digits is None else digits}{verb}")
    if verb == "T":
        return _kind(value)
    return f"%!{verb}({_kind(value)}={shown(value)})"


def _kind(value: object) -> str:
    names: dict[type, str] = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]interface {}"}
    return "<nil>" if value is None else names.get(type(value), "map[string]interface {}")
