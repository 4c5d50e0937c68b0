"""Shards of networks that one bridge does not hold: how many endpoints each has, rebuilt from the records at start."""

from collections import Counter
from collections.abc import Iterable
from itertools import count

from weft.drivers.contract import Sharded
from weft.model.container import ContainerRecord
from weft.model.endpoint import Endpoint
from weft.model.errors import Conflict
from weft.model.network import NetworkRecord


class ShardBook:
    """Which shards of which network have room."""

    def __init__(self) -> None:
        self._held: Counter[tuple[str, int]] = Counter()

    def restore(self, containers: Iterable[ContainerRecord]) -> None:
        """Count what the records hold."""
        for container in containers:
            for attachment in container.attachments:
                if attachment.endpoint is not None:
                    self.take(attachment.endpoint.network_id, attachment.endpoint.shard)

    def first_with_room(self, network: NetworkRecord, driver: Sharded) -> int:
        """Return the first shard with room; Conflict when the network is full."""
        for shard in count():
            size = driver.shard_size(shard)
            if self._held[network.id, shard] < size:
                return shard
            if size == 0:
                break
        raise Conflict(f"network {network.name} is full: its {shard} bridges have no port left; use another network")

    def take(self, network_id: str, shard: int) -> None:
        """Take a place."""
        self._held[network_id, shard] += 1

    def release(self, endpoint: Endpoint) -> None:
        """Give an endpoint's place back."""
        key = (endpoint.network_id, endpoint.shard)
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]
