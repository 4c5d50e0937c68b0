"""What a section gets: engines in fresh hosts, programs, how long and how often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.programs import Programs
from rig.engine import ENGINES, Engine, Kind
from rig.host import Host

BOTH: tuple[Kind, Kind] = ("weft", "docker")


@dataclass(frozen=True)
class Bench:
    """The setting of a run. `rounds` counts the quick operations; `seconds` is how long one run of load takes."""

    rounds: int
    seconds: float
    archive: Path
    programs: Programs

    def heavy(self, share: int) -> int:
        """How many rounds of work that costs as much as `share` quick ones."""
        return max(2, self.rounds // share)

    @contextmanager
    def engines(self, *kinds: Kind) -> Iterator[list[Engine]]:
        """Running engines with the same busybox image, each in a host of its own; all is gone afterwards."""
        with ExitStack() as stack:
            made: list[Engine] = []
            for number, kind in enumerate(kinds):
                host = stack.enter_context(Host(f"bench{number}"))
                engine = ENGINES[kind](host, {})
                engine.start()
                engine.load(self.archive)
                made.append(engine)
            yield made
