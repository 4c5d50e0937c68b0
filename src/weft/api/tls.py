"""TLS below the API, with half-closed connections, which asyncio's own has not.

`echo x | docker run -i …` over TLS says with a close_notify alert that no more input comes, and goes on reading
(RFC 8446, 6.1: each side closes its own direction).
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from socket import socket
from typing import Any, cast

from aiohttp import web

_CHUNK = 65536
_HANDSHAKE = 60.0  # seconds


class TlsSite(web.BaseSite):
    """Serves a listening TCP socket with TLS."""

    def __init__(self, runner: web.ServerRunner, listener: socket, context: ssl.SSLContext, backlog: int) -> None:
        super().__init__(runner, backlog=backlog)
        self._make = cast("Callable[[], asyncio.Protocol]", runner.server)
        self._listener = listener
        self._context = context

    @property
    def name(self) -> str:
        """The site's address."""
        return "https://{}:{}".format(*self._listener.getsockname()[:2])

    async def start(self) -> None:
        """Begin to accept."""
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _TlsConnection(self._context, self._make), sock=self._listener, backlog=self._backlog
        )


class _TlsConnection(asyncio.Protocol):
    """What the network's transport talks to: decrypts for `make`'s protocol, which it gives a transport of its own."""

    def __init__(self, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol]) -> None:
        self._context = context
        self._make = make
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._inner: _TlsTransport | None = None
        self._too_late: asyncio.TimerHandle | None = None
        self._ended = False  # the peer closed its direction
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._outer = cast("asyncio.Transport", transport)
        self._too_late = asyncio.get_running_loop().call_later(_HANDSHAKE, self._outer.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
        if self._inner is not None:
            self._inner.get_protocol().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._arrived.write(data)
        self._advance()

    def eof_received(self) -> bool:
        self._arrived.write_eof()
        self._advance()
        return True  # who closed with an alert before may go on reading

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.get_protocol().pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.get_protocol().resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if data and not self._outer.is_closing():
            self._tls.write(data)
            self._flush()

    def write_eof(self) -> None:
        """Close our direction."""
        with suppress(ssl.SSLError):  # the peer has not closed its own yet
            self._tls.unwrap()
        self._flush()
        self._outer.write_eof()

    def close(self) -> None:
        """Send what is left, close our direction, and drop the connection."""
        if not self._outer.is_closing():
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
            self._outer.close()

    def pause(self) -> None:
        """Hand out nothing more for the moment."""
        self._paused = True
        self._outer.pause_reading()

    def resume(self) -> None:
        """Go on handing out, what is decrypted already first."""
        if self._paused:
            self._paused = False
            asyncio.get_running_loop().call_soon(self._advance)

    @property
    def paused(self) -> bool:
        """Whether nothing is handed out."""
        return self._paused

    def _advance(self) -> None:
        try:
            if self._inner is None:
                self._inner = self._shake_hands()
            if not self._ended:
                self._hand_out(self._inner)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:  # no TLS, no certificate, or cut off
            self._flush()
            self._outer.close()
        self._flush()
        if not self._paused and not self._outer.is_closing():
            self._outer.resume_reading()

    def _shake_hands(self) -> "_TlsTransport":
        self._tls.do_handshake()
        if self._too_late is not None:
            self._too_late.cancel()
        protocol = self._make()
        inner = _TlsTransport(self, self._outer, self._context, self._tls, protocol)
        protocol.connection_made(inner)
        return inner

    def _hand_out(self, inner: "_TlsTransport") -> None:
        while not self._paused and not self._outer.is_closing():
            try:
                data = self._tls.read(_CHUNK)
            except ssl.SSLZeroReturnError:
                data = b""
            protocol = inner.get_protocol()
            if data:
                protocol.data_received(data)
                continue
            self._ended = True
            if not protocol.eof_received():
                self.close()
            return

    def _flush(self) -> None:
        if self._leaving.pending and not self._outer.is_closing():
            self._outer.write(self._leaving.read())


class _TlsTransport(asyncio.Transport):
    """What the API's protocol talks to."""

    def __init__(
        self,
        connection: _TlsConnection,
        outer: asyncio.Transport,
        context: ssl.SSLContext,
        tls: ssl.SSLObject,
        protocol: asyncio.Protocol,
    ) -> None:
        super().__init__({"sslcontext": context, "ssl_object": tls, "peercert": tls.getpeercert()})
        self._connection = connection
        self._outer = outer
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return super().get_extra_info(name) or self._outer.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.Protocol:
        return self._protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._connection.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._connection.write_eof()

    def close(self) -> None:
        self._connection.close()

    def abort(self) -> None:
        self._outer.abort()

    def is_closing(self) -> bool:
        return self._outer.is_closing()

    def is_reading(self) -> bool:
        return not self._connection.paused

    def pause_reading(self) -> None:
        self._connection.pause()

    def resume_reading(self) -> None:
        self._connection.resume()

    def get_write_buffer_size(self) -> int:
        return self._outer.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._outer.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._outer.set_write_buffer_limits(high, low)
