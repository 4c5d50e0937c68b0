"""Rows of the result: what was measured, the ratio of medians, the target and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line. `ratio` is Weft / dockerd unless the operation says otherwise; None where one side is missing."""

    operation: str
    docker: float | None
    weft: float | None
    unit: str
    target: float | None = None
    at_least: bool = False
    against: float | None = None

    @property
    def ratio(self) -> float | None:
        """Weft's median over what it is held against: dockerd's, or `against`."""
        base = self.docker if self.against is None else self.against
        return None if self.weft is None or not base else self.weft / base

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none or nothing to compare."""
        if self.target is None or self.ratio is None:
            return None
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def cells(self) -> list[str]:
        """The line's cells as printed."""
        sign = ">=" if self.at_least else "<="
        return [
            self.operation,
            _amount(self.docker, self.unit),
            _amount(self.weft, self.unit),
            "" if self.ratio is None else f"{self.ratio:.3f}",
            "" if self.target is None else f"{sign} {self.target:g}",
            {True: "met", False: "**not met**", None: ""}[self.met],
        ]


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "/s":
        return f"{value:,.0f}/s"
    return f"{value:,.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


HEAD = ["operation", "dockerd 20.10", "Weft", "ratio", "target", ""]


def markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
