"""Parsing a command line as docker's users write it: -itd, -p80:80, --rm=false, --name x, --name=x, --."""

from collections.abc import Iterable, Sequence

from weft.cli.errors import HelpRequested, UsageError
from weft.cli.flags.flag import Flag

FLAG_ERROR = 125  # docker's exit status for a wrong flag


class Options:
    """Parsed flags and positional arguments."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        own = [flag for flag in flags if flag.target == flag.name]
        self._single: dict[str, object] = {flag.name: flag.default for flag in own if not flag.repeats}
        self._lists: dict[str, list[object]] = {flag.name: [] for flag in own if flag.repeats}
        self.given: set[str] = set()
        self.arguments: list[str] = []
        self.warnings: list[str] = []

    def set(self, flag: Flag, value: object) -> None:
        self.given.add(flag.target)
        if flag.repeats:
            self._lists[flag.target].append(value)
        else:
            self._single[flag.target] = value

    def changed(self, name: str) -> bool:
        """Whether the user gave the flag."""
        return name in self.given

    def value(self, name: str) -> object:
        return self._single[name]

    def on(self, name: str) -> bool:
        return bool(self._single[name])

    def text(self, name: str) -> str:
        return str(self._single[name])

    def number(self, name: str) -> int:
        return int(str(self._single[name]))

    def values(self, name: str) -> list[object]:
        return self._lists[name]

    def texts(self, name: str) -> list[str]:
        return [str(value) for value in self._lists[name]]

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """The values of a flag whose parse gives (key, value)."""
        return [(str(value[0]), str(value[1])) for value in self._lists[name] if isinstance(value, tuple)]


class _Line:
    """The words still to be read."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def __bool__(self) -> bool:
        return bool(self._words)

    def next(self) -> str:
        return self._words.pop(0)

    def rest(self) -> list[str]:
        words, self._words = self._words, []
        return words


def parse(flags: Sequence[Flag], words: Sequence[str], *, interspersed: bool = True) -> Options:
    """Return the options in `words`; without `interspersed` everything after the first argument is an argument.

    Raises UsageError with docker's texts, HelpRequested for --help.
    """
    options = Options(flags)
    long = {flag.name: flag for flag in flags}
    short = {flag.short: flag for flag in flags if flag.short}
    line = _Line(words)
    while line:
        word = line.next()
        if word == "--":
            options.arguments += line.rest()
        elif word.startswith("--"):
            _long(word, long, line, options)
        elif word.startswith("-") and len(word) > 1:
            _short(word, short, line, options)
        else:
            options.arguments.append(word)
            if not interspersed:
                options.arguments += line.rest()
    return options


def _long(word: str, known: dict[str, Flag], line: _Line, options: Options) -> None:
    name, equals, value = word[2:].partition("=")
    if not name or name.startswith("-"):
        raise UsageError(f"bad flag syntax: {word}", status=FLAG_ERROR)
    if name == "help":
        raise HelpRequested
    flag = known.get(name)
    if flag is None:
        raise UsageError(f"unknown flag: --{name}", status=FLAG_ERROR)
    if equals:
        _assign(flag, value, options)
    elif flag.implied is not None:
        _assign(flag, flag.implied, options)
    elif line:
        _assign(flag, line.next(), options)
    else:
        raise UsageError(f"flag needs an argument: --{name}", status=FLAG_ERROR)


def _short(word: str, known: dict[str, Flag], line: _Line, options: Options) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = known.get(letter)
        if flag is None:
            if letter == "h":
                raise HelpRequested(deprecated=True)
            raise UsageError(f"unknown shorthand flag: '{letter}' in -{word[1:]}", status=FLAG_ERROR)
        if len(letters) > 1 and letters.startswith("="):
            _assign(flag, letters[1:], options)
            return
        if flag.implied is not None:
            _assign(flag, flag.implied, options)
        elif letters:
            _assign(flag, letters, options)
            return
        elif line:
            _assign(flag, line.next(), options)
        else:
            raise UsageError(f"flag needs an argument: '{letter}' in -{word[1:]}", status=FLAG_ERROR)


def _assign(flag: Flag, value: str, options: Options) -> None:
    if flag.unsupported:
        raise UsageError(f"flag --{flag.name} is not supported by Weft: leave it out", status=FLAG_ERROR)
    try:
        parsed = flag.parse(value)
    except ValueError as error:
        raise UsageError(f'invalid argument "{value}" for "{flag.shown}" flag: {error}', status=FLAG_ERROR) from error
    if flag.deprecated:
        options.warnings.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")
    options.set(flag, parsed)
