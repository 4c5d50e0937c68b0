"""Layers are unpacked whole, their whiteouts converted, and nothing ever lands outside."""

import contextlib
import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.model.errors import InvalidParameter, WeftError
from weft.runtime.images.compression import compression_of
from weft.runtime.images.confinement import is_confinement_available, spawn_confined
from weft.runtime.images.unpacking import Unpacking
from weft.runtime.images.whiteout import convert_whiteouts

Members = list[tuple[str, bytes, str]]  # name, type, content or link target


def archive(path: Path, members: Members) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o755
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content.encode()))
            else:
                info.linkname = content
                tar.addfile(info)
    return path


def unpack(source: Path, target: Path) -> str:
    return Unpacking(source, target).run()


FILE, DIRECTORY, SYMLINK, LINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_content_diff_id_and_size(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "a.tar",
        [("./d", DIRECTORY, ""), ("./d/f", FILE, "12345"), ("d/g", LINK, "d/f"), ("s", SYMLINK, "/d/f")],
    )
    unpacking = Unpacking(source, tmp_path / "root")
    assert unpacking.run() == "sha256:" + hashlib.sha256(source.read_bytes()).hexdigest()
    assert unpacking.size == 5
    assert (tmp_path / "root/d/g").stat().st_ino == (tmp_path / "root/d/f").stat().st_ino
    assert os.readlink(tmp_path / "root/s") == "/d/f"
    assert stat.S_IMODE((tmp_path / "root").stat().st_mode) == 0o755


@pytest.mark.parametrize("program", ["gzip", "xz", "zstd", "bzip2"])
def test_compressed_layers_have_the_diff_id_of_their_content(tmp_path: Path, program: str) -> None:
    source = archive(tmp_path / "a.tar", [("f", FILE, "x" * 100000)])
    packed = tmp_path / "packed"
    with packed.open("wb") as file:
        subprocess.run([program, "-c", source], stdout=file, check=True)
    assert compression_of(packed) == program
    assert unpack(packed, tmp_path / "root") == "sha256:" + hashlib.sha256(source.read_bytes()).hexdigest()


def test_truncated_compression_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.tar", [("f", FILE, os.urandom(50000).hex())])
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(source.read_bytes())[:20000])
    with pytest.raises(InvalidParameter, match="corrupt gzip data"):
        unpack(packed, tmp_path / "root")


@pytest.mark.parametrize("content", [b"no tar at all" * 100, b"\0" * 100 + b"x" * 1000])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InvalidParameter, match="failed to register layer: This does not look like a tar archive"):
        unpack(tmp_path / "a", tmp_path / "root")


HOSTILE: dict[str, Callable[[Path], Members]] = {
    "dots": lambda out: [("../escaped", FILE, "x")],
    "dots inside": lambda out: [("a/../../escaped", FILE, "x")],
    "absolute": lambda out: [(f"{out}/escaped", FILE, "x")],
    "absolute link": lambda out: [("l", SYMLINK, str(out)), ("l/escaped", FILE, "x")],
    "relative link": lambda out: [("d", DIRECTORY, ""), ("d/l", SYMLINK, "../.."), ("d/l/escaped", FILE, "x")],
    "link to link": lambda out: [("a", SYMLINK, "."), ("a/b", SYMLINK, ".."), ("b/escaped", FILE, "x")],
    "hard link out": lambda out: [("h", LINK, f"{out}/victim"), ("h", FILE, "changed")],
    "hard link through a link": lambda out: [("l", SYMLINK, str(out)), ("h", LINK, "l/victim"), ("h", FILE, "changed")],
    "overwrite through a link": lambda out: [("v", SYMLINK, f"{out}/victim"), ("v", FILE, "changed")],
    "directory over a link": lambda out: [("l", SYMLINK, str(out)), ("l", DIRECTORY, ""), ("l/escaped", FILE, "x")],
    "whiteout through a link": lambda out: [("l", SYMLINK, str(out)), ("l/.wh.victim", FILE, "")],
    "whiteout of the parent": lambda out: [(".wh...", FILE, "")],
    "whiteout of itself": lambda out: [(".wh..", FILE, "")],
    "whiteout of nothing": lambda out: [(".wh.", FILE, "")],
    "whiteout that is a link": lambda out: [(".wh.x", SYMLINK, f"{out}/victim")],
}


