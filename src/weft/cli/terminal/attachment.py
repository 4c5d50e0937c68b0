"""Attaching this terminal to a container or an exec, from raw mode to the last byte."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.terminal.keys import parse_keys
from weft.cli.terminal.relay import Relay
from weft.cli.terminal.screen import RawMode, size
from weft.cli.terminal.signals import FORWARDED, SignalPipe
from weft.client.connection import Connection, Response
from weft.client.containers import exit_code
from weft.model.errors import WeftError


class Attachment:
    """How the standard streams are connected. `resize` gets rows and columns, `forward` a signal's name."""

    def __init__(
        self,
        *,
        tty: bool,
        stdin: bool,
        stdout: bool = True,
        stderr: bool = True,
        keys: str = "",
        forward: Callable[[str], None] | None = None,
        resize: Callable[[int, int], None] | None = None,
    ) -> None:
        self.tty = tty
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.keys = keys
        self._forward = forward
        self._resize = resize

    def carry(
        self,
        connect: Callable[[], Connection],
        *,
        wait: Callable[[], Response] | None = None,
        start: Callable[[], None],
    ) -> int | None:
        """Connect, register the waiter, start, carry bytes; return the exit status.

        Without `wait` the status is 0. None: the user detached. What goes wrong raises as the parts do.
        """
        keys = parse_keys(self.keys) if self.tty and self.stdin else b""
        watched = (signal.SIGWINCH, *(FORWARDED if self._forward else ()))
        with SignalPipe(watched) as signals:
            connection = connect()
            waiter: Response | None = None
            try:
                waiter = wait() if wait is not None else None
                start()
                relay = self._relay(connection, signals, keys)
                until = waiter.connection if waiter is not None and not (self.stdout or self.stderr) else None
                with RawMode(sys.stdin.fileno(), active=self.tty and self.stdin):
                    ended = relay.run(until)
            finally:
                connection.close()
            if waiter is None:
                return 0 if ended else None
            try:
                return _status(waiter, relay) if ended else None
            finally:
                waiter.close()

    def _relay(self, connection: Connection, signals: SignalPipe, keys: bytes) -> Relay:
        shows_size = self.tty and self._resize is not None and os.isatty(sys.stdout.fileno())
        return Relay(
            connection,
            tty=self.tty,
            stdin=sys.stdin.fileno() if self.stdin else None,
            stdout=sys.stdout.fileno(),
            stderr=sys.stdout.fileno() if self.tty else sys.stderr.fileno(),
            signals=signals,
            keys=keys,
            forward=self._forwarder() if self._forward is not None else None,
            resize=self._resizer() if shows_size else None,
        )

    def _forwarder(self) -> Callable[[str], None]:
        forward = self._forward

        def send(name: str) -> None:
            try:
                if forward is not None:
                    forward(name)
            except WeftError:
                pass  # the container has just ended: its status follows

        return send

    def _resizer(self) -> Callable[[], bool]:
        resize = self._resize

        def tell() -> bool:
            rows, columns = size(sys.stdout.fileno())
            try:
                if resize is not None and rows and columns:
                    resize(rows, columns)
            except WeftError:
                return False
            return True

        return tell


def _status(waiter: Response, relay: Relay) -> int:
    relay.wait(waiter.connection)
    status, error = exit_code(waiter)
    if error:
        raise CommandFailed(f"Error waiting for container: {error}", 125)
    return status


def require_terminal(context: Context, *, stdin: bool, tty: bool) -> None:
    """Raise CommandFailed if a terminal is asked for and standard input is none."""
    if stdin and tty and not context.is_terminal(sys.stdin.fileno()):
        raise CommandFailed("the input device is not a TTY")
