"""`docker logs` with all its flags, and rotation."""

from __future__ import annotations

import re
import time

import pytest

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


def test_details_of_every_line(docker_newest: Docker) -> None:
    docker = docker_newest
    wanted = ("labels=team", "labels-regex=^com", "env=A", "env-regex=^X", "tag={{.Name}}/{{.ImageName}}")
    options = [f"--log-opt={option}" for option in wanted]
    given = ["-l", "team=b lue", "-l", "com.a=1", "-l", "other=2", "-e", "A=a", "-e", "XY=x", "-e", "B=b"]
    docker.out("run", "--name", "one", *options, *given, "busybox", "echo", "said")
    shown = docker.out("logs", "--details", "one")
    assert shown == "A=a,XY=x,com.a=1,tag=one%2Fbusybox,team=b+lue said"
    stamped = docker.out("logs", "--details", "-t", "one")
    assert re.fullmatch(r"\S+Z A=a,\S+ said", stamped)
    assert docker.out("logs", "one") == "said"


def test_compressed_files(docker_newest: Docker) -> None:
    docker = docker_newest
    options = [f"--log-opt={option}" for option in ("max-size=10k", "max-file=3", "compress=true")]
    script = "for part in 0 1 2; do seq $((part * 1000 + 1)) $((part * 1000 + 1000)); sleep 1; done"
    docker.out("run", "--name", "one", *options, "busybox", "sh", "-c", script)
    kept = [int(line) for line in docker.lines("logs", "one")]
    assert kept == list(range(kept[0], 3001))
    if not docker.engine.reference:
        directory = docker.engine.data_root / "containers" / docker.inspect("one")["Id"]
        eventually(lambda: len(list(directory.glob("container.log.*.gz"))) == 2)
        assert [int(line) for line in docker.lines("logs", "one")] == kept


def test_the_local_driver(docker: Docker) -> None:
    docker.out("run", "--name", "one", "--log-driver", "local", "--log-opt", "max-size=1m", "busybox", "echo", "heard")
    assert docker.out("logs", "one") == "heard"
    assert docker.inspect("one")["HostConfig"]["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m"}}


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        ("--log-driver nonsense", 'error looking up logging plugin nonsense: plugin "nonsense" not found'),
        ("--log-opt nonsense=1", "unknown log opt 'nonsense' for json-file log driver"),
        ("--log-driver local --log-opt tag=x", "unknown log opt 'tag' for log driver local"),
        ("--log-opt mode=x", "logger: logging mode not supported: x"),
        ("--log-opt max-buffer-size=1m", "logger: max-buffer-size option is only supported with 'mode=non-blocking'"),
    ],
)
def test_wrong_options(docker_newest: Docker, flags: str, refusal: str) -> None:
    assert refusal in docker_newest.fails("create", *flags.split(), "busybox")


@pytest.mark.weft_only("what Docker has")
@pytest.mark.parametrize("driver", ["syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs"])
def test_drivers_that_are_not_there(docker_newest: Docker, driver: str) -> None:
    refusal = docker_newest.fails("create", "--log-driver", driver, "busybox")
    assert f'error looking up logging plugin {driver}: plugin "{driver}" not found' in refusal


@pytest.mark.weft_only("what Docker has")
def test_lines_are_never_dropped(docker_newest: Docker) -> None:
    refusal = docker_newest.fails("create", "--log-opt", "mode=non-blocking", "busybox")
    assert "log opt 'mode=non-blocking' is not supported" in refusal


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
