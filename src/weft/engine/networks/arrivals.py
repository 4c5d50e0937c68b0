"""Networks that containers are being started on, and those that are being removed: one excludes the other.

A network that is still being made, recorded as it is, is waited for.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from weft.model.endpoint import Attachment
from weft.model.errors import Forbidden, NotFound
from weft.model.network import NetworkRecord


class Arrivals:
    """What records do not show: a container has no endpoint until all of its start has been done."""

    def __init__(self) -> None:
        self._arriving: Counter[str] = Counter()
        self._leaving: set[str] = set()
        self._coming: dict[str, asyncio.Event] = {}

    @contextmanager
    def coming(self, network_id: str) -> Iterator[None]:
        """Let starts wait while a network is being made."""
        made = self._coming[network_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._coming[network_id]
            made.set()

    async def made(self, attachments: Sequence[Attachment]) -> None:
        """Return when none of these networks is being made any more: each is there, or its making failed."""
        for attachment in attachments:
            if attachment.network_id in self._coming:
                await self._coming[attachment.network_id].wait()

    @contextmanager
    def arriving(self, attachments: Sequence[Attachment]) -> Iterator[None]:
        """Keep these networks from being removed; NotFound for one that is on its way out."""
        for attachment in attachments:
            if attachment.network_id in self._leaving:
                raise NotFound(f"network {attachment.network_name} not found")
        ids = [attachment.network_id for attachment in attachments]
        self._arriving.update(ids)
        try:
            yield
        finally:
            self._arriving.subtract(ids)
            self._arriving += Counter()  # those that nobody waits for are forgotten

    @contextmanager
    def leaving(self, network: NetworkRecord) -> Iterator[None]:
        """Keep containers from being started on a network that is being removed; Forbidden while one is."""
        if self._arriving[network.id]:
            raise Forbidden(
                f"error while removing network: network {network.name} has active endpoints: "
                "a container is being started on it"
            )
        self._leaving.add(network.id)
        try:
            yield
        finally:
            self._leaving.discard(network.id)
