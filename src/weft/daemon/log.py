"""The daemon's log on stderr, in the forms that dockerd's readers know: text of key=value, or a JSON object a line."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR,
          "fatal": logging.CRITICAL}  # fmt: skip
_NAMES = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error",
          logging.CRITICAL: "fatal"}  # fmt: skip
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ROOT = "weft"
_QUIET = ("asyncio", "aiohttp")  # libraries: their warnings only
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+")


def set_up(level: str, form: str, *, debug: bool = False, stream: TextIO | None = None) -> None:
    """Log to `stream` (stderr) at a level of LEVELS; `debug` lowers it. `form` is text or json."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for former in root.handlers[:]:
        if isinstance(former.formatter, FieldsFormatter):
            root.removeHandler(former)
    root.addHandler(handler)
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)
    set_level(level, debug=debug)


def set_level(level: str, *, debug: bool = False) -> None:
    """Change the level of what the daemon itself logs; for a reload."""
    logging.getLogger(_ROOT).setLevel(logging.DEBUG if debug else LEVELS[level])


class FieldsFormatter(logging.Formatter):
    """What a line says: time, level, message, what `extra=` adds, and the error with its trace."""

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the line's fields in order."""
        moment = datetime.fromtimestamp(record.created, UTC)
        said: dict[str, object] = {
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{int(record.created * 1e9) % 1000:03}Z",
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "msg": record.getMessage(),
        }
        if not record.name.startswith(_ROOT):
            said["module"] = record.name
        said |= {name: value for name, value in sorted(vars(record).items()) if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            said["error"] = f"{type(error).__name__}: {error}"
            said["trace"] = "".join(traceback.format_exception(error))
        return said


class TextFormatter(FieldsFormatter):
    """`time="…" level=info msg="…" key=value`, values quoted where they have to be."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return " ".join(f"{name}={_quoted(name, str(value))}" for name, value in self.fields(record).items())


class JsonFormatter(FieldsFormatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(self.fields(record), default=str, ensure_ascii=False)


def _quoted(name: str, value: str) -> str:
    if name not in ("time", "msg") and value and _PLAIN.issuperset(value):
        return value
    return json.dumps(value, ensure_ascii=False)
