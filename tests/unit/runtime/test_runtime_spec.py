"""From options to the OCI configuration, without running anything."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.engine.contract.runtime import Bundle
from weft.model.container import (
    ContainerRecord,
    ContainerSpec,
    DeviceLimit,
    DeviceMapping,
    Mount,
    MountType,
    ProcessSpec,
    Resources,
    Security,
    Ulimit,
)
from weft.model.errors import InvalidParameter, Unimplemented
from weft.runtime.spec import capabilities, security, users
from weft.runtime.spec.devices import devices
from weft.runtime.spec.mounts import all_mounts, tmpfs_options
from weft.runtime.spec.process import container_process, environment
from weft.runtime.spec.resources import cgroup_limits, rlimits
from weft.runtime.spec.users import User

KNOWN = tuple(f"CAP_{name}" for name in ("CHOWN", "KILL", "NET_ADMIN", "SYS_ADMIN", "NET_RAW"))
ROOT = User(0, 0, (0,), "/root")


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (Security(), "CHOWN KILL NET_RAW"),
        (Security(cap_add=("net_admin",)), "CHOWN KILL NET_ADMIN NET_RAW"),
        (Security(cap_drop=("CAP_KILL", "chown")), "NET_RAW"),
        (Security(cap_drop=("ALL",), cap_add=("KILL",)), "KILL"),
        (Security(cap_add=("ALL",), cap_drop=("KILL",)), "CHOWN NET_ADMIN SYS_ADMIN NET_RAW"),
        (Security(privileged=True, cap_drop=("KILL",)), "CHOWN KILL NET_ADMIN SYS_ADMIN NET_RAW"),
    ],
)
def test_capabilities(rights: Security, expected: str) -> None:
    assert capabilities.granted(rights, KNOWN) == tuple(f"CAP_{name}" for name in expected.split())


def test_an_unknown_capability_is_named() -> None:
    with pytest.raises(InvalidParameter, match='invalid CapDrop: unknown capability: "CAP_FLY"'):
        capabilities.granted(Security(cap_drop=("fly",)), KNOWN)


def test_only_capabilities_of_the_bounding_set_are_given(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tx\nCapBnd:\t0000000000000021\n")
    assert capabilities.supported(tmp_path / "status") == ("CAP_CHOWN", "CAP_KILL")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), (False, "")),
        (("no-new-privileges",), (True, "")),
        (("no-new-privileges=false",), (False, "")),
        (("no-new-privileges:true", "label:disable", "apparmor=unconfined"), (True, "")),
        (("seccomp=unconfined",), (False, "unconfined")),
        (("seccomp=builtin",), (False, "")),
        (('seccomp={"a":"b=c"}',), (False, '{"a":"b=c"}')),
    ],
)
def test_security_options(options: tuple[str, ...], expected: tuple[bool, str]) -> None:
    parsed = security.parse(options)
    assert (parsed.no_new_privileges, parsed.seccomp) == expected


@pytest.mark.parametrize("option", ["seccomp", "no-new-privileges=perhaps", "writable-cgroups=perhaps", ""])
def test_wrong_security_options(option: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid --security-opt"):
        security.parse((option,))


def test_unsupported_security_options() -> None:
    with pytest.raises(Unimplemented, match="apparmor=docker-default"):
        security.parse(("apparmor=docker-default",))


def test_cgroup_limits() -> None:
    limits = Resources(memory=100, nano_cpus=1_500_000_000, cpu_shares=7, pids_limit=9, memory_reservation=50)
    assert cgroup_limits(limits, limits_swap=True) == {
        "memory": {"limit": 100, "swap": 200, "reservation": 50},
        "cpu": {"shares": 7, "period": 100_000, "quota": 150_000},
        "pids": {"limit": 9},
    }
    assert cgroup_limits(limits, limits_swap=False)["memory"] == {"limit": 100, "reservation": 50}
    assert cgroup_limits(Resources(memory=1, memory_swap=-1), limits_swap=True) == {"memory": {"limit": 1, "swap": -1}}
    assert cgroup_limits(Resources(pids_limit=-1), limits_swap=True) == {}


def test_further_cgroup_limits() -> None:
    null = DeviceLimit(path="/dev/null", value=5)
    limits = Resources(
        memory_swappiness=0, oom_kill_disable=True, cpuset_cpus="0", cpuset_mems="1", cpu_realtime_period=9,
        cpu_realtime_runtime=8, blkio_weight=10, blkio_weight_device=(null,), blkio_device_write_iops=(null,),
    )  # fmt: skip
    assert cgroup_limits(limits, limits_swap=True) == {
        "memory": {"swappiness": 0, "disableOOMKiller": True},
        "cpu": {"realtimePeriod": 9, "realtimeRuntime": 8, "cpus": "0", "mems": "1"},
        "blockIO": {
            "weight": 10,
            "weightDevice": [{"major": 1, "minor": 3, "weight": 5}],
            "throttleWriteIOPSDevice": [{"major": 1, "minor": 3, "rate": 5}],
        },
    }
    absent = DeviceLimit(path="/dev/absent", value=5)
    with pytest.raises(InvalidParameter, match="stat /dev/absent: no such file or directory"):
        cgroup_limits(Resources(blkio_device_read_bps=(absent,)), limits_swap=True)


def devices_of(*mappings: DeviceMapping, directory: Path = Path("/dev"), **changes: object) -> Any:
    spec = ContainerSpec(image="x", resources=Resources(devices=mappings), **changes)  # type: ignore[arg-type]
    nodes, rules = devices(spec, directory)
    return [(node["path"], node["type"], node["major"], node["minor"]) for node in nodes], rules


def test_devices() -> None:
    null = DeviceMapping(host_path="/dev/null", path="/dev/mine", permissions="r")
    nodes, rules = devices_of(null)
    assert nodes == [("/dev/mine", "c", 1, 3)]
    assert rules == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "access": "r", "type": "c", "major": 1, "minor": 3},
    ]
    spec = ContainerSpec(image="x", resources=Resources(device_cgroup_rules=("c 42:* rm", "a *:7 w")))
    assert devices(spec)[1][1:] == [
        {"allow": True, "type": "c", "major": 42, "access": "rm"},
        {"allow": True, "type": "b", "minor": 7, "access": "w"},
        {"allow": True, "type": "c", "minor": 7, "access": "w"},
    ]


def test_a_directory_of_devices(tmp_path: Path) -> None:
    for name, minor in (("one", 3), ("below/two", 5)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mknod(tmp_path / name, 0o600 | stat.S_IFCHR, os.makedev(1, minor))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    nodes, _ = devices_of(DeviceMapping(host_path=str(tmp_path / "link"), path="/dev/d"))
    assert nodes == [("/dev/d/one", "c", 1, 3), ("/dev/d/below/two", "c", 1, 5)]


def test_a_privileged_container_has_all_devices_and_those_named_otherwise(tmp_path: Path) -> None:
    os.mknod(tmp_path / "zero", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    same = DeviceMapping(host_path=str(tmp_path / "zero"), path=str(tmp_path / "zero"))
    other = DeviceMapping(host_path="/dev/null", path="/dev/mine", permissions="r")
    nodes, rules = devices_of(same, other, directory=tmp_path, security=Security(privileged=True))
    assert nodes == [(str(tmp_path / "zero"), "c", 1, 5), ("/dev/mine", "c", 1, 3)]
    assert rules == [{"allow": True, "access": "rwm"}]


@pytest.mark.parametrize(("path", "reason"), [("/dev/absent", "no such file or directory"), ("/etc/passwd", "not a")])
def test_devices_that_are_none(path: str, reason: str) -> None:
    with pytest.raises(InvalidParameter, match=f'while adding custom device "{path}": {reason}'):
        devices_of(DeviceMapping(host_path=path, path="/dev/x"))


def test_rlimits() -> None:
    assert rlimits((Ulimit(name="nofile", soft=1, hard=-1),)) == [
        {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2**64 - 1}
    ]
    with pytest.raises(InvalidParameter, match="ulimit soft limit must be less than or equal to hard limit: 3 > 2"):
        rlimits((Ulimit(name="core", soft=3, hard=2),))


def test_containers_have_the_limit_of_open_files_that_the_daemon_was_started_with() -> None:
    inherited = {"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}
    assert rlimits((), (1024, 4096)) == [inherited]
    assert [each["soft"] for each in rlimits((Ulimit(name="nofile", soft=5, hard=6),), (1024, 4096))] == [5]


def test_the_environment_has_dockers_defaults_under_what_is_given() -> None:
    assert environment("box", ("A=1", "PATH=/x", "A=2", "TERM"), tty=True, home="/h") == [
        "PATH=/x",
        "HOSTNAME=box",
        "A=2",
        "HOME=/h",
    ]
    assert environment("box", ("HOME=/mine",), tty=False, home="/h")[-1] == "HOME=/mine"


def test_nothing_to_run_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="no command specified"):
        container_process(
            ContainerSpec(image="x"), hostname="h", user=ROOT, capabilities=(), no_new_privileges=False, init=False
        )


def test_init_comes_first() -> None:
    spec = ContainerSpec(image="x", process=ProcessSpec(entrypoint=("a",), cmd=("b",)))
    process = container_process(spec, hostname="h", user=ROOT, capabilities=(), no_new_privileges=True, init=True)
    assert process["args"] == ["/sbin/docker-init", "--", "a", "b"]
    assert process["noNewPrivileges"] is True
    assert process["cwd"] == "/"


def bundle(*mounts: Mount, **changes: object) -> Bundle:
    spec = ContainerSpec(image="x", **changes)  # type: ignore[arg-type]
    record = ContainerRecord(id="0" * 64, name="n", created=0, image_id="", spec=spec)
    return Bundle(
        record=record,
        network_namespace="",
        hostname="h",
        hosts_path="/d/hosts",
        resolv_conf_path="/d/resolv.conf",
        hostname_path="",
        mounts=mounts,
    )


def destinations(made: Bundle) -> list[object]:
    return [mount["destination"] for mount in all_mounts(made, init="")]


def test_mounts_are_ordered_by_depth_and_replace_the_systems() -> None:
    deep = Mount(type=MountType.BIND, source="/s", target="/a/b/c")
    flat = Mount(type=MountType.TMPFS, source="", target="/a")
    shm = Mount(type=MountType.BIND, source="/s", target="/dev/shm/")
    hosts = Mount(type=MountType.BIND, source="/s", target="/etc/hosts")
    found = destinations(bundle(deep, flat, shm, hosts))
    assert found.index("/a") < found.index("/a/b/c")
    assert found.count("/dev/shm") == found.count("/etc/hosts") == 1
    assert found[-1] == "/etc/resolv.conf"
    assert "/etc/hostname" not in found


def test_a_mount_over_dev_takes_the_systems_below_it() -> None:
    found = destinations(bundle(Mount(type=MountType.BIND, source="/dev", target="/dev")))
    assert [path for path in found if str(path).startswith("/dev")] == ["/dev"]


@pytest.mark.parametrize("target", ["relative", "/a/../b"])
def test_targets_stay_inside(target: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid mount target"):
        all_mounts(bundle(Mount(type=MountType.BIND, source="/s", target=target)), init="")


def test_propagation_and_read_only() -> None:
    mount = Mount(type=MountType.BIND, source="/s", target="/t", read_only=True, propagation="rslave")
    assert all_mounts(bundle(mount), init="")[-2]["destination"] == "/etc/resolv.conf"
    options = next(m["options"] for m in all_mounts(bundle(mount), init="") if m["destination"] == "/t")
    assert options == ["rbind", "rslave", "ro"]
    with pytest.raises(InvalidParameter, match="invalid propagation mode: sideways"):
        all_mounts(bundle(Mount(type=MountType.BIND, source="/s", target="/t", propagation="sideways")), init="")


def test_tmpfs_options_replace_dockers_defaults() -> None:
    assert tmpfs_options("") == ["nosuid", "noexec", "nodev"]
    assert tmpfs_options("exec,size=64k,size=1m,mode=1770") == ["nosuid", "nodev", "exec", "size=1m", "mode=1770"]
    for wrong in ("huge=always", "nosuch", "size"):
        with pytest.raises(InvalidParameter, match="invalid tmpfs option"):
            tmpfs_options(wrong)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "etc").mkdir()
    descriptor = os.open(tmp_path, os.O_PATH)
    yield descriptor
    os.close(descriptor)


def test_users_without_any_files(root: int) -> None:
    assert users.resolve(root, "") == User(0, 0, (0,), "/")
    assert users.resolve(root, "7:8", ("9",)) == User(7, 8, (8, 9), "/")
    with pytest.raises(InvalidParameter, match="uids and gids must be in range 0-2147483647"):
        users.resolve(root, "4294967296")
    with pytest.raises(InvalidParameter, match="uids and gids must be in range"):
        users.resolve(root, "-1")


def test_damaged_lines_are_passed_over(root: int, tmp_path: Path) -> None:
    (tmp_path / "etc/passwd").write_bytes(b"\xff\xfe\nx\n#a:x:1:1::/:\nb:x:one:1::/:\nann:x:5:6\n+::::\n")
    (tmp_path / "etc/group").write_text("g:x:NaN:ann\nh:x:12:ann,,\n")
    assert users.resolve(root, "ann") == User(5, 6, (6, 12), "/")


def test_account_files_are_not_followed_out_of_the_root(root: int, tmp_path: Path) -> None:
    (tmp_path / "etc/passwd").symlink_to("/etc/passwd")
    with pytest.raises(InvalidParameter, match="unable to find user daemon"):
        users.resolve(root, "daemon")
    (tmp_path / "etc/passwd").unlink()
    os.mkfifo(tmp_path / "etc/passwd")
    assert users.resolve(root, "0").uid == 0  # and it does not wait for a writer
