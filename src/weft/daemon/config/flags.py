"""The command line: dockerd's flags, each given one as its texts."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from weft.daemon.config.option import Effect, Kind, Option
from weft.daemon.config.options import DEFAULT_CONFIG_FILE, OPTIONS
from weft.model.errors import InvalidParameter

_HELP_COLUMN, _WIDTH = 40, 110
_METAVARS = {Kind.INT: "int", Kind.SIZE: "bytes", Kind.IP: "ip", Kind.IPV4: "ip", Kind.IPV6: "ip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line says. `values` has texts by key of daemon.json, only for flags that were given."""

    values: dict[str, list[str]]
    config_file: str | None = None
    validate: bool = False
    version: bool = False
    help: str = ""  # text to print, where --help was given


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidParameter(f"{message[:1].lower()}{message[1:]}\nSee 'weftd --help'.")


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Return the flags given; raises InvalidParameter for unknown ones and missing values."""
    parser = _parser()
    given, rest = parser.parse_known_args(list(arguments))
    if rest:
        unknown = next((word for word in rest if word.startswith("-") and word != "-"), None)
        parser.error(f'"weftd" accepts no arguments: {rest[0]}' if unknown is None else f"unknown flag: {unknown}")
    found = vars(given)
    values = {option.key: _texts(found[option.key]) for option in OPTIONS if option.key in found}
    return Flags(
        values=values,
        config_file=found.get("config-file"),
        validate=found.get("validate", False),
        version=found.get("version", False),
        help=parser.format_help() if found.get("help") else "",
    )


def _texts(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _parser() -> _Parser:
    parser = _Parser(
        prog="weftd",
        usage="weftd [OPTIONS]",
        description="A container network engine.",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=_HELP_COLUMN, width=_WIDTH),
    )
    parser.add_argument("--config-file", dest="config-file", metavar="string",
                        help=f'Daemon configuration file (default "{DEFAULT_CONFIG_FILE}")')  # fmt: skip
    parser.add_argument("--validate", action="store_true", help="Validate daemon configuration and exit")
    parser.add_argument("-v", "--version", action="store_true", help="Print version information and quit")
    parser.add_argument("--help", action="store_true", help="Print usage")
    for option in sorted(OPTIONS, key=lambda option: option.flag):
        if option.flag:
            _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    names = [f"--{option.flag}"] if not option.letter else [f"-{option.letter}", f"--{option.flag}"]
    text = option.help if option.effect is Effect.SUPPORTED else argparse.SUPPRESS
    text = text.replace("%", "%%")
    if option.kind is Kind.BOOL:
        parser.add_argument(*names, dest=option.key, nargs="?", const="true", metavar="bool", help=text)
    elif option.repeats or option.kind is Kind.OBJECT:
        parser.add_argument(*names, dest=option.key, action="append", metavar="list", help=text)
    else:
        parser.add_argument(*names, dest=option.key, metavar=_METAVARS.get(option.kind, "string"), help=text)
