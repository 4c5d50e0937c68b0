"""Who a container's process runs as: names looked up in the container's own /etc/passwd and /etc/group."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from weft.model.errors import InvalidParameter
from weft.runtime import syscalls

_MOST_ID: Final = 2**31 - 1
_MOST_BYTES: Final = 16 * 1024 * 1024
_RANGE: Final = f"uids and gids must be in range 0-{_MOST_ID}"


@dataclass(frozen=True, slots=True)
class User:
    """A resolved user; `groups` starts with the primary group."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(root: int, wanted: str, group_add: Sequence[str] = ()) -> User:
    """Resolve `user`, `user:group`, `uid` or `uid:gid` inside the file system at directory descriptor `root`.

    InvalidParameter with Docker's words for names that are not there and numbers out of range.
    """
    user_part, _, group_part = wanted.partition(":")
    groups = _groups(root)
    account = _account(root, user_part)
    gid = account.gid
    extra: tuple[int, ...] = ()
    if group_part:
        gid = _group_id(groups, group_part)
    elif account.name:
        extra = tuple(group.gid for group in groups if account.name in group.members)
    added = tuple(_group_id(groups, name) for name in group_add)
    return User(account.uid, gid, tuple(dict.fromkeys((gid, *extra, *added))), account.home)


def _account(root: int, wanted: str) -> _Account:
    number = _number(wanted) if wanted else 0
    for account in _accounts(root):
        if (wanted and account.name == wanted) or (number is not None and account.uid == number):
            return account
    if number is None:
        raise InvalidParameter(f"unable to find user {wanted}: no matching entries in passwd file")
    return _Account("", _in_range(number), 0, "/")


def _group_id(groups: Sequence[_Group], wanted: str) -> int:
    number = _number(wanted)
    for group in groups:
        if group.name == wanted or group.gid == number:
            return group.gid
    if number is None:
        raise InvalidParameter(f"unable to find group {wanted}: no matching entries in group file")
    return _in_range(number)


def _in_range(number: int) -> int:
    if not 0 <= number <= _MOST_ID:
        raise InvalidParameter(_RANGE)
    return number


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _accounts(root: int) -> Iterator[_Account]:
    for fields in _lines(root, "/etc/passwd", 4):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            yield _Account(fields[0], uid, gid, (fields[5] if len(fields) > 5 else "") or "/")


def _groups(root: int) -> tuple[_Group, ...]:
    found = []
    for fields in _lines(root, "/etc/group", 3):
        gid = _number(fields[2])
        if gid is not None:
            members = fields[3].split(",") if len(fields) > 3 else ()
            found.append(_Group(fields[0], gid, tuple(name for name in members if name)))
    return tuple(found)


def _lines(root: int, path: str, least: int) -> Iterator[list[str]]:
    for line in _read(root, path).decode("utf-8", "surrogateescape").splitlines():
        fields = line.strip().split(":")
        if len(fields) >= least and fields[0] and not fields[0].startswith("#"):
            yield fields


def _read(root: int, path: str) -> bytes:
    """Read a regular file below `root`; what is missing or something else is empty."""
    try:
        descriptor = syscalls.open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    with open(descriptor, "rb") as file:
        return file.read(_MOST_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
