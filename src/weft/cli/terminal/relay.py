"""Carrying bytes between this process's standard streams and a hijacked connection."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable

from weft.cli.context import write_all
from weft.cli.errors import CommandFailed
from weft.cli.terminal.keys import Detector
from weft.cli.terminal.signals import SignalPipe
from weft.client.connection import Connection
from weft.client.streams import STDERR, SYSTEM, Demultiplexer

CHUNK = 65536
BACKLOG = 1 << 18  # bytes of input on their way; more is not read from standard input until some are gone
RESIZE_ATTEMPTS = 10
RESIZE_PAUSE = 10  # milliseconds, growing with every attempt
IMPATIENT = 3  # SIGINTs and SIGTERMs after which the user wants out


class Relay:
    """One attachment. `stdin` None sends none; `tty` streams are raw, others multiplexed.

    `forward` gets the name of every signal (INT, TERM …); `resize` tells the daemon the terminal's size and returns
    whether that worked.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        tty: bool,
        stdin: int | None,
        stdout: int,
        stderr: int,
        signals: SignalPipe,
        keys: bytes = b"",
        forward: Callable[[str], None] | None = None,
        resize: Callable[[], bool] | None = None,
    ) -> None:
        self._connection = connection
        self._tty = tty
        self._stdin = stdin
        self._outputs = (stdout, stderr)
        self._signals = signals
        self._detector = Detector(keys) if keys else None
        self._forward = forward
        self._resize = resize
        self._resize_attempts = 0 if resize is None else RESIZE_ATTEMPTS
        self._demultiplexer = Demultiplexer()
        self._outgoing = bytearray()
        self._input_ended = False
        self._interrupts = 0
        self._blocked = _would_block()

    def run(self, until: Connection | None = None) -> bool:
        """Carry bytes until the output ends, or `until` becomes readable; return False if the user detached."""
        self._connection.socket.setblocking(False)
        if self._connection.buffer:
            self._show(self._connection.take(len(self._connection.buffer)))
        if self._stdin is None:
            self._end_input()
        try:
            while True:
                ready = self._poll(until)
                if until is not None and (until.buffer or until.socket.fileno() in ready):
                    return True
                if self._handle(ready):
                    return True
        except _Detached:
            return False

    def wait(self, until: Connection) -> None:
        """Only forward signals until `until` becomes readable."""
        poller = select.poll()
        poller.register(until.socket.fileno(), select.POLLIN)
        poller.register(self._signals.descriptor, select.POLLIN)
        while not until.buffer and until.socket.fileno() not in (ready := dict(poller.poll())):
            if self._signals.descriptor in ready:
                self._take_signals()

    def _poll(self, until: Connection | None) -> dict[int, int]:
        poller = select.poll()
        sending = select.POLLOUT if self._outgoing else 0
        poller.register(self._connection.socket.fileno(), select.POLLIN | sending)
        poller.register(self._signals.descriptor, select.POLLIN)
        if self._stdin is not None and not self._input_ended and len(self._outgoing) < BACKLOG:
            poller.register(self._stdin, select.POLLIN)
        if until is not None:
            poller.register(until.socket.fileno(), select.POLLIN)
        if not self._resize_attempts:
            return dict(poller.poll())
        pause = RESIZE_PAUSE * (RESIZE_ATTEMPTS - self._resize_attempts)
        ready = dict(poller.poll(pause))
        self._try_resize()
        return ready

    def _handle(self, ready: dict[int, int]) -> bool:
        """Act on what is ready; return whether the output has ended."""
        if self._signals.descriptor in ready:
            self._take_signals()
        if self._stdin is not None and self._stdin in ready:
            self._read_input()
        events = ready.get(self._connection.socket.fileno(), 0)
        if events & select.POLLOUT:
            self._send()
        return bool(events & ~select.POLLOUT) and self._receive()

    def _receive(self) -> bool:
        try:
            while data := self._connection.socket.recv(CHUNK):
                self._show(data)
        except self._blocked:
            return False
        except ConnectionResetError:
            return True
        return True

    def _show(self, data: bytes) -> None:
        if self._tty:
            write_all(self._outputs[0], data)
            return
        for stream, payload in self._demultiplexer.feed(data):
            write_all(self._outputs[stream in (STDERR, SYSTEM)], payload)

    def _read_input(self) -> None:
        try:
            data = os.read(self._stdin or 0, CHUNK)
        except OSError:
            data = b""
        if not data:
            self._input_ended = True
            self._send()
            return
        detached = False
        if self._detector is not None:
            data, detached = self._detector.feed(data)
        self._outgoing += data
        self._send()
        if detached:
            raise _Detached

    def _send(self) -> None:
        try:
            while self._outgoing:
                sent = self._connection.socket.send(self._outgoing)
                del self._outgoing[:sent]
        except self._blocked:
            return
        except OSError:
            self._outgoing.clear()  # the container no longer reads; its output tells the rest
            self._input_ended = True
        if self._input_ended:
            self._end_input()

    def _end_input(self) -> None:
        self._input_ended = True
        with contextlib.suppress(OSError):  # the daemon may have closed first
            self._connection.socket.shutdown(socket.SHUT_WR)

    def _take_signals(self) -> None:
        for number in self._signals.read():
            if number == signal.SIGWINCH:
                self._resize_attempts = 0 if self._resize is None else 1
                self._try_resize()
                continue
            self._interrupts += number in (signal.SIGINT, signal.SIGTERM)
            if self._interrupts >= IMPATIENT:
                raise CommandFailed(f"got {IMPATIENT} SIGTERM/SIGINTs, forcefully exiting")
            if self._forward is not None:
                self._forward(number.name.removeprefix("SIG"))

    def _try_resize(self) -> None:
        if self._resize is None or not self._resize_attempts:
            return
        self._resize_attempts = 0 if self._resize() else self._resize_attempts - 1


class _Detached(Exception):
    """The user typed the detach sequence."""


def _would_block() -> tuple[type[OSError], ...]:
    ssl = sys.modules.get("ssl")  # loaded only where the endpoint uses TLS
    plain = (BlockingIOError, InterruptedError)
    return plain if ssl is None else (*plain, ssl.SSLWantReadError, ssl.SSLWantWriteError)
