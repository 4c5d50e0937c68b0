"""Firewall marks: numbers that other programs' rules put on packets."""

from dataclasses import dataclass

_BITS = 32


@dataclass(frozen=True, slots=True)
class Mark:
    """A packet has it whose mark, under `mask`, is `value`."""

    value: int
    mask: int = (1 << _BITS) - 1

    def __str__(self) -> str:
        return f"{self.value:#x}/{self.mask:#x}"


def parse_mark(text: str) -> Mark:
    """Read `mark[/mask]`, numbers as C writes them. Raises ValueError in dockerd's words."""
    value, slash, mask = text.partition("/")
    found = Mark(_number(value, f'invalid firewall mark "{text}"'))
    return Mark(found.value, _number(mask, f'invalid firewall mask "{text}"')) if slash else found


def _number(text: str, trouble: str) -> int:
    try:
        number = int(text, 8) if text.isdigit() and text.startswith("0") else int(text, 0)
    except ValueError:
        raise ValueError(f"{trouble}: {text} is not a number") from None
    if not 0 <= number < 1 << _BITS:
        raise ValueError(f"{trouble}: {text} does not fit into {_BITS} bits")
    return number
