"""What a container may use and do: init, limits, capabilities, sysctls, seccomp, masked paths, namespaces."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rig.docker import Docker


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def run(docker: Docker, *arguments: str) -> str:
    """`docker run --rm` of what must succeed; returns its output."""
    return docker.out("run", "--rm", *arguments)


def test_init(docker: Docker) -> None:
    plain = run(docker, "busybox", "cat", "/proc/1/comm")
    assert plain == "cat"
    assert run(docker, "--init", "busybox", "cat", "/proc/1/comm") in ("docker-init", "catatonit", "tini", "weft-init")
    assert docker("run", "--rm", "--init", "busybox", "sh", "-c", "exit 6").returncode == 6


CGROUP = {
    "memory": ("memory/memory.limit_in_bytes", "memory.max"),
    "pids": ("pids/pids.max", "pids.max"),
    "quota": ("cpu/cpu.cfs_quota_us", "cpu.max"),
    "shares": ("cpu/cpu.shares", "cpu.weight"),
}


def limit(docker: Docker, what: str, *flags: str) -> str:
    """What the container sees of one of its limits, with cgroup version 1 or 2."""
    files = " ".join(f"/sys/fs/cgroup/{path}" for path in CGROUP[what])
    return run(docker, *flags, "busybox", "sh", "-c", f"cat {files} 2>/dev/null; true").split()[0]


def test_limits_reach_the_cgroup(docker: Docker) -> None:
    assert limit(docker, "memory", "-m", "64m") == str(64 << 20)
    assert limit(docker, "pids", "--pids-limit", "33") == "33"
    assert limit(docker, "quota", "--cpus", "0.5") == "50000"
    assert limit(docker, "shares", "--cpu-shares", "512") in ("512", "20")


def test_too_much_memory(docker: Docker) -> None:
    docker("run", "--name", "one", "-m", "16m", "busybox", "sh", "-c", "tail /dev/zero")
    state = docker.inspect("one")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)


def test_limits_that_are_refused(docker: Docker) -> None:
    assert re.search("[Mm]inimum memory limit allowed is 6MB", docker.fails("create", "-m", "1m", "busybox"))
    assert re.search("[Rr]ange of CPUs is from 0.01 to", docker.fails("create", "--cpus", "100000", "busybox"))
    assert re.search("[Mm]inimum memoryswap limit should be larger than memory limit", docker.fails(
        "create", "-m", "64m", "--memory-swap", "32m", "busybox"))  # fmt: skip


def test_update_limits(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-m", "64m", "--memory-swap", "64m", "busybox", "top")
    docker.out("update", "-m", "128m", "--memory-swap", "128m", "one")
    files = " ".join(f"/sys/fs/cgroup/{path}" for path in CGROUP["memory"])
    assert docker.out("exec", "one", "sh", "-c", f"cat {files} 2>/dev/null; true").split()[0] == str(128 << 20)
    assert docker.inspect("one")["HostConfig"]["Memory"] == 128 << 20


def test_an_update_is_all_or_nothing(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-m", "64m", "--memory-swap", "64m", "busybox", "top")
    before = docker.inspect("one")["HostConfig"]
    refusal = docker.fails("update", "-m", "128m", "one")
    assert "Memory limit should be smaller than already set memoryswap limit" in refusal
    assert docker.inspect("one")["HostConfig"] == before
    docker.out("update", "--cpus", "0.5", "--pids-limit", "33", "one")
    files = " ".join(f"/sys/fs/cgroup/{path}" for what in ("quota", "pids") for path in CGROUP[what])
    shown = docker.out("exec", "one", "sh", "-c", f"cat {files} 2>/dev/null; true").split()
    assert (shown[0], shown[-1]) == ("50000", "33")
    docker.out("update", "--pids-limit", "-1", "one")
    files = " ".join(f"/sys/fs/cgroup/{path}" for path in CGROUP["pids"])
    assert docker.out("exec", "one", "sh", "-c", f"cat {files} 2>/dev/null; true").split()[0] in ("max", "4194304")


def capabilities(docker: Docker, *flags: str) -> str:
    """The effective set of the first process."""
    return run(docker, *flags, "busybox", "grep", "CapEff", "/proc/self/status").split()[1]


def test_capabilities(docker: Docker) -> None:
    assert capabilities(docker) == "00000000a80425fb"
    assert capabilities(docker, "--cap-drop", "ALL") == "0000000000000000"
    assert capabilities(docker, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN") == "0000000000001000"
    assert capabilities(docker, "--cap-add", "CAP_SYS_ADMIN") == "00000000a82425fb"
    assert capabilities(docker, "-u", "nobody") == "0000000000000000"
    assert re.search(
        "[Ii]nvalid CapAdd|unknown capability|invalid capability",
        docker.fails("create", "--cap-add", "NONSENSE", "busybox"),
    )
    assert docker("run", "--rm", "busybox", "ip", "link", "set", "lo", "down").returncode != 0
    run(docker, "--cap-add", "NET_ADMIN", "busybox", "ip", "link", "set", "lo", "down")


def test_privileged(docker: Docker) -> None:
    """All that the engine itself may have; a machine that keeps some back stops the reference engine here."""
    own = re.search(r"CapBnd:\t([0-9a-f]+)", Path("/proc/self/status").read_text())
    assert own is not None
    done = docker("run", "--rm", "--privileged", "busybox", "grep", "-E", "CapEff|Seccomp:", "/proc/self/status")
    if docker.engine.reference and done.returncode:
        assert "unable to apply caps: operation not permitted" in done.stderr
    else:
        assert done.stdout.split() == ["CapEff:", own[1], "Seccomp:", "0"]


def test_sysctls(docker: Docker) -> None:
    assert run(docker, "--sysctl", "net.ipv4.ip_forward=0", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward") == "0"
    assert run(docker, "--sysctl", "net.core.somaxconn=321", "busybox", "cat", "/proc/sys/net/core/somaxconn") == "321"
    for mode in ("bridge", "none"):
        defaults = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range"
        assert run(docker, "--network", mode, "busybox", *defaults.split()).split() == ["0", "0", "2147483647"]
    assert docker("run", "--rm", "--sysctl", "kernel.panic=1", "busybox").returncode == 125
    assert docker("run", "--rm", "--network", "host", "--sysctl", "net.core.somaxconn=1", "busybox").returncode == 125


def test_ulimits(docker: Docker) -> None:
    assert run(docker, "--ulimit", "nofile=123:456", "busybox", "sh", "-c", "ulimit -n; ulimit -Hn").split() == [
        "123",
        "456",
    ]
    assert "ulimit" in docker.fails("create", "--ulimit", "nofile=9:3", "busybox").lower()


def test_seccomp(docker: Docker) -> None:
    assert run(docker, "busybox", "grep", "Seccomp:", "/proc/self/status").split()[1] == "2"
    flag = "seccomp=unconfined"
    assert run(docker, "--security-opt", flag, "busybox", "grep", "Seccomp:", "/proc/self/status").split()[1] == "0"


def test_no_new_privileges(docker: Docker) -> None:
    shown = run(docker, "--security-opt", "no-new-privileges", "busybox", "grep", "NoNewPrivs", "/proc/self/status")
    assert shown.split()[1] == "1"
    assert docker("create", "--security-opt", "nonsense=1", "busybox").returncode != 0


def test_masked_and_read_only_paths(docker: Docker) -> None:
    assert run(docker, "busybox", "sh", "-c", "cat /proc/kcore | head -c 10 | wc -c") == "0"
    assert docker("run", "--rm", "busybox", "sh", "-c", "echo 1 >/proc/sysrq-trigger").returncode != 0
    script = "cd /sys/fs/cgroup; test -d memory && cd memory; mkdir made"
    assert "Read-only file system" in docker("run", "--rm", "busybox", "sh", "-c", script).stderr
    assert set(run(docker, "busybox", "ls", "/dev").split()) <= {
        "console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
        "tty", "urandom", "zero",
    }  # fmt: skip


def test_namespaces_of_the_host(docker: Docker) -> None:
    assert run(docker, "--pid", "host", "busybox", "cat", "/proc/1/comm") == "catatonit"
    assert run(docker, "--uts", "host", "busybox", "hostname") == docker.engine.host.hostname
    own = run(docker, "busybox", "readlink", "/proc/self/ns/ipc")
    assert run(docker, "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc") != own
    docker.out("run", "-d", "--name", "one", "busybox", "sleep", "4321")
    assert "sleep 4321" in run(docker, "--pid", "container:one", "busybox", "ps")


def test_shared_memory(docker: Docker) -> None:
    assert "size=65536k" in run(docker, "busybox", "sh", "-c", "mount | grep /dev/shm")
    assert "size=8192k" in run(docker, "--shm-size", "8m", "busybox", "sh", "-c", "mount | grep /dev/shm")
