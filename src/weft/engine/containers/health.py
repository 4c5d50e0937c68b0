"""A container's health: what to run, when, and what a result means (Engine API v1.51 HealthConfig, Health); pure."""

from dataclasses import replace

from weft.model.container import ContainerRecord
from weft.model.health import (
    INTERVAL,
    RETRIES,
    START_INTERVAL,
    START_PERIOD,
    TIMEOUT,
    Health,
    HealthCheck,
    HealthStatus,
    ProbeResult,
)

REMEMBERED = 5  # results
MOST_OUTPUT = 4096  # bytes of a probe's output that are kept
_SHELL = ("/bin/sh", "-c")


def merged(own: HealthCheck | None, image: HealthCheck | None) -> HealthCheck | None:
    """Return a container's check: what the client said, and the image's where it said nothing."""
    if own is None or image is None:
        return own or image
    return HealthCheck(
        test=own.test or image.test,
        interval=own.interval or image.interval,
        timeout=own.timeout or image.timeout,
        start_period=own.start_period or image.start_period,
        start_interval=own.start_interval or image.start_interval,
        retries=own.retries or image.retries,
    )


def active_check(record: ContainerRecord) -> HealthCheck | None:
    """Return the check that runs in a container, None where none does."""
    check = record.spec.health
    return check if check is not None and check.is_active else None


def command(check: HealthCheck, shell: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words to run; `shell` is the image's, () for the usual one."""
    words = check.test[1:]
    return ((shell or _SHELL) + words) if check.test[0] == "CMD-SHELL" else words


def begun(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container whose process was just started: its health is unknown again."""
    if active_check(record) is None:
        return record
    former = record.state.health or Health()
    return _with(record, replace(former, status=HealthStatus.STARTING, failing_streak=0))


def unwatched(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container that is not checked any more: paused or ended, it counts as unhealthy."""
    health = record.state.health
    return record if health is None else _with(record, replace(health, status=HealthStatus.UNHEALTHY))


def judged(record: ContainerRecord, result: ProbeResult) -> ContainerRecord:
    """Return the record after a probe; the caller compares the status. Failures while it starts up do not count."""
    check, health = record.spec.health or HealthCheck(), record.state.health or Health()
    log = (*health.log, result)[-REMEMBERED:]
    if result.exit_code == 0:
        return _with(record, Health(status=HealthStatus.HEALTHY, failing_streak=0, log=log))
    early = result.start - record.state.started < (check.start_period or START_PERIOD)
    if health.status is HealthStatus.STARTING and early:
        return _with(record, replace(health, log=log))
    streak = health.failing_streak + 1
    status = HealthStatus.UNHEALTHY if streak >= (check.retries or RETRIES) else health.status
    return _with(record, Health(status=status, failing_streak=streak, log=log))


def due(record: ContainerRecord) -> int:
    """Return when the next probe is due: an interval after the last one's end, or after the container's start.

    In its start period a container that was not healthy yet has an interval of its own.
    """
    check, health = record.spec.health or HealthCheck(), record.state.health or Health()
    since = max((result.end for result in health.log[-1:]), default=0)
    since = max(since, record.state.started)
    early = since - record.state.started < (check.start_period or START_PERIOD)
    if early and health.status is HealthStatus.STARTING:
        return since + (check.start_interval or START_INTERVAL)
    return since + (check.interval or INTERVAL)


def timeout(check: HealthCheck) -> int:
    """Return the nanoseconds that a probe may take."""
    return check.timeout or TIMEOUT


class Output:
    """A probe's output, as much of it as is kept."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._more = False

    def add(self, data: bytes) -> None:
        """Take what came."""
        room = MOST_OUTPUT - len(self._kept)
        self._kept += data[:room]
        self._more = self._more or len(data) > room

    @property
    def text(self) -> str:
        """Return what is kept, with `...` behind it if there was more."""
        return self._kept.decode(errors="replace") + ("..." if self._more else "")


def duration_text(nanoseconds: int) -> str:
    """Return a duration as Go writes it: 1m30s, 1.5s, 200ms."""
    if nanoseconds < 1_000_000_000:
        return f"{_decimal(nanoseconds, 1_000_000)}ms"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 1_000_000_000)}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else str(whole)


def _with(record: ContainerRecord, health: Health) -> ContainerRecord:
    return replace(record, state=replace(record.state, health=health))
