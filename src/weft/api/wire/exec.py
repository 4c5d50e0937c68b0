"""Execs: POST /containers/{id}/exec, POST /exec/{id}/start, GET /exec/{id}/json (Engine API v1.51)."""

import msgspec
from msgspec import field

from weft.api.streams.detach import parse_keys
from weft.api.wire.container_create import console_size
from weft.api.wire.shapes import Answer, Request, Text, Texts, Words, texts, words
from weft.engine.contract.runtime import ExecSpec
from weft.engine.results import ExecState
from weft.model.errors import InvalidParameter


class ExecCreateRequest(Request, frozen=True, kw_only=True):
    """The process to run."""

    attach_stdin: bool | None = None
    attach_stdout: bool | None = None
    attach_stderr: bool | None = None
    console_size: list[int] | None = None
    detach_keys: Text = None
    tty: bool | None = None
    env: Texts = None
    cmd: Words = None
    privileged: bool | None = None
    user: Text = None
    working_dir: Text = None


class ExecStartRequest(Request, frozen=True, kw_only=True):
    """How to connect to it."""

    detach: bool | None = None
    tty: bool | None = None
    console_size: list[int] | None = None


class ExecProcess(Answer, frozen=True, kw_only=True, rename=None):
    """ProcessConfig, the one shape with lower-case names."""

    tty: bool
    entrypoint: str
    arguments: tuple[str, ...]
    privileged: bool
    user: str | msgspec.UnsetType = msgspec.UNSET


class ExecInspect(Answer, frozen=True, kw_only=True):
    """GET /exec/{id}/json."""

    id: str = field(name="ID")
    running: bool
    exit_code: int | None
    process_config: ExecProcess
    open_stdin: bool
    open_stderr: bool
    open_stdout: bool
    can_remove: bool
    container_id: str = field(name="ContainerID")
    detach_keys: str
    pid: int


CREATE = msgspec.json.Decoder(ExecCreateRequest)
START = msgspec.json.Decoder(ExecStartRequest)


def exec_spec(request: ExecCreateRequest) -> ExecSpec:
    """Return the spec; InvalidParameter without a command or with wrong detach keys."""
    argv = words(request.cmd) or ()
    if not argv:
        raise InvalidParameter("No exec command specified")
    parse_keys(request.detach_keys or "")
    return ExecSpec(
        argv=argv,
        env=texts(request.env),
        user=request.user or "",
        working_dir=request.working_dir or "",
        tty=bool(request.tty),
        privileged=bool(request.privileged),
        attach_stdin=bool(request.attach_stdin),
        attach_stdout=bool(request.attach_stdout),
        attach_stderr=bool(request.attach_stderr),
        detach_keys=request.detach_keys or "",
        console_size=console_size(request.console_size),
    )


def exec_inspect(state: ExecState) -> ExecInspect:
    """Return what inspect shows; the codes of detach keys in hexadecimal, as Docker has them."""
    spec = state.spec
    return ExecInspect(
        id=state.id,
        running=state.running,
        exit_code=state.exit_code,
        process_config=ExecProcess(
            tty=spec.tty,
            entrypoint=spec.argv[0],
            arguments=spec.argv[1:],
            privileged=spec.privileged,
            user=spec.user or msgspec.UNSET,
        ),
        open_stdin=spec.attach_stdin,
        open_stderr=spec.attach_stderr,
        open_stdout=spec.attach_stdout,
        can_remove=not state.running and state.exit_code is not None,
        container_id=state.container_id,
        detach_keys=parse_keys(spec.detach_keys).decode("latin-1") if spec.detach_keys else "",
        pid=state.pid,
    )
