"""What a client of the Engine API can be told."""

from weft.model.errors import WeftError


class EngineError(WeftError):
    """The daemon refused: `status` is its HTTP status, `message` its text (Engine API ErrorResponse)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def not_found(self) -> bool:
        """Whether the object does not exist."""
        return self.status == 404


class ConnectionFailed(WeftError):
    """No daemon answers at the endpoint: start it, or name another with -H."""


class ProtocolError(WeftError):
    """What answered does not speak HTTP/1.1 as the Engine API does."""
