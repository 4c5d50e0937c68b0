"""Compressed streams: recognised by their first bytes, undone by the programs that made them."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from weft.model.errors import InvalidParameter, Unimplemented

CHUNK = 1024 * 1024  # bytes
_MAGIC = (
    ("gzip", b"\x1f\x8b"),
    ("bzip2", b"BZh"),
    ("xz", b"\xfd7zXZ\x00"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
)
_F_SETPIPE_SZ = 1031


def compression_of(path: Path) -> str:
    """Return the program that undoes the file's compression, "" if it is not compressed."""
    with path.open("rb") as file:
        return program_for(file.read(8))


def program_for(head: bytes) -> str:
    """Return the program that undoes the compression of what begins so, "" for what is not compressed."""
    return next((program for program, magic in _MAGIC if head.startswith(magic)), "")


class Decompressed:
    """Reads a file's content without its compression; `position` tells how many bytes of the file are consumed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def position(self) -> int:
        """Bytes of the compressed file read so far."""
        # The program shares this open file, and so its offset.
        try:
            return os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        except ValueError:  # closed
            return 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; raises InvalidParameter if it is corrupt, Unimplemented if its program is missing."""
        program = compression_of(self._path)
        if not program:
            while chunk := os.read(self._file.fileno(), CHUNK):
                yield chunk
            return
        process = self._process = self._start(program)
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        assert process.stderr is not None  # noqa: S101
        while chunk := os.read(process.stdout.fileno(), CHUNK):
            yield chunk
        complaint = process.stderr.read(500).decode(errors="replace").strip()
        if process.wait() != 0:
            raise InvalidParameter(f"corrupt {program} data: {complaint or 'it ended too early'}")

    def interrupt(self) -> None:
        """Make `chunks` of a compressed file end with an error; called from another thread."""
        if self._process is not None:
            self._process.kill()

    def finish(self) -> None:
        """Release everything once nobody reads any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        self._file.close()

    def _start(self, program: str) -> "subprocess.Popen[bytes]":
        try:
            process = subprocess.Popen(
                [program, "-dcq"], stdin=self._file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
        except FileNotFoundError as error:
            raise Unimplemented(f"{program}-compressed data cannot be read: install the program {program}") from error
        assert process.stdout is not None  # noqa: S101
        fcntl.fcntl(process.stdout.fileno(), _F_SETPIPE_SZ, CHUNK)
        return process
