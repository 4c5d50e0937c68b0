"""What prune commands ask and report."""

from __future__ import annotations

from weft.cli.context import Context
from weft.cli.flags.parser import Options
from weft.cli.render import human
from weft.cli.render.fields import Json, items, number, text, texts


class Pruned:
    """A prune's answer: the list under `key` is what was removed."""

    def __init__(self, title: str, key: str, answer: Json) -> None:
        self.title = title
        self.names = texts(answer, key) or [_deletion(item) for item in items(answer, key)]
        self.reclaimed = number(answer, "SpaceReclaimed") if self.names else 0

    @property
    def text(self) -> str:
        """The list as docker prints it, "" without any."""
        return "\n".join([self.title, *self.names]) + "\n" if self.names else ""


def _deletion(item: Json) -> str:
    deleted = text(item, "Deleted")
    return f"deleted: {deleted}" if deleted else f"untagged: {text(item, 'Untagged')}"


def confirmed(context: Context, options: Options, warning: str) -> bool:
    """Whether --force was given or the user says yes; a no ends the command without a word, as docker does."""
    return options.on("force") or context.confirm(warning)


def report(context: Context, pruned: Pruned, *, space: bool = True) -> None:
    """Print what was removed, and the space."""
    if pruned.text:
        context.print(pruned.text + "\n")
    if space:
        context.print(f"Total reclaimed space: {human.size(pruned.reclaimed)}\n")
