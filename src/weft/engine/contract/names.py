"""What the engine needs of the DNS process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from weft.engine.contract.kernel import SandboxSockets
from weft.model.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxView:
    """What a sandbox sees: its networks in order of lookup (id and name), upstream servers, and resolver options.

    `host_upstreams` are asked from the host's namespace, `sandbox_upstreams` (user's --dns) from the sandbox's own.
    """

    networks: tuple[tuple[str, str], ...]
    host_upstreams: tuple[str, ...] = ()
    sandbox_upstreams: tuple[str, ...] = ()
    ndots: int = 0
    links: tuple[tuple[str, str, str], ...] = ()  # network id, alias, name that it stands for in this sandbox alone
    internal: bool = False  # no way out: host upstreams are not asked


class Names(Protocol):
    """The DNS process: it answers on its own, and survives the daemon."""

    async def open(self, sandbox: str, sockets: SandboxSockets, namespace_path: str, view: SandboxView) -> None:
        """Hand over a sandbox's sockets with its view."""
        ...

    async def update(self, sandbox: str, view: SandboxView) -> None: ...

    async def close(self, sandbox: str) -> None: ...

    async def publish(
        self, network: str, endpoint: str, names: tuple[str, ...], addresses: tuple[Address, ...]
    ) -> None:
        """Make an endpoint's names answer on a network; the first name is its canonical one, for PTR."""
        ...

    async def withdraw(self, network: str, endpoint: str) -> None: ...

    async def sandboxes(self) -> frozenset[str]:
        """Return the sandboxes that the process holds sockets of."""
        ...

    async def replace_zones(
        self, zones: Mapping[str, Mapping[str, tuple[tuple[str, ...], tuple[Address, ...]]]]
    ) -> None:
        """Replace all zones: network -> endpoint -> (names, addresses); after a restart of either side."""
        ...
