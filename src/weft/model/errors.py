"""Errors by kind. The API maps a kind to an HTTP status in one place; a message names object, reason and remedy."""


class WeftError(Exception):
    """An error that a user is told about; `message` is what the Engine API answers with."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidParameter(WeftError):
    """The request itself is wrong: correct it and send it again."""


class Unauthorized(WeftError):
    """Credentials are missing or were refused: log in and try again."""


class Forbidden(WeftError):
    """The request is well formed but this object does not allow it."""


class NotFound(WeftError):
    """The named object does not exist."""


class Conflict(WeftError):
    """The object's present state, or another object, stands in the way."""


class NotModified(WeftError):
    """The object is already as requested (HTTP 304, no body)."""


class Unimplemented(WeftError):
    """Weft does not do this; the message names what to use instead."""


class Unavailable(WeftError):
    """A resource or a service is exhausted or away: try again later."""


class SystemFailure(WeftError):
    """The kernel, the runtime or the disk refused: the message carries its reason."""
