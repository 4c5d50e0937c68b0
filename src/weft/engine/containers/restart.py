"""When a container that ended is started again (Engine API v1.51 RestartPolicy); pure."""

from weft.model.container import ContainerState, RestartPolicy

_FIRST_DELAY = 0.1  # seconds
_LONGEST_DELAY = 60.0
_GOOD_RUN = 10_000_000_000  # nanoseconds after which the delay starts afresh


def restarts_after_exit(policy: RestartPolicy, state: ContainerState) -> bool:
    """Whether the policy starts the container again, `state` being that of the exit."""
    if state.manually_stopped:
        return False
    match policy.name:
        case "always" | "unless-stopped":
            return True
        case "on-failure":
            return _is_tried_again(policy, state)
    return False


def _is_tried_again(policy: RestartPolicy, state: ContainerState) -> bool:
    limit = policy.maximum_retry_count
    return state.exit_code != 0 and (limit == 0 or state.restart_count < limit)


def starts_with_daemon(policy: RestartPolicy, state: ContainerState, *, was_running: bool) -> bool:
    """Whether a container is started when the daemon finds it ended at its own start."""
    match policy.name:
        case "always":
            return True
        case "unless-stopped":
            return not state.manually_stopped
        case "on-failure":
            return was_running and _is_tried_again(policy, state)
    return False


def next_delay(previous: float, started: int, finished: int) -> float:
    """Return the seconds to wait: doubled each time up to a minute, afresh after a run of ten seconds."""
    if previous == 0 or finished - started >= _GOOD_RUN:
        return _FIRST_DELAY
    return min(previous * 2, _LONGEST_DELAY)
