"""Bounding what logs keep: options of the json-file and local drivers, and the turning over of files."""

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from weft.model.container import LogConfig
from weft.model.errors import InvalidParameter, Unimplemented
from weft.runtime import syscalls
from weft.runtime.conmon import NO_LOG, REOPEN_LOGS
from weft.runtime.inotify import Inotify
from weft.runtime.log_compression import SUFFIX, compress
from weft.runtime.log_files import numbered

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kKmMgGtTpP]?)[iI]?[bB]?")
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_INTERVAL: Final = 0.25  # seconds between looks at a file that is being written
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_DRIVERS: Final[Mapping[str, Mapping[str, str]]] = {
    "json-file": {},
    "local": {"max-size": "20m", "max-file": "5", "compress": "true"},
    "none": {},
}


class LogPolicy(msgspec.Struct, frozen=True):
    """What is kept of a log: `size` bytes a file (0 unlimited), `files` of them; `kept` False for the none driver.

    With `compress`, all but the newest file are compressed.
    """

    kept: bool = True
    size: int = 0
    files: int = 1
    compress: bool = False

    def conmon_options(self, path: Path) -> list[str]:
        """Return conmon's log options. A single file it bounds itself, also while the daemon is away."""
        if not self.kept:
            return ["--log-path", NO_LOG]
        options = ["--log-path", f"k8s-file:{path}"]
        return [*options, "--log-size-max", str(self.size)] if self.size and self.files == 1 else options

    def make_room(self, log: Path) -> None:
        """Turn over what a former run filled, before the next run appends to it."""
        with contextlib.suppress(FileNotFoundError):
            if self.size and log.stat().st_size >= self.size:
                turn_over(log, self.files)
        if self.compress:
            with contextlib.suppress(OSError):  # as they are, they are read as well
                compress_older(log, self.files)

    @property
    def turned_over_by_daemon(self) -> bool:
        """Whether the daemon has to rename files."""
        return self.kept and self.size > 0 and self.files > 1


def policy_of(config: LogConfig) -> LogPolicy:
    """Return a container's policy; InvalidParameter and Unimplemented name the driver or value that is wrong."""
    driver = config.driver or "json-file"
    if driver not in _DRIVERS:
        raise Unimplemented(f'logger "{driver}" is not supported: use json-file, local or none')
    options = {**_DRIVERS[driver], **config.options}
    size = _size(options["max-size"]) if options.get("max-size", "-1") != "-1" else 0
    # as with Docker, max-file alone bounds nothing
    files = _count(options.get("max-file", "1"))
    compress = options.get("compress", "") in _TRUE and size > 0 and files > 1
    return LogPolicy(driver != "none", size, files, compress)


class Rotator:
    """Turns logs over when they have grown past their size."""

    def __init__(self, inotify: Inotify) -> None:
        self._inotify = inotify
        self._watched: dict[Path, tuple[Callable[[], None], asyncio.TimerHandle | None]] = {}
        self._compressing: dict[Path, asyncio.Future[None]] = {}

    def watch(self, log: Path, policy: LogPolicy, control: Path) -> None:
        """Keep `log` within its policy; `control` is the supervisor's fifo."""
        if policy.turned_over_by_daemon and log not in self._watched:
            stop = self._inotify.watch(log.parent, syscalls.IN_MODIFY, lambda _: self._plan(log, policy, control))
            self._watched[log] = (stop, None)
            self._plan(log, policy, control)

    def forget(self, log: Path) -> None:
        """Watch no longer."""
        stop, timer = self._watched.pop(log, (None, None))
        if stop is not None:
            stop()
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Forget all."""
        for log in tuple(self._watched):
            self.forget(log)

    def _plan(self, log: Path, policy: LogPolicy, control: Path) -> None:
        """Look at the file a little later: a busy log tells of every write."""
        stop, timer = self._watched[log]
        if timer is None:
            loop = asyncio.get_running_loop()
            self._watched[log] = (stop, loop.call_later(_INTERVAL, self._look, log, policy, control))

    def _look(self, log: Path, policy: LogPolicy, control: Path) -> None:
        stop, _ = self._watched[log]
        self._watched[log] = (stop, None)
        with contextlib.suppress(OSError):  # removed meanwhile, or nobody reads the fifo any more
            if log.stat().st_size >= policy.size and not self._is_compressing(log):
                turn_over(log, policy.files)
                descriptor = os.open(control, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    os.write(descriptor, REOPEN_LOGS)
                finally:
                    os.close(descriptor)
                if policy.compress:
                    work = asyncio.get_running_loop().run_in_executor(None, _compress, log, policy.files)
                    self._compressing[log] = work

    async def settled(self, log: Path) -> None:
        """Return when none of a log's files is being compressed any more."""
        work = self._compressing.pop(log, None)
        if work is not None:
            await asyncio.wait((work,))

    def _is_compressing(self, log: Path) -> bool:
        """Whether files may not be renamed yet: a container that writes faster than gzip turns over a little later."""
        work = self._compressing.get(log)
        if work is not None and work.done():
            del self._compressing[log]
            return False
        return work is not None


def _compress(log: Path, files: int) -> None:
    with contextlib.suppress(OSError):  # removed meanwhile, or the disk is full: as they are, they are read as well
        compress_older(log, files)


def compress_older(log: Path, files: int) -> None:
    """Compress all but the newest of the `files` of a log; OSError."""
    for number in range(1, files):
        path = numbered(log, number)
        if path is not None and path.suffix != SUFFIX:
            compress(path)


def turn_over(log: Path, files: int) -> None:
    """Rename `log` to `log.1`, that to `log.2` and so on; the oldest of `files` goes."""
    if files == 1:
        log.unlink()
    for number in range(files - 1, 0, -1):
        newer = numbered(log, number - 1) if number > 1 else log
        if newer is None or not newer.exists():
            continue
        while (gone := numbered(log, number)) is not None:
            gone.unlink()
        os.replace(newer, log.with_name(f"{log.name}.{number}{newer.suffix if newer.suffix == SUFFIX else ''}"))


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if size <= 0:
        raise InvalidParameter(f'invalid max-size "{text}": use a number of bytes with b, k, m or g')
    return size


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise InvalidParameter(f'invalid max-file "{text}": use a number') from None
    if count < 1:
        raise InvalidParameter("max-file cannot be less than 1")
    return count
