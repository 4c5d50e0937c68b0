"""Sizes and numbers on the command line: 512m, 1.5GiB, 0.5 CPUs."""

_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def parse_bytes(text: str) -> int:
    """Return bytes (units of 1024: b, k, m, g, t, p, with or without b or ib); raises ValueError."""
    lowered = text.strip().lower()
    number = lowered.rstrip("bikmgtp ")
    unit = lowered[len(number) :].strip()
    if unit == "b":
        unit = ""
    unit = unit.removesuffix("ib").removesuffix("b")
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"invalid size: '{text}'") from None
    if unit not in _UNITS or value < 0 or number != number.strip("+_ ") or "e" in number or "n" in number:
        raise ValueError(f"invalid size: '{text}'")
    return int(value * 1024 ** _UNITS[unit])


def parse_swap(text: str) -> int:
    """Return bytes, or -1 for unlimited; raises ValueError."""
    return -1 if text == "-1" else parse_bytes(text)


def parse_cpus(text: str) -> int:
    """Return 1e-9 CPUs; raises ValueError with docker's texts."""
    whole, point, fraction = text.partition(".")
    if not (whole + fraction).isdecimal() or (point and not (whole or fraction)):
        raise ValueError(f"failed to parse {text} as a rational number")
    if len(fraction.rstrip("0")) > 9:
        raise ValueError("value is too precise")
    return int(whole or "0") * 10**9 + int(fraction.rstrip("0").ljust(9, "0") or "0")
