"""What a command works with: the terminal's streams, the environment, and the daemon."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from weft.client.endpoint import TlsFiles, default_endpoint, parse_endpoint
from weft.client.errors import EngineError
from weft.model.errors import WeftError

TYPE_CHECKING = False  # importing typing for it would cost every command some milliseconds
if TYPE_CHECKING:
    from weft.client.engine import Engine


class Context:
    """One run of the command. Output is bytes: names and logs need not be UTF-8."""

    def __init__(
        self, environment: Mapping[str, str], host: str = "", tls: TlsFiles | None = None, *, debug: bool = False
    ) -> None:
        self.environment = environment
        self._host = host
        self._tls = tls
        self._debug = debug
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The daemon's client; nothing is sent before it is used."""
        if self._engine is None:
            from weft import __version__
            from weft.client.engine import Engine

            endpoint = parse_endpoint(self._host or default_endpoint(self.environment), self._tls)
            self._engine = Engine(endpoint, f"weft/{__version__}", self.complain if self._debug else None)
        return self._engine

    def print(self, text: str) -> None:
        """Write text to standard output, unbuffered."""
        self.write(text.encode("utf-8", "surrogateescape"))

    def write(self, data: bytes) -> None:
        write_all(sys.stdout.fileno(), data)

    def write_error(self, data: bytes) -> None:
        write_all(sys.stderr.fileno(), data)

    def complain(self, text: str) -> None:
        """Write a line to standard error."""
        self.write_error(text.encode("utf-8", "surrogateescape") + b"\n")

    @staticmethod
    def error_text(error: WeftError) -> str:
        """Return an error as docker prints it."""
        return f"Error response from daemon: {error}" if isinstance(error, EngineError) else str(error)

    def is_terminal(self, descriptor: int) -> bool:
        return os.isatty(descriptor)

    def each(self, names: Iterable[str], action: Callable[[str], object], *, parallel: bool = False) -> int:
        """Run `action` for every name, print those that went well, then the errors; return the exit status."""
        listed = list(names)
        results = _in_threads(listed, action) if parallel and len(listed) > 1 else map(_attempt(action), listed)
        errors = []
        for name, error in zip(listed, results, strict=True):
            if error is None:
                self.print(f"{name}\n")
            else:
                errors.append(self.error_text(error))
        for text in errors:
            self.complain(text)
        return 1 if errors else 0

    def confirm(self, question: str) -> bool:
        """Ask on standard output; only y says yes."""
        self.print(f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() == "y"

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


def _attempt(action: Callable[[str], object]) -> Callable[[str], WeftError | None]:
    def attempt(name: str) -> WeftError | None:
        try:
            action(name)
        except WeftError as error:
            return error
        return None

    return attempt


def _in_threads(names: Sequence[str], action: Callable[[str], object]) -> Iterable[WeftError | None]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(names), 50)) as pool:
        yield from pool.map(_attempt(action), names)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
