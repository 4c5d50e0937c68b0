"""A plan: operations in order, joined with `+`, undone in reverse."""

from collections.abc import Iterator
from dataclasses import dataclass

from weft.plan.operations import Operation


@dataclass(frozen=True, slots=True)
class Plan:
    """Operations that are performed in this order, or not at all."""

    operations: tuple[Operation, ...] = ()

    def __add__(self, other: "Plan") -> "Plan":
        return Plan(self.operations + other.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __bool__(self) -> bool:
        return bool(self.operations)

    @property
    def inverse(self) -> "Plan":
        """The plan that undoes this one: inverses in reverse order."""
        undone = (operation.inverse for operation in reversed(self.operations))
        return Plan(tuple(operation for operation in undone if operation is not None))
