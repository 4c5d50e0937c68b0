"""Load, save, import, names, removal and the built-in image, over a real data root."""

import asyncio
import hashlib
import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from image_lab import (
    Place,
    alpine_layers,
    chunks,
    configuration,
    diff_id,
    docker_archive,
    layer,
    lines,
    run,
    statuses,
    tree,
)

from weft.engine.contract.images import ImageUse, Progress
from weft.model.errors import Conflict, InvalidParameter, NotFound, SystemFailure, WeftError
from weft.runtime.images.store import ImageStore


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data")


@pytest.fixture
def images(place: Place) -> Iterator[ImageStore]:
    store = place.open()
    yield store
    store.close()


@pytest.fixture
def alpine(tmp_path: Path) -> Path:
    layers = alpine_layers()
    return docker_archive(tmp_path / "alpine.tar", ["alpine:latest", "alpine:3.20"], layers, configuration(layers))


async def content(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


async def saved(images: ImageStore, path: Path, *references: str) -> Path:
    with path.open("wb") as file:
        async for chunk in images.save(references):
            file.write(chunk)
    return path


def said(progress: list[Progress]) -> list[str]:
    return [line.stream for line in progress if line.stream]


def on_disk(place: Place) -> tuple[list[str], ...]:
    """Return the names of layers, blobs and configurations."""
    images = place.root / "images"
    return (
        sorted(path.name for path in (place.root / "layers").iterdir()),
        sorted(path.name.partition("-")[0] for path in (images / "blobs").iterdir()),
        sorted(path.stem for path in images.glob("*.json")),
    )


async def test_load_tells_names_and_progress(place: Place, images: ImageStore, alpine: Path) -> None:
    progress = await lines(images.load(chunks(alpine), quiet=False))
    assert said(progress) == ["Loaded image: alpine:latest\n", "Loaded image: alpine:3.20\n"]
    layers = [diff_id(content) for content in alpine_layers()]
    assert [line.id for line in progress if line.status == "Loading layer" and line.current == line.total] == [
        layer[7:19] for layer in layers
    ]
    record = images.find("alpine:3.20")
    assert (record.layers, record.tags) == (tuple(layers), ("alpine:latest", "alpine:3.20"))
    assert record.size == len(Path("/bin/busybox").read_bytes()) + len("xk3.20\n")
    assert said(await lines(images.load(chunks(alpine), quiet=True))) == said(progress)
    assert place.leftovers() == []


@pytest.mark.parametrize("program", ["gzip", "xz", "zstd"])
async def test_load_of_a_compressed_archive(images: ImageStore, alpine: Path, program: str) -> None:
    packed = alpine.with_suffix(".packed")
    with packed.open("wb") as file:
        file.write(run(program, "-c1", alpine).stdout)
    await lines(images.load(chunks(packed), quiet=True))
    assert images.find("alpine").id == diff_id(configuration(alpine_layers()))


async def test_what_was_saved_loads_with_the_same_ids(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    other = [*alpine_layers(), layer([("more", b"m")])]
    archive = docker_archive(tmp_path / "o.tar", ["repo/other:1"], other, configuration(other))
    await lines(images.load(chunks(archive), quiet=True))
    file = await saved(images, tmp_path / "saved.tar", "alpine:latest", "alpine:3.20", "repo/other:1")
    assert (
        await saved(images, tmp_path / "again.tar", "alpine:latest", "alpine:3.20", "repo/other:1")
    ).read_bytes() == (file.read_bytes())

    empty = Place(tmp_path / "empty")
    there = empty.open()
    progress = await lines(there.load(chunks(file), quiet=True))
    assert said(progress) == [f"Loaded image: {name}\n" for name in ("alpine:latest", "alpine:3.20", "repo/other:1")]
    assert {(record.id, record.layers, record.tags, record.layer_sizes) for record in there.list()} == {
        (record.id, record.layers, record.tags, record.layer_sizes) for record in images.list()
    }
    for ours, theirs in zip(images.layer_paths("repo/other:1"), there.layer_paths("repo/other:1"), strict=True):
        assert tree(Path(ours)) == tree(Path(theirs))
    there.close()


async def test_skopeo_reads_what_is_saved(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    record = images.find("alpine")
    file = await saved(images, tmp_path / "saved.tar", "alpine:latest")
    for transport in (f"docker-archive:{file}:alpine:latest", f"docker-archive:{file}", f"oci-archive:{file}"):
        told = run("skopeo", "inspect", transport).stdout
        assert len(json.loads(told)["Layers"]) == len(record.layers)
        raw = run("skopeo", "inspect", "--config", "--raw", transport)
        assert "sha256:" + hashlib.sha256(raw.stdout).hexdigest() == record.id
    target = tmp_path / "layout"
    run("skopeo", "--insecure-policy", "copy", f"docker-archive:{file}", f"oci:{target}:latest")


async def test_load_of_an_oci_layout_that_skopeo_wrote(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    for name in ("named.tar:docker.io/library/fresh:2", "bare.tar"):
        target = f"oci-archive:{tmp_path}/{name}"
        run("skopeo", "--insecure-policy", "copy", f"docker-archive:{alpine}:alpine:latest", target)
    assert said(await lines(images.load(chunks(tmp_path / "named.tar"), quiet=True))) == ["Loaded image: fresh:2\n"]
    record = images.find("fresh:2")
    assert record.layers == tuple(diff_id(content) for content in alpine_layers())
    bare = said(await lines(images.load(chunks(tmp_path / "bare.tar"), quiet=True)))
    assert bare == [f"Loaded image ID: {record.id}\n"]


async def test_save_by_id_and_by_repository(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    record = images.find("alpine")

    def names(file: Path) -> object:
        with tarfile.open(file) as tar:
            document = tar.extractfile("manifest.json")
            assert document is not None
            return json.load(document)[0]["RepoTags"]

    assert names(await saved(images, tmp_path / "a.tar", record.id[7:19])) is None
    assert names(await saved(images, tmp_path / "b.tar", "alpine")) == ["alpine:3.20", "alpine:latest"]
    assert names(await saved(images, tmp_path / "c.tar", record.id, "alpine:3.20")) == ["alpine:3.20"]
    with pytest.raises(NotFound, match=r"^No such image: nothing:latest$"):
        await saved(images, tmp_path / "d.tar", "alpine", "nothing")
    with pytest.raises(InvalidParameter):
        await saved(images, tmp_path / "e.tar")


def broken_archives() -> dict[str, bytes]:
    layers = alpine_layers()
    config = configuration(layers)
    entry = {"Config": "c", "RepoTags": ["a:1"], "Layers": ["l", "m"]}

    def packed(manifest: object, **members: bytes) -> bytes:
        whole = {"c": config, "l": layers[0], "m": layers[1]} | members
        return layer([*whole.items(), ("manifest.json", json.dumps(manifest).encode())])

    outside = "../../../../../../../../../../etc/passwd"
    return {
        "nothing": b"",
        "no archive": b"hello" * 1000,
        "no manifest": layer([("etc/passwd", b"root")]),
        "manifest is no JSON": layer([("manifest.json", b"{")]),
        "manifest of other types": packed([{"Config": 1}]),
        "missing layer": packed([entry | {"Layers": ["l", "absent"]}]),
        "too few layers": packed([entry | {"Layers": ["l"]}]),
        "wrong layer": packed([entry | {"Layers": ["m", "l"]}]),
        "layer outside": packed([entry | {"Layers": [outside, "m"]}]),
        "config outside": packed([entry | {"Config": outside}]),
        "bad name": packed([entry | {"RepoTags": ["../Up:1"]}]),
        "config is no JSON": packed([entry], c=b"\0"),
        "second image broken": packed([entry, entry | {"Config": "absent"}]),
        "truncated": packed([entry])[: -len(layers[1])][:700_000],
        "index outside": layer(
            [("index.json", json.dumps({"manifests": [{"digest": "sha256:" + "0" * 64}]}).encode())]
        ),
    }


@pytest.mark.parametrize("case", broken_archives())
async def test_broken_archives_change_nothing(place: Place, images: ImageStore, case: str) -> None:
    with pytest.raises(WeftError):
        await lines(images.load(content(broken_archives()[case]), quiet=True))
    assert images.list() == ()
    assert on_disk(place) == ([], [], [])
    assert place.leftovers() == []


async def test_links_of_an_archive_stay_inside_it(tmp_path: Path, place: Place, images: ImageStore) -> None:
    layers = alpine_layers()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, target in (("c", "/etc/passwd"), ("loop", "loop")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        manifest = json.dumps([{"Config": "c", "RepoTags": None, "Layers": ["loop"]}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
    with pytest.raises(InvalidParameter, match="c is missing or not a file"):
        await lines(images.load(content(buffer.getvalue()), quiet=True))
    # What older Dockers wrote: a layer that is a link to another image's.
    shared = [layers[1], layers[1]]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("one/layer.tar", layers[1]), ("c", configuration(shared))):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("two/layer.tar")
        info.type, info.linkname = tarfile.SYMTYPE, "../one/layer.tar"
        tar.addfile(info)
        manifest = json.dumps([{"Config": "c", "Layers": ["one/layer.tar", "two/layer.tar"]}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
    told = said(await lines(images.load(content(buffer.getvalue()), quiet=True)))
    assert told == [f"Loaded image ID: {images.list()[0].id}\n"]
    assert len(set(images.list()[0].layers)) == 1


async def test_a_name_moves_to_the_newer_image(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    old = images.find("alpine:latest")
    newer = [layer([("new", b"n")])]
    archive = docker_archive(tmp_path / "n.tar", ["alpine:latest"], newer, configuration(newer))
    told = said(await lines(images.load(chunks(archive), quiet=True)))
    assert told[0].startswith("The image alpine:latest already exists, renaming the old one with ID " + old.id)
    assert images.find(old.id).tags == ("alpine:3.20",)
    assert images.find("alpine").id != old.id


async def test_opaque_directories_hide_what_is_below(tmp_path: Path, images: ImageStore) -> None:
    layers = [layer([("d", None), ("d/below", b"b")]), layer([("d", None), ("d/.wh..wh..opq", b""), ("d/above", b"a")])]
    archive = docker_archive(tmp_path / "o.tar", ["opaque:1"], layers, configuration(layers))
    await lines(images.load(chunks(archive), quiet=True))
    lower, upper = images.layer_paths("opaque:1")
    assert os.getxattr(Path(upper) / "d", "trusted.overlay.opaque") == b"y"
    merged = tmp_path / "merged"
    merged.mkdir()
    script = f"mount -t overlay overlay -o lowerdir={upper}:{lower} {merged} && ls {merged}/d && umount {merged}"
    shown = run("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
    assert shown.stdout == b"above\n"


async def test_ownership_and_attributes_survive(tmp_path: Path, images: ImageStore) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "ping").write_bytes(b"x")
    os.chown(root / "ping", 12, 34)
    (root / "ping").chmod(0o4750)
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(root / "ping", "security.capability", capability)
    os.setxattr(root / "ping", "user.note", b"n")
    os.setxattr(root / "ping", "trusted.overlay.redirect", b"/etc")
    run("tar", "-C", root, "--xattrs", "--xattrs-include=*", "-cf", tmp_path / "root.tar", ".")
    await lines(images.import_(chunks(tmp_path / "root.tar"), repository="a", tag="", message="", changes=()))
    file = Path(images.layer_paths("a")[0]) / "ping"
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (12, 34, 0o4750)
    assert os.getxattr(file, "security.capability") == capability
    assert sorted(os.listxattr(file)) == ["security.capability", "user.note"]


async def test_import_makes_an_image_of_a_root(place: Place, images: ImageStore) -> None:
    progress = await lines(
        images.import_(
            content(layer([("bin", None), ("bin/sh", b"#!")])),
            repository="mine/root",
            tag="1",
            message="made by hand",
            changes=('CMD ["sh"]', "ENV A=1", "EXPOSE 80"),
        )
    )
    record = images.find("mine/root:1")
    assert statuses(progress) == [record.id]
    assert (record.config.cmd, record.config.env, record.config.exposed_ports) == (("sh",), ("A=1",), ("80/tcp",))
    assert (record.comment, record.size) == ("made by hand", 2)
    history = await images.history("mine/root:1")
    assert [(line["Id"], line["Size"], line["Comment"]) for line in history] == [(record.id, 2, "made by hand")]
    unnamed = await lines(images.import_(content(layer([("x", b"")])), repository="", tag="", message="", changes=()))
    assert images.find(unnamed[-1].status).tags == ()
    with pytest.raises(InvalidParameter):
        await lines(images.import_(content(b"rubbish" * 500), repository="", tag="", message="", changes=()))
    assert len(images.list()) == 2
    assert place.leftovers() == []


async def test_names_and_prefixes(images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    record = images.find("alpine")
    for text in (record.id, record.id[7:], record.id[7:19], record.id[:15], "docker.io/library/alpine", "alpine:3.20"):
        assert images.find(text) == record
    for text, shown in (("nothing", "nothing:latest"), ("alpine:9", "alpine:9"), ("x/y@sha256:" + "0" * 64, None)):
        with pytest.raises(NotFound) as missing:
            images.find(text)
        assert missing.value.message == f"No such image: {shown or text}"
    with pytest.raises(InvalidParameter, match=r"^invalid reference format$"):
        images.find("a//b")
    await images.tag(record.id[7:19], "mine/alpine", "")
    assert images.find("mine/alpine:latest").id == record.id
    with pytest.raises(InvalidParameter, match=r"repository name \(library/Upper\) must be lowercase"):
        await images.tag("alpine", "Upper", "1")
    with pytest.raises(InvalidParameter, match="refusing to create a tag with a digest reference"):
        await images.tag("alpine", "x@sha256:" + "0" * 64, "")


async def test_removal_gives_back_what_nobody_needs(
    tmp_path: Path, place: Place, images: ImageStore, alpine: Path
) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    alone = [alpine_layers()[0]]
    archive = docker_archive(tmp_path / "b.tar", ["below:1"], alone, configuration(alone))
    await lines(images.load(chunks(archive), quiet=True))
    record = images.find("alpine")
    use = ImageUse("c" * 64, running=False, layers=record.layers)

    gone = await images.remove("alpine", force=False, prune=True, in_use={record.id: (use,)})
    assert [(it.kind, it.name) for it in gone] == [("Untagged", "alpine:latest")]
    with pytest.raises(Conflict, match="must force"):
        await images.remove("alpine:3.20", force=False, prune=True, in_use={record.id: (use,)})
    gone = await images.remove(record.id[7:19], force=True, prune=True, in_use={record.id: (use,)})
    assert [(it.kind, it.name) for it in gone] == [("Untagged", "alpine:3.20"), ("Deleted", record.id)]
    # The stopped container still stands on the layers of the image that is gone.
    assert len(images.layer_directories(record.layers)) == 2
    await images.collect({record.id: (use,)})
    assert len(images.layer_directories(record.layers)) == 2

    await images.collect({})
    with pytest.raises(SystemFailure, match="is missing from the data root"):
        images.layer_directories(record.layers)
    shared = record.layers[0][7:]
    assert on_disk(place)[:2] == ([shared], [shared])
    gone = await images.remove("below:1", force=False, prune=True, in_use={})
    chain = f"sha256:{shared}"
    assert [(it.kind, it.name) for it in gone] == [
        ("Untagged", "below:1"),
        ("Deleted", gone[1].name),
        ("Deleted", chain),
    ]
    assert on_disk(place) == ([], [], [])
    assert place.records.load() == ()
    assert place.leftovers() == []


async def test_prune_takes_the_dangling_and_then_the_unused(tmp_path: Path, images: ImageStore, alpine: Path) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    first = images.find("alpine")
    for number in range(2):
        layers = [layer([("n", b"0123456789" * (number + 1))])]
        config = configuration(layers, Labels={"n": str(number)})
        archive = docker_archive(tmp_path / "p.tar", ["p:1"], layers, config)
        await lines(images.load(chunks(archive), quiet=True))
    nothing = await images.prune(dangling=True, in_use={}, until=0, labels=("n=7",), without=())
    assert nothing == ((), 0)
    assert await images.prune(dangling=True, in_use={}, until=1, labels=(), without=()) == ((), 0)
    done, reclaimed = await images.prune(dangling=True, in_use={}, until=0, labels=(), without=())
    assert (done[0].kind, reclaimed) == ("Deleted", 10)
    use = ImageUse("c" * 64, running=True, layers=first.layers)
    done, reclaimed = await images.prune(dangling=False, in_use={first.id: (use,)}, until=0, labels=(), without=())
    assert (done[0].name, reclaimed) == ("p:1", 20)
    assert images.list() == (first,)


async def test_the_built_in_image(tmp_path: Path, place: Place, images: ImageStore) -> None:
    version = run("/bin/busybox").stdout.decode().split()[1].removeprefix("v")
    assert not await images.ensure_builtin("alpine")
    assert not await images.ensure_builtin("busybox:0.1")
    assert not await images.ensure_builtin("quay.io/library/busybox")
    assert not await images.ensure_builtin("not//a//reference")
    assert images.list() == ()
    assert all(await asyncio.gather(*(images.ensure_builtin("docker.io/library/busybox") for _ in range(3))))
    assert await images.ensure_builtin(f"busybox:{version}")
    (record,) = images.list()
    assert set(record.tags) == {"busybox:latest", f"busybox:{version}"}
    assert record.config.cmd == ("sh",)
    root = Path(images.layer_paths("busybox")[0])
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    script = "busybox | head -1; id; ls /bin/sh; grep -c . /etc/passwd; hostname >/dev/null && which ping"
    told = run("chroot", root, "/bin/sh", "-c", script, env={"PATH": "/bin:/sbin:/usr/bin"}).stdout
    assert b"BusyBox" in told
    assert b"uid=0(root)" in told

    await images.remove(f"busybox:{version}", force=False, prune=True, in_use={})
    await images.remove("busybox", force=False, prune=True, in_use={})
    assert on_disk(place) == ([], [], [])
    assert await images.ensure_builtin("busybox")
    assert images.find("busybox").id == record.id
    file = await saved(images, tmp_path / "saved.tar", "busybox")
    there = Place(tmp_path / "there").open()
    await lines(there.load(chunks(file), quiet=True))
    assert there.find("busybox").id == record.id
    there.close()


async def test_a_restart_finds_everything_and_sweeps_the_half_made(
    place: Place, images: ImageStore, alpine: Path
) -> None:
    await lines(images.load(chunks(alpine), quiet=True))
    record = images.find("alpine")
    work = place.root / "images" / "work"
    (work / "layer-killed" / "root").mkdir(parents=True)
    (work / "auth-killed.json").write_text("{}")
    (place.root / "images" / ("0" * 64 + ".json")).write_text("{}")
    (place.root / "images" / "blobs" / ("1" * 64 + "-" + "2" * 64)).write_text("x")
    (place.root / "layers" / ("3" * 64)).mkdir()
    again = place.open()
    assert again.find("alpine") == record
    await again.collect({})
    digits = sorted(layer[7:] for layer in record.layers)
    assert on_disk(place) == (digits, digits, [record.id[7:]])
    assert place.leftovers() == []
    again.close()


async def test_a_load_that_is_closed_leaves_nothing(place: Place, images: ImageStore, alpine: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield alpine.read_bytes()[:1000]
        await asyncio.Event().wait()

    task = asyncio.create_task(lines(images.load(endless(), quiet=True)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.leftovers() == []
    assert on_disk(place) == ([], [], [])
