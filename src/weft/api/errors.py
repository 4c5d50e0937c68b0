"""Error kinds as HTTP: the one place where a kind becomes a status."""

from collections.abc import Mapping

from weft.model.errors import (
    Conflict,
    Forbidden,
    InvalidParameter,
    NotFound,
    NotModified,
    SystemFailure,
    Unauthorized,
    Unavailable,
    Unimplemented,
    WeftError,
)

_STATUS: Mapping[type[WeftError], int] = {
    InvalidParameter: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    NotModified: 304,
    Unimplemented: 501,
    Unavailable: 503,
    SystemFailure: 500,
}
PAGE_NOT_FOUND = "page not found"
INTERNAL = "internal error: the daemon's log has the details"


def status_of(error: WeftError) -> int:
    """Return the HTTP status of an error's kind; a kind that is not known is 500."""
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return 500


def flatten(error: BaseException) -> WeftError | None:
    """Return the error to answer with, or None if none of it is meant for a user.

    A group of several WeftErrors becomes one of the first one's kind, with all messages, a line each.
    """
    if isinstance(error, WeftError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    parts = [flatten(part) for part in error.exceptions]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return type(known[0])("\n".join(part.message for part in known))
