"""A process for one job on a container's files: a tar stream out or in, or a comparison.

It is another process than the daemon for the daemon's sake, which would be slow meanwhile; a job is called off by
ending it. It gets open descriptors and never names of the host, and it ends when nobody reads or writes any more.
Each job imports what it needs alone, since its first byte is waited for.

Usage: python -m weft.runtime.files.worker JSON, where JSON is a Job. Results go to standard output, archives come by
standard input, a failure is a line of JSON on standard error: {"kind", "message"}.
"""

import io
import json
import os
import posixpath
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Final

from weft.runtime.files.places import open_directory
from weft.runtime.files.refused import Refused
from weft.runtime.syscalls import open_in_root

_FAILED: Final = 1
_INPUT: Final = 0
_OUTPUT: Final = 1
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY


def main() -> int:
    """Do the job of the command line; return the exit status."""
    job = json.loads(sys.argv[1])
    os.umask(0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a descriptor a level of a deep tree
    try:
        _JOBS[job["do"]](job)
    except BrokenPipeError:
        return _FAILED  # nobody reads any more
    except Refused as error:
        return _fail("InvalidParameter", str(error))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail("SystemFailure", f"{name}{(error.strerror or str(error)).lower()}")
    return 0


def _pack(job: Mapping[str, object]) -> None:
    """Send what is at `path` inside `root` under the name `name`; a directory with all that is in it."""
    from weft.runtime.files.packing import Packer

    root, path, name = _number(job, "root"), str(job["path"]), str(job["name"])
    packer = Packer(_OUTPUT)
    if job["directory"]:
        # "." is the directory itself: that of a path's last component that is a link, too
        packer.entry(open_in_root(root, path, _DIRECTORY), ".", name)
    else:
        parent = open_directory(root, posixpath.dirname(path))
        packer.entry(parent, posixpath.basename(path), name)
    packer.end()


def _export(job: Mapping[str, object]) -> None:
    """Send a whole root."""
    from weft.runtime.files.packing import Packer

    packer = Packer(_OUTPUT, user_attributes=True)
    packer.content(open_in_root(_number(job, "root"), "/", _DIRECTORY), "")
    packer.end()


def _difference(job: Mapping[str, object]) -> None:
    """Send a writable layer as an image's layer."""
    from weft.runtime.files.packing import Packer

    packer = Packer(_OUTPUT, whiteouts=True, user_attributes=True)
    packer.content(open_in_root(_number(job, "upper"), "/", _DIRECTORY), "")
    packer.end()


def _changes(job: Mapping[str, object]) -> None:
    """Print a list of [kind, path]."""
    from weft.runtime.files.changes import Comparison

    changes = Comparison(_number(job, "upper"), _number(job, "below")).changes()
    sys.stdout.write(json.dumps(list(changes)))


def _extract(job: Mapping[str, object]) -> None:
    """Write the archive that comes in, compressed or not, into the directory `path` inside `root`."""
    from weft.runtime.files.extracting import Extractor, Manner
    from weft.runtime.images.compression import CHUNK, program_for

    owner = job["owner"]
    manner = Manner(
        owner=(int(owner[0]), int(owner[1])) if isinstance(owner, list) else None, keep_types=bool(job["keep_types"])
    )
    given: io.BufferedReader = io.BufferedReader(io.FileIO(_INPUT, closefd=False), CHUNK)
    head = given.peek(1)
    if not head:
        return  # as good as an empty archive
    program = program_for(head[:8])
    source = _decompressed(program, given) if program else given
    Extractor(_number(job, "root"), str(job["path"]), manner).extract(source)


def _decompressed(program: str, given: io.BufferedReader) -> IO[bytes]:
    import subprocess
    import threading

    try:
        process = subprocess.Popen([program, "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise Refused(f"{program}-compressed data cannot be read: install the program {program}") from None
    threading.Thread(target=_feed, args=(given, process.stdin), daemon=True).start()
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    return process.stdout


def _feed(source: io.BufferedReader, target: IO[bytes]) -> None:
    from weft.runtime.images.compression import CHUNK

    with suppress(BrokenPipeError), target:
        while data := source.read1(CHUNK):
            target.write(data)


def _number(job: Mapping[str, object], key: str) -> int:
    number = job[key]
    assert isinstance(number, int)  # noqa: S101 - the daemon wrote it
    return number


def _fail(kind: str, message: str) -> int:
    sys.stderr.write(json.dumps({"kind": kind, "message": message}) + "\n")
    return _FAILED


_JOBS: Final = {
    "pack": _pack,
    "export": _export,
    "difference": _difference,
    "changes": _changes,
    "extract": _extract,
}

if __name__ == "__main__":
    sys.exit(main())
