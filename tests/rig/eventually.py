"""Waiting for what takes a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, timeout: float = 15, pause: float = 0.02) -> T:
    """Call `look` until it returns something true, and return that.

    Raises `AssertionError` after `timeout` seconds, with the last `AssertionError` of `look` as its cause.
    """
    deadline = time.monotonic() + timeout
    trouble: AssertionError | None = None
    while True:
        try:
            if found := look():
                return found
        except AssertionError as error:
            trouble = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} seconds: {look}") from trouble
        time.sleep(pause)
