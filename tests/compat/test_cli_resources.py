"""What a container may take of the machine: processors, memory, block devices, devices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rig.docker import Docker

UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers").exists()
ZERO = "head -c 4 /dev/mine | wc -c"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def run(docker: Docker, *arguments: str) -> str:
    """`docker run --rm` of what must succeed; returns its output."""
    return docker.out("run", "--rm", *arguments)


def limit(docker: Docker, one: str, two: str, *flags: str) -> str:
    """What the container's cgroup says of a limit, in the file of version 1 or of version 2."""
    return run(docker, *flags, "busybox", "cat", f"/sys/fs/cgroup/{two if UNIFIED else one}")


def test_processors_and_memory_nodes(docker: Docker) -> None:
    allowed = ("busybox", "grep", "Cpus_allowed_list", "/proc/self/status")
    assert run(docker, "--cpuset-cpus", "1", *allowed).split()[1] == "1"
    assert limit(docker, "cpuset/cpuset.mems", "cpuset.mems", "--cpuset-mems", "0") == "0"
    docker.out("create", "--name", "one", "--cpuset-cpus", "0,1", "--cpuset-mems", "0", "busybox")
    shown = docker.inspect("one")["HostConfig"]
    assert (shown["CpusetCpus"], shown["CpusetMems"]) == ("0,1", "0")


def test_processors_that_are_not_there(docker: Docker) -> None:
    refusal = docker.fails("create", "--cpuset-cpus", "0-300", "busybox")
    assert re.search(r"[Rr]equested CPUs are not available - requested 0-300, available: 0-\d+", refusal)
    refusal = docker.fails("create", "--cpuset-mems", "7", "busybox")
    assert re.search(r"[Rr]equested memory nodes are not available - requested 7, available: 0", refusal)
    assert re.search("[Ii]nvalid value 1- for cpuset cpus", docker.fails("create", "--cpuset-cpus", "1-", "busybox"))


def test_shares_and_quota(docker: Docker) -> None:
    assert limit(docker, "cpu/cpu.cfs_period_us", "cpu.max", "--cpu-period", "50000").split()[-1] == "50000"
    quota = limit(docker, "cpu/cpu.cfs_quota_us", "cpu.max", "--cpu-period", "50000", "--cpu-quota", "25000")
    assert quota.split()[0] == "25000"


def test_soft_limit_and_swappiness(docker: Docker) -> None:
    soft = limit(docker, "memory/memory.soft_limit_in_bytes", "memory.low", "--memory-reservation", "32m")
    assert soft == str(32 << 20)
    file = "/sys/fs/cgroup/memory/memory.swappiness"
    done = docker("run", "--rm", "--memory-swappiness", "7", "busybox", "cat", file)
    if UNIFIED:
        assert "Memory swappiness discarded." in done.stderr
    else:
        assert done.stdout.strip() == "7"


def test_without_the_oom_killer(docker: Docker) -> None:
    docker.out("create", "--name", "one", "-m", "32m", "--oom-kill-disable", "busybox", "top")
    done = docker("start", "one")
    assert done.returncode == 0
    if not UNIFIED:
        assert docker.inspect("one")["HostConfig"]["OomKillDisable"] is True
        shown = docker.out("exec", "one", "cat", "/sys/fs/cgroup/memory/memory.oom_control")
        assert "oom_kill_disable 1" in shown
    done = docker("create", "--oom-kill-disable", "busybox")
    wanted = "OomKillDisable discarded" if UNIFIED else "OOM killer is disabled for the container, but no memory limit"
    assert wanted in done.stderr


def test_place_before_the_oom_killer(docker: Docker) -> None:
    assert run(docker, "--oom-score-adj", "77", "busybox", "cat", "/proc/self/oom_score_adj") == "77"
    docker.out("create", "--name", "one", "--oom-score-adj", "66", "busybox")
    assert docker.inspect("one")["HostConfig"]["OomScoreAdj"] == 66


