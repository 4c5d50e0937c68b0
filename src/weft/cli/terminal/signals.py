"""Signals as bytes in a pipe, so that one poll loop sees them with everything else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from types import FrameType, TracebackType

FORWARDED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGIO, signal.SIGPWR),
)


class SignalPipe:
    """While entered, the named signals do nothing but arrive at `descriptor`; see `read`."""

    def __init__(self, signals: Iterable[signal.Signals]) -> None:
        self._signals = tuple(signals)
        self._saved: list[tuple[signal.Signals, object]] = []
        self.descriptor = -1
        self._writing = -1

    def __enter__(self) -> SignalPipe:
        self.descriptor, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in self._signals:
            self._saved.append((number, signal.signal(number, _nothing)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._saved:
            signal.signal(number, handler if callable(handler) or isinstance(handler, int) else signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.close(self.descriptor)
        os.close(self._writing)

    def read(self) -> list[signal.Signals]:
        """Return the signals that came since the last call."""
        try:
            data = os.read(self.descriptor, 512)
        except BlockingIOError:
            return []
        return [signal.Signals(number) for number in data if number in self._signals]


def _nothing(number: int, frame: FrameType | None) -> None:
    """Python wants a handler to write to the wake-up descriptor."""
