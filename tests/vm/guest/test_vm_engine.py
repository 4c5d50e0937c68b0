"""The engine on Debian's own kernel with version 2 control groups alone: what users type first."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from pathlib import Path

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.host import Host
from weft.kernel.neighbours import make_room

CGROUPS = Path("/sys/fs/cgroup")


def test_the_machine_has_debians_kernel_and_version_2_control_groups() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*-amd64", os.uname().release)
    mounted = Path("/proc/mounts").read_text()
    assert " cgroup2 " in mounted
    assert not re.search(r"^\S+ \S+ cgroup ", mounted, re.MULTILINE)


def test_two_containers_find_each_other_by_name_and_are_published(
    docker: Docker, engine: Engine, neighbour: Host
) -> None:
    docker.out("network", "create", "my-net")
    serve = ("sh", "-c", "echo hello >/index.html; exec httpd -f -h /")
    docker.out("run", "-d", "--name", "web", "--network", "my-net", "-p", "8080:80", "busybox", *serve)
    done = docker.out(
        "run", "--rm", "--network", "my-net", "busybox", "sh", "-c", "ping -c 1 web; wget -qO- http://web"
    )
    assert "1 packets received" in done
    assert done.endswith("hello")
    assert neighbour.fetch("10.9.0.1", 8080) == b"hello\n"
    assert engine.host.fetch("127.0.0.1", 8080) == b"hello\n"
    # the address of the neighbour's, not of a gateway in between
    assert neighbour.reaches("10.9.0.1", 8080)
    docker.out("stop", "-t", "1", "web")
    assert not neighbour.reaches("10.9.0.1", 8080)


def test_an_sctp_port_of_the_host_is_not_published_again(docker: Docker, engine: Engine) -> None:
    sock = engine.host.within(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP))
    with sock:
        sock.bind(("0.0.0.0", 5000))
        sock.listen()
        refusal = docker.fails("run", "--rm", "-p", "5000:5000/sctp", "busybox", "true")
        assert "failed to bind host port 0.0.0.0:5000/sctp: address already in use" in refusal
        docker.out("run", "--rm", "-p", "5001:5000/sctp", "busybox", "true")
        docker.out("run", "--rm", "-p", "5000:5000/tcp", "busybox", "true")
    docker.out("run", "--rm", "-p", "5000:5000/sctp", "busybox", "true")


def test_info_names_the_version_and_no_missing_controller(docker: Docker) -> None:
    shown = json.loads(docker.out("info", "--format", "{{json .}}"))
    assert (shown["CgroupVersion"], shown["CgroupDriver"]) == ("2", "cgroupfs")
    assert "name=cgroupns" in shown["SecurityOptions"]
    assert [shown[key] for key in ("MemoryLimit", "SwapLimit", "CpuCfsQuota", "PidsLimit")] == [True] * 4
    assert shown["DefaultRuntime"] == "crun"


def test_limits_reach_the_containers_own_view(docker: Docker) -> None:
    """A private cgroup namespace shows the container its own group as the root."""
    flags = ("-m", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "33")
    files = [f"/sys/fs/cgroup/{name}" for name in ("memory.max", "memory.swap.max", "cpu.max", "pids.max")]
    shown = docker.out(
        "run", "--rm", *flags, "busybox", "cat", *files, "/sys/fs/cgroup/cpu.weight", "/proc/self/cgroup"
    )
    assert shown.splitlines() == [str(64 << 20), str(32 << 20), "50000 100000", "33", "20", "0::/"]
    refused = docker("run", "--rm", "busybox", "mkdir", "/sys/fs/cgroup/made")
    assert "Read-only file system" in refused.stderr


def test_too_much_memory_ends_the_container_and_is_noted(docker: Docker) -> None:
    docker("run", "--name", "one", "-m", "16m", "--memory-swap", "16m", "busybox", "sh", "-c", "tail /dev/zero")
    state = docker.inspect("one")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)


def test_processes_of_a_container_are_found_and_none_is_left(docker: Docker, engine: Engine) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 4321 & exec sleep 1234")
    docker.out("exec", "-d", "one", "sleep", "2143")
    shown = eventually(lambda: [top for top in [docker.out("top", "one")] if "sleep 2143" in top])[0]
    assert {"sleep 1234", "sleep 4321", "sleep 2143"} <= {" ".join(line.split()[-2:]) for line in shown.splitlines()}
    group = CGROUPS / "weft" / docker.inspect("one")["Id"]
    assert group.is_dir()
    docker.out("rm", "-f", "one")
    assert not group.exists()
    assert not [line for line in engine.host.processes().values() if "sleep" in line]


def test_pause_freezes_and_a_paused_container_can_be_removed(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    events = CGROUPS / "weft" / docker.inspect("one")["Id"] / "cgroup.events"
    docker.out("pause", "one")
    assert "frozen 1" in events.read_text()
    docker.out("unpause", "one")
    assert "frozen 0" in events.read_text()
    docker.out("pause", "one")
    docker.out("rm", "-f", "one")
    assert not events.exists()


def test_more_neighbours_than_the_kernel_has_room_for(engine: Engine) -> None:
    """The limit is the whole machine's; here weftd would run where the kernel shows it."""
    tables = [Path(f"/proc/sys/net/{family}/neigh/default") for family in ("ipv4", "ipv6")]
    for table in tables:
        for number, limit in ((1, 2), (2, 4), (3, 8)):
            (table / f"gc_thresh{number}").write_text(str(limit))
    with pytest.raises(OSError, match=os.strerror(errno.ENOBUFS)):
        _greet(engine.host)
    assert make_room() == 65536
    _greet(engine.host)