@pytest.mark.parametrize("confined", [True, False])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_change_nothing_outside(
    tmp_path: Path, case: str, confined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the kernel's confinement, and without it: each line of defence holds alone."""
    if not confined:
        monkeypatch.setattr("weft.runtime.images.confinement.is_confinement_available", lambda: False)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("whole")
    source = archive(tmp_path / "a.tar", HOSTILE[case](outside))
    place = tmp_path / "place"
    place.mkdir()
    with contextlib.suppress(InvalidParameter):
        unpack(source, place / "root")
    assert sorted(path.name for path in outside.iterdir()) == ["victim"]
    assert (outside / "victim").read_text() == "whole"
    assert [path.name for path in place.iterdir()] == ["root"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "outside", "place"]
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x"])
def test_climbing_names_are_refused_and_named(tmp_path: Path, name: str) -> None:
    source = archive(tmp_path / "a.tar", [(name, FILE, "x")])
    with pytest.raises(InvalidParameter, match=r"Member name contains '\.\.'"):
        unpack(source, tmp_path / "root")


@pytest.mark.skipif(not is_confinement_available(), reason="this kernel has no Landlock")
def test_a_confined_program_writes_in_its_directory_only(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    read_end, write_end = os.pipe()
    os.close(write_end)
    with (tmp_path / "errors").open("w+b") as errors:
        process = spawn_confined(["cp", "/etc/hostname", "fine", str(tmp_path)], inside, read_end, errors)
        assert process.wait() != 0
        process = spawn_confined(["cp", "/etc/hostname", "fine"], inside, read_end, errors)
        assert process.wait() == 0
        process = spawn_confined(["cp", "/etc/hostname", str(tmp_path / "escaped")], inside, read_end, errors)
        assert process.wait() != 0
        process = spawn_confined(["rm", str(tmp_path / "errors")], inside, read_end, errors)
        assert process.wait() != 0
    os.close(read_end)
    assert (inside / "fine").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors", "inside"]
    (tmp_path / "unconfined afterwards").write_text("this process is as free as before")


def test_whiteouts_become_devices(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "a.tar",
        [
            ("d", DIRECTORY, ""),
            ("d/.wh.gone", FILE, ""),
            ("d/kept", FILE, "k"),
            ("d/.wh.kept", FILE, ""),
            (".wh..wh.plnk", FILE, ""),
            ("new/.wh.gone", FILE, ""),
        ],
    )
    root = tmp_path / "root"
    unpack(source, root)
    for name in ("d/gone", "new/gone"):
        status = (root / name).lstat()
        assert stat.S_ISCHR(status.st_mode)
        assert status.st_rdev == 0
    assert (root / "d/kept").read_text() == "k"
    assert sorted(path.name for path in root.rglob("*")) == ["d", "gone", "gone", "kept", "new"]


def test_converting_twice_only_counts(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unpack(archive(tmp_path / "a.tar", [("f", FILE, "123"), (".wh.x", FILE, "")]), root)
    assert convert_whiteouts(root) == 3
    assert (root / "x").is_char_device()


def test_an_archive_nested_beyond_all_depths_is_an_error_not_a_crash(tmp_path: Path) -> None:
    deep = "/".join(["d" * 100] * 60)
    source = archive(tmp_path / "a.tar", [(f"{deep}/f", FILE, "x")])
    root = tmp_path / "root"
    with pytest.raises(WeftError, match="failed to register layer"):
        unpack(source, root)
    subprocess.run(["rm", "-rf", root], check=True)


def test_interrupting_ends_it(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.tar", [("f", FILE, "x" * 3_000_000)])
    unpacking = Unpacking(source, tmp_path / "root")
    unpacking.interrupt()
    with pytest.raises(InvalidParameter, match="interrupted"):
        unpacking.run()
