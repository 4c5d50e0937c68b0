"""What came of a group of operations."""

from dataclasses import dataclass, field

from weft.model.errors import WeftError
from weft.plan.operations import Operation


@dataclass(slots=True)
class Outcome:
    """`undo` holds what takes back the effects there were, in the order of the effects; `failures` what was refused."""

    undo: list[Operation] = field(default_factory=list)
    failures: list[WeftError] = field(default_factory=list)

    def done(self, operation: Operation) -> None:
        """Note an effect."""
        inverse = operation.inverse
        if inverse is not None:
            self.undo.append(inverse)

    def add(self, other: "Outcome") -> None:
        """Take over what came of later operations."""
        self.undo += other.undo
        self.failures += other.failures
