"""Containers' files looked at from outside while they start, run, end and go."""

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab

from weft.engine.contract.container_files import ChangeKind, Extraction, OpenFiles
from weft.model.container import ContainerRecord, Mount, MountType
from weft.model.errors import Forbidden, InvalidParameter, SystemFailure
from weft.runtime.syscalls import open_in_root

SLEEP = ("sh", "-c", "while :; do sleep 1; done")


@asynccontextmanager
async def files_of(
    lab: RuntimeLab, record: ContainerRecord, *mounts: Mount, whole: bool = True
) -> AsyncIterator[OpenFiles]:
    opened = await lab.runtime.files.open(lab.bundle(record, mounts=mounts), whole=whole)
    try:
        yield opened
    finally:
        await opened.close()


async def prepared(lab: RuntimeLab, *argv: str, **changes: object) -> ContainerRecord:
    record = lab.record(*(argv or SLEEP), **changes)
    await lab.runtime.prepare(record)
    return record


async def start(lab: RuntimeLab, record: ContainerRecord, *mounts: Mount) -> None:
    await lab.runtime.create(lab.bundle(record, mounts=mounts))
    await lab.runtime.start(record.id)


async def read(files: OpenFiles, path: str) -> dict[str, bytes]:
    """The regular files of an archive."""
    stream = files.archive(path, await files.stat(path))
    data = b"".join([piece async for piece in stream])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
        return {name: source.read() for name, source in found.items() if source is not None}


async def write(files: OpenFiles, path: str, name: str, content: bytes) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))

    async def body() -> AsyncIterator[bytes]:
        yield sink.getvalue()

    await files.extract(path, body(), Extraction())


async def test_a_container_starts_and_ends_while_it_is_looked_at(lab: RuntimeLab) -> None:
    record = await prepared(lab, "sh", "-c", "cat /seen; echo ran >>/seen; while :; do sleep 1; done")
    async with files_of(lab, record) as files:
        await write(files, "/", "seen", b"before\n")
        for times in range(1, 4):  # each start goes on with the one mount of the writable layer that there is
            await start(lab, record)
            while (await read(files, "/seen"))["seen"].count(b"ran") < times:
                pass
            await lab.runtime.release(record.id)
        async with files_of(lab, record, whole=False) as again:
            exported = b"".join([piece async for piece in again.export()])
        assert b"before\nran\nran\nran\n" in exported
    assert lab.left_behind() == []


async def test_a_running_container_is_looked_at_beyond_its_end(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "echo x >/root/new; while :; do sleep 1; done")
    async with files_of(lab, record) as files:
        await lab.runtime.release(record.id)
        assert await read(files, "/etc/group")
        await start(lab, record)
        await write(files, "/tmp", "late", b"1")
        assert (await lab.execute(record, "cat", "/tmp/late")).stdout == "1"
        await lab.runtime.release(record.id)
        await lab.runtime.remove(record.id)
    assert lab.left_behind() == []


async def test_one_leaves_while_another_comes(lab: RuntimeLab) -> None:
    record = await prepared(lab)
    for _ in range(20):
        first = await lab.runtime.files.open(lab.bundle(record), whole=False)
        coming = asyncio.create_task(lab.runtime.files.open(lab.bundle(record), whole=True))
        await asyncio.sleep(0)
        await first.close()
        second = await coming
        assert (await second.stat("/etc/passwd")).size
        await second.close()
    await start(lab, record)
    assert lab.left_behind() != []
    await lab.runtime.release(record.id)
    assert lab.left_behind() == []


async def test_volumes_at_hostile_places(lab: RuntimeLab, tmp_path: Path) -> None:
    """A mount's place that is a link to the host's files is one in the container."""
    outside, volume = tmp_path / "outside", tmp_path / "volume"
    for path in (outside, volume):
        path.mkdir()
    (outside / "kept").touch()
    (volume / "inner").symlink_to(outside)
    record = await prepared(lab)
    async with files_of(lab, record) as files:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as tar:
            for name, target in (("place", str(outside)), ("up", "../../../.." + str(outside))):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, target
                tar.addfile(link)

        async def body() -> AsyncIterator[bytes]:
            yield sink.getvalue()

        await files.extract("/", body(), Extraction())
    mounts = tuple(
        Mount(type=MountType.VOLUME, source=str(volume), target=target)
        for target in ("/place/v", "/up/w", "/up/w/inner/x")
    )
    async with files_of(lab, record, *mounts) as files:
        await write(files, "/place/v", "one", b"1")
        assert (await files.stat("/up/w/one")).size == 1
        assert (await files.stat("/up/w/inner/x/one")).size == 1
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (volume / "one").read_text() == "1"
    assert lab.left_behind() == []


async def test_read_only_mounts_are_the_kernels_too(lab: RuntimeLab, tmp_path: Path) -> None:
    """A link on a writable mount into a read-only one is not seen by the check of the path, but by the kernel."""
    held = tmp_path / "held"
    held.mkdir()
    record = await prepared(lab)
    mount = Mount(type=MountType.BIND, source=str(held), target="/mnt/held", read_only=True)
    async with files_of(lab, record, mount) as files:
        with pytest.raises(Forbidden, match="mounted volume is marked read-only"):
            await write(files, "/mnt/held", "x", b"")
        with pytest.raises(SystemFailure, match="/mnt/held/x: read-only file system"):
            await write(files, "/mnt", "held/x", b"")
    assert list(held.iterdir()) == []


