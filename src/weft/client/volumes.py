"""Volumes of the Engine API."""

from collections.abc import Iterable, Mapping

from weft.client import query
from weft.client.errors import ProtocolError
from weft.client.query import quote
from weft.client.session import Json, JsonList, Session, as_object


class Volumes:
    """`/volumes`. Every method raises EngineError for the daemon's refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, filters: Mapping[str, Iterable[str]] | None = None) -> JsonList:
        answer = self._session.get_object("/volumes", {"filters": query.filters(filters or {})})
        volumes = answer.get("Volumes") or []
        if not isinstance(volumes, list):
            raise ProtocolError("the daemon's answer to /volumes holds no list of volumes")
        return volumes

    def inspect(self, name: str) -> Json:
        return as_object(self.inspect_raw(name))

    def inspect_raw(self, name: str) -> bytes:
        """Return the JSON text as the daemon sent it."""
        return self._session.call("GET", f"/volumes/{quote(name)}")

    def create(self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]) -> Json:
        """Return the volume; `name` "" lets the daemon choose."""
        document = {"Name": name, "Driver": driver, "DriverOpts": dict(options), "Labels": dict(labels)}
        return self._session.post("/volumes/create", None, document)

    def remove(self, name: str, *, force: bool = False) -> None:
        self._session.call("DELETE", f"/volumes/{quote(name)}", {"force": force})

    def prune(self, filters: Mapping[str, Iterable[str]] | None = None) -> Json:
        """Return {"VolumesDeleted", "SpaceReclaimed"}."""
        return self._session.post("/volumes/prune", {"filters": query.filters(filters or {})})
