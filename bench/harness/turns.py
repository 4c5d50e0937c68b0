"""Taking turns: the same work for each engine, A B A B, so that what disturbs the machine disturbs both."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

Side = TypeVar("Side")
Figures = Mapping[str, float]


def take_turns(
    sides: Sequence[Side], rounds: int, work: Callable[[Side], Figures], *, warm_up: bool = True
) -> list[dict[str, float]]:
    """The median of each figure that `work` returns, for each side in order; the warm-up round does not count."""
    seen: list[dict[str, list[float]]] = [defaultdict(list) for _ in sides]
    for turn in range(-1 if warm_up else 0, rounds):
        for position, side in enumerate(sides):
            figures = work(side)
            if turn >= 0:
                for name, figure in figures.items():
                    seen[position][name].append(figure)
    return [{name: statistics.median(values) for name, values in figures.items()} for figures in seen]


class Stopwatch:
    """Milliseconds of named stretches of work."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to the figure `name`."""
        began = time.perf_counter()
        yield
        self.figures[name] = self.figures.get(name, 0) + (time.perf_counter() - began) * 1000
