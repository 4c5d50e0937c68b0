"""The daemon itself: version, info, events, disk usage."""

from collections.abc import Iterable, Iterator, Mapping

from weft.client import query
from weft.client.session import Json, Session


class System:
    """What the Engine API says of the engine and its host. Every method raises EngineError for a refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def version(self) -> Json:
        return self._session.get_object("/version")

    def info(self) -> Json:
        return self._session.get_object("/info")

    def disk_usage(self) -> Json:
        """Return {"LayersSize", "Images", "Containers", "Volumes", "BuildCache"}."""
        return self._session.get_object("/system/df")

    def login(self, username: str, password: str, server: str) -> str:
        """Try credentials at a registry and return what it said."""
        document = {"username": username, "password": password, "serveraddress": server}
        return str(self._session.post("/auth", None, document).get("Status", ""))

    def events(
        self, *, since: str = "", until: str = "", filters: Mapping[str, Iterable[str]] | None = None
    ) -> Iterator[object]:
        """Yield events as they happen, for ever unless `until`; times are seconds since the epoch with a fraction."""
        parameters = {"since": since, "until": until, "filters": query.filters(filters or {})}
        return self._session.stream_json(self._session.request("GET", "/events", parameters))
