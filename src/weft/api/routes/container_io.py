"""Containers' streams: attach, logs, resize, wait (Engine API v1.51, Container)."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call, whole_number
from weft.api.declaration import Media, empty, flag, gives, moment, number, takes, text
from weft.api.responses import Unsent, empty_response, encode
from weft.api.routing import Route
from weft.api.streams.batch import Batch
from weft.api.streams.detach import parse_keys
from weft.api.streams.hijack import hijack
from weft.api.streams.response import begin, closing, started
from weft.api.streams.session import Connection, SessionOptions, run_session
from weft.api.streams.stdcopy import MULTIPLEXED, RAW, content_type, header
from weft.api.streams.websocket import upgrade
from weft.api.wire.outcomes import ExitAnswer, ExitError
from weft.api.wire.times import rfc3339_fixed
from weft.engine.containers.log_attributes import attribute_text, log_attributes
from weft.engine.contract.runtime import LogLine, LogQuery
from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, InvalidParameter, NotFound, Unimplemented, WeftError

STREAM = Media(RAW, others=(MULTIPLEXED,))
ATTACH = takes(text("detachKeys"), *(flag(name) for name in ("logs", "stream", "stdin", "stdout", "stderr")))
SIZE = takes(number("h", required=True), number("w", required=True))
_LARGEST_SIDE = 65535
_STREAMS_CHOSEN_SINCE = (1, 42)  # API version; before, a websocket had all streams


class ContainerIoRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._containers = backend.containers

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/containers/{name}"
        return (
            Route(
                "POST",
                f"{one}/attach",
                self.attach,
                ATTACH,
                gives=gives(STREAM, NotFound, Conflict, more={101: STREAM}),
                streams=True,
            ),
            Route(
                "GET",
                f"{one}/attach/ws",
                self.attach_websocket,
                ATTACH,
                gives=gives(STREAM, NotFound, Conflict, more={101: STREAM}),
                streams=True,
            ),
            Route(
                "GET",
                f"{one}/logs",
                self.logs,
                takes(
                    *(flag(name) for name in ("follow", "stdout", "stderr", "timestamps", "details")),
                    moment("since"),
                    moment("until"),
                    text("tail"),
                ),
                gives=gives(STREAM, NotFound, Unimplemented),
                streams=True,
            ),
            Route("POST", f"{one}/resize", self.resize, SIZE, gives=empty(NotFound, Conflict, status=200)),
            Route(
                "POST",
                f"{one}/wait",
                self.wait,
                takes(text("condition", values=tuple(WaitCondition))),
                gives=gives(ExitAnswer, NotFound),
                streams=True,
            ),
        )

    async def attach(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/attach: hijacks the connection."""
        wants = call.flag("stdin"), call.flag("stdout"), call.flag("stderr")
        record, options = self._wanted(call, wants, framed=True)
        kind = content_type(call.version, tty=options.tty)
        return await self._attach(call, record, options, lambda: hijack(call.request, kind))

    async def attach_websocket(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/attach/ws: output comes as it is, the streams mixed."""
        chosen = call.version >= _STREAMS_CHOSEN_SINCE
        wants = [call.flag(name) or not chosen for name in ("stdin", "stdout", "stderr")]
        record, options = self._wanted(call, wants, framed=False)
        return await self._attach(call, record, options, lambda: upgrade(call.request, call.version))

    def _wanted(self, call: Call, wants: Sequence[bool], *, framed: bool) -> tuple[ContainerRecord, SessionOptions]:
        keys = parse_keys(call.text("detachKeys"))
        record = self._containers.find(call.name)
        _check_attachable(record)
        process = record.spec.process
        stdin, stdout, stderr = wants
        return record, SessionOptions(
            tty=process.tty,
            stdin=stdin and process.open_stdin,
            stdout=stdout,
            stderr=stderr,
            half_close=process.stdin_once,
            framed=framed,
            closes_whole=not framed,
            detach_keys=keys,
        )

    async def _attach(
        self,
        call: Call,
        record: ContainerRecord,
        options: SessionOptions,
        take_over: Callable[[], Awaitable[Connection]],
    ) -> web.StreamResponse:
        stdio = await self._containers.attach(record.id) if call.flag("stream") else None
        try:
            connection = await take_over()
            if call.flag("logs"):
                await self._replay(connection, record, options)
        except BaseException:
            if stdio is not None:
                stdio.close()
            raise
        if stdio is None:
            await connection.finish()
        else:
            await run_session(connection, stdio, options)
        return Unsent()

    async def logs(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/logs."""
        query = _log_query(call)
        record = self._containers.find(call.name)
        if record.spec.log.driver == "none":
            raise Unimplemented("configured logging driver does not support reading")
        lines = self._containers.logs(record.id, query)
        tty = record.spec.process.tty
        details = f"{attribute_text(log_attributes(record))} ".encode() if call.flag("details") else b""
        async with started(lines) as pieces:
            response = await begin(call, content_type(call.version, tty=tty))
            async with Batch(response) as batch:
                try:
                    async for line in pieces:
                        await batch.add(_log_frame(call, line, tty, details))
                except WeftError as error:
                    await batch.add(_frame(2, f"Error grabbing logs: {error.message}\n".encode(), tty))
        return response

    async def resize(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/resize."""
        rows, columns = terminal_size(call)
        await self._containers.resize(call.name, rows, columns)
        return empty_response(200)

    async def wait(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/wait: the headers say that the waiter is in place."""
        condition = call.text("condition")
        try:
            wanted = WaitCondition(condition or WaitCondition.NOT_RUNNING)
        except ValueError:
            raise InvalidParameter(f'invalid condition: "{condition}"') from None
        result = await self._containers.wait(call.name, wanted)
        response = await begin(call, "application/json")
        await response.write(_exit(await result))
        return response

    async def _replay(self, connection: Connection, record: ContainerRecord, options: SessionOptions) -> None:
        query = LogQuery(stdout=options.stdout, stderr=options.stderr)
        async with closing(self._containers.logs(record.id, query)) as lines:
            async for line in lines:
                await connection.write((_frame(line.stream, line.data, options.tty or not options.framed),))


def terminal_size(call: Call) -> tuple[int, int]:
    """Return (rows, columns) of the parameters h and w; InvalidParameter if one is missing or no terminal has it."""
    rows, columns = whole_number(call.text("h")), whole_number(call.text("w"))
    if not (0 <= rows <= _LARGEST_SIDE and 0 <= columns <= _LARGEST_SIDE):
        raise InvalidParameter(f"invalid terminal size {columns}x{rows}: each side is from 0 to {_LARGEST_SIDE}")
    return rows, columns


def _check_attachable(record: ContainerRecord) -> None:
    if record.state.status is Status.PAUSED:
        raise Conflict(f"container {record.id} is paused, unpause the container before attach")
    if record.state.status is Status.RESTARTING:
        raise Conflict(f"container {record.id} is restarting, wait until the container is running")


def _log_query(call: Call) -> LogQuery:
    stdout, stderr = call.flag("stdout"), call.flag("stderr")
    if not (stdout or stderr):
        raise InvalidParameter("Bad parameters: you must choose at least one stream")
    tail = call.text("tail", "all")
    return LogQuery(
        stdout=stdout,
        stderr=stderr,
        follow=call.flag("follow"),
        tail=int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 19 else None,
        since=call.time("since"),
        until=call.time("until"),
    )


def _log_frame(call: Call, line: LogLine, tty: bool, details: bytes) -> bytes:
    data = details + line.data
    if call.flag("timestamps"):
        data = rfc3339_fixed(line.time).encode() + b" " + data
    return _frame(line.stream, data, tty)


def _frame(stream: int, data: bytes, tty: bool) -> bytes:
    return data if tty else header(stream, len(data)) + data


def _exit(result: WaitResult) -> bytes:
    error = ExitError(message=result.error) if result.error else None
    return encode(ExitAnswer(status_code=result.exit_code, error=error)) + b"\n"
