"""Words of Dockerfile instructions: quotes, backslashes, variables (Dockerfile reference, Environment replacement)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from weft.model.errors import InvalidParameter

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")


def split_words(text: str) -> list[str]:
    """Split at spaces outside quotes; the words keep their quotes and backslashes. Raises InvalidParameter."""
    words: list[str] = []
    word = ""
    for piece, quote in _pieces(text):
        if not quote and piece.isspace():
            if word:
                words.append(word)
            word = ""
        else:
            word += piece
    return [*words, word] if word else words


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Return a word without its quotes and backslashes and with its variables replaced; raises InvalidParameter."""
    result = ""
    position = 0
    quote = ""
    while position < len(word):
        character = word[position]
        position += 1
        if character == quote:
            quote = ""
        elif quote == "'":
            result += character
        elif character in "'\"" and not quote:
            quote = character
        elif character == "\\" and position < len(word) and (not quote or word[position] in '"$\\'):
            result += word[position]
            position += 1
        elif character == "$":
            value, position = _variable(word, position, variables)
            result += value
        else:
            result += character
    _check_closed(quote)
    return result


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield characters, one with its backslash, and the quote that they stand in."""
    quote = ""
    position = 0
    while position < len(text):
        character = text[position]
        width = 2 if character == "\\" and quote != "'" and position + 1 < len(text) else 1
        piece = text[position : position + width]
        position += width
        if character == quote:
            yield piece, quote
            quote = ""
            continue
        if not quote and character in "'\"":
            quote = character
        yield piece, quote or ("\\" if width == 2 else "")
    _check_closed(quote)


def _variable(word: str, position: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """Return the value of the variable whose name starts at `position`, after its dollar sign, and where it ends."""
    if not word.startswith("{", position):
        match = _NAME.match(word, position)
        return (variables.get(match[0], ""), match.end()) if match else ("$", position)
    match = _NAME.match(word, position + 1)
    if match is None:
        raise InvalidParameter(f"invalid variable name in {word!r}")
    end = _closing(word, match.end())
    return _modified(match[0], word[match.end() : end], variables), end + 1


def _closing(word: str, position: int) -> int:
    depth = 1
    while position < len(word):
        if word[position] == "\\":
            position += 1
        elif word.startswith("${", position):
            depth += 1
        elif word[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise InvalidParameter("syntax error: missing '}'")


def _modified(name: str, modifier: str, variables: Mapping[str, str]) -> str:
    """Apply `:-word`, `-word`, `:+word`, `+word`, `:?word`, `?word`; the colon takes empty for unset."""
    if not modifier:
        return variables.get(name, "")
    kind, word = modifier.removeprefix(":")[:1], modifier.removeprefix(":")[1:]
    is_set = bool(variables.get(name)) if modifier.startswith(":") else name in variables
    match kind:
        case "-":
            return variables[name] if is_set else expand(word, variables)
        case "+":
            return expand(word, variables) if is_set else ""
        case "?":
            if is_set:
                return variables[name]
            raise InvalidParameter(f"{name}: {expand(word, variables) or 'is not allowed to be unset'}")
    raise InvalidParameter(f"unsupported modifier ({modifier[:2]}) in substitution")


def _check_closed(quote: str) -> None:
    if quote:
        kind = "single" if quote == "'" else "double"
        raise InvalidParameter(f"unexpected end of statement while looking for matching {kind}-quote")
