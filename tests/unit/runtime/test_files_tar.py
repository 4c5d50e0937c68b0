"""Trees to tar streams and back, by descriptor: what is kept, and that nothing leads out."""

import io
import os
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from weft.runtime.files.extracting import Extractor, Manner
from weft.runtime.files.packing import Packer
from weft.runtime.files.places import make_place, resolve
from weft.runtime.files.refused import Refused
from weft.runtime.files.tar_header import Header
from weft.runtime.syscalls import open_in_root


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    top = open_in_root(descriptor, "/", os.O_PATH)
    try:
        # else this machine's own files would be written
        assert os.path.samestat(os.fstat(top), os.fstat(descriptor)), "paths are not opened inside the root"
        yield descriptor
    finally:
        os.close(top)
        os.close(descriptor)


def packed(tree: Path, *, prefix: str = "", **options: bool) -> bytes:
    """The tar stream of what is in a directory."""
    reader, writer = os.pipe()

    def write() -> None:
        try:
            packer = Packer(writer, **options)
            packer.content(os.open(tree, os.O_RDONLY | os.O_DIRECTORY), prefix)
            packer.end()
        finally:
            os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    with open(reader, "rb") as source:
        data = source.read()
    thread.join()
    return data


def members(tar: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {member.name: member for member in archive}


def extract(root: Path, tar: bytes, destination: str = "/", **manner: object) -> None:
    with opened(root) as descriptor:
        Extractor(descriptor, destination, Manner(**manner)).extract(io.BytesIO(tar))  # type: ignore[arg-type]


def tar_of(*entries: tuple[str, bytes, object]) -> bytes:
    """Entries of name, kind, and content or link target; owned by whoever runs the tests."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = kind, 0o755, os.getuid(), os.getgid()
            data = content if isinstance(content, bytes) else b""
            entry.size, entry.linkname = len(data), content if isinstance(content, str) else ""
            archive.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_a_tree_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for path in (source / "d/e", target):
        path.mkdir(parents=True)
    (source / "d/e/file").write_bytes(b"x" * 70_000)
    (source / "d/empty").touch()
    os.link(source / "d/e/file", source / "d/hard")
    (source / "d/soft").symlink_to("/absolute/../target")
    os.mkfifo(source / "d/fifo", 0o640)
    (source / ("long" * 40)).write_text("long")
    (source / "ü").write_text("umlaut")
    os.utime(source / "d/e/file", (5, 1_000_000_007))
    (source / "d/e/file").chmod(0o4711)
    tar = packed(source)
    assert list(members(tar)) == ["d", "d/e", "d/e/file", "d/empty", "d/fifo", "d/hard", "d/soft", "long" * 40, "ü"]
    extract(target, tar)
    assert (target / "d/e/file").read_bytes() == b"x" * 70_000
    assert stat.S_IMODE((target / "d/e/file").stat().st_mode) == 0o4711
    assert (target / "d/e/file").stat().st_mtime == 1_000_000_007
    assert (target / "d/hard").stat().st_ino == (target / "d/e/file").stat().st_ino
    assert os.readlink(target / "d/soft") == "/absolute/../target"
    assert stat.S_ISFIFO((target / "d/fifo").stat().st_mode)
    assert ((target / ("long" * 40)).read_text(), (target / "ü").read_text()) == ("long", "umlaut")
    assert subprocess.run(["tar", "-t"], input=tar, capture_output=True, check=True).stdout.count(b"\n") == 9


def test_names_that_are_no_text(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "latin-\udce9").write_text("1")
    (source / ("l\udce9" * 80)).write_text("2")
    extract(target, packed(source))
    assert sorted(os.listdir(target), key=os.fsencode) == sorted(os.listdir(source), key=os.fsencode)


def test_a_file_that_changes_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shrinks").write_bytes(b"a" * 5000)
    (tmp_path / "then").write_bytes(b"b")
    sendfile = os.sendfile

    def shrink(out: int, source: int, offset: None, count: int) -> int:
        os.truncate(tmp_path / "shrinks", 10)
        return sendfile(out, source, offset, count)

    monkeypatch.setattr(os, "sendfile", shrink)
    found = members(packed(tmp_path))
    assert (found["shrinks"].size, found["then"].size) == (5000, 1)


def test_deep_trees(tmp_path: Path) -> None:
    deep = tmp_path / "source"
    deep.mkdir()
    with opened(deep) as top:
        current = os.dup(top)
        for _ in range(1200):
            os.mkdir("d", dir_fd=current)
            below = os.open("d", os.O_RDONLY, dir_fd=current)
            os.close(current)
            current = below
        os.close(current)
    assert len(members(packed(deep))) == 1200
    subprocess.run(["rm", "-rf", deep], check=True)


@pytest.mark.parametrize(
    ("field", "value"), [("size", 8**11 + 5), ("uid", 3_000_000), ("mtime", -5), ("name", "x/" * 300), ("target", "é")]
)
def test_headers_beyond_ustar(field: str, value: object) -> None:
    encoded = Header(**{"name": "n", "kind": LINK if field == "target" else FILE, field: value}).encode()  # type: ignore[arg-type]
    with tarfile.open(fileobj=io.BytesIO(encoded + bytes(1024))) as archive:
        found = archive.next()
    assert found is not None
    name = {"target": "linkname"}.get(field, field)
    assert getattr(found, name) == (value.rstrip("/") if isinstance(value, str) else value)


def test_extended_attributes_keep_every_byte(tmp_path: Path) -> None:
    header = Header(name="f", attributes={"user.raw": bytes(range(256))})
    with tarfile.open(fileobj=io.BytesIO(header.encode() + bytes(1024))) as archive:
        found = archive.next()
    assert found is not None
    assert found.pax_headers["SCHILY.xattr.user.raw"].encode("utf-8", "surrogateescape") == bytes(range(256))


def test_links_stay_inside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "srv").mkdir(parents=True)
    (root / "etc").mkdir()
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (root / "out").symlink_to(outside)
    (root / "srv/etc").symlink_to("../../../../etc")
    tar = tar_of(
        ("etc/through", FILE, b"1"),
        ("way", LINK, f"../../..{outside}"),
        ("way/planted", FILE, b"2"),
        ("absolute", LINK, str(outside)),
        ("absolute/planted", FILE, b"3"),
    )
    extract(root, tar, "/srv")
    assert (root / "etc/through").read_text() == "1"
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (root / f"{outside}/planted"[1:]).read_text() == "3"  # the same path, in the root
    for name in ("../escaped", "a/../../escaped"):
        with pytest.raises(Refused, match="is outside of"):
            extract(root, tar_of((name, FILE, b"")), "/srv")
    with pytest.raises(Refused, match="invalid hardlink"):
        extract(root, tar_of(("hard", HARD, "../../outside/kept")), "/srv")
    extract(root, tar_of(("/rooted", FILE, b"4")), "/srv")
    assert (root / "srv/rooted").read_text() == "4"


def test_what_has_the_name_gives_way(tmp_path: Path) -> None:
    (tmp_path / "d/in").mkdir(parents=True)
    (tmp_path / "f").write_text("old")
    (tmp_path / "target").write_text("target")
    (tmp_path / "l").symlink_to("target")
    extract(tmp_path, tar_of(("d", FILE, b"file"), ("f", DIRECTORY, b""), ("l", FILE, b"not followed")))
    assert (tmp_path / "d").read_text() == "file"
    assert (tmp_path / "f").is_dir()
    assert ((tmp_path / "l").read_text(), (tmp_path / "target").read_text()) == ("not followed", "target")


def test_types_are_kept_on_request(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    with pytest.raises(Refused, match='cannot overwrite directory "/d" with non-directory "/"'):
        extract(tmp_path, tar_of(("d", FILE, b"")), keep_types=True)
    with pytest.raises(Refused, match='cannot overwrite non-directory "/f" with directory "/"'):
        extract(tmp_path, tar_of(("f", DIRECTORY, b"")), keep_types=True)
    extract(tmp_path, tar_of(("d", DIRECTORY, b""), ("d/new", FILE, b"")), keep_types=True)
    assert (tmp_path / "d/new").is_file()


def test_half_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    whole = tar_of(("first", FILE, b"1"), ("f", FILE, b"x" * 100_000))
    with pytest.raises(Refused):
        extract(tmp_path, whole[:50_000])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "first"]
    assert (tmp_path / "f").read_text() == "old"


@pytest.mark.parametrize("garbage", [b"garbage" * 200, b"\xff" * 512])
def test_what_is_no_archive(tmp_path: Path, garbage: bytes) -> None:
    with pytest.raises(Refused, match="archive/tar"):
        extract(tmp_path, garbage)


def test_times_that_no_file_has(tmp_path: Path) -> None:
    header = Header(name="f", uid=os.getuid(), gid=os.getgid(), mtime=10**30)
    extract(tmp_path, header.encode() + bytes(1024))
    assert (tmp_path / "f").stat().st_mtime == 0


def test_paths_are_resolved_inside(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "abs").symlink_to("/a")
    (tmp_path / "up").symlink_to("../../../a/./b/..")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "broken").symlink_to("/no/../where")
    with opened(tmp_path) as root:
        assert [resolve(root, path) for path in ("/abs/b", "up/b", "../..", "/a//b/.")] == ["/a/b", "/a/b", "/", "/a/b"]
        assert resolve(root, "/broken/x", missing=True) == "/where/x"
        with pytest.raises(FileNotFoundError):
            resolve(root, "/broken")
        with pytest.raises(OSError, match="Too many levels"):
            resolve(root, "/loop")


def test_places_for_mounts_are_made_inside(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for path in (outside, root):
        path.mkdir()
    (root / "link").symlink_to(f"../../..{outside}")
    with opened(root) as descriptor:
        os.close(make_place(descriptor, "/new/deep", directory=True))
        os.close(make_place(descriptor, "/new/file", directory=False))
        os.close(make_place(descriptor, "/link/place", directory=True))
    assert (root / "new/deep").is_dir()
    assert (root / "new/file").is_file()
    assert list(outside.iterdir()) == []
    assert (root / f"{outside}/place"[1:]).is_dir()
