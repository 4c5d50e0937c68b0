"""What a command is: its arguments, its flags, its work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weft.cli.context import Context
from weft.cli.errors import UsageError
from weft.cli.flags.flag import Flag
from weft.cli.flags.parser import Options

Run = Callable[[Context, Options], int]
ANY = 1 << 30  # arguments without an upper bound


class Command:
    """One command. `usage` follows its name in the usage line; `least` and `most` bound its arguments.

    `completes` names what each argument is ("containers", "networks", "images", "volumes", "files", ""), the last
    one standing for all that follow.
    """

    __slots__ = ("completes", "flags", "interspersed", "least", "long", "most", "run", "usage")

    def __init__(
        self,
        usage: str,
        run: Run,
        *,
        flags: Sequence[Flag] = (),
        least: int = 0,
        most: int = 0,
        interspersed: bool = True,
        completes: Sequence[str] = ("",),
        long: str = "",
    ) -> None:
        self.usage = usage
        self.run = run
        self.flags = tuple(flags)
        self.least = least
        self.most = most
        self.interspersed = interspersed
        self.completes = tuple(completes)
        self.long = long

    def check_arguments(self, path: str, count: int) -> None:
        """Raise UsageError with docker's words if `count` arguments are too few or too many."""
        if self.least <= count <= self.most:
            return
        if self.most == 0:
            raise UsageError(f"weft: '{path}' accepts no arguments", status=1)
        if self.least == self.most:
            wanted = f"requires {_counted(self.least)}"
        elif self.most == ANY:
            raise UsageError(f"weft: '{path}' requires at least {_counted(self.least)}", status=1, see=True)
        elif self.least == 0:
            wanted = f"requires at most {_counted(self.most)}"
        else:
            wanted = f"requires at least {self.least} and at most {_counted(self.most)}"
        raise UsageError(f"weft: '{path}' {wanted}", status=1)


def _counted(number: int) -> str:
    return f"{number} argument" if number == 1 else f"{number} arguments"
