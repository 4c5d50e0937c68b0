"""LogConfig -> the model: which drivers and options there are (texts of dockerd 28's loggers)."""

import re
from collections.abc import Callable, Mapping

from weft.api.wire.host_config import LogConfigConfig
from weft.api.wire.shapes import text_map
from weft.engine.containers.log_attributes import check_tag
from weft.model.container import LogConfig
from weft.model.errors import InvalidParameter, Unimplemented

DRIVERS = ("json-file", "local", "none")
_BOUNDS = frozenset({"max-size", "max-file", "compress"})
_ATTRIBUTES = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
_COMMON = frozenset({"mode", "max-buffer-size"})
_OPTIONS = {"json-file": _BOUNDS | _ATTRIBUTES, "local": _BOUNDS, "none": frozenset[str]()}
_FILES = {"json-file": "1", "local": "5"}  # how many, unless said otherwise
_SIZES = {"json-file": "-1", "local": "20m"}
_SIZE = re.compile(r"\d{1,15}(\.\d{1,9})? ?([kKmMgGtTpP]?[iI]?[bB]?)|-1")
_COUNT = re.compile(r"[1-9]\d{0,6}")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def log_config(config: LogConfigConfig | None, default: str = DRIVERS[0]) -> LogConfig:
    """Return the log settings, with the driver `default` where the request leaves it open.

    Raises InvalidParameter for what no driver knows and Unimplemented for what Docker's has and Weft's has not.
    """
    given = config or LogConfigConfig()
    options = text_map(given.config)
    driver = given.type or default
    if driver not in _OPTIONS:
        raise InvalidParameter(f'error looking up logging plugin {driver}: plugin "{driver}" not found')
    if driver != "none":
        _check_mode(options)
    for name, value in options.items():
        _check(driver, name, value)
    _check_compression(driver, options)
    return LogConfig(driver=driver, options=options)


def _check_mode(options: Mapping[str, str]) -> None:
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise InvalidParameter(f"logger: logging mode not supported: {mode}")
    if mode == "non-blocking":
        raise Unimplemented(
            "log opt 'mode=non-blocking' is not supported: output goes to a file at once and none of it is dropped; "
            "leave it out"
        )
    if "max-buffer-size" in options:
        raise InvalidParameter("logger: max-buffer-size option is only supported with 'mode=non-blocking'")


def _check(driver: str, name: str, value: str) -> None:
    if name in _COMMON and driver != "none":
        return
    if name not in _OPTIONS[driver]:
        whose = "log driver local" if driver == "local" else f"{driver} log driver"  # as each of Docker's says it
        raise InvalidParameter(f"unknown log opt '{name}' for {whose}")
    if name in _VALUES:
        _VALUES[name](value)


def _check_compression(driver: str, options: Mapping[str, str]) -> None:
    if options.get("compress", "") not in _TRUE:
        return
    files = int(options.get("max-file", _FILES[driver]))
    if files < 2 or options.get("max-size", _SIZES[driver]) == "-1":
        raise InvalidParameter("compress cannot be true when max-file is less than 2 or max-size is not set")


def _size(value: str) -> None:
    if not _SIZE.fullmatch(value):
        raise InvalidParameter(f"invalid size: '{value}'")


def _count(value: str) -> None:
    if not _COUNT.fullmatch(value):
        raise InvalidParameter("max-file cannot be less than 1")


def _boolean(value: str) -> None:
    if value not in _TRUE | _FALSE:
        raise InvalidParameter(f'strconv.ParseBool: parsing "{value}": invalid syntax')


def _pattern(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise InvalidParameter(f"error parsing regexp: {error}: `{value}`") from None


_VALUES: Mapping[str, Callable[[str], None]] = {
    "max-size": _size,
    "max-file": _count,
    "compress": _boolean,
    "labels-regex": _pattern,
    "env-regex": _pattern,
    "tag": check_tag,
}
