"""What a container's options do inside it."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, until

from weft.model.container import Mount, MountType, NetworkingSpec, Ulimit
from weft.model.errors import Conflict, InvalidParameter, Unimplemented

DOCKERS_CAPABILITIES = "00000000a80425fb"


def mount(argv: list[str]) -> None:
    subprocess.run(argv, check=True)


async def status(lab: RuntimeLab, **changes: object) -> dict[str, str]:
    ran = await lab.run("cat", "/proc/self/status", **changes)
    return dict(line.split(":\t", 1) for line in ran.stdout.splitlines() if ":\t" in line)


async def test_a_process_has_dockers_capabilities_and_a_filter(lab: RuntimeLab) -> None:
    seen = await status(lab)
    assert seen["CapEff"] == seen["CapPrm"] == seen["CapBnd"] == DOCKERS_CAPABILITIES
    assert seen["CapInh"] == seen["CapAmb"] == "0" * 16
    assert (seen["Seccomp"], seen["NoNewPrivs"]) == ("2", "0")
    # what Python ignores must not be ignored in containers
    assert int(seen["SigIgn"], 16) & (1 << 12) == 0


async def test_capabilities_are_added_and_dropped(lab: RuntimeLab) -> None:
    assert (await status(lab, cap_drop=("ALL",), cap_add=("net_admin", "CAP_KILL")))["CapEff"] == "0000000000001020"
    assert (await status(lab, cap_drop=("ALL",)))["CapEff"] == "0" * 16
    with pytest.raises(InvalidParameter, match='unknown capability: "CAP_FLYING"'):
        await lab.created("true", cap_add=("FLYING",))


async def test_another_user_has_no_effective_capabilities(lab: RuntimeLab) -> None:
    seen = await status(lab, user="ann")
    assert (seen["CapEff"], seen["CapBnd"]) == ("0" * 16, DOCKERS_CAPABILITIES)


async def test_seccomp_and_no_new_privileges_are_chosen(lab: RuntimeLab) -> None:
    assert (await status(lab, security_opt=("seccomp=unconfined",)))["Seccomp"] == "0"
    assert (await status(lab, security_opt=("no-new-privileges",)))["NoNewPrivs"] == "1"
    profile = (
        '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}'
    )
    ran = await lab.sh("mkdir /tmp/x; ls /tmp", security_opt=(f"seccomp={profile}",))
    assert "not supported" in ran.stderr


async def test_the_default_filter_refuses_what_a_missing_capability_guards(lab: RuntimeLab) -> None:
    ran = await lab.sh("chroot / true; echo $?", cap_drop=("SYS_CHROOT",))
    assert "Operation not permitted" in ran.stderr
    assert (await lab.sh("chroot / true; echo $?")).stdout == "0\n"


async def test_privileged_has_it_all(lab: RuntimeLab) -> None:
    seen = await status(lab, privileged=True)
    granted = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    assert (seen["CapEff"], seen["Seccomp"]) == (granted.split()[1], "0")
    ran = await lab.sh(
        "grep ' /sys ' /proc/mounts; test -c /dev/kmsg && echo kmsg; ls -A /proc/scsi /sys/firmware", privileged=True
    )
    assert ran.stdout.split(" ")[3].startswith("rw")
    assert "kmsg" in ran.stdout


@pytest.mark.parametrize(
    ("user", "group_add", "expected"),
    [
        ("", (), "0:0:0 10:/root"),
        ("ann", (), "1000:1001:1001 2000 10:/home/ann"),
        ("ann:wheel", (), "1000:10:10:/home/ann"),
        ("1002", (), "1002:1002:1002:/home/bob"),
        ("4242", (), "4242:0:0:/"),
        ("4242:4343", ("extra", "99"), "4242:4343:4343 2000 99:/"),
    ],
)  # fmt: skip
async def test_users_are_looked_up_in_the_container(
    lab: RuntimeLab, user: str, group_add: tuple[str, ...], expected: str
) -> None:
    ran = await lab.sh('echo "$(id -u):$(id -g):$(id -G):$HOME"', user=user, group_add=group_add)
    uid, gid, groups, home = ran.stdout.strip().split(":")
    e_uid, e_gid, e_groups, e_home = expected.split(":")
    assert (uid, gid, set(groups.split()), home) == (e_uid, e_gid, set(e_groups.split()), e_home)


async def test_unknown_users_are_refused_in_dockers_words(lab: RuntimeLab) -> None:
    with pytest.raises(InvalidParameter, match=r"^unable to find user eve: no matching entries in passwd file$"):
        await lab.created("true", user="eve")
    with pytest.raises(InvalidParameter, match=r"^unable to find group eves: no matching entries in group file$"):
        await lab.created("true", user="ann:eves")
    assert lab.left_behind() == []


async def test_environment_and_working_directory(lab: RuntimeLab) -> None:
    ran = await lab.sh("env; pwd", env=("A=1", "A=2", "TERM=x"), working_dir="/made/for/it")
    lines = ran.stdout.splitlines()
    assert lines[-1] == "/made/for/it"
    assert {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=box",
        "A=2",
        "TERM=x",
    } <= set(lines)
    assert "A=1" not in lines


async def test_names_and_files_of_the_network(lab: RuntimeLab, network_namespace: str) -> None:
    ran = await lab.sh(
        "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; cat /proc/sys/kernel/domainname; ls /sys/class/net",
        network_namespace=network_namespace,
        networking=NetworkingSpec(domainname="example.test"),
    )
    lines = ran.stdout.splitlines()
    assert lines[:5] == ["box", "hostname of the test", "hosts of the test", "resolv.conf of the test", "example.test"]
    assert lines[5:] == ["lo"]


async def test_sysctls_are_set_in_the_network_namespace(lab: RuntimeLab, network_namespace: str) -> None:
    ran = await lab.sh(
        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
        network_namespace=network_namespace,
        sysctls={"net.ipv4.ip_unprivileged_port_start": "79"},
    )
    assert ran.stdout.split() == ["79"]
    with pytest.raises(InvalidParameter, match="not allowed in the host's network namespace"):
        await lab.created("true", sysctls={"net.ipv4.ip_forward": "1"})


async def test_limits_of_the_process(lab: RuntimeLab) -> None:
    ran = await lab.sh("ulimit -n; ulimit -Hn; ulimit -c", ulimits=(Ulimit(name="nofile", soft=100, hard=200),))
    assert ran.stdout.split()[:2] == ["100", "200"]
    with pytest.raises(InvalidParameter, match="invalid ulimit type: nosuch"):
        await lab.created("true", ulimits=(Ulimit(name="nosuch", soft=1, hard=1),))


async def test_cgroup_limits(lab: RuntimeLab) -> None:
    script = (
        "cd /sys/fs/cgroup; if [ -d memory ]; then cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares"
        " pids/pids.max; else cat memory.max; cut -d' ' -f1 cpu.max; echo 512; cat pids.max; fi"
    )
    ran = await lab.sh(script, memory=64 << 20, nano_cpus=500_000_000, cpu_shares=512, pids_limit=77)
    assert ran.stdout.split() == [str(64 << 20), "50000", "512", "77"]


async def test_too_many_processes_are_refused(lab: RuntimeLab) -> None:
    ran = await lab.sh("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait", pids_limit=5)
    assert "fork" in ran.stderr


async def test_want_of_memory_is_told(lab: RuntimeLab) -> None:
    ran = await lab.sh(
        "head -c 100000000 /dev/zero | tail -c 90000000 > /dev/null; exit 3", memory=16 << 20, memory_swap=16 << 20
    )
    assert ran.code in (3, 137)  # the kernel chooses whom to kill: the greedy program, or the shell that waits for it
    assert ran.exit.oom_killed
    assert not (await lab.sh("true", memory=16 << 20)).exit.oom_killed


async def test_a_read_only_root(lab: RuntimeLab) -> None:
    ran = await lab.sh("touch /x; touch /dev/shm/y && echo shm; touch /run-me", read_only_root=True)
    assert ran.stderr.count("Read-only file system") == 2
    assert ran.stdout == "shm\n"


async def test_tmpfs_binds_and_volumes(lab: RuntimeLab, tmp_path: Path) -> None:
    source, volume = tmp_path / "source", tmp_path / "volume"
    source.mkdir()
    volume.mkdir()
    (source / "file").write_text("of the host\n")
    ran = await lab.sh(
        "cat /in/file; touch /in/no; echo written > /rw/yes; cat /data/seed; stat -c %u:%g /data; "
        "df -k /scratch | tail -1 | awk '{print $2}'; grep ' /scratch ' /proc/mounts",
        mounts=(
            Mount(type=MountType.BIND, source=str(source), target="/in", read_only=True),
            Mount(type=MountType.BIND, source=str(source), target="/rw"),
            Mount(type=MountType.VOLUME, source=str(volume), target="/data", name="v", copy_up=True),
            Mount(type=MountType.TMPFS, source="", target="/scratch", tmpfs_options="size=1m,exec"),
        ),
    )
    lines = ran.stdout.splitlines()
    assert lines[:4] == ["of the host", "from the image", "1000:1001", "1024"]
    assert "nosuid" in lines[4]
    assert "noexec" not in lines[4]
    assert "Read-only file system" in ran.stderr
    assert (source / "yes").read_text() == "written\n"
    assert (volume / "seed").read_text() == "from the image\n"
    assert os.stat(volume).st_uid == 1000


async def test_a_volume_with_content_is_left_alone(lab: RuntimeLab, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "mine").touch()
    mount = Mount(type=MountType.VOLUME, source=str(volume), target="/data", name="v", copy_up=True)
    assert (await lab.sh("ls /data", mounts=(mount,))).stdout == "mine\n"


async def test_a_mount_made_after_the_daemon_started_is_seen(lab: RuntimeLab, tmp_path: Path) -> None:
    point = tmp_path / "later"
    point.mkdir()
    await lab.run("true")
    mount(["mount", "-t", "tmpfs", "later", str(point)])
    try:
        (point / "file").write_text("there\n")
        bind = Mount(type=MountType.BIND, source=str(point), target="/in")
        assert (await lab.sh("cat /in/file", mounts=(bind,))).stdout == "there\n"
    finally:
        mount(["umount", "-l", str(point)])


async def test_a_missing_bind_source_is_refused(lab: RuntimeLab) -> None:
    with pytest.raises(InvalidParameter, match="bind source path does not exist: /nosuch"):
        await lab.created("true", mounts=(Mount(type=MountType.BIND, source="/nosuch", target="/x"),))
    assert lab.left_behind() == []


async def test_links_in_the_image_do_not_lead_outside(lab: RuntimeLab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    record = await lab.started(
        "sh", "-c", f"rm /etc/passwd; mkdir -p {outside}; ln -s {outside} /data2; ln -s {outside}/p /etc/passwd"
    )
    await lab.exits.of(record.id)
    await lab.runtime.release(record.id)
    (outside / "p").write_text("eve:x:5:5::/:\n")
    mount = Mount(type=MountType.TMPFS, source="", target="/data2/sub")
    await lab.runtime.create(lab.bundle(record, mounts=(mount,)))
    assert not (outside / "sub").exists()
    await lab.runtime.release(record.id)
    with pytest.raises(InvalidParameter, match="unable to find user eve"):
        await lab.runtime.create(
            lab.bundle(replace(record, spec=replace(record.spec, process=replace(record.spec.process, user="eve"))))
        )


async def test_init_is_the_first_process(lab: RuntimeLab) -> None:
    ran = await lab.sh("cat /proc/1/cmdline | tr '\\0' ' '; cat /sbin/docker-init | head -c 4 | tail -c 3", init=True)
    assert ran.stdout.startswith("/sbin/docker-init -- sh -c ")
    assert ran.stdout.endswith("ELF")


async def test_namespaces_of_the_host_on_request(lab: RuntimeLab) -> None:
    names = ("pid", "ipc", "uts")
    script = "; ".join(f"readlink /proc/self/ns/{name}" for name in names)
    host = [os.readlink(f"/proc/self/ns/{name}") for name in names]
    own = (await lab.sh(script)).stdout.split()
    assert not set(own) & set(host)
    shared = await lab.sh(script, pid_mode="host", ipc_mode="host", uts_mode="host")
    assert shared.stdout.split() == host


async def test_a_pid_namespace_is_shared_with_a_running_container(lab: RuntimeLab) -> None:
    target = await lab.started("sleep", "1000")
    ran = await lab.sh("cat /proc/1/cmdline", pid_mode=f"container:{target.id}")
    assert ran.stdout.startswith("sleep\0")


async def test_shared_memory_is_shared_with_those_who_join(lab: RuntimeLab) -> None:
    donor = await lab.started(
        "sh", "-c", "echo kept > /dev/shm/file; exec sleep 1000", ipc_mode="shareable", shm_size=1 << 20
    )
    await until(lambda: (lab.base / f"exec/roots/shm-{donor.id}/file").exists())
    script = "readlink /proc/self/ns/ipc; cat /dev/shm/file; df -k /dev/shm | tail -1 | awk '{print $2}'"
    own = (await lab.execute(donor, "sh", "-c", script)).stdout
    assert own.split()[1:] == ["kept", "1024"]
    joined = await lab.sh(script, ipc_mode=f"container:{donor.id}", shm_of=donor.id)
    assert joined.stdout == own
    await lab.runtime.release(donor.id)
    assert lab.left_behind() == []


async def test_only_what_is_shareable_is_shared(lab: RuntimeLab) -> None:
    donor = await lab.started("sleep", "1000")
    with pytest.raises(InvalidParameter, match=r"failed to join IPC namespace: .* non-shareable IPC"):
        await lab.created("true", ipc_mode=f"container:{donor.id}", shm_of=donor.id)
    with pytest.raises(Conflict, match=r"failed to join PID namespace: container gone is not running"):
        await lab.created("true", pid_mode="container:gone")


async def test_a_cgroup_namespace_on_request(lab: RuntimeLab) -> None:
    script = "cut -d: -f3 /proc/self/cgroup | sort -u; ls /sys/fs/cgroup | head -1"
    private = (await lab.sh(script, cgroupns_mode="private")).stdout.split()
    assert private[0] == "/"
    assert len(private) == 2
    host = (await lab.sh(script, cgroupns_mode="host")).stdout
    assert lab.cgroup_parent in host


async def test_annotations_go_to_the_runtime(lab: RuntimeLab) -> None:
    record = await lab.created("true", annotations={"com.example.key": "value"})
    config = json.loads((lab.base / "exec/run" / record.id / "config.json").read_text())
    assert config["annotations"]["com.example.key"] == "value"
    assert len(config["annotations"]) == 2  # and the system call filter


async def test_dev_shm_has_the_size_asked_for(lab: RuntimeLab) -> None:
    ran = await lab.sh("df -k /dev/shm | tail -1 | awk '{print $2}'", shm_size=2 << 20)
    assert ran.stdout == "2048\n"


async def test_what_is_hidden_is_hidden(lab: RuntimeLab) -> None:
    ran = await lab.sh("wc -c < /proc/timer_list; echo 1 > /proc/sys/kernel/msgmax; ls -A /sys/firmware")
    assert ran.stdout.split() == ["0"]
    assert "Read-only file system" in ran.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"security_opt": ("apparmor=mine",)}, 'security option "apparmor=mine" is not supported'),
        ({"security_opt": ("label=type:x",)}, 'security option "label=type:x" is not supported'),
        ({"security_opt": ("nosuch",)}, 'invalid --security-opt 1: "nosuch"'),
        ({"security_opt": ("seccomp={",)}, "Decoding seccomp profile failed"),
        ({"runtime": "nosuch"}, "unknown or invalid runtime name: nosuch"),
        ({"cgroup_parent": "/../x"}, 'invalid cgroup parent "/../x"'),
    ],
)  # fmt: skip
async def test_what_is_not_supported_is_refused_by_name(
    lab: RuntimeLab, changes: dict[str, object], words: str
) -> None:
    record = lab.record("true", **{k: v for k, v in changes.items() if k == "security_opt"})
    record = replace(record, spec=replace(record.spec, **{k: v for k, v in changes.items() if k != "security_opt"}))
    with pytest.raises((InvalidParameter, Unimplemented)) as caught:
        await lab.runtime.prepare(record)
    assert words in caught.value.message
    assert not Path(lab.runtime.directory(record.id)).exists()
