"""Unpacks one layer's archive with GNU tar."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.images.compression import Decompressed
from weft.runtime.images.confinement import spawn_confined
from weft.runtime.images.whiteout import convert_whiteouts

_TAR = "tar"
# No trusted.*: with trusted.overlay.redirect a layer could reach into others. No system.*: ACLs need no root mapping.
_OPTIONS = (
    "--extract",
    "--file=-",
    "--numeric-owner",
    "--same-permissions",
    "--delay-directory-restore",
    "--xattrs",
    "--xattrs-include=user.*",
    "--xattrs-include=security.capability",
    "--warning=no-timestamp",
    "--warning=no-unknown-keyword",
)


class Unpacking:
    """One archive on its way into a new directory.

    GNU tar itself refuses `..`, strips leading slashes and writes through no symbolic link of the archive that leads
    out; the kernel confines it to the directory besides.
    """

    def __init__(self, archive: Path, target: Path) -> None:
        self._source = Decompressed(archive)
        self._target = target
        self._tar: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self.size = 0

    @property
    def position(self) -> int:
        """Bytes of the archive file consumed so far."""
        return self._source.position

    def run(self) -> str:
        """Unpack, and return the diff id; `size` is then the bytes of the files. Blocks: call it in a thread.

        Raises InvalidParameter for what is no proper archive, SystemFailure where disk or programs fail.
        """
        self._target.mkdir(mode=0o755)
        self._target.chmod(0o755)
        try:
            diff_id = self._extract()
            self.size = convert_whiteouts(self._target)
        except OSError as error:
            raise SystemFailure(f"failed to register layer: {error.strerror or error}") from error
        finally:
            self._source.finish()
        return diff_id

    def interrupt(self) -> None:
        """Make `run` end soon, by an error; called from another thread."""
        self._interrupted = True
        if self._tar is not None:
            self._tar.kill()
        self._source.interrupt()

    def _extract(self) -> str:
        if shutil.which(_TAR) is None:
            raise SystemFailure("failed to register layer: the program tar (GNU tar) is missing")
        with tempfile.TemporaryFile() as complaints:
            read_end, write_end = os.pipe()
            with open(write_end, "wb", buffering=0) as pipe:
                try:
                    self._tar = spawn_confined([_TAR, *_OPTIONS], self._target, read_end, complaints)
                finally:
                    os.close(read_end)
                try:
                    digest = self._feed(pipe.write)
                except BaseException:
                    self._tar.kill()
                    self._tar.wait()
                    raise
            if self._tar.wait() != 0:
                complaints.seek(0)
                self._fail(complaints.read(2000).decode(errors="replace"))
        return digest

    def _feed(self, write: Callable[[memoryview], int | None]) -> str:
        """Pass the whole archive to tar and return its digest; tar may stop reading at its end mark."""
        digest = hashlib.sha256()
        listening = True
        for chunk in self._source.chunks():
            if self._interrupted:
                raise InvalidParameter("interrupted")
            digest.update(chunk)
            rest = memoryview(chunk)
            while listening and rest:
                try:
                    rest = rest[write(rest) or 0 :]
                except BrokenPipeError:
                    listening = False
        return f"sha256:{digest.hexdigest()}"

    def _fail(self, complaints: str) -> None:
        lines = [line.removeprefix("tar: ") for line in complaints.splitlines() if line.startswith("tar: ")]
        reason = next((line for line in lines if not line.startswith(("Removing leading", "Exiting"))), "tar failed")
        kind = SystemFailure if "No space left" in reason or "quota" in reason else InvalidParameter
        raise kind(f"failed to register layer: {reason}")
