"""Calls to one plugin: JSON over HTTP, by a Unix socket, TCP or TLS (Docker plugin protocol v1.2)."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import BaseConnector, ClientError, ClientSession, ClientTimeout, TCPConnector, UnixConnector
from aiohttp.client_exceptions import ClientConnectionError, ClientConnectorError, ClientSSLError

from weft.model.errors import InvalidParameter, SystemFailure, Unavailable
from weft.plugins.answer import Answer
from weft.plugins.discovery import PluginAddress

_log = logging.getLogger(__name__)
_TYPE = "application/vnd.docker.plugins.v1.2+json"
_HEADERS = {"Accept": _TYPE, "Content-Type": _TYPE}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, and how long one that finds nobody is made again; seconds and bytes."""

    answer: float = 30
    retry: float = 30
    first_pause: float = 1
    reply: int = 1 << 20

    def pauses(self) -> list[float]:
        """Return the pauses between attempts, each twice the one before; together they stay below `retry`."""
        found: list[float] = []
        pause = self.first_pause
        while sum(found) + pause < self.retry:
            found.append(pause)
            pause *= 2
        return found


class NotImplementedByPlugin(SystemFailure):
    """The plugin does not know a method (HTTP 404); optional ones are then left out."""


class Client:
    """One plugin's HTTP client. `lost` says that nobody answered at its address the last time."""

    def __init__(self, name: str, address: PluginAddress, limits: Limits) -> None:
        self.name = name
        self.address = address
        self.lost = False
        self._limits = limits
        self._session: ClientSession | None = None

    async def call(self, method: str, body: Mapping[str, Any], *, retry: bool = True) -> Answer:
        """Call a method (`NetworkDriver.Join`) and return its answer.

        Raises Unavailable where nobody answers, or not in time, SystemFailure for an error (`remote: …`) or nonsense.
        With `retry` a plugin that is not there yet is waited for.
        """
        content = json.dumps(body).encode()
        for pause in (*(self._limits.pauses() if retry else ()), None):
            try:
                return await self._once(method, content)
            except ClientSSLError as error:
                raise Unavailable(f"plugin {self.name} at {self.address}: no TLS with it: {error}") from error
            except ClientConnectorError as error:
                self.lost = True
                if pause is None:
                    raise Unavailable(
                        f"plugin {self.name} does not answer at {self.address}: {error.os_error.strerror or error}: "
                        "start it, or remove what it left there"
                    ) from error
                _log.warning("plugin %s does not answer at %s, retrying in %ss", self.name, self.address, pause)
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt either returned or raised")

    async def _once(self, method: str, content: bytes) -> Answer:
        started = time.monotonic()
        try:
            session = self._opened()
            async with session.post(f"/{method}", data=content, headers=_HEADERS, allow_redirects=False) as response:
                self.lost = False
                reply = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    reply += chunk
                    if len(reply) > self._limits.reply:
                        raise SystemFailure(
                            f"plugin {self.name} answered {method} with more than {self._limits.reply} bytes"
                        )
                return self._answer(method, response.status, bytes(reply))
        except ClientConnectorError:
            raise
        except TimeoutError as error:
            waited = f"{time.monotonic() - started:.3g}"
            raise Unavailable(f"plugin {self.name} did not answer {method} within {waited} s") from error
        except ClientConnectionError as error:
            self.lost = True
            raise Unavailable(
                f"plugin {self.name} broke off at {method}: {error or 'it closed the connection'}"
            ) from error
        except ClientError as error:
            raise SystemFailure(f"plugin {self.name} does not speak HTTP at {method}: {error}") from error

    def _answer(self, method: str, status: int, reply: bytes) -> Answer:
        where = f"plugin {self.name} at {method}"
        if status == 200:
            answer = Answer.parse(where, reply)
            problem = answer.text("Err") or answer.text("Error")
            if problem:
                raise SystemFailure(f"remote: {problem}")
            return answer
        problem = _problem(reply)
        if status == 404:
            raise NotImplementedByPlugin(f"{method}: {problem or '404 page not found'}")
        raise SystemFailure(f"{method}: {problem or f'HTTP status {status}'}")

    def _opened(self) -> ClientSession:
        if self._session is None:
            try:
                tls = self.address.tls.context() if self.address.tls is not None else None
            except OSError as error:
                raise InvalidParameter(f"plugin {self.name}: its TLS files cannot be used: {error}") from error
            # one connection a call: a plugin that was restarted never meets a stale one
            connector: BaseConnector
            if self.address.socket:
                base, connector = "http://plugin", UnixConnector(self.address.socket, force_close=True)
            else:
                scheme = "http" if tls is None else "https"
                host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
                base = f"{scheme}://{host}:{self.address.port}"
                connector = TCPConnector(ssl=tls if tls is not None else True, force_close=True)
            timeout = ClientTimeout(total=self._limits.answer)
            self._session = ClientSession(base, connector=connector, timeout=timeout)
        return self._session

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _problem(reply: bytes) -> str:
    """Return what an answer that is no success says, in one short line."""
    try:
        content = json.loads(reply)
    except ValueError:
        content = None
    if isinstance(content, dict):
        for key in ("Err", "Error", "err", "error", "message"):
            if isinstance(content.get(key), str) and content[key]:
                return str(content[key])[:1000]
    return " ".join(reply.decode(errors="replace").split())[:200]
