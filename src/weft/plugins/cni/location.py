"""Where configurations and plugins of CNI lie on the host."""

import os
from collections.abc import Sequence
from pathlib import Path

from weft.model.errors import InvalidParameter, NotFound, SystemFailure

DIRECTORY = Path("/etc/cni/net.d")
PROGRAMS = ("/opt/cni/bin", "/usr/lib/cni")
_SUFFIXES = ("", ".conflist", ".conf")
_LARGEST = 1024 * 1024  # bytes of a configuration


def find_configuration(name: str, directory: Path = DIRECTORY) -> Path:
    """Return the file that `conf=` names: an absolute path, or a file of `directory`, its ending left out or not.

    InvalidParameter for another kind of path, NotFound where there is no such file.
    """
    if name.startswith("/"):
        if not os.path.isfile(name):
            raise NotFound(f"CNI configuration {name}: no such file on the daemon's host")
        return Path(name)
    if "/" in name:
        raise InvalidParameter(
            f"CNI configuration {name}: the daemon does not know your working directory: "
            f"give an absolute path, or the name of a file in {directory}"
        )
    for suffix in _SUFFIXES:
        if (path := directory / (name + suffix)).is_file():
            return path
    raise NotFound(f"CNI configuration {name}: no such file in {directory}: put it there, or give an absolute path")


def read_configuration(path: Path) -> str:
    """Return the file's text; InvalidParameter where it is no text of reasonable size, SystemFailure otherwise."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InvalidParameter(f"CNI configuration {path}: it is larger than {_LARGEST} bytes")
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidParameter(f"CNI configuration {path}: it is not UTF-8 text") from error
    except OSError as error:
        raise SystemFailure(f"CNI configuration {path}: cannot be read: {error.strerror}") from error


def program_directories(option: str) -> tuple[str, ...]:
    """Return the directories of `path=`, colon separated; InvalidParameter where one is not absolute."""
    if not option:
        return PROGRAMS
    directories = tuple(option.split(":"))
    for directory in directories:
        if not directory.startswith("/"):
            raise InvalidParameter(
                f"option path: {directory!r} is not an absolute path: give the directories of CNI plugins, with colons"
            )
    return directories


def find_program(kind: str, directories: Sequence[str]) -> str:
    """Return the plugin's program; NotFound names the plugin and where it was looked for."""
    for directory in directories:
        path = os.path.join(directory, kind)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise NotFound(
        f"CNI plugin {kind} is not in {':'.join(directories)}: install it (Debian: containernetworking-plugins), "
        "or give its directory with -o path="
    )
