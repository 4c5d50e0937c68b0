"""API versions: what this engine speaks, and how a request chooses (Engine API v1.51, Versioning)."""

from typing import NamedTuple

from weft.model.errors import InvalidParameter


class Version(NamedTuple):
    """An Engine API version; compares as numbers do, so that 1.9 is older than 1.24."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


MINIMUM = Version(1, 24)
MAXIMUM = Version(1, 51)
ENGINE_VERSION = "28.5.2"  # the engine release whose behaviour clients may count on


def split_version(path: str) -> tuple[Version, str]:
    """Return (version, the path without it); a path without a version speaks the newest.

    Raises InvalidParameter with Docker's text for a version out of range.
    """
    if not path.startswith("/v") or not path[2:3].isdigit():
        return MAXIMUM, path
    text, slash, rest = path[2:].partition("/")
    version = _parse(text)
    if version is None:
        return MAXIMUM, path
    if version < MINIMUM:
        raise InvalidParameter(
            f"client version {text} is too old. Minimum supported API version is {MINIMUM}, "
            "please upgrade your client to a newer version"
        )
    if version > MAXIMUM:
        raise InvalidParameter(f"client version {text} is too new. Maximum supported API version is {MAXIMUM}")
    return version, slash + rest


def _parse(text: str) -> Version | None:
    major, _, minor = text.partition(".")
    if not _is_number(major) or not _is_number(minor or "0"):
        return None
    return Version(int(major), int(minor or "0"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9
