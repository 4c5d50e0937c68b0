"""Entering namespaces from Python threads, and dying with the parent."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """For `preexec_fn`: have the kernel kill this process when the thread that started it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def in_network_namespace(namespace: Path, work: Callable[[], Any]) -> Any:
    """Call `work` in a new thread inside `namespace` and return its result; sockets it makes stay there (setns(2))."""
    outcome: Future[Any] = Future()

    def enter() -> None:
        try:
            with namespace.open("rb") as handle:
                if _libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number), str(namespace))
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller whole
            outcome.set_exception(error)

    thread = Thread(target=enter)
    thread.start()
    thread.join()
    return outcome.result()
