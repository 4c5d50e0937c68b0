"""Splitting a template into text and the tokens of its actions (text/template, "Text and spaces", "Arguments")."""

import re

from weft.cli.template.errors import parse_error

TEXT, LEFT, RIGHT, FIELD, VARIABLE, NAME, STRING, NUMBER, SYMBOL, END = range(10)

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<field>\.[^\W\d]\w*)
      | (?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))
      | (?P<variable>\$\w*)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<raw>`[^`]*`)
      | (?P<char>'(?:\\.|[^'\\\n])+')
      | (?P<symbol>:=|[.|(),=])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"', "'": "'"}


class Token:
    """One token: `spaced` tells whether white space stands before it, which separates `.A .B` from `.A.B`."""

    __slots__ = ("kind", "position", "spaced", "text", "value")

    def __init__(self, kind: int, text: str, position: int, *, value: object = None, spaced: bool = False) -> None:
        self.kind = kind
        self.text = text
        self.position = position
        self.value = value
        self.spaced = spaced


def tokens(source: str) -> list[Token]:
    """Return the tokens of the whole template, END last; raises TemplateError."""
    result: list[Token] = []
    position = 0
    trim = False
    while (start := source.find("{{", position)) >= 0:
        text = source[position:start]
        inside = start + 2
        trim_before = source[inside : inside + 1] == "-" and source[inside + 1 : inside + 2].isspace()
        _add_text(result, text, position, trim_start=trim, trim_end=trim_before)
        inside += trim_before
        comment = source[inside:].lstrip()
        if comment.startswith("/*"):
            position, trim = _skip_comment(source, start, source.index("/*", inside))
            continue
        result.append(Token(LEFT, "{{", start))
        position, trim = _action(source, start, inside, result)
    _add_text(result, source[position:], position, trim_start=trim, trim_end=False)
    result.append(Token(END, "", len(source)))
    return result


def _add_text(result: list[Token], text: str, position: int, *, trim_start: bool, trim_end: bool) -> None:
    if trim_start:
        text = text.lstrip()
    if trim_end:
        text = text.rstrip()
    if text:
        result.append(Token(TEXT, text, position))


def _skip_comment(source: str, start: int, position: int) -> tuple[int, bool]:
    end = source.find("*/", position)
    if end < 0:
        raise parse_error(source, start, "unclosed comment")
    rest = source[end + 2 :]
    for closing, trim in (("}}", False), (" -}}", True)):
        if rest.startswith(closing):
            return end + 2 + len(closing), trim
    raise parse_error(source, start, "comment ends before closing delimiter")


def _action(source: str, start: int, position: int, result: list[Token]) -> tuple[int, bool]:
    """Read one action's tokens; return where the text after it begins, and whether to trim that."""
    spaced = False
    while True:
        if source.startswith("}}", position):
            result.append(Token(RIGHT, "}}", position))
            return position + 2, False
        if spaced and source.startswith("-}}", position):
            result.append(Token(RIGHT, "}}", position))
            return position + 3, True
        if position >= len(source):
            raise parse_error(source, start, "unclosed action")
        found = _TOKEN.match(source, position)
        if found is None:
            raise _unreadable(source, position)
        position = found.end()
        if found.lastgroup == "space":
            spaced = True
            continue
        result.append(_token(source, found, spaced))
        spaced = False


def _token(source: str, found: "re.Match[str]", spaced: bool) -> Token:
    text, position = found[0], found.start()
    match found.lastgroup:
        case "field":
            return Token(FIELD, text, position, value=text[1:], spaced=spaced)
        case "variable":
            return Token(VARIABLE, text, position, spaced=spaced)
        case "name":
            return Token(NAME, text, position, spaced=spaced)
        case "number":
            return Token(NUMBER, text, position, value=_number(text), spaced=spaced)
        case "raw":
            return Token(STRING, text, position, value=text[1:-1], spaced=spaced)
        case "string":
            return Token(STRING, text, position, value=_unescaped(source, position, text[1:-1]), spaced=spaced)
        case "char":
            char = _unescaped(source, position, text[1:-1])
            if len(char) != 1:
                raise parse_error(source, position, f"malformed character constant: {text}")
            return Token(NUMBER, text, position, value=ord(char), spaced=spaced)
    return Token(SYMBOL, text, position, spaced=spaced)


def _number(text: str) -> int | float:
    try:
        return int(text, 16 if "x" in text.lower() else 10)
    except ValueError:
        return float(text)


def _unescaped(source: str, position: int, text: str) -> str:
    def replace(found: "re.Match[str]") -> str:
        for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
            if found[group]:
                return chr(int(found[group], base))
        if found[5] not in _SIMPLE:
            raise parse_error(source, position, f'invalid syntax in string: "\\{found[5]}"')
        return _SIMPLE[found[5]]

    return _ESCAPE.sub(replace, text)


def _unreadable(source: str, position: int) -> Exception:
    char = source[position]
    if char == '"':
        return parse_error(source, position, "unterminated quoted string")
    if char == "`":
        return parse_error(source, position, "unterminated raw quoted string")
    if char == "'":
        return parse_error(source, position, "unterminated character constant")
    return parse_error(source, position, f"unexpected bad character U+{ord(char):04X} '{char}' in command")
