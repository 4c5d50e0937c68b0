"""docker update: limits of a container that runs hold at once, those of one that does not from its next start."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine

ALL = (
    *("-m", "96m", "--memory-swap", "128m", "--memory-reservation", "48m", "--cpu-shares", "256"),
    *("--cpu-period", "50000", "--cpu-quota", "25000", "--cpuset-cpus", "0", "--cpuset-mems", "0"),
    *("--pids-limit", "77"),
)
VERSION_1 = {
    "memory/memory.limit_in_bytes": str(96 << 20),
    "memory/memory.memsw.limit_in_bytes": str(128 << 20),
    "memory/memory.soft_limit_in_bytes": str(48 << 20),
    "cpu/cpu.shares": "256",
    "cpu/cpu.cfs_period_us": "50000",
    "cpu/cpu.cfs_quota_us": "25000",
    "cpuset/cpuset.cpus": "0",
    "cpuset/cpuset.mems": "0",
    "pids/pids.max": "77",
}
VERSION_2 = {
    "memory.max": str(96 << 20),
    "memory.swap.max": str(32 << 20),
    "memory.low": str(48 << 20),
    "cpu.weight": "10",
    "cpu.max": "25000 50000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
    "pids.max": "77",
}
HELD, SHARES, MOST, WEIGHT = (
    (VERSION_2, {"cpu.weight": "20"}, "memory.max", "io.bfq.weight")
    if Path("/sys/fs/cgroup/cgroup.controllers").exists()
    else (VERSION_1, {"cpu/cpu.shares": "512"}, "memory/memory.limit_in_bytes", "blkio/blkio.bfq.weight")
)
RECORDED = {
    "Memory": 96 << 20,
    "MemorySwap": 128 << 20,
    "MemoryReservation": 48 << 20,
    "CpuShares": 256,
    "CpuPeriod": 50000,
    "CpuQuota": 25000,
    "CpusetCpus": "0",
    "CpusetMems": "0",
    "PidsLimit": 77,
}


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def limits(docker: Docker, name: str, *files: str) -> dict[str, str]:
    """What the kernel holds a running container to, as the container sees it."""
    return {file: docker.out("exec", name, "cat", f"/sys/fs/cgroup/{file}") for file in files}


def recorded(docker: Docker, name: str) -> dict[str, Any]:
    """Those of its limits that are in RECORDED."""
    shown = docker.inspect(name)["HostConfig"]
    return {key: shown[key] for key in RECORDED}


def test_a_running_container(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert docker.out("update", *ALL, "one") == "one"
    assert limits(docker, "one", *HELD) == HELD
    assert recorded(docker, "one") == RECORDED
    docker.out("update", "--cpu-shares", "512", "--restart", "unless-stopped", "one")
    assert limits(docker, "one", *HELD) == {**HELD, **SHARES}
    assert docker.inspect("one")["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    docker.out("restart", "-t", "0", "one")
    assert limits(docker, "one", *HELD) == {**HELD, **SHARES}


def test_a_stopped_container_and_several_at_once(docker: Docker) -> None:
    docker.out("create", "--name", "one", "busybox", "top")
    docker.out("run", "-d", "--name", "two", "busybox", "top")
    assert docker.lines("update", *ALL, "one", "two") == ["one", "two"]
    assert recorded(docker, "one") == recorded(docker, "two") == RECORDED
    docker.out("start", "one")
    assert limits(docker, "one", *HELD) == limits(docker, "two", *HELD) == HELD


def test_a_paused_container(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("pause", "one")
    docker.out("update", "-m", "96m", "--memory-swap", "96m", "one")
    docker.out("unpause", "one")
    assert limits(docker, "one", MOST) == {MOST: str(96 << 20)}


def test_the_weight_of_block_devices(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("update", "--blkio-weight", "300", "one")
    if docker.inspect("one")["HostConfig"]["BlkioWeight"]:  # the machine has a scheduler with weights
        assert limits(docker, "one", WEIGHT)[WEIGHT].split()[-1] == "300"


def test_refusals_change_nothing(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-m", "64m", "--memory-swap", "64m", "--cpus", "0.5", "busybox", "top")
    before = docker.inspect("one")["HostConfig"]
    for flags, words in {
        "--cpuset-cpus 0-300": "Requested CPUs are not available",
        "--cpuset-cpus 1-0": "Invalid value 1-0 for cpuset cpus",
        "--cpuset-mems 7": "Requested memory nodes are not available",
        "--blkio-weight 5": "Range of blkio weight is from 10 to 1000",
        "-m 1m": "[Mm]inimum memory limit allowed is 6MB",
        "-m 128m": "already set memoryswap limit",
        "--cpu-quota 50000": "CPU Quota cannot be updated as NanoCPUs",
        "--cpus 1000": "Range of CPUs is from 0.01",
    }.items():
        refusal = docker("update", *flags.split(), "one")
        if "blkio" in flags and "does not support" in refusal.stdout:
            continue  # without weights it is only left out
        assert refusal.returncode == 1, flags
        assert re.search(words, refusal.stderr), (flags, refusal.stderr)
    assert docker.inspect("one")["HostConfig"] == before
    assert "No such container: nobody" in docker.fails("update", "-m", "64m", "nobody")


@pytest.mark.weft_only("of weft's own command")
def test_weft_says_the_same(docker: Docker, engine: Engine) -> None:
    weft = Docker(engine, str(Path(sys.executable).with_name("weft")))
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert weft.out("update", *ALL, "one") == "one"
    assert limits(docker, "one", *HELD) == HELD
    assert recorded(docker, "one") == RECORDED
