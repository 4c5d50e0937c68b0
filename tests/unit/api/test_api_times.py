"""Times and states in words."""

import pytest

from weft.api.wire.container_list import command_text, status_text
from weft.api.wire.times import human_duration, rfc3339, rfc3339_fixed, rfc3339_seconds
from weft.model.container import ContainerState, Status

S = 1_000_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.9, "Less than a second"), (1.9, "1 second"), (59, "59 seconds"), (60, "About a minute"),
        (120, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"), (5399, "About an hour"), (5400, "2 hours"),
        (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (13 * 86400, "13 days"), (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"), (730 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert human_duration(int(seconds * S)) == text


def test_points_in_time() -> None:
    assert rfc3339(0) == "0001-01-01T00:00:00Z"
    assert rfc3339(1_500_000_000 * S) == "2017-07-14T02:40:00Z"
    assert rfc3339(1_500_000_000 * S + 120) == "2017-07-14T02:40:00.00000012Z"
    assert rfc3339_fixed(1_500_000_000 * S + 120) == "2017-07-14T02:40:00.000000120Z"
    assert rfc3339_seconds(1_500_000_000 * S + 120) == "2017-07-14T02:40:00Z"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ContainerState(), "Created"),
        (ContainerState(status=Status.RUNNING, started=97 * S), "Up 3 seconds"),
        (ContainerState(status=Status.PAUSED, started=97 * S), "Up 3 seconds (Paused)"),
        (ContainerState(status=Status.EXITED, started=S, finished=97 * S, exit_code=1), "Exited (1) 3 seconds ago"),
        (
            ContainerState(status=Status.RESTARTING, started=S, finished=99 * S, exit_code=1),
            "Restarting (1) 1 second ago",
        ),
        (ContainerState(status=Status.REMOVING, started=S), "Removal In Progress"),
        (ContainerState(status=Status.DEAD, started=S), "Dead"),
    ],
)
def test_states(state: ContainerState, text: str) -> None:
    assert status_text(state, 100 * S) == text


def test_commands() -> None:
    assert command_text(()) == ""
    assert command_text(("sh", "-c", "a b")) == "sh -c 'a b'"
