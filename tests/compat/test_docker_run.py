"""`docker run` and `docker exec`: terminals, pipes, exit statuses."""

from __future__ import annotations

import hashlib
import os
import re
import time

import pytest

from rig.docker import Docker
from rig.eventually import eventually
from rig.terminal import CTRL_C, CTRL_D, CTRL_P_CTRL_Q, Terminal


def _grown(screen: Terminal) -> bool:
    screen.resize(40, 100)  # a signal that comes before the CLI listens for it is lost
    return bool(screen.expect(r"\n40 100\r\n", timeout=2))


def test_run_on_a_terminal(docker: Docker) -> None:
    with docker.terminal("run", "-it", "--rm", "--name", "shell", "busybox", rows=31, columns=97) as screen:
        screen.expect(r"/ # ")
        screen.line("stty size; tty; echo $TERM")
        screen.expect(r"31 97\r\n/dev/pts/0\r\nxterm\r\n")
        screen.line('until [ "$(stty size)" = "40 100" ]; do sleep 0.1; done; stty size')
        eventually(lambda: _grown(screen), timeout=30)
        screen.line("echo $((6 * 7)); sleep 100")
        screen.expect(r"42\r\n")
        time.sleep(0.2)  # the shell hands the terminal to `sleep` after the echo
        screen.type(CTRL_C)
        screen.expect(r"/ # ")
        screen.line("exit 5")
        assert screen.wait() == 5
    assert eventually(lambda: docker.out("ps", "-aq") == "")


def test_detach_from_run_and_attach_again(docker: Docker) -> None:
    with docker.terminal("run", "-it", "--name", "shell", "busybox") as screen:
        screen.expect(r"/ # ")
        screen.line("name=kept")
        screen.expect(r"/ # ")
        screen.type(CTRL_P_CTRL_Q)
        assert screen.wait() == 0
    assert docker.out("inspect", "-f", "{{.State.Running}}", "shell") == "true"
    with docker.terminal("attach", "shell") as screen:
        screen.line("echo still-$name")
        screen.expect(r"still-kept\r\n/ # ")  # a key typed before the prompt may be lost to the shell
        screen.type(CTRL_D)
        assert screen.wait() == 0


def test_own_detach_keys(docker: Docker) -> None:
    with docker.terminal("run", "-it", "--name", "shell", "--detach-keys", "ctrl-a,x", "busybox") as screen:
        screen.expect(r"/ # ")
        screen.type(CTRL_P_CTRL_Q)
        screen.line("echo $((1 + 1))here")
        screen.expect(r"2here")
        screen.type("\x01x")
        assert screen.wait() == 0
    assert docker.inspect("shell")["State"]["Running"]


