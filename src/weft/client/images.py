"""Images of the Engine API. Progress comes as JSON messages (Engine API BuildInfo / CreateImageInfo)."""

from collections.abc import Iterable, Iterator, Mapping

from weft.client import query
from weft.client.connection import Response
from weft.client.query import quote
from weft.client.session import Json, JsonList, Session, as_object

Filters = Mapping[str, Iterable[str]]


class Images:
    """`/images`. Every method raises EngineError for the daemon's refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, *, all: bool = False, filters: Filters | None = None) -> JsonList:
        return self._session.get_list("/images/json", {"all": all, "filters": query.filters(filters or {})})

    def inspect(self, reference: str) -> Json:
        return as_object(self.inspect_raw(reference))

    def inspect_raw(self, reference: str) -> bytes:
        """Return the JSON text as the daemon sent it."""
        return self._session.call("GET", f"/images/{_path(reference)}/json")

    def history(self, reference: str) -> JsonList:
        return self._session.get_list(f"/images/{_path(reference)}/history")

    def tag(self, source: str, repository: str, tag: str) -> None:
        self._session.call("POST", f"/images/{_path(source)}/tag", {"repo": repository, "tag": tag})

    def remove(self, reference: str, *, force: bool = False, prune: bool = True) -> JsonList:
        """Return what was done, in order: [{"Untagged": reference} | {"Deleted": id}]."""
        import json

        body = self._session.call("DELETE", f"/images/{_path(reference)}", {"force": force, "noprune": not prune})
        deletions: JsonList = json.loads(body)
        return deletions

    def prune(self, filters: Filters | None = None) -> Json:
        """Return {"ImagesDeleted", "SpaceReclaimed"}."""
        return self._session.post("/images/prune", {"filters": query.filters(filters or {})})

    def pull(self, repository: str, tag: str, *, platform: str = "", credentials: str = "") -> Iterator[object]:
        """Yield progress; `tag` "" pulls every tag; `credentials` is an X-Registry-Auth value."""
        parameters = {"fromImage": repository, "tag": tag, "platform": platform}
        return self._progress("/images/create", parameters, credentials)

    def push(self, repository: str, tag: str, *, credentials: str = "") -> Iterator[object]:
        """Yield progress; `tag` "" pushes every tag."""
        return self._progress(f"/images/{_path(repository)}/push", {"tag": tag}, credentials or "e30=")

    def import_(
        self,
        archive: Iterable[bytes],
        *,
        repository: str,
        tag: str,
        message: str = "",
        changes: Iterable[str] = (),
        platform: str = "",
    ) -> Iterator[object]:
        """Make an image of a root file system's tar; yield progress."""
        parameters: query.Parameters = {
            "fromSrc": "-",
            "repo": repository,
            "tag": tag,
            "message": message,
            "changes": changes,
            "platform": platform,
        }
        response = self._session.request("POST", "/images/create", parameters, body=archive)
        return self._session.stream_json(response)

    def commit(
        self,
        container: str,
        *,
        repository: str,
        tag: str,
        comment: str = "",
        author: str = "",
        pause: bool = True,
        changes: Iterable[str] = (),
    ) -> str:
        """Make an image of a container; return its id."""
        parameters: query.Parameters = {
            "container": container,
            "repo": repository,
            "tag": tag,
            "comment": comment,
            "author": author,
            "pause": "1" if pause else "0",
            "changes": changes,
        }
        return str(self._session.post("/commit", parameters).get("Id", ""))

    def load(self, archive: Iterable[bytes], *, quiet: bool = False) -> Response:
        """Load a docker-archive or OCI layout; the answer is JSON progress or text, as its content type says."""
        headers = {"Content-Type": "application/x-tar"}
        # quiet=0 has to be said: left out, the daemon takes it as true
        parameters: query.Parameters = {"quiet": "1" if quiet else "0"}
        return self._session.request("POST", "/images/load", parameters, body=archive, headers=headers)

    def save(self, references: Iterable[str]) -> Iterator[bytes]:
        """Return a docker-archive of the images."""
        return self._session.stream(self._session.request("GET", "/images/get", {"names": list(references)}))

    def _progress(self, path: str, parameters: query.Parameters, credentials: str) -> Iterator[object]:
        headers = {"X-Registry-Auth": credentials} if credentials else {}
        return self._session.stream_json(self._session.request("POST", path, parameters, headers=headers))


def _path(reference: str) -> str:
    return quote(reference, safe="/:@")
