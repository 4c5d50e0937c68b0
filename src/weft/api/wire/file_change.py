"""FileChange -> GET /containers/{id}/changes (Engine API v1.51 FilesystemChange)."""

from collections.abc import Sequence

from weft.api.wire.shapes import Answer
from weft.api.wire.unicode import printable
from weft.engine.contract.container_files import FileChange


class FileChangeAnswer(Answer, frozen=True, kw_only=True):
    """One path; `kind` is 0 modified, 1 added, 2 deleted."""

    path: str
    kind: int


def file_changes_answer(changes: Sequence[FileChange]) -> list[FileChangeAnswer] | None:
    """Return the list, null where nothing changed."""
    return [FileChangeAnswer(path=printable(change.path), kind=int(change.kind)) for change in changes] or None
