"""Temporary files of the image store: on the data root's file system, so that what is finished can be renamed."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from weft.model.errors import SystemFailure


class Scratch:
    """A directory for half-made things, 0700; whatever a killed daemon left in it is removed at the next start."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._bin = root / "bin"
        if root.exists():
            subprocess.run([*_REMOVE, root], check=False, stderr=subprocess.DEVNULL)
        self._bin.mkdir(parents=True, mode=0o700, exist_ok=True)
        root.chmod(0o700)

    @asynccontextmanager
    async def directory(self, purpose: str) -> AsyncIterator[Path]:
        """Make a directory that is gone at the end."""
        path = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self._root))
        try:
            yield path
        finally:
            try:
                path.rmdir()
            except OSError:  # not empty
                self.discard(path)
                await asyncio.shield(self.empty_bin())

    def discard(self, path: Path) -> None:
        """Take a file or tree out of sight at once; `empty_bin` gives its space back."""
        os.rename(path, Path(tempfile.mkdtemp(dir=self._bin)) / "it")

    async def empty_bin(self) -> None:
        """Delete what was discarded; raises SystemFailure for what stays."""
        doomed = [os.fspath(path) for path in self._bin.iterdir()]
        if not doomed:
            return
        process = await asyncio.create_subprocess_exec(*_REMOVE, *doomed, stderr=asyncio.subprocess.PIPE)
        _, complaints = await process.communicate()
        if process.returncode != 0 and any(os.path.lexists(path) for path in doomed):
            raise SystemFailure(f"{self._bin}: {complaints.decode(errors='replace').strip()}")


# Not shutil.rmtree: it recurses, and hostile archives nest deeper than Python may.
_REMOVE = ("rm", "-rf", "--one-file-system", "--")
