"""Turns what the OCI runtime said into the errors that clients of Docker look for."""

import re
from typing import Final

import msgspec

from weft.model.errors import InvalidParameter, SystemFailure, WeftError

_CREATE: Final = "failed to create task for container: failed to create shim task: OCI runtime create failed"
_EXEC: Final = "OCI runtime exec failed"
_UNABLE: Final = "unable to start container process"
_LOGFMT: Final = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
_NOT_FOUND: Final = re.compile(r"executable file `(.*)` not found in \$PATH", re.DOTALL)
_NOT_EXECUTABLE: Final = re.compile(r"open executable: (Permission denied|Operation not permitted)")
# clients exit 127 and 126 on these
_USERS_FAULT: Final = ("executable file not found", "no such file or directory", "permission denied", "not a directory")


def create_failed(runtime: str, message: str, program: str) -> WeftError:
    """Return the error for a container that could not be created; `program` is the first of its arguments."""
    reason = _reason(message, program, f"{runtime} create failed: {_UNABLE}")
    return _error(f"{_CREATE}: {reason}: unknown")


def exec_failed(message: str, program: str) -> WeftError:
    """Return the error for an exec that could not be started."""
    return _error(f"{_EXEC}: {_reason(message, program, f'exec failed: {_UNABLE}')}: unknown")


def _error(text: str) -> WeftError:
    kind = InvalidParameter if any(words in text for words in _USERS_FAULT) else SystemFailure
    return kind(text)


def _reason(message: str, program: str, prefix: str) -> str:
    text = _plain(message)
    quoted = msgspec.json.encode(program).decode()
    if _NOT_FOUND.search(text):
        where = f"stat {program}: no such file or directory" if "/" in program else "executable file not found in $PATH"
        return f"{prefix}: exec: {quoted}: {where}"
    if _NOT_EXECUTABLE.search(text):
        return f"{prefix}: exec: {quoted}: permission denied"
    if _UNABLE in text:  # runc says it all
        return text
    # the kernel's words, as Go programs write them
    lowered = re.sub(r"(No such file|Permission denied|Not a directory|Operation not)", lambda m: m[0].lower(), text)
    if "not a directory" in lowered and "mount" in lowered:
        lowered += (
            ": are you trying to mount a directory onto a file (or vice-versa)? "
            "Check if the specified host path exists and is the expected type"
        )
    return f"{prefix}: {lowered or 'the runtime gave no reason'}"


def _plain(message: str) -> str:
    """Return the text of logfmt lines, or the lines themselves."""
    found = _LOGFMT.findall(message)
    if found:
        return str(msgspec.json.decode(f'"{found[-1]}"'))
    return " ".join(message.split())
