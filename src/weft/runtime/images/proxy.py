"""Fetches blobs through `skopeo experimental-image-proxy` (protocol 0.2: JSON over SOCK_SEQPACKET, data in pipes)."""

import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

_MESSAGE_LIMIT = 32 * 1024  # bytes, the protocol's own
_CHUNK = 256 * 1024


class ProxyError(Exception):
    """The proxy refused or ended; the text is its reason."""


class BlobProxy:
    """One image of one registry. All methods but `interrupt` block: call them in a thread, one at a time."""

    def __init__(self, channel: socket.socket, kill: Callable[[], None], place: str) -> None:
        self._channel = channel
        self._kill = kill
        self._place = place
        self._image: object = None

    def fetch(self, digest: str, size: int, target: Path, arrived: Callable[[int], None]) -> None:
        """Write a blob to a new file; `arrived` is told the bytes so far.

        Raises ProxyError, also if what came is not what the digest and the size (bytes) promise.
        """
        if self._image is None:
            self._call("Initialize")
            self._image = self._call("OpenImage", self._place)[0]["value"]
        reply, descriptors = self._call("GetBlob", self._image, digest, size)
        if len(descriptors) != 1:
            for descriptor in descriptors:
                os.close(descriptor)
            raise ProxyError(f"fetching {digest}: the proxy sent {len(descriptors)} pipes, not one")
        with open(descriptors[0], "rb", buffering=0) as pipe, target.open("xb") as file:
            # Asked for before the data is read: the proxy ends its stream in answer to this.
            self._send("FinishPipe", reply["pipeid"])
            count = 0
            while chunk := pipe.read(_CHUNK):
                file.write(chunk)
                count += len(chunk)
                arrived(count)
        self._receive()
        if count != size:
            raise ProxyError(f"fetching {digest}: expected {size} bytes, got {count}")

    def interrupt(self) -> None:
        """Make a blocked `fetch` fail, by killing the program; called on the event loop."""
        with contextlib.suppress(ProcessLookupError):
            self._kill()

    def _call(self, method: str, *arguments: object) -> tuple[dict[str, object], list[int]]:
        self._send(method, *arguments)
        return self._receive()

    def _send(self, method: str, *arguments: object) -> None:
        try:
            self._channel.send(json.dumps({"method": method, "args": arguments}).encode())
        except OSError as error:
            raise ProxyError(f"skopeo ended early: {error.strerror}") from error

    def _receive(self) -> tuple[dict[str, object], list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._channel, _MESSAGE_LIMIT, 4, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise ProxyError(f"skopeo ended early: {error.strerror}") from error
        if not data:
            raise ProxyError("skopeo ended early")
        reply = json.loads(data)
        if not reply.get("success"):
            for descriptor in descriptors:
                os.close(descriptor)
            raise ProxyError(str(reply.get("error")))
        return reply, descriptors
