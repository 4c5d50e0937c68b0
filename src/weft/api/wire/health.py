"""Health checks: Healthcheck in a request and in answers, State.Health (Engine API v1.51 HealthConfig, Health)."""

from msgspec import UNSET, UnsetType

from weft.api.version import Version
from weft.api.wire.shapes import Answer, Integer, Request, Texts, texts
from weft.api.wire.times import rfc3339
from weft.model.errors import InvalidParameter
from weft.model.health import Health, HealthCheck

_START_INTERVAL_SINCE = Version(1, 44)
_SHORTEST = 1_000_000  # nanoseconds
_KINDS = ("", "NONE", "CMD", "CMD-SHELL")


class HealthConfig(Request, frozen=True, kw_only=True):
    """Healthcheck of a request; times in nanoseconds."""

    test: Texts = None
    interval: Integer = None
    timeout: Integer = None
    retries: Integer = None
    start_period: Integer = None
    start_interval: Integer = None


class HealthConfigAnswer(Answer, frozen=True, kw_only=True):
    """Healthcheck of a container or an image."""

    test: tuple[str, ...] | UnsetType = UNSET
    interval: int | UnsetType = UNSET
    timeout: int | UnsetType = UNSET
    start_period: int | UnsetType = UNSET
    start_interval: int | UnsetType = UNSET
    retries: int | UnsetType = UNSET


class ProbeAnswer(Answer, frozen=True, kw_only=True):
    """One of State.Health.Log."""

    start: str
    end: str
    exit_code: int
    output: str


class HealthAnswer(Answer, frozen=True, kw_only=True):
    """State.Health."""

    status: str
    failing_streak: int
    log: list[ProbeAnswer]


def health_check(config: HealthConfig | None, version: Version) -> HealthCheck | None:
    """Return what is asked for; InvalidParameter in Docker's words, and for a kind of test that no engine runs."""
    if config is None:
        return None
    test = texts(config.test)
    if (test[0] if test else "") not in _KINDS:
        raise InvalidParameter(f"unknown Healthcheck type '{test[0]}': use NONE, CMD or CMD-SHELL")
    check = HealthCheck(
        test=test,
        interval=_duration("Interval", config.interval),
        timeout=_duration("Timeout", config.timeout),
        start_period=_duration("StartPeriod", config.start_period),
        start_interval=0 if version < _START_INTERVAL_SINCE else _duration("StartInterval", config.start_interval),
        retries=config.retries or 0,
    )
    if check.retries < 0:
        raise InvalidParameter("Retries in Healthcheck cannot be negative")
    return check


def _duration(name: str, value: int | None) -> int:
    if value and value < _SHORTEST:
        raise InvalidParameter(f"{name} in Healthcheck cannot be less than 1ms")
    return value or 0


def health_config_answer(check: HealthCheck) -> HealthConfigAnswer:
    """Return a check as containers and images show it: what is at its default is left out."""
    return HealthConfigAnswer(
        test=check.test or UNSET,
        interval=check.interval or UNSET,
        timeout=check.timeout or UNSET,
        start_period=check.start_period or UNSET,
        start_interval=check.start_interval or UNSET,
        retries=check.retries or UNSET,
    )


def health_answer(health: Health) -> HealthAnswer:
    """Return State.Health."""
    return HealthAnswer(
        status=health.status.value,
        failing_streak=health.failing_streak,
        log=[
            ProbeAnswer(
                start=rfc3339(result.start), end=rfc3339(result.end), exit_code=result.exit_code, output=result.output
            )
            for result in health.log
        ],
    )
