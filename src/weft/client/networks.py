"""Networks of the Engine API. References are ids, names or id prefixes."""

from collections.abc import Iterable, Mapping

from weft.client import query
from weft.client.query import quote
from weft.client.session import Json, JsonList, Session, as_object


class Networks:
    """`/networks`. Every method raises EngineError for the daemon's refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, filters: Mapping[str, Iterable[str]] | None = None) -> JsonList:
        return self._session.get_list("/networks", {"filters": query.filters(filters or {})})

    def inspect(self, reference: str, *, verbose: bool = False) -> Json:
        return as_object(self.inspect_raw(reference, verbose=verbose))

    def inspect_raw(self, reference: str, *, verbose: bool = False) -> bytes:
        """Return the JSON text as the daemon sent it."""
        return self._session.call("GET", f"/networks/{quote(reference)}", {"verbose": verbose})

    def create(self, document: Json) -> Json:
        """Return {"Id", "Warning"}."""
        return self._session.post("/networks/create", None, document)

    def remove(self, reference: str) -> None:
        self._session.call("DELETE", f"/networks/{quote(reference)}")

    def connect(self, reference: str, container: str, endpoint: Json) -> None:
        """`endpoint` is an EndpointSettings document."""
        document = {"Container": container, "EndpointConfig": endpoint}
        self._session.call("POST", f"/networks/{quote(reference)}/connect", document=document)

    def disconnect(self, reference: str, container: str, *, force: bool = False) -> None:
        document = {"Container": container, "Force": force}
        self._session.call("POST", f"/networks/{quote(reference)}/disconnect", document=document)

    def prune(self, filters: Mapping[str, Iterable[str]] | None = None) -> Json:
        """Return {"NetworksDeleted"}."""
        return self._session.post("/networks/prune", {"filters": query.filters(filters or {})})