def test_exec_on_a_terminal(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    with docker.terminal(
        "exec", "-it", "-e", "GREETING=hello", "-w", "/etc", "one", "sh", rows=33, columns=99
    ) as screen:
        screen.expect(r"/etc # ")
        screen.line("sleep 0.2; stty size; echo $GREETING")
        screen.expect(r"33 99\r\nhello")
        screen.line("exit 7")
        assert screen.wait() == 7


def test_exec_statuses_users_and_streams(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert docker("exec", "one", "false").returncode == 1
    assert docker("exec", "one", "sh", "-c", "exit 42").returncode == 42
    done = docker("exec", "one", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert docker.out("exec", "-i", "one", "cat", stdin="piped\n") == "piped"
    assert docker.out("exec", "-u", "nobody", "one", "id", "-un") == "nobody"
    assert docker.out("exec", "-u", "1234:50", "one", "id") == "uid=1234 gid=50(staff) groups=50(staff)"
    assert docker.out("exec", "-d", "one", "touch", "/made") == ""
    assert eventually(lambda: docker("exec", "one", "test", "-e", "/made").returncode == 0)
    assert docker("exec", "one", "no-such-program").returncode in (126, 127)
    for program, code in (("no-such-program", 127), ("/etc/passwd", 126)):
        identity = docker.engine.api.need("POST", "/containers/one/exec", {"Cmd": [program]})["Id"]
        assert docker.engine.api.post(f"/exec/{identity}/start", {"Detach": True}).status >= 400
        told = docker.engine.api.need("GET", f"/exec/{identity}/json")["ExitCode"]
        assert told == (126 if docker.engine.reference else code)  # 20.10 has one code for both
    docker.out("stop", "-t", "0", "one")
    assert re.search(
        r"Container [0-9a-f]{64} is not running|container [0-9a-f]{64} is not running",
        docker.fails("exec", "one", "true"),
    )


@pytest.mark.parametrize(
    ("command", "status", "text"),
    [
        (["no-such-program"], 127, "executable file not found in $PATH"),
        (["/no/such/program"], 127, "no such file or directory"),
        (["/etc"], 126, "permission denied|is a directory"),
        (["/etc/passwd"], 126, "permission denied"),
        (["sh", "-c", "exit 3"], 3, ""),
        (["sh", "-c", "kill -9 $$; sleep 1"], 0, ""),
    ],
    ids=["not-found", "no-file", "directory", "not-executable", "own-status", "first-process-is-immune"],
)
def test_exit_statuses(docker: Docker, command: list[str], status: int, text: str) -> None:
    done = docker("run", "--rm", "busybox", *command)
    assert done.returncode == status, done.stderr
    assert any(word in done.stderr for word in text.replace("$PATH", "").split("|"))


def test_the_engines_own_failures_are_125(docker: Docker) -> None:
    assert docker("run", "--rm", "--network", "no-such-net", "busybox", "true").returncode == 125
    done = docker("run", "--rm", "no-such-image:nowhere", "true")
    assert done.returncode == 125
    assert "Unable to find image 'no-such-image:nowhere' locally" in done.stderr
    assert docker("run", "--no-such-flag", "busybox").returncode == 125
    assert docker.out("ps", "-aq", "--filter", "status=running") == ""


def test_killed_and_stopped_statuses(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
    docker.out("stop", "one")
    assert docker.inspect("one")["State"]["ExitCode"] == 9
    docker.out("run", "-d", "--name", "two", "busybox", "top")
    docker.out("kill", "two")
    assert docker.out("wait", "two") == "137"
    assert docker.inspect("two")["State"]["ExitCode"] == 137


def test_stdin_pipe(docker: Docker) -> None:
    assert docker.shell("echo hi | docker run --rm -i busybox cat").stdout == "hi\n"
    assert docker.out("run", "--rm", "-i", "busybox", "wc", "-c", stdin="x" * 100_000) == "100000"
    assert docker.out("run", "--rm", "busybox", "cat", stdin="not attached") == ""


def test_half_close_keeps_the_output_open(docker: Docker) -> None:
    """The program goes on writing after its input ended."""
    script = "cat >/dev/null; sleep 0.3; echo after the end; exit 4"
    done = docker("run", "--rm", "-i", "busybox", "sh", "-c", script, stdin="something\n")
    assert (done.returncode, done.stdout) == (4, "after the end\n")


def test_five_megabytes_come_back_unchanged(docker: Docker) -> None:
    sent = os.urandom(5 * 1024 * 1024)
    done = docker.raw("run", "--rm", "-i", "busybox", "cat", stdin=sent)
    assert done.returncode == 0
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(sent).digest()


def test_streams_stay_apart(docker: Docker) -> None:
    done = docker("run", "--rm", "busybox", "sh", "-c", "echo one; echo two >&2; echo three")
    assert (done.stdout, done.stderr) == ("one\nthree\n", "two\n")
    assert docker.shell("docker run --rm -a stderr busybox sh -c 'echo one; echo two >&2'").stdout == ""


def test_run_rm_leaves_nothing(docker: Docker) -> None:
    assert docker("run", "--rm", "--name", "gone", "-v", "/anonymous", "busybox", "false").returncode == 1
    assert eventually(lambda: docker.out("ps", "-aq") == "")
    assert eventually(lambda: docker.out("volume", "ls", "-q") == "")


def test_fast_exits_are_never_lost(docker: Docker) -> None:
    for status in range(5):
        assert docker("run", "--rm", "busybox", "sh", "-c", f"exit {status}").returncode == status


def test_process_settings(docker: Docker) -> None:
    assert docker.out("run", "--rm", "--hostname", "box", "--domainname", "lab", "busybox", "hostname") == "box"
    assert docker.out("run", "--rm", "-w", "/usr/new", "busybox", "pwd") == "/usr/new"
    assert docker.out("run", "--rm", "-u", "nobody", "busybox", "id", "-u") == "65534"
    assert docker.out("run", "--rm", "-u", "100:staff", "--group-add", "7", "busybox", "id") == (
        "uid=100 gid=50(staff) groups=7,50(staff)"
    )
    assert (
        docker.out("run", "--rm", "-e", "A=b c", "-e", "EMPTY=", "busybox", "sh", "-c", "echo [$A][$EMPTY]")
        == "[b c][]"
    )
    assert docker.out("run", "--rm", "--entrypoint", "echo", "busybox", "a", "b") == "a b"
    assert docker.out("run", "--rm", "busybox", "sh", "-c", "echo $HOME") == "/root"
    assert re.fullmatch("[0-9a-f]{12}", docker.out("run", "--rm", "busybox", "sh", "-c", "echo $HOSTNAME"))
    assert "not found" in docker.fails("run", "--rm", "-u", "nosuchuser", "busybox", "true").replace(
        "unable to find", "not found"
    )
