"""A container's states and the ways between them; pure."""

from dataclasses import replace

from weft.engine.containers import health
from weft.engine.contract.runtime import Exit
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, NotModified

CODE_NOT_FOUND = 127
CODE_NOT_EXECUTABLE = 126
_CODE_NOT_STARTED = 128


def check_startable(record: ContainerRecord) -> None:
    """Raise if the container cannot be started in its state."""
    match record.state.status:
        case Status.PAUSED:
            raise Conflict("cannot start a paused container, try unpause instead")
        case Status.RUNNING:
            raise NotModified(f"container {record.id} is already running")
        case Status.REMOVING | Status.DEAD:
            raise Conflict("container is marked for removal and cannot be started")


def check_running(record: ContainerRecord) -> None:
    """Raise if the container has no process."""
    if not record.state.is_running:
        raise Conflict(f"container {record.id} is not running")


def running(record: ContainerRecord, pid: int, now: int) -> ContainerRecord:
    """Return the record of a container whose process was started."""
    state = replace(
        record.state,
        status=Status.RUNNING,
        pid=pid,
        exit_code=0,
        oom_killed=False,
        error="",
        started=now,
        manually_stopped=False,
        committing=False,
    )
    return health.begun(replace(record, state=state))


def exited(record: ContainerRecord, exit: Exit) -> ContainerRecord:
    """Return the record of a container whose process has ended."""
    state = replace(
        record.state,
        status=Status.EXITED,
        pid=0,
        exit_code=exit.code,
        oom_killed=exit.oom_killed,
        finished=exit.finished,
        committing=False,
    )
    return health.unwatched(replace(record, state=state))


def not_started(record: ContainerRecord, message: str) -> ContainerRecord:
    """Return the record of a container whose start failed: it stays created (or exited), with the reason."""
    status = Status.CREATED if record.state.started == 0 else Status.EXITED
    state = replace(record.state, status=status, pid=0, exit_code=start_failure_code(message), error=message)
    return replace(record, state=state)


def start_failure_code(message: str) -> int:
    """Return the exit code that Docker gives a failed start: 127 not found, 126 not executable, else 128."""
    lowered = message.lower()
    if "executable file not found" in lowered or "no such file or directory" in lowered:
        return CODE_NOT_FOUND
    if "permission denied" in lowered or "is a directory" in lowered or "exec format error" in lowered:
        return CODE_NOT_EXECUTABLE
    return _CODE_NOT_STARTED


def paused(record: ContainerRecord, *, committing: bool) -> ContainerRecord:
    """Return the record of a container whose processes were frozen, for a commit alone or by a user."""
    return replace(record, state=replace(record.state, status=Status.PAUSED, committing=committing))


def unpaused(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container whose processes go on."""
    return replace(record, state=replace(record.state, status=Status.RUNNING, committing=False))


def with_status(record: ContainerRecord, status: Status) -> ContainerRecord:
    """Return the record with another status."""
    return replace(record, state=replace(record.state, status=status))


def stopped_by_user(record: ContainerRecord) -> ContainerRecord:
    """Return the record with its restart policy silenced until the next start."""
    return replace(record, state=replace(record.state, manually_stopped=True))


def given_up(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container that is not tried again after all."""
    return with_status(record, Status.EXITED)


def restarting(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container that waits for its next try."""
    state = replace(record.state, status=Status.RESTARTING, restart_count=record.state.restart_count + 1)
    return replace(record, state=state)
