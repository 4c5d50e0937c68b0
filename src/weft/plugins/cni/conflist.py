"""A list of plugins to run for a network: read and checked (CNI specification 1.0.0, section 1)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weft.model.errors import InvalidParameter

VERSIONS = ("0.3.1", "0.4.0", "1.0.0")
_CHECK_SINCE = "0.4.0"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_RUNTIME_KEYS = ("prevResult", "runtimeConfig")  # the runtime writes them; one in a file would be overwritten

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of a list. `config` is what the file says, `capabilities` removed."""

    type: str
    config: Json
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Conflist:
    """A network as CNI describes one. `origin` names the file in messages."""

    origin: str
    name: str
    version: str
    plugins: tuple[Plugin, ...]
    disable_check: bool = False

    @property
    def has_check(self) -> bool:
        """Whether plugins of this list may be asked to check an endpoint."""
        return not self.disable_check and VERSIONS.index(self.version) >= VERSIONS.index(_CHECK_SINCE)

    @property
    def capabilities(self) -> frozenset[str]:
        """What at least one of the plugins takes from the runtime."""
        return frozenset().union(*(plugin.capabilities for plugin in self.plugins))


def parse_conflist(text: str, origin: str) -> Conflist:
    """Return the list in `text`, or the one that a single plugin's configuration stands for.

    InvalidParameter names `origin`, what is wrong there, and what to write.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(origin, f"it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise _wrong(origin, "it is not a JSON object")
    version = _version(found, origin)
    name = found.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(
            origin, f'"name" is {_shown(name)}: it takes letters, digits, ".", "_" and "-", a letter or digit first'
        )
    plugins = found.get("plugins") if "plugins" in found or "type" not in found else [_single(found)]
    if not isinstance(plugins, list) or not plugins:
        raise _wrong(origin, '"plugins" must be a list with at least one plugin in it')
    disable_check = found.get("disableCheck", False)
    if not isinstance(disable_check, bool):
        raise _wrong(origin, f'"disableCheck" is {_shown(disable_check)}: it takes true or false')
    checked = tuple(_plugin(each, f"plugins[{index}]", origin) for index, each in enumerate(plugins))
    return Conflist(origin, name, version, checked, disable_check)


def _single(found: Json) -> Json:
    return {key: value for key, value in found.items() if key not in ("cniVersion", "name")}


def _version(found: Json, origin: str) -> str:
    version = found.get("cniVersion")
    if version not in VERSIONS:
        raise _wrong(origin, f'"cniVersion" is {_shown(version)}: Weft speaks {", ".join(VERSIONS)}')
    return str(version)


def _plugin(found: Any, place: str, origin: str) -> Plugin:
    if not isinstance(found, dict):
        raise _wrong(origin, f"{place} is not a JSON object")
    kind = found.get("type")
    if not isinstance(kind, str) or not kind or "/" in kind or "\0" in kind or kind in (".", ".."):
        raise _wrong(origin, f'{place} has the "type" {_shown(kind)}: it takes the file name of the plugin\'s program')
    for key in _RUNTIME_KEYS:
        if key in found:
            raise _wrong(origin, f'{place} ({kind}) has "{key}", which only the engine writes: leave it out')
    ipam = found.get("ipam", {})
    if not isinstance(ipam, dict):
        raise _wrong(origin, f'{place} ({kind}) has an "ipam" that is not a JSON object')
    config = {key: value for key, value in found.items() if key != "capabilities"}
    return Plugin(kind, config, _capabilities(found.get("capabilities", {}), f"{place} ({kind})", origin))


def _capabilities(found: Any, place: str, origin: str) -> frozenset[str]:
    if not isinstance(found, dict) or not all(isinstance(value, bool) for value in found.values()):
        raise _wrong(origin, f'{place} has "capabilities" that are not names with true or false')
    return frozenset(name for name, wanted in found.items() if wanted)


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:80]


def _wrong(origin: str, reason: str) -> InvalidParameter:
    return InvalidParameter(f"CNI configuration {origin}: {reason}")
