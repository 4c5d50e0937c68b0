"""Files of containers."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping

from weft.client import query
from weft.client.connection import Response
from weft.client.errors import ProtocolError
from weft.client.query import quote
from weft.client.session import JsonList, Session

_HEADER = "x-docker-container-path-stat"
_DIRECTORY, _LINK = 1 << 31, 1 << 27  # bits of Go's FileMode
_SPECIAL = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21


class PathStat:
    """What lies at a path: `size` in bytes, `link_target` where a link leads in the end."""

    __slots__ = ("is_directory", "is_link", "is_special", "link_target", "name", "size")

    def __init__(self, document: Mapping[str, object]) -> None:
        mode, size = document.get("mode"), document.get("size")
        if not isinstance(mode, int) or not isinstance(size, int):
            raise ProtocolError(f"the daemon's {_HEADER} holds no mode and size")
        self.name = str(document.get("name", ""))
        self.size = size
        self.is_directory = bool(mode & _DIRECTORY)
        self.is_link = bool(mode & _LINK)
        self.is_special = bool(mode & _SPECIAL)
        self.link_target = str(document.get("linkTarget", ""))


class Files:
    """`/containers/{id}/archive`, `export` and `changes`. Every method raises EngineError for the daemon's refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stat(self, container: str, path: str) -> PathStat:
        """Return what lies at a path, a link itself."""
        response = self._session.request("HEAD", _archive(container), {"path": path})
        self._session.finish(response)
        return _path_stat(response)

    def read(self, container: str, path: str) -> tuple[PathStat, Iterator[bytes]]:
        """Return what lies at a path, and a tar stream of it."""
        response = self._session.request("GET", _archive(container), {"path": path})
        return _path_stat(response), self._session.stream(response)

    def write(self, container: str, path: str, archive: Iterable[bytes], *, own: bool) -> None:
        """Extract a tar stream into a directory; `own` gives all to the container's user."""
        parameters: query.Parameters = {"path": path, "noOverwriteDirNonDir": "true", "copyUIDGID": own}
        headers = {"Content-Type": "application/x-tar"}
        response = self._session.request("PUT", _archive(container), parameters, body=archive, headers=headers)
        response.read()
        self._session.finish(response)

    def export(self, container: str) -> Iterator[bytes]:
        """Return a tar stream of the container's root."""
        return self._session.stream(self._session.request("GET", f"/containers/{quote(container)}/export"))

    def changes(self, container: str) -> JsonList:
        """Return [{"Path", "Kind"}]; kinds are 0 modified, 1 added, 2 deleted."""
        return self._session.get_list(f"/containers/{quote(container)}/changes")


def _archive(container: str) -> str:
    return f"/containers/{quote(container)}/archive"


def _path_stat(response: Response) -> PathStat:
    try:
        document = json.loads(base64.b64decode(response.headers.get(_HEADER, "")))
    except ValueError as error:
        raise ProtocolError(f"the daemon's {_HEADER} cannot be read") from error
    return PathStat(document if isinstance(document, dict) else {})