def _greet(host: Host) -> None:
    """Send something to a hundred neighbours; OSError where the kernel cannot remember that it looks for one."""
    with host.udp() as asking:
        asking.setsockopt(socket.IPPROTO_IP, _RECVERR, 1)
        for last in range(100, 200):
            asking.sendto(b"hello", (f"10.9.0.{last}", 9))


_RECVERR = 11  # linux/in.h


def test_statistics_are_those_of_version_2(docker: Docker, engine: Engine) -> None:
    docker.out("run", "-d", "--name", "one", "-m", "64m", "busybox", "sh", "-c", "while :; do :; done")
    found = engine.api.need("GET", "/containers/one/stats?stream=0")
    cpu, before, memory = found["cpu_stats"], found["precpu_stats"], found["memory_stats"]
    spent = cpu["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    assert 0 < spent <= (cpu["system_cpu_usage"] - before["system_cpu_usage"]) * 1.1
    assert "percpu_usage" not in cpu["cpu_usage"]
    assert cpu["cpu_usage"]["usage_in_usermode"] > 0
    assert 0 < memory["usage"] < memory["limit"] == 64 << 20
    assert {"anon", "file", "inactive_file", "pgfault"} <= memory["stats"].keys()
    assert "max_usage" not in memory
    assert found["pids_stats"] == {"current": 1, "limit": 2**64 - 1}
    assert list(found["networks"]) == ["eth0"]
    shown = docker.out("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}")
    assert re.fullmatch(r"one [0-9.]+KiB / 64MiB 1", shown)


def test_limits_change_while_a_container_runs(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    flags = ("-m", "96m", "--memory-swap", "128m", "--cpu-shares", "256", "--cpuset-cpus", "0", "--pids-limit", "77")
    docker.out("update", *flags, "one")
    files = [f"/sys/fs/cgroup/{name}" for name in ("memory.max", "memory.swap.max", "cpu.weight", "cpuset.cpus")]
    shown = docker.lines("exec", "one", "cat", *files, "/sys/fs/cgroup/pids.max")
    assert shown == [str(96 << 20), str(32 << 20), "10", "0", "77"]


def test_a_container_is_checked_and_a_frozen_one_not(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "--health-cmd", "true", "--health-interval", "100ms", "busybox", "top")
    eventually(lambda: docker.inspect("one")["State"]["Health"]["Status"] == "healthy")
    docker.out("pause", "one")
    frozen = docker.inspect("one")["State"]["Health"]
    docker.out("run", "--rm", "busybox", "sleep", "0.3")
    assert docker.inspect("one")["State"]["Health"] == frozen
    docker.out("unpause", "one")
    eventually(lambda: docker.inspect("one")["State"]["Health"]["Status"] == "healthy")