def test_throttled_block_devices(docker: Docker) -> None:
    """This machine's own disk, which is not used: only the limit is read."""
    disk = next(f"/dev/{path.name}" for path in sorted(Path("/sys/block").iterdir()) if (path / "device").exists())
    flags = [f"--device-read-bps={disk}:1mb", f"--device-write-iops={disk}:99"]
    if UNIFIED:
        shown = run(docker, *flags, "busybox", "cat", "/sys/fs/cgroup/io.max")
        assert "rbps=1048576" in shown
        assert "wiops=99" in shown
    else:
        files = [f"/sys/fs/cgroup/blkio/blkio.throttle.{name}_device" for name in ("read_bps", "write_iops")]
        shown = run(docker, *flags, "busybox", "grep", "", *files)
        assert re.findall(r"([a-z_]+)_device:\d+:\d+ (\d+)", shown) == [("read_bps", "1048576"), ("write_iops", "99")]
    docker.out("create", "--name", "one", *flags, "busybox")
    host = docker.inspect("one")["HostConfig"]
    assert host["BlkioDeviceReadBps"] == [{"Path": disk, "Rate": 1 << 20}]
    assert host["BlkioDeviceWriteIOps"] == [{"Path": disk, "Rate": 99}]


def test_weights_of_block_devices(docker: Docker) -> None:
    """The kernel of the tests has no weights in cgroup version 1: Docker's warning."""
    done = docker("create", "--name", "one", "--blkio-weight", "300", "busybox")
    weight = docker.inspect("one")["HostConfig"]["BlkioWeight"]
    if weight:
        assert weight == 300
    else:
        assert re.search("does not support [Bb]lock I/O weight or the cgroup is not mounted", done.stderr)


@pytest.mark.weft_only("20.10 still sets it, where the kernel takes it")
def test_kernel_memory_is_discarded_with_a_warning(docker: Docker) -> None:
    """Newer clients do not send it any more."""
    body = {"Image": "busybox", "HostConfig": {"KernelMemory": 64 << 20}}
    (warning,) = docker.engine.api.need("POST", "/containers/create", body)["Warnings"]
    assert "does not support kernel memory limit capabilities" in warning


def test_a_device(docker: Docker) -> None:
    assert run(docker, "--device", "/dev/zero:/dev/mine", "busybox", "sh", "-c", ZERO) == "4"
    assert run(docker, "--device", "/dev/zero:/dev/mine:r", "busybox", "sh", "-c", ZERO) == "4"
    done = docker("run", "--rm", "--device", "/dev/fuse:/dev/mine:r", "busybox", "sh", "-c", ": >/dev/mine")
    assert "Operation not permitted" in done.stderr
    done = docker("run", "--rm", "--device", "/dev/nonsense", "busybox")
    assert 'error gathering device information while adding custom device "/dev/nonsense"' in done.stderr
    assert "no such file or directory" in done.stderr
    docker.out("create", "--name", "one", "--device", "/dev/zero:/dev/mine:rm", "busybox")
    assert docker.inspect("one")["HostConfig"]["Devices"] == [
        {"PathOnHost": "/dev/zero", "PathInContainer": "/dev/mine", "CgroupPermissions": "rm"}
    ]


def test_a_directory_of_devices(docker: Docker) -> None:
    assert "tun" in run(docker, "--device", "/dev/net:/dev/own", "busybox", "ls", "/dev/own").split()


def test_device_rules(docker: Docker) -> None:
    """A node may be made of any device; opened only with a rule."""
    made = "mknod /fuse c 10 229 && : >/fuse && echo opened"
    assert "Operation not permitted" in docker("run", "--rm", "busybox", "sh", "-c", made).stderr
    assert run(docker, "--device-cgroup-rule", "c 10:* rwm", "busybox", "sh", "-c", made) == "opened"
    docker.out("create", "--name", "one", "--device-cgroup-rule", "c 10:* rwm", "busybox")
    assert docker.inspect("one")["HostConfig"]["DeviceCgroupRules"] == ["c 10:* rwm"]


def test_gpus_are_refused_in_dockers_words(docker: Docker) -> None:
    refusal = docker.fails("run", "--rm", "--gpus", "all", "busybox")
    assert 'could not select device driver "" with capabilities: [[gpu]]' in refusal
    assert "cdi" in docker.fails("run", "--rm", "--device", "vendor.com/class=one", "busybox")


@pytest.mark.weft_only("the machine of the tests keeps capabilities back, which stops the reference engine")
def test_a_privileged_container_has_the_devices_of_the_host(docker: Docker) -> None:
    shown = set(run(docker, "--privileged", "busybox", "ls", "/dev").split())
    hosts = {path.name for path in Path("/dev").iterdir() if path.is_char_device() or path.is_block_device()}
    assert hosts - {"console"} <= shown
