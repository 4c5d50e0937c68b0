"""daemon.json: read, its keys known, none of them also a flag."""

import codecs
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from weft.daemon.config.options import BY_KEY, PROXY_KEYS, RENAMED
from weft.model.errors import InvalidParameter

_MERGED = frozenset({"runtimes"})  # dockerd takes these from both
_PROXIES = "proxies"


def read_keys(raw: bytes) -> dict[str, Any]:
    """Return the file's keys with the proxies' moved up and null ones left out; raises InvalidParameter."""
    text = _decoded(raw).strip()
    if not text:
        return {}
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidParameter(f"invalid JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidParameter("the file must hold a JSON object of options")
    keys, unknown = _flattened(content)
    unknown += [key for key in keys if key not in BY_KEY and key not in RENAMED]
    if unknown:
        names = ", ".join(sorted(unknown))
        raise InvalidParameter(f"the following directives don't match any configuration option: {names}")
    return _renamed({key: value for key, value in keys.items() if value is not None})


def refuse_conflicts(keys: Mapping[str, Any], flags: Mapping[str, Sequence[str]]) -> None:
    """Raise InvalidParameter where an option is both a key of the file and a flag, whatever their values."""
    both = [key for key in flags if key in keys and key not in _MERGED]
    if both:
        texts = ", ".join(
            f"{key}: (from flag: {_flag_text(key, flags)}, from file: {_text(key, keys[key])})" for key in both
        )
        raise InvalidParameter(
            f"the following directives are specified both as a flag and in the configuration file: {texts}"
        )


def _decoded(raw: bytes) -> str:
    try:
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidParameter(f"failed to decode configuration JSON at offset {error.start}") from None


def _flattened(content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the keys with those of `proxies` among them, and the unknown ones of both places."""
    unknown = [key for key in PROXY_KEYS if key in content]
    keys = {key: value for key, value in content.items() if key not in PROXY_KEYS}
    proxies = keys.pop(_PROXIES, None) or {}
    if not isinstance(proxies, dict):
        raise InvalidParameter(f"{_PROXIES}: expected an object of strings, not {proxies!r}")
    unknown += [key for key in proxies if key not in PROXY_KEYS]
    return keys | proxies, unknown


def _renamed(keys: dict[str, Any]) -> dict[str, Any]:
    for old, new in RENAMED.items():
        if old not in keys:
            continue
        if new in keys:
            raise InvalidParameter(f"{old} and {new} must not both be specified in the config file")
        value = keys.pop(old)
        if not isinstance(value, str):
            raise InvalidParameter(
                f"{old}: expected {BY_KEY[new].kind.value.removeprefix('a list of ')}, not {value!r}"
            )
        keys[new] = [value] if value else []
    return keys


def _flag_text(key: str, flags: Mapping[str, Sequence[str]]) -> str:
    values = flags[key]
    return _text(key, list(values) if BY_KEY[key].repeats else values[-1])


def _text(key: str, value: Any) -> str:
    """Return a value as dockerd prints it, a proxy's user and password masked."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{' '.join(_text(key, item) for item in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_text(key, item)}' for name, item in value.items())}]"
    return mask(str(value)) if key in PROXY_KEYS else str(value)


def mask(url: str) -> str:
    """Return a URL without its user name and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"xxxxx:xxxxx@{parts.netloc.rpartition('@')[2]}"))
