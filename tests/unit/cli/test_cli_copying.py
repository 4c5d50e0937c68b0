"""What `weft cp` does on its own side: paths taken apart, archives written and read."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from weft.cli.copying.archives import Unpacker, pack, rebased
from weft.cli.copying.plan import End, arrange, clean, followed, local_source, split_argument, split_entry
from weft.cli.errors import CommandFailed

KEEP = ("", "")


def tar_of(*entries: tuple[str, bytes, object]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            data = content if isinstance(content, bytes) else b""
            entry.type, entry.mode, entry.size = kind, 0o750, len(data)
            entry.linkname = content if isinstance(content, str) else ""
            entry.mtime = 1_000_000_000
            archive.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def unpack(directory: Path, tar: bytes, rename: tuple[str, str] = KEEP) -> None:
    pieces = [tar[start : start + 1000] for start in range(0, len(tar), 1000)]
    Unpacker(str(directory)).unpack(pieces, rename)


@pytest.mark.parametrize(
    ("argument", "parts"),
    [("a:/b", ("a", "/b")), ("/a:b", ("", "/a:b")), ("./a:b", ("", "./a:b")), ("a", ("", "a")), ("a:", ("a", ""))],
)
def test_arguments(argument: str, parts: tuple[str, str]) -> None:
    assert split_argument(argument) == parts


def test_paths() -> None:
    assert [clean(path) for path in ("a//b/../c", "a/.", "a/", "/.", "/", ".")] == ["a/c", "a/.", "a/", "/.", "/", "."]
    assert [split_entry(path) for path in ("/a/b", "/a/.", "/a/", "b")] == [
        ("/a", "b"),
        ("/a", "."),
        ("/", "a"),
        (".", "b"),
    ]
    assert followed("/x/link", "/y/target") == ("/y/target", "link")
    assert followed("/x/link/.", "/y/target") == ("/y/target/.", "")


def test_where_a_copy_goes() -> None:
    file, directory = End("/s/f", exists=True), End("/s/d", exists=True, is_directory=True)
    there, taken = End("/t/d", exists=True, is_directory=True), End("/t/f", exists=True)
    assert arrange(file, there) == ("/t/d", "")
    assert arrange(file, taken) == ("/t", "f")
    assert arrange(directory, End("/t/new")) == ("/t", "new")
    assert arrange(file, End("/t/new")) == ("/t", "new")
    with pytest.raises(CommandFailed, match="cannot copy directory"):
        arrange(directory, taken)
    with pytest.raises(CommandFailed, match="no such directory"):
        arrange(file, End("/t/new/"))


def test_names_are_replaced_at_the_beginning_alone() -> None:
    assert rebased("a/a/b", ("a", "n")) == "n/a/b"
    assert rebased("ab/c", ("a", "n")) == "ab/c"
    assert rebased("./x", (".", "n")) == "n/x"
    assert rebased("/bin/sh", ("", "n")) == "n/bin/sh"
    assert rebased("a", KEEP) == "a"


def test_a_local_tree_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "d").mkdir(parents=True)
    target.mkdir()
    (source / "d/file").write_bytes(b"x" * 300_000)
    os.link(source / "d/file", source / "hard")
    (source / "soft").symlink_to("/nowhere/..")
    os.mkfifo(source / "fifo")
    (source / "d").chmod(0o500)
    unpack(target, b"".join(pack(str(source), "named")), ("named", "other"))
    assert (target / "other/d/file").read_bytes() == b"x" * 300_000
    assert (target / "other/hard").stat().st_ino == (target / "other/d/file").stat().st_ino
    assert os.readlink(target / "other/soft") == "/nowhere/.."
    assert (target / "other/fifo").is_fifo()
    assert (target / "other/d").stat().st_mode & 0o777 == 0o500


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(pack(str(tmp_path / "nowhere"), "x"))
    with pytest.raises(CommandFailed, match="no such file"):
        local_source(str(tmp_path / "nowhere"), follow=False)


def test_no_link_of_an_archive_is_followed(tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    for path in (outside, target):
        path.mkdir()
    for link in (str(outside), "../outside"):
        tar = tar_of(("way", LINK, link), ("way/planted", FILE, b"evil"))
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            unpack(target, tar)
        (target / "way").unlink()
    for name in ("../planted", "a/../../planted", "/../planted"):
        with pytest.raises(CommandFailed, match="is outside of"):
            unpack(target, tar_of((name, FILE, b"evil")))
    with pytest.raises(CommandFailed, match="is outside of"):
        unpack(target, tar_of(("hard", HARD, "../outside/x")))
    assert list(outside.iterdir()) == []


def test_a_file_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/file").symlink_to("../kept")
    unpack(tmp_path / "d", tar_of(("file", FILE, b"new")))
    assert ((tmp_path / "d/file").read_text(), (tmp_path / "kept").read_text()) == ("new", "kept")


def test_types_stay(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    with pytest.raises(CommandFailed, match="cannot overwrite directory"):
        unpack(tmp_path, tar_of(("d", FILE, b"")))
    with pytest.raises(CommandFailed, match="cannot overwrite non-directory"):
        unpack(tmp_path, tar_of(("f", DIRECTORY, b"")))


def test_what_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="archive/tar"):
        unpack(tmp_path, tar_of(("file", FILE, b"x" * 10_000))[:3000])
