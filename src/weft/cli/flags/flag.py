"""What a flag is: its names, its help, and how its text becomes a value."""

from collections.abc import Callable

from weft.model.duration import parse_duration

Parse = Callable[[str], object]
Complete = str  # what a flag's value completes to: "", "containers", "networks", "images", "volumes", "files"

NO_VALUE = object()


class Flag:
    """One flag. `parse` turns its text into a value and raises ValueError with docker's words.

    `repeats` collects the values of every occurrence in a list. `implied` is the text taken where a flag is given
    without a value (docker's booleans). `default_text` is what the help prints. `unsupported` flags are recognised
    only to be refused by name.
    """

    __slots__ = (
        "complete",
        "default",
        "default_text",
        "deprecated",
        "hidden",
        "implied",
        "kind",
        "name",
        "parse",
        "repeats",
        "short",
        "target",
        "unsupported",
        "usage",
    )

    def __init__(
        self,
        name: str,
        usage: str,
        *,
        short: str = "",
        kind: str = "string",
        parse: Parse = str,
        default: object = "",
        default_text: str = "",
        repeats: bool = False,
        implied: str | None = None,
        hidden: bool = False,
        deprecated: str = "",
        target: str = "",
        complete: Complete = "",
        unsupported: bool = False,
    ) -> None:
        self.name = name
        self.usage = usage
        self.short = short
        self.kind = kind
        self.parse = parse
        self.default = default
        self.default_text = default_text
        self.repeats = repeats
        self.implied = implied
        self.hidden = hidden
        self.deprecated = deprecated
        self.target = target or name
        self.complete = complete
        self.unsupported = unsupported

    @property
    def shown(self) -> str:
        """The flag as error messages name it: `-n, --last`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


def switch(name: str, usage: str, *, short: str = "", default: bool = False, hidden: bool = False) -> Flag:
    """A boolean flag: `--name` or `--name=false`."""
    shown = "true" if default else ""
    return Flag(
        name,
        usage,
        short=short,
        kind="",
        parse=parse_bool,
        default=default,
        default_text=shown,
        implied="true",
        hidden=hidden,
    )


def text(
    name: str, usage: str, *, short: str = "", default: str = "", hidden: bool = False, complete: Complete = ""
) -> Flag:
    """A flag with one string."""
    shown = f'"{default}"' if default else ""
    return Flag(name, usage, short=short, default=default, default_text=shown, hidden=hidden, complete=complete)


def number(
    name: str,
    usage: str,
    *,
    short: str = "",
    default: int = 0,
    hidden: bool = False,
    target: str = "",
    deprecated: str = "",
) -> Flag:
    """A flag with one whole number."""
    return Flag(
        name,
        usage,
        short=short,
        kind="int",
        parse=parse_int,
        default=default,
        default_text=str(default) if default else "",
        hidden=hidden,
        target=target,
        deprecated=deprecated,
    )


def unsigned(name: str, usage: str, bits: int) -> Flag:
    """A flag with one whole number from 0 to what so many bits hold."""

    def parse(value: str) -> int:
        if not value.isdecimal():
            raise ValueError(f'strconv.ParseUint: parsing "{value}": invalid syntax')
        if int(value) >= 1 << bits:
            raise ValueError(f'strconv.ParseUint: parsing "{value}": value out of range')
        return int(value)

    return Flag(name, usage, kind=f"uint{bits}", parse=parse, default=0)


def duration(name: str, usage: str) -> Flag:
    """A flag with one duration, in nanoseconds."""
    return Flag(name, usage, kind="duration", parse=parse_duration, default=0)


def many(
    name: str,
    usage: str,
    *,
    short: str = "",
    kind: str = "list",
    parse: Parse = str,
    hidden: bool = False,
    target: str = "",
    default_text: str = "",
    complete: Complete = "",
) -> Flag:
    """A flag that may be given several times."""
    return Flag(
        name,
        usage,
        short=short,
        kind=kind,
        parse=parse,
        default=(),
        default_text=default_text,
        repeats=True,
        hidden=hidden,
        target=target,
        complete=complete,
    )


def refused(name: str, *, short: str = "", takes_value: bool = True) -> Flag:
    """A flag that docker has and Weft does not: recognised, and refused by name."""
    implied = None if takes_value else "true"
    return Flag(name, "", short=short, implied=implied, hidden=True, unsupported=True)


def without_trust(doing: str) -> Flag:
    """--disable-content-trust, which is how it always is here: `false` is refused."""

    def parse(value: str) -> bool:
        if not parse_bool(value):
            raise ValueError("Weft checks no signatures: pull by digest")
        return True

    return Flag(
        "disable-content-trust",
        f"Skip image {doing}",
        kind="",
        parse=parse,
        default=True,
        default_text="true",
        implied="true",
    )


def parse_bool(value: str) -> bool:
    """Return what Go's strconv.ParseBool makes of `value`; raises ValueError with its text."""
    if value in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')


def parse_int(value: str) -> int:
    """Return a whole number; raises ValueError with the text of Go's strconv.ParseInt."""
    try:
        return int(value.replace("_", "x"), 0 if value.lower().startswith(("0x", "0o", "0b")) else 10)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{value}": invalid syntax') from None