async def test_refusals(lab: RuntimeLab) -> None:
    record = await prepared(lab, read_only_root=True)
    async with files_of(lab, record) as files:
        with pytest.raises(Forbidden, match="container rootfs is marked read-only"):
            await write(files, "/tmp", "x", b"")
        with pytest.raises(InvalidParameter, match="extraction point is not a directory"):
            await write(files, "/etc/passwd", "x", b"")
        for path in ("/nowhere", "/etc/nowhere/deeper"):
            with pytest.raises(FileNotFoundError):
                await files.stat(path)
        with pytest.raises(InvalidParameter, match="lstat /etc/passwd/x: not a directory"):
            await files.stat("/etc/passwd/x")


async def test_the_writable_layer_as_an_images(lab: RuntimeLab) -> None:
    script = (
        "set -e; rm /etc/group; rm -r /data; mkdir /data; echo 1 >/data/own; echo 2 >/root/a; ln /root/a /root/b; "
        "mknod /root/null c 1 3; ln -s a /root/s"
    )
    record = await lab.created("sh", "-c", script)
    await lab.runtime.start(record.id)
    assert (await lab.exits.of(record.id)).code == 0
    await lab.runtime.release(record.id)
    own = Path(lab.runtime.directory(record.id)) / "upper/root/a"
    os.setxattr(own, "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.setxattr(own, "user.note", b"kept\xff")
    async with files_of(lab, record, whole=False) as files:
        data = b"".join([piece async for piece in files.difference()])
        changes = await files.changes()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: member for member in tar}
    assert set(found) == {
        *("data", "data/.wh..wh..opq", "data/own", "etc", "etc/.wh.group"),
        *("root", "root/a", "root/b", "root/null", "root/s"),
    }
    assert (found["root/b"].type, found["root/b"].linkname) == (tarfile.LNKTYPE, "root/a")
    assert (found["root/null"].type, found["root/null"].devminor) == (tarfile.CHRTYPE, 3)
    assert {"SCHILY.xattr.security.capability", "SCHILY.xattr.user.note"} <= found["root/a"].pax_headers.keys()
    assert [(change.kind, change.path) for change in changes] == [
        (ChangeKind.MODIFIED, "/data"),
        (ChangeKind.ADDED, "/data/own"),
        (ChangeKind.DELETED, "/data/seed"),
        (ChangeKind.MODIFIED, "/etc"),
        (ChangeKind.DELETED, "/etc/group"),
        (ChangeKind.MODIFIED, "/root"),
        (ChangeKind.ADDED, "/root/a"),
        (ChangeKind.ADDED, "/root/b"),
        (ChangeKind.ADDED, "/root/null"),
        (ChangeKind.ADDED, "/root/s"),
    ]


async def test_what_cannot_be_mounted_leaves_nothing(lab: RuntimeLab, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record = await prepared(lab)
    clash = Mount(type=MountType.BIND, source=str(tmp_path / "file"), target="/etc/passwd/below")
    with pytest.raises(SystemFailure, match="cannot be opened"):
        await lab.runtime.files.open(lab.bundle(record, mounts=(clash,)), whole=True)
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SystemFailure):
        await lab.runtime.files.open(lab.bundle(record, mounts=(clash,)), whole=True)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    async with files_of(lab, record) as files:
        assert await files.stat("/etc/passwd")
    assert lab.left_behind() == []


async def test_the_places_of_mounts_are_no_changes(lab: RuntimeLab) -> None:
    record = await lab.started(*SLEEP)
    shown = await lab.execute(record, "sh", "-c", "ls -a / | tr '\\n' ' '; readlink /etc/mtab")
    assert {".dockerenv", "dev", "proc", "sys"} <= set(shown.stdout.split())
    async with files_of(lab, record, whole=False) as files:
        assert await files.changes() == ()


async def test_a_stream_that_nobody_reads_any_more(lab: RuntimeLab) -> None:
    record = await prepared(lab)
    async with files_of(lab, record, whole=False) as files:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        before = children.read_text()
        stream = files.export()
        assert await anext(stream)
        assert children.read_text() != before
        await stream.aclose()
        assert children.read_text() == before
    assert lab.left_behind() == []


_MOUNTS = """
import os
from weft.runtime import syscalls
syscalls.unshare(syscalls.CLONE_NEWNS)
syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
while True:
    syscalls.mount("m", "m", flags=syscalls.MS_BIND)
    open("begun", "w").close()
    syscalls.unmount("m")
"""


def test_mounts_meanwhile_are_waited_out(tmp_path: Path) -> None:
    """The kernel is not sure of `..` when anything is mounted meanwhile, and says so; that is no answer."""
    for name in ("a/b/c", "m"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "up").symlink_to("a/b/c/" + "../" * 40 + "a")
    mounting = subprocess.Popen([sys.executable, "-c", _MOUNTS], cwd=tmp_path)
    root = os.open(tmp_path, os.O_PATH)
    try:
        while not (tmp_path / "begun").exists():
            assert mounting.poll() is None
        for _ in range(20_000):
            os.close(open_in_root(root, "/up/b", os.O_PATH))
    finally:
        os.close(root)
        mounting.kill()
        mounting.wait()
