"""File events on the event loop (inotify(7)): one descriptor for everything the runtime watches."""

import asyncio
import contextlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from weft.runtime import syscalls

_HEADER: Final = struct.Struct("iIII")
_BUFFER: Final = 65536
_GONE: Final = 0x8000  # IN_IGNORED: the watch ended with its file

Callback = Callable[[str], None]


class Inotify:
    """Watches files and directories; a callback gets the name of the file inside the directory, or ""."""

    def __init__(self) -> None:
        self._descriptor = syscalls.inotify_init()
        self._callbacks: dict[int, list[Callback]] = {}
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Stop watching."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def watch(self, path: Path, mask: int, callback: Callback) -> Callable[[], None]:
        """Call back on events at `path` until the function returned is called; OSError when there is nothing.

        Watches of one file share one mask: a callback may get events that another asked for.
        """
        number = syscalls.inotify_add_watch(self._descriptor, path, mask | syscalls.IN_MASK_ADD)
        self._callbacks.setdefault(number, []).append(callback)

        def stop() -> None:
            callbacks = self._callbacks.get(number, [])
            with contextlib.suppress(ValueError):
                callbacks.remove(callback)
                if not callbacks:
                    del self._callbacks[number]
                    with contextlib.suppress(OSError):  # its file is gone already
                        syscalls.inotify_rm_watch(self._descriptor, number)

        return stop

    def _read(self) -> None:
        try:
            buffer = os.read(self._descriptor, _BUFFER)
        except BlockingIOError:
            return
        offset = 0
        while offset < len(buffer):
            number, mask, _, length = _HEADER.unpack_from(buffer, offset)
            offset += _HEADER.size
            name = os.fsdecode(buffer[offset : offset + length].rstrip(b"\0"))
            offset += length
            callbacks = self._callbacks.get(number, ())
            if mask & _GONE:
                self._callbacks.pop(number, None)
            for callback in tuple(callbacks):
                callback(name)
