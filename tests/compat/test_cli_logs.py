"""`docker logs` with all its flags, and rotation."""

from __future__ import annotations

import re
import time

from rig.docker import Docker
from rig.eventually import eventually

TEN = "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done"


def test_whole_tail_and_apart(docker: Docker) -> None:
    docker.out("run", "--name", "one", "busybox", "sh", "-c", f"{TEN}; sleep 0.3; echo trouble >&2")
    done = docker("logs", "one")
    assert done.stdout.splitlines() == [f"line {number}" for number in range(1, 11)]
    assert done.stderr == "trouble\n"
    assert docker("logs", "--tail", "3", "one").stdout.splitlines() == ["line 9", "line 10"]
    assert docker("logs", "-n", "0", "one").stdout == ""
    assert len(docker.lines("logs", "--tail", "all", "one")) == 10


def test_timestamps_since_and_until(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "echo early; sleep 1.2; echo late")
    docker.out("wait", "one")
    stamped = docker.lines("logs", "-t", "one")
    stamps = [line.split()[0] for line in stamped]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", stamp) for stamp in stamps)
    assert [line.split()[1] for line in stamped] == ["early", "late"]
    assert docker.lines("logs", "--since", stamps[1], "one") == ["late"]
    assert docker.lines("logs", "--until", stamps[0], "one") in (["early"], [])
    assert docker.lines("logs", "--since", "10m", "one") == ["early", "late"]
    assert docker.lines("logs", "--until", "10m", "one") == []


def test_follow_until_the_end(docker: Docker) -> None:
    script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.15; done"
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", script)
    with docker.popen("logs", "-f", "one") as following:
        shown, _ = following.communicate(timeout=20)
    assert shown.decode().splitlines() == [f"line {number}" for number in range(1, 6)]


def test_follow_from_the_tail(docker: Docker) -> None:
    script = f"{TEN}; sleep 1; echo last"
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", script)
    eventually(lambda: "line 10" in docker.out("logs", "one"))
    with docker.popen("logs", "-f", "--tail", "2", "one") as following:
        shown, _ = following.communicate(timeout=20)
    assert shown.decode().splitlines() == ["line 9", "line 10", "last"]


def test_terminals_logs_are_one_stream(docker: Docker) -> None:
    docker.out("run", "-t", "--name", "one", "busybox", "sh", "-c", "echo one; echo two >&2")
    done = docker("logs", "one")
    assert done.stdout == "one\r\ntwo\r\n"
    assert done.stderr == ""


def test_follow_across_a_restart(docker_newest: Docker) -> None:
    docker = docker_newest
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "echo run; sleep 0.2")
    docker.out("wait", "one")
    docker.out("start", "one")
    docker.out("wait", "one")
    assert docker.lines("logs", "one") == ["run", "run"]


def test_rotation_keeps_the_newest(docker_newest: Docker) -> None:
    docker = docker_newest
    options = ["--log-opt", "max-size=10k", "--log-opt", "max-file=2"]
    docker.out(
        "run",
        "--name",
        "one",
        *options,
        "busybox",
        "sh",
        "-c",
        "for part in 0 1 2; do seq $((part * 1000 + 1)) $((part * 1000 + 1000)); sleep 1; done",
    )
    kept = [int(line) for line in docker.lines("logs", "one")]
    assert kept[-1] == 3000
    assert kept == list(range(kept[0], 3001))
    assert 1 < kept[0] < 2900
    assert docker.inspect("one")["HostConfig"]["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10k", "max-file": "2"},
    }


def test_no_log_driver(docker: Docker) -> None:
    docker.out("run", "--name", "one", "--log-driver", "none", "busybox", "echo", "unheard")
    assert "configured logging driver does not support reading" in docker.fails("logs", "one")


def test_lines_without_an_end_and_very_long_ones(docker: Docker) -> None:
    docker.out("run", "--name", "one", "busybox", "printf", "no end")
    assert docker("logs", "one").stdout == "no end"
    docker.out("run", "--name", "long", "busybox", "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo")
    assert docker("logs", "long").stdout == "x" * 100_000 + "\n"


def test_unknown_container(docker: Docker) -> None:
    assert "No such container: nobody" in docker.fails("logs", "nobody")


def test_following_is_prompt(docker_newest: Docker) -> None:
    docker = docker_newest
    docker.out("run", "-di", "--name", "one", "busybox", "cat")
    with docker.popen("logs", "-f", "one") as following, docker.popen("attach", "one") as typing:
        assert following.stdout is not None
        assert typing.stdin is not None
        time.sleep(0.3)
        for word in (b"first\n", b"second\n"):
            typing.stdin.write(word)
            typing.stdin.flush()
            assert following.stdout.readline() == word
        docker.out("kill", "one")
        assert following.wait(20) == 0
