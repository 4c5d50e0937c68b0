"""The commands and pictures of a page of the documentation.

A block of a page is fenced (three backquotes, without a language or with `sh`, `bash`, `console`) or indented by four
spaces. A block with box-drawing characters is a picture; every other one holds commands and nothing else. A command
ends with its line, or with the last of the lines that backslashes join, or with the end of its here-document. In a
block whose first line begins with `$ `, commands have that prompt, and other lines are what the command above prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_SHELLS = ("", "sh", "bash", "console")
_FENCE = re.compile(r"```(\w*)$")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_BOX = re.compile("[\u2500-\u257f]")
_PROMPT = "$ "


@dataclass(frozen=True)
class Command:
    """A command as a reader types it: `text` may have several lines; `output` are the lines that the page shows."""

    page: Path
    line: int
    text: str
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}: {self.text}"


@dataclass
class _Block:
    """The lines of a block, and the number of the first one in the page."""

    language: str
    line: int
    lines: list[str]

    @property
    def picture(self) -> bool:
        return not self.language and any(_BOX.search(line) for line in self.lines)


def commands(page: Path) -> list[Command]:
    """The commands of a page, in its order. Raises `ValueError` where a block or a command has no end."""
    found: list[Command] = []
    for block in _blocks(page):
        if block.language in _SHELLS and not block.picture:
            found += _commands(page, block)
    return found


def pictures(page: Path) -> list[str]:
    """The pictures of a page."""
    return ["\n".join(block.lines) for block in _blocks(page) if block.picture]


def _blocks(page: Path) -> Iterator[_Block]:
    block: _Block | None = None
    fenced, blank = False, True
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if fenced:
            assert block is not None
            if fence:
                yield block
                block, fenced = None, False
            else:
                block.lines.append(line)
        elif block is not None and (line.startswith("    ") or not line):
            block.lines.append(line[4:])
        else:
            if block is not None:
                yield block
                block = None
            if fence:
                block, fenced = _Block(fence[1], number + 1, []), True
            elif blank and line.startswith("    "):
                block = _Block("", number, [line[4:]])
        blank = not line
    if fenced:
        raise ValueError(f"{page}: the last block is not closed")
    if block is not None:
        yield block


def _commands(page: Path, block: _Block) -> Iterator[Command]:
    prompted = next((line for line in block.lines if line.strip()), "").startswith(_PROMPT)
    lines = list(enumerate(block.lines, block.line))
    while lines:
        number, line = lines.pop(0)
        if not line.strip() or (line.startswith("#") and not prompted):
            continue
        text = line.removeprefix(_PROMPT) if prompted else line
        while _goes_on(text):
            if not lines:
                raise ValueError(f"{page}:{number}: the command has no end: {text}")
            text += "\n" + lines.pop(0)[1]
        output: list[str] = []
        while prompted and lines and not lines[0][1].startswith(_PROMPT):
            output.append(lines.pop(0)[1])
        yield Command(page, number, text, tuple("\n".join(output).strip("\n").splitlines()))


def _goes_on(text: str) -> bool:
    """Whether the command needs another line."""
    if here := _HERE.search(text.partition("\n")[0]):
        return "\n" + here[2] not in (text[text.rfind("\n") :], "")
    return text.endswith("\\")
