"""Containers and execs of the Engine API. References are names, ids or id prefixes."""

from collections.abc import Iterable, Iterator, Mapping

from weft.client import query
from weft.client.connection import Connection, Response
from weft.client.query import quote
from weft.client.session import Json, JsonList, Session, as_object

Filters = Mapping[str, Iterable[str]]


class Containers:
    """`/containers`. Every method raises EngineError for the daemon's refusal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(
        self, *, all: bool = False, limit: int = 0, size: bool = False, filters: Filters | None = None
    ) -> JsonList:
        """Return the summaries, newest first; `limit` 0 is none."""
        parameters = {"all": all, "limit": limit or None, "size": size, "filters": query.filters(filters or {})}
        return self._session.get_list("/containers/json", parameters)

    def inspect(self, reference: str, *, size: bool = False) -> Json:
        return as_object(self.inspect_raw(reference, size=size))

    def inspect_raw(self, reference: str, *, size: bool = False) -> bytes:
        """Return the JSON text as the daemon sent it."""
        return self._session.call("GET", f"/containers/{quote(reference)}/json", {"size": size})

    def create(self, document: Json, *, name: str = "", platform: str = "") -> Json:
        """Return {"Id", "Warnings"}."""
        return self._session.post("/containers/create", {"name": name, "platform": platform}, document)

    def start(self, reference: str) -> None:
        self._act(reference, "start")

    def stop(self, reference: str, *, signal: str = "", timeout: int | None = None) -> None:
        """`timeout` in seconds; None leaves it to the container's own."""
        self._act(reference, "stop", {"signal": signal, "t": timeout})

    def restart(self, reference: str, *, signal: str = "", timeout: int | None = None) -> None:
        self._act(reference, "restart", {"signal": signal, "t": timeout})

    def kill(self, reference: str, *, signal: str = "") -> None:
        self._act(reference, "kill", {"signal": signal})

    def pause(self, reference: str) -> None:
        self._act(reference, "pause")

    def unpause(self, reference: str) -> None:
        self._act(reference, "unpause")

    def rename(self, reference: str, name: str) -> None:
        self._act(reference, "rename", {"name": name})

    def resize(self, reference: str, *, rows: int, columns: int) -> None:
        self._act(reference, "resize", {"h": rows, "w": columns})

    def remove(self, reference: str, *, force: bool = False, volumes: bool = False, link: bool = False) -> None:
        parameters = {"force": force, "v": volumes, "link": link}
        self._session.call("DELETE", f"/containers/{quote(reference)}", parameters)

    def wait(self, reference: str, *, condition: str = "") -> Response:
        """Register a waiter: when this returns the daemon has it; the body (see `exit_code`) comes with the exit."""
        return self._session.request("POST", f"/containers/{quote(reference)}/wait", {"condition": condition})

    def top(self, reference: str, arguments: Iterable[str] = ()) -> Json:
        """Return {"Titles", "Processes"}."""
        return self._session.get_object(f"/containers/{quote(reference)}/top", {"ps_args": " ".join(arguments)})

    def stats(self, reference: str) -> Json:
        """Return what a container uses now; its precpu_stats are empty."""
        path = f"/containers/{quote(reference)}/stats"
        return self._session.get_object(path, {"stream": "0", "one-shot": True})

    def logs(
        self,
        reference: str,
        *,
        follow: bool = False,
        since: str = "",
        until: str = "",
        timestamps: bool = False,
        tail: str = "",
        details: bool = False,
    ) -> Iterator[bytes]:
        """Return the log's bytes, framed unless the container has a terminal (see weft.client.streams)."""
        parameters: query.Parameters = {
            "stdout": True,
            "stderr": True,
            "follow": follow,
            "since": since,
            "until": until,
            "timestamps": timestamps,
            "tail": tail,
            "details": details,
        }
        response = self._session.request("GET", f"/containers/{quote(reference)}/logs", parameters)
        return self._session.stream(response)

    def attach(self, reference: str, *, stdin: bool, stdout: bool, stderr: bool, detach_keys: str = "") -> Connection:
        """Return the raw stream of a container's standard streams."""
        parameters: query.Parameters = {
            "stream": True,
            "stdin": stdin,
            "stdout": stdout,
            "stderr": stderr,
            "detachKeys": detach_keys,
        }
        return self._session.hijack(f"/containers/{quote(reference)}/attach", parameters)

    def update(self, reference: str, document: Json) -> Json:
        """Change limits and the restart policy; return {"Warnings"}."""
        return self._session.post(f"/containers/{quote(reference)}/update", None, document)

    def publish(self, reference: str, bindings: Json) -> Json:
        """Publish further ports, `bindings` being PortBindings; return {"Ports", "Warnings"}. Weft alone has it."""
        return self._session.post(f"/containers/{quote(reference)}/publish", None, {"PortBindings": bindings})

    def unpublish(self, reference: str, bindings: Json) -> Json:
        """Withdraw ports; a binding without HostPort stands for all of its port. Return {"Ports", "Warnings"}."""
        return self._session.post(f"/containers/{quote(reference)}/unpublish", None, {"PortBindings": bindings})

    def prune(self, filters: Filters | None = None) -> Json:
        """Return {"ContainersDeleted", "SpaceReclaimed"}."""
        return self._session.post("/containers/prune", {"filters": query.filters(filters or {})})

    def _act(self, reference: str, verb: str, parameters: query.Parameters | None = None) -> None:
        self._session.call("POST", f"/containers/{quote(reference)}/{verb}", parameters)


class Execs:
    """`/exec`: processes in running containers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, container: str, document: Json) -> str:
        """Return the new exec's id."""
        return str(self._session.post(f"/containers/{quote(container)}/exec", None, document).get("Id", ""))

    def start(self, exec_id: str, *, tty: bool, console_size: tuple[int, int] | None = None) -> None:
        """Run it in the background."""
        document = _start_document(detach=True, tty=tty, console_size=console_size)
        self._session.call("POST", f"/exec/{quote(exec_id)}/start", document=document)

    def attach(self, exec_id: str, *, tty: bool, console_size: tuple[int, int] | None = None) -> Connection:
        """Run it and return its raw stream; `console_size` is (rows, columns)."""
        document = _start_document(detach=False, tty=tty, console_size=console_size)
        return self._session.hijack(f"/exec/{quote(exec_id)}/start", None, document)

    def resize(self, exec_id: str, *, rows: int, columns: int) -> None:
        self._session.call("POST", f"/exec/{quote(exec_id)}/resize", {"h": rows, "w": columns})

    def inspect(self, exec_id: str) -> Json:
        return self._session.get_object(f"/exec/{quote(exec_id)}/json")


def _start_document(*, detach: bool, tty: bool, console_size: tuple[int, int] | None) -> Json:
    document: Json = {"Detach": detach, "Tty": tty}
    if console_size is not None:
        document["ConsoleSize"] = list(console_size)
    return document


def exit_code(response: Response) -> tuple[int, str]:
    """Read a wait's answer and close its connection; return (exit status, error text or "")."""
    try:
        document = as_object(response.read())
    finally:
        response.close()
    error = document.get("Error")
    message = error.get("Message") if isinstance(error, dict) else ""
    code = document.get("StatusCode")
    return (code if isinstance(code, int) else 125), str(message or "")
