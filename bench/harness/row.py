"""Rows of the table: what was measured, what was wanted, whether it is so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound for a ratio."""

    bound: float
    least: bool = False  # whether the ratio has to be at least, instead of at most, the bound

    def met(self, ratio: float) -> bool:
        """Whether `ratio` keeps to it."""
        return ratio >= self.bound if self.least else ratio <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One operation: Weft's figure, what it is held against, both in `unit`, and the bound for their ratio."""

    operation: str
    unit: str
    weft: float
    other: float
    target: Target
    own: str = ""  # what the other figure is where it is not dockerd's but Weft's own

    @property
    def ratio(self) -> float:
        """Weft's figure over the other."""
        return self.weft / self.other if self.other else float("inf")

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.target.met(self.ratio)

    def cells(self) -> list[str]:
        """The row's cells as text."""
        other = quantity(self.other, self.unit)
        return [
            self.operation,
            quantity(self.weft, self.unit),
            f"(Weft, {self.own}: {other})" if self.own else other,
            f"{self.ratio:.2f}" if self.ratio >= 0.1 else f"{self.ratio:.3f}",
            str(self.target),
            "yes" if self.met else "no",
        ]


def quantity(value: float, unit: str) -> str:
    """A figure with its unit and three significant digits."""
    if value >= 100:
        return f"{value:,.0f} {unit}"
    return f"{value:.3g} {unit}" if value else f"0 {unit}"


HEAD = ["operation", "Weft", "dockerd", "ratio", "target", "met"]


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
