"""Layers on disk: unpacked once, shared by all images and containers that stand on them."""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.images.compression import compression_of
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.unpacking import Unpacking
from weft.runtime.images.whiteout import convert_whiteouts
from weft.runtime.images.workers import Workers

Watch = Callable[[Unpacking], None]


@dataclass(frozen=True, slots=True)
class Layer:
    """A stored layer; `size` in bytes of its files."""

    diff_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A layer's archive as it arrived, compressed or not: what push and save send on, byte for byte."""

    path: Path
    digest: str

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


class LayerStore:
    """`layers/<diff id>/` holds the files of a layer, `images/blobs/<diff id>-<digest>` the archive it came as.

    A layer is there or not: it is unpacked elsewhere and renamed. What a pull or load works on is pinned meanwhile.
    """

    def __init__(self, layers: Path, blobs: Path, scratch: Scratch, workers: Workers) -> None:
        self._layers = layers
        self._blobs = blobs
        self._scratch = scratch
        self._workers = workers
        self._pins: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        for directory in (layers, blobs):
            # Nobody else passes: layers hold programs that run as root, some old, and other people's secrets.
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def directory(self, diff_id: str) -> Path:
        """Return where the layer's files are, or would be."""
        return self._layers / _digits(diff_id)

    def has(self, diff_id: str) -> bool:
        """Whether the layer is stored, whole."""
        return self.directory(diff_id).is_dir()

    def blob(self, diff_id: str) -> Blob:
        """Return the layer's archive; raises SystemFailure if it is gone."""
        for path in self._blobs.glob(f"{_digits(diff_id)}-*"):
            return Blob(path, "sha256:" + path.name.partition("-")[2])
        raise SystemFailure(
            f"layer {diff_id}: its archive is missing from {self._blobs}: remove the image, pull it again"
        )

    def replace_blob(self, diff_id: str, path: Path, digest: str) -> Blob:
        """Keep `path` (moved) as the layer's archive, in place of the one there was."""
        before = self.blob(diff_id)
        after = self._blobs / f"{_digits(diff_id)}-{_digits(digest)}"
        path.rename(after)
        if before.path != after:
            before.path.unlink(missing_ok=True)
        return Blob(after, digest)

    def lock(self, diff_id: str) -> asyncio.Lock:
        """Return the lock under which a layer is fetched, so that two pulls fetch it once."""
        lock = self._locks.get(diff_id)
        if lock is None:
            lock = self._locks[diff_id] = asyncio.Lock()
        return lock

    @contextmanager
    def pinned(self, diff_ids: Collection[str]) -> Iterator[None]:
        """Keep layers on disk that may lose, or do not yet have, an image that names them."""
        self._pins.update(diff_ids)
        try:
            yield
        finally:
            self._pins.subtract(diff_ids)
            self._pins = +self._pins  # without the zeros

    @asynccontextmanager
    async def admission(self, diff_ids: Collection[str], used: Callable[[], set[str]]) -> AsyncIterator[None]:
        """Bracket the making of an image: its layers stay until a record names them, or go again if it fails.

        `used` tells which layers images name.
        """
        fresh = {diff_id for diff_id in diff_ids if not self.has(diff_id)}
        try:
            with self.pinned(diff_ids):
                yield
        except BaseException:
            await asyncio.shield(self.drop(fresh - used()))
            raise

    async def add(self, archive: Path, expected: str = "", *, digest: str = "", watch: Watch | None = None) -> Layer:
        """Unpack an archive, which moves into the store, and return its layer.

        `expected` is the diff id it must have, `digest` that of the file where it is known; `watch` is handed the
        unpacking before it starts. Raises InvalidParameter if the archive is malformed or another.
        """
        async with self._scratch.directory("layer") as place:
            unpacking = Unpacking(archive, place / "root")
            if watch is not None:
                watch(unpacking)
            diff_id = await self._workers.run(unpacking.run, unpacking.interrupt)
            if expected and diff_id != expected:
                raise InvalidParameter(
                    f"failed to register layer: its content is {diff_id}, not {expected} as promised"
                )
            if not digest:
                digest = await self._workers.run(lambda: file_digest(archive)) if compression_of(archive) else diff_id
            self._adopt(diff_id, archive, digest, place / "root")
        self._sizes[diff_id] = unpacking.size
        return Layer(diff_id, unpacking.size)

    async def size(self, diff_id: str) -> int:
        """Return the bytes of a stored layer's files."""
        if diff_id not in self._sizes:
            # Without markers left to convert, converting only counts.
            self._sizes[diff_id] = await self._workers.run(lambda: convert_whiteouts(self.directory(diff_id)))
        return self._sizes[diff_id]

    def stored(self) -> set[str]:
        """Return the diff ids of all layers."""
        return {f"sha256:{path.name}" for path in self._layers.iterdir()}

    async def drop(self, diff_ids: Iterable[str]) -> tuple[str, ...]:
        """Delete layers, but for pinned ones; return the diff ids of what went."""
        doomed = tuple(sorted(it for it in diff_ids if self._pins[it] <= 0 and self.has(it)))
        for diff_id in doomed:
            self._scratch.discard(self.directory(diff_id))
            for path in self._blobs.glob(f"{_digits(diff_id)}-*"):
                self._scratch.discard(path)
            self._sizes.pop(diff_id, None)
        await self._scratch.empty_bin()
        return doomed

    def sweep(self) -> None:
        """Delete archives whose layer is not there: a killed daemon may have left some."""
        for path in self._blobs.iterdir():
            if not (self._layers / path.name.partition("-")[0]).is_dir():
                path.unlink()

    def _adopt(self, diff_id: str, archive: Path, digest: str, root: Path) -> None:
        target = self.directory(diff_id)
        if target.exists():
            return
        for stale in self._blobs.glob(f"{_digits(diff_id)}-*"):
            stale.unlink()
        os.rename(archive, self._blobs / f"{_digits(diff_id)}-{_digits(digest)}")
        os.rename(root, target)


def file_digest(path: Path) -> str:
    """Return the sha256 digest of a file. Blocks: call it in a thread."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")
