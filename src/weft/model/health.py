"""Health checks: what a user or an image asks for, and what has come of it (Engine API v1.51 HealthConfig, Health)."""

from dataclasses import dataclass
from enum import StrEnum

INTERVAL = 30_000_000_000  # nanoseconds; Docker's defaults, as are those below
TIMEOUT = 30_000_000_000
START_PERIOD = 0
START_INTERVAL = 5_000_000_000
RETRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How to check. `test` is empty (inherit), or NONE, CMD and words, or CMD-SHELL and a line.

    Times are nanoseconds; 0 stands for the default, as in `retries`.
    """

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0

    @property
    def is_active(self) -> bool:
        """Whether there is something to run."""
        return self.test[:1] in (("CMD",), ("CMD-SHELL",))


class HealthStatus(StrEnum):
    """What is known of a container that has a check (Engine API Health.Status)."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One run of a check; times in nanoseconds since the epoch. `exit_code` -1: it timed out, or could not be run."""

    start: int
    end: int
    exit_code: int
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Where a container stands; `log` has the last results, oldest first."""

    status: HealthStatus = HealthStatus.STARTING
    failing_streak: int = 0
    log: tuple[ProbeResult, ...] = ()
