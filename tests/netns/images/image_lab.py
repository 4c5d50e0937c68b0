"""A network namespace with a registry in it, images to fill it with, and an image store to test."""

import asyncio
import ctypes
import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from weft.engine.contract.images import Progress
from weft.engine.contract.records import Change, Put, Record
from weft.model.image import ImageRecord
from weft.runtime.images.store import ImageStore

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000


class MemoryStore:
    """Keeps records as the real store does, and refuses what is none."""

    def __init__(self) -> None:
        self.records: dict[tuple[type, str], Record] = {}

    def load(self) -> tuple[Record, ...]:
        return tuple(self.records.values())

    def commit(self, *changes: Change) -> None:
        for change in changes:
            if isinstance(change, Put):
                record = change.record
                assert isinstance(record, ImageRecord)
                assert len(record.layers) == len(record.layer_sizes)
                self.records[ImageRecord, record.id] = record
            else:
                self.records.pop((change.type, change.key), None)


class Place:
    """A data root with its store; `open` makes the image store over it anew, as a restarted daemon does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = MemoryStore()

    def open(self, **options: Any) -> ImageStore:
        images = [record for record in self.records.load() if isinstance(record, ImageRecord)]
        return ImageStore(self.root, self.records, images, **options)

    def leftovers(self) -> list[Path]:
        """What lies in the scratch directory beside the store's own configuration."""
        known = {"bin", "registries.d", "registries.conf"}
        work = self.root / "images" / "work"
        return [path for path in work.iterdir() if path.name not in known] + list((work / "bin").iterdir())


def in_namespace(scenario: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine on a loop of a thread that has a network namespace of its own, with nothing but loopback."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            results.append(asyncio.run(_awaited(scenario)))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


async def _awaited(scenario: Callable[[], Awaitable[T]]) -> T:
    return await scenario()


@contextmanager
def registry(directory: Path, port: int = 5000, **sections: Any) -> Iterator[str]:
    """Run Debian's docker-registry on loopback over plain HTTP; yields host:port."""
    directory.mkdir(exist_ok=True)
    host = f"127.0.0.1:{port}"
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}},
        "http": {"addr": host},
    } | sections
    path = directory / f"registry-{port}.yml"
    path.write_text(json.dumps(config))  # YAML is a superset
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(path)], stdout=log, stderr=log)
    try:
        _wait_for(port)
        yield host
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def layer(entries: Iterable[tuple[str, bytes | None]]) -> bytes:
    """Return a layer's tar: directories have None, names of whiteouts are plain files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def diff_id(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def alpine_layers() -> list[bytes]:
    """Return two layers: busybox with a file to lose, then a whiteout of it and something of its own."""
    program = Path("/bin/busybox").read_bytes()
    below = layer([("bin", None), ("bin/busybox", program), ("etc", None), ("etc/lost", b"x"), ("etc/kept", b"k")])
    above = layer([("etc", None), ("etc/.wh.lost", b""), ("etc/alpine-release", b"3.20\n")])
    return [below, above]


def configuration(layers: Iterable[bytes], **config: Any) -> bytes:
    return json.dumps(
        {
            "architecture": config.pop("architecture", "amd64"),
            "os": "linux",
            "created": "2024-05-01T10:00:00.5Z",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]} | config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id(content) for content in layers]},
            "history": [{"created": "2024-05-01T10:00:00Z", "created_by": f"layer {n}"} for n, _ in enumerate(layers)],
        }
    ).encode()


def docker_archive(path: Path, tags: list[str], layers: list[bytes], config: bytes) -> Path:
    """Write what `docker save` of the old form writes; return its path."""
    members: dict[str, bytes] = {"config.json": config}
    members |= {f"{n}/layer.tar": content for n, content in enumerate(layers)}
    names = [f"{n}/layer.tar" for n in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": tags, "Layers": names}]
    members["manifest.json"] = json.dumps(manifest).encode()
    path.write_bytes(layer(members.items()))
    return path


def fill(archive: Path, target: str) -> None:
    """Push an archive's image to a registry with skopeo itself."""
    policy = ["--insecure-policy", "copy", "--dest-tls-verify=false"]
    subprocess.run(
        ["skopeo", *policy, f"docker-archive:{archive}", f"docker://{target}"], check=True, capture_output=True
    )


def run(*argv: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; CalledProcessError if it fails."""
    return subprocess.run(argv, check=True, capture_output=True, **options)


async def lines(stream: AsyncIterator[Progress]) -> list[Progress]:
    return [line async for line in stream]


def statuses(progress: Iterable[Progress]) -> list[str]:
    """Return the statuses, with the id before them, without the ones that only count bytes."""
    counting = ("Downloading", "Extracting", "Pushing", "Loading layer")
    return [f"{p.id}: {p.status}" if p.id else p.status for p in progress if p.status not in counting]


async def chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(65536):
            yield chunk


def tree(root: Path) -> Mapping[str, bytes | str]:
    """Return every name beneath a directory with what it is."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_char_device():
            found[name] = f"device {path.lstat().st_rdev}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "directory"
    return found
