"""LogConfig -> the model: which drivers and options there are."""

import re

from weft.api.wire.host_config import LogConfigConfig
from weft.api.wire.shapes import text_map
from weft.model.container import LogConfig
from weft.model.errors import InvalidParameter, Unimplemented

DRIVERS = ("json-file", "local", "none")
_OPTIONS = {"json-file": ("max-size", "max-file"), "local": ("max-size", "max-file"), "none": ()}
_KNOWN_TO_DOCKER = frozenset(
    {"compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"}
)
_SIZE = re.compile(r"\d{1,15}(\.\d{1,9})? ?([kKmMgGtTpP]?[iI]?[bB]?)|-1")
_COUNT = re.compile(r"[1-9]\d{0,6}")


def log_config(config: LogConfigConfig | None, default: str = DRIVERS[0]) -> LogConfig:
    """Return the log settings, with the driver `default` where the request leaves it open.

    Raises InvalidParameter for what no driver knows and Unimplemented for what Docker's has and Weft's has not.
    """
    given = config or LogConfigConfig()
    options = text_map(given.config)
    driver = given.type or default
    if driver not in _OPTIONS:
        raise InvalidParameter(f'error looking up logging plugin {driver}: plugin "{driver}" not found')
    for name, value in options.items():
        _check(driver, name, value)
    return LogConfig(driver=driver, options=options)


def _check(driver: str, name: str, value: str) -> None:
    if name not in _OPTIONS[driver]:
        if name in _KNOWN_TO_DOCKER and driver != "none":
            raise Unimplemented(f"log opt '{name}' is not supported: {driver} has max-size and max-file")
        raise InvalidParameter(f"unknown log opt '{name}' for {driver} log driver")
    if name == "max-size" and not _SIZE.fullmatch(value):
        raise InvalidParameter(f"invalid size: '{value}'")
    if name == "max-file" and not _COUNT.fullmatch(value):
        raise InvalidParameter("max-file cannot be less than 1")
