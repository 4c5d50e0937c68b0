"""What `wait` waits for and what it answers."""

from dataclasses import dataclass
from enum import StrEnum


class WaitCondition(StrEnum):
    """Engine API ContainerWait `condition`."""

    NOT_RUNNING = "not-running"
    NEXT_EXIT = "next-exit"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class WaitResult:
    """The exit code, and an error text where the container could not be run or removed."""

    exit_code: int
    error: str = ""
