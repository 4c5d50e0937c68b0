"""The values a template works on, and how Go prints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class _NoValue:
    """What looking up a missing key of a map gives: prints as `<no value>`, counts as false."""

    def __bool__(self) -> bool:
        return False


NO_VALUE = _NoValue()


class FreeMap(dict[str, object]):
    """A JSON object whose keys are the user's (labels, networks): a key it lacks is no mistake.

    `zero` is what `index` answers for one.
    """

    zero: object = None


class TextMap(FreeMap):
    """A FreeMap of strings."""

    zero: object = ""


class Record:
    """A line of a listing: named columns, computed when asked for, and methods that take arguments."""

    kind = "record"

    def column(self, name: str) -> object:
        """Return the column's value; raises KeyError."""
        raise KeyError(name)

    def method(self, name: str) -> Callable[[str], object] | None:
        """Return the method of one string argument, or None."""
        return None

    def columns(self) -> Mapping[str, object]:
        """Return every column by name."""
        raise NotImplementedError


_FREE_TEXT = frozenset(
    [
        "Annotations",
        "Attributes",
        "AuxiliaryAddresses",
        "DriverOpts",
        "Labels",
        "Options",
        "Storage",
        "Sysctls",
        "Tmpfs",
    ]
)
_FREE = frozenset(["Containers", "ExposedPorts", "Networks", "PortBindings", "Ports", "Runtimes", "Volumes"])
OPTIONAL = frozenset(
    [
        *("ConfigFrom", "Descriptor", "GraphDriver", "Health", "Healthcheck", "ImageManifestDescriptor", "Init"),
        *("IPAMConfig", "MacAddress", "Mounts", "OnBuild", "Peers", "Shell", "SizeRootFs", "SizeRw", "Status"),
        *("StopSignal", "StopTimeout", "UsageData"),
    ]
)  # fields that the Engine API leaves out when empty


def mark_free(value: object) -> object:
    """Return a decoded JSON document with the objects that are the user's maps marked as such."""
    if isinstance(value, list):
        return [mark_free(item) for item in value]
    if not isinstance(value, dict):
        return value
    marked: dict[str, object] = {}
    for key, item in value.items():
        inner = mark_free(item)
        if isinstance(inner, dict) and key in _FREE_TEXT:
            inner = TextMap(inner)
        elif isinstance(inner, dict) and key in _FREE:
            inner = FreeMap(inner)
        marked[key] = inner
    return marked


def printed(value: object) -> str:
    """Return what Go's template prints for `value`."""
    return "<no value>" if value is NO_VALUE else shown(value)


def shown(value: object) -> str:
    """Return what Go's fmt prints for `value` with %v."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if value is NO_VALUE:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, Record):
        return "{" + " ".join(map(shown, value.columns().values())) + "}"
    return str(value)


def float_text(value: float) -> str:
    """Return a float as Go's %v does: the shortest text, an exponent from 1e+21 on."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def quoted(text: str) -> str:
    """Return `text` as Go's strconv.Quote does."""
    result = []
    for char in text:
        if char in _QUOTED:
            result.append(_QUOTED[char])
        elif char.isprintable():
            result.append(char)
        elif ord(char) < 0x80:
            result.append(f"\\x{ord(char):02x}")
        else:
            result.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return '"' + "".join(result) + '"'


_QUOTED = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}
