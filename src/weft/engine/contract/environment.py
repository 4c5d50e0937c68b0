"""Time and chance, which the engine takes as arguments."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """`now` in nanoseconds since the epoch; `new_id` 64 hex digits; `random_below(n)` in 0..n-1; `sleep` in seconds."""

    now: Callable[[], int]
    new_id: Callable[[], str]
    random_below: Callable[[int], int]
    sleep: Callable[[float], Awaitable[None]]
