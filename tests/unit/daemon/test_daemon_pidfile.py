"""One daemon a pid file."""

import os
import subprocess
from pathlib import Path

import pytest

from weft.daemon.pidfile import PidFile
from weft.model.errors import Conflict, SystemFailure


def test_a_file_is_taken_and_released(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "weft.pid"
    pidfile = PidFile(str(path))
    pidfile.take()
    assert path.read_text() == f"{os.getpid()}\n"
    pidfile.take()
    assert [entry.name for entry in path.parent.iterdir()] == ["weft.pid"]
    pidfile.release()
    pidfile.release()
    assert not path.exists()


def test_a_living_daemons_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "weft.pid"
    with subprocess.Popen(["sleep", "60"]) as other:
        path.write_text(str(other.pid))
        with pytest.raises(Conflict) as caught:
            PidFile(str(path)).take()
        PidFile(str(path)).release()
        assert path.read_text() == str(other.pid)
        other.kill()
    assert caught.value.message == (
        f"failed to start daemon, ensure weftd is not running or delete {path}: "
        f"process with PID {other.pid} is still running"
    )
    PidFile(str(path)).take()
    assert path.read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("text", ["", "nonsense", "-5", "0", "12 34"])
def test_a_file_that_names_nobody_is_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weft.pid"
    path.write_text(text)
    PidFile(str(path)).take()
    assert path.read_text() == f"{os.getpid()}\n"


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFailure, match="the pid file"):
        PidFile(str(tmp_path / "file" / "weft.pid")).take()


def test_a_process_that_ended_and_was_not_waited_for_counts_as_dead(tmp_path: Path) -> None:
    path = tmp_path / "weft.pid"
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        path.write_text(str(ended.pid))
        PidFile(str(path)).take()
    assert path.read_text() == f"{os.getpid()}\n"
