"""Local volumes."""

import os
import stat
from pathlib import Path

import pytest

from weft.model.errors import InvalidParameter, SystemFailure
from weft.model.volume import VolumeRecord
from weft.runtime.tree_size import TreeSizes
from weft.runtime.volumes import LocalVolumes


def record(name: str, mountpoint: str) -> VolumeRecord:
    return VolumeRecord(name=name, created=0, mountpoint=mountpoint)


async def made(volumes: LocalVolumes, name: str) -> str:
    path = volumes.mountpoint(name, {})
    await volumes.create(record(name, path))
    return path


async def test_create_size_remove(tmp_path: Path) -> None:
    volumes = LocalVolumes(tmp_path, TreeSizes())
    path = volumes.mountpoint("data", {})
    assert path == str(tmp_path / "volumes/data/_data")
    assert not volumes.exists(record("data", path))
    await volumes.create(record("data", path))
    assert volumes.exists(record("data", path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    Path(path, "d").mkdir()
    Path(path, "d/f").write_bytes(b"12345")
    os.link(Path(path, "d/f"), Path(path, "g"))
    Path(path, "l").symlink_to("/etc")
    assert await volumes.size(record("data", path)) == 5 + len("/etc")
    assert await made(volumes, "data") == path
    assert Path(path, "g").exists()
    await volumes.remove(record("data", path))
    assert list((tmp_path / "volumes").iterdir()) == []
    await volumes.remove(record("data", path))


@pytest.mark.parametrize("name", ["", "a", "../x", "a/b", ".hidden", "a b", "_x"])
async def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidParameter, match="includes invalid characters for a local volume name"):
        LocalVolumes(tmp_path, TreeSizes()).mountpoint(name, {})


async def test_only_a_volumes_own_directory_is_ever_removed(tmp_path: Path) -> None:
    (tmp_path / "precious/_data").mkdir(parents=True)
    with pytest.raises(SystemFailure, match="is not a directory of this volume"):
        await LocalVolumes(tmp_path, TreeSizes()).remove(record("precious", str(tmp_path / "precious/_data")))
    assert (tmp_path / "precious/_data").exists()


async def test_what_a_killed_daemon_was_removing_goes_with_the_next_removal(tmp_path: Path) -> None:
    volumes = LocalVolumes(tmp_path, TreeSizes())
    path = await made(volumes, "data")
    (tmp_path / "volumes/.removed-x/volume/_data").mkdir(parents=True)
    await LocalVolumes(tmp_path, TreeSizes()).remove(record("data", path))
    assert list((tmp_path / "volumes").iterdir()) == []
