"""A websocket in place of a hijacked connection (Engine API v1.51, ContainerAttachWebsocket)."""

from collections.abc import Iterable

from aiohttp import WSMsgType, web

from weft.model.errors import InvalidParameter

_BINARY_SINCE = (1, 28)  # API version; before, browsers' clients expected text
_LARGEST = 16 * 1024 * 1024  # bytes of a message, which is held whole
_LINGER = 1.0  # seconds a client has to answer the closing


class WebsocketConnection:
    """Carries a session's data in messages. What the client sends as text is taken as its UTF-8 bytes."""

    def __init__(self, websocket: web.WebSocketResponse, version: tuple[int, int]) -> None:
        self._websocket = websocket
        self._binary = version >= _BINARY_SINCE

    async def read(self) -> bytes:
        """Return what the client sent, b"" after it closed."""
        while True:
            message = await self._websocket.receive()
            if message.type is WSMsgType.TEXT:
                data: bytes = message.data.encode()
            elif message.type is WSMsgType.BINARY:
                data = message.data
            else:
                return b""
            if data:
                return data

    async def write(self, chunks: Iterable[bytes]) -> None:
        """Send a message; waits while the client is slow. ConnectionError once it is gone."""
        data = b"".join(chunks)
        if self._binary:
            await self._websocket.send_bytes(data)
        else:
            await self._websocket.send_str(data.decode(errors="replace"))

    async def finish(self) -> None:
        """Close."""
        await self._websocket.close()


async def upgrade(request: web.BaseRequest, version: tuple[int, int]) -> WebsocketConnection:
    """Answer 101 and take the connection over; InvalidParameter for a request that asks for no websocket."""
    wanted = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = [each.strip() for each in wanted.split(",") if each.strip()]
    websocket = web.WebSocketResponse(timeout=_LINGER, protocols=protocols, max_msg_size=_LARGEST, compress=False)
    try:
        await websocket.prepare(request)
    except web.HTTPBadRequest as error:
        raise InvalidParameter(f"not websocket protocol: {error.text}") from error
    return WebsocketConnection(websocket, version)
