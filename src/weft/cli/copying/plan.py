"""What a copy's two paths mean: where an archive goes, and what its first entry is called there."""

from __future__ import annotations

import os
import posixpath
import stat

from weft.cli.errors import CommandFailed


class End:
    """One end of a copy. `rebase` is the name that a followed link's target gets, "" for its own."""

    __slots__ = ("exists", "is_directory", "path", "rebase")

    def __init__(self, path: str, *, exists: bool = False, is_directory: bool = False, rebase: str = "") -> None:
        self.path = path
        self.exists = exists
        self.is_directory = is_directory
        self.rebase = rebase


def split_argument(argument: str) -> tuple[str, str]:
    """Return (container, path); container "" for a local path: what starts with / or . or has no colon."""
    container, colon, path = argument.partition(":")
    if argument.startswith(("/", ".")) or not colon:
        return "", argument
    return container, path


def clean(path: str) -> str:
    """Return a path without `..` and doubled slashes, its end kept where it asks for a directory: `/` or `/.`."""
    cleaned = posixpath.normpath(path)
    if path == "." or path.endswith("/."):
        return cleaned if cleaned == "." else f"{cleaned.rstrip('/')}/."
    return f"{cleaned.rstrip('/')}/" if path.endswith("/") else cleaned


def split_entry(path: str) -> tuple[str, str]:
    """Return (directory, name); the name of `a/.` is `.`."""
    cleaned = posixpath.normpath(path)
    if path == "." or path.endswith("/."):
        return cleaned, "."
    return posixpath.dirname(cleaned) or ".", posixpath.basename(cleaned)


def followed(path: str, target: str) -> tuple[str, str]:
    """Return a followed link's target with the end of the link's path, and the name that it is to keep."""
    if path.endswith("/.") and not target.endswith("/."):
        target += "/."
    if path.endswith("/") and not target.endswith("/"):
        target += "/"
    own, other = base_name(path), base_name(target)
    return target, own if own != other else ""


def base_name(path: str) -> str:
    """Return the last component, slashes at the end left out of account."""
    return posixpath.basename(path.rstrip("/")) or "/"


def arrange(source: End, target: End) -> tuple[str, str]:
    """Return the directory to extract to and the name of the archive's first entry there, "" for what it has.

    Raises CommandFailed with docker's texts.
    """
    directory, name = split_entry(target.path)
    if target.exists and target.is_directory:
        return target.path, ""
    if target.exists and source.is_directory:
        raise CommandFailed("cannot copy directory")
    if not target.exists and not source.is_directory and target.path.endswith(("/", "/.")):
        raise CommandFailed("no such directory")
    return directory, name


def local_source(path: str, *, follow: bool) -> End:
    """Look at what is to be copied; raises CommandFailed."""
    absolute = clean(os.path.join(os.getcwd(), path))
    rebase = ""
    try:
        if follow:
            absolute, rebase = followed(absolute, os.path.realpath(absolute, strict=True))
        status = os.stat(absolute) if absolute.endswith("/") else os.lstat(absolute)
    except OSError as error:
        raise CommandFailed(f"lstat {absolute}: {(error.strerror or str(error)).lower()}") from error
    return End(absolute, exists=True, is_directory=stat.S_ISDIR(status.st_mode), rebase=rebase)


def local_target(path: str) -> End:
    """Look at where a copy goes; a link stands for its target, and what does not exist needs its directory."""
    resolved = os.path.realpath(path)
    if os.path.lexists(resolved):
        mode = os.lstat(resolved).st_mode
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            raise CommandFailed("got a device")
        return End(resolved, exists=True, is_directory=stat.S_ISDIR(mode))
    parent = os.path.dirname(resolved)
    if not os.path.isdir(parent):
        raise CommandFailed(f'invalid output path: directory "{parent}" does not exist')
    return End(f"{resolved}/" if path.endswith("/") else resolved)
