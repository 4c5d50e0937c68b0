"""The daemon's side of weft-dns: feeds the process that answers containers' queries."""

import os
from collections.abc import Mapping
from typing import Any

import weft.daemon.dns_process
from weft.daemon.kept_process import Handover, KeptProcess, command_line
from weft.dns.protocol import PROTOCOL, SOCKET_NAME, pack_view
from weft.dns.view import ViewSpec
from weft.engine.contract.kernel import SandboxSockets
from weft.engine.contract.names import SandboxView
from weft.model.address import Address


def command(exec_root: str) -> list[str]:
    """Return the command line of weft-dns."""
    return command_line(weft.daemon.dns_process.__file__, exec_root)


class DnsProcess(KeptProcess):
    """Implements weft.engine.contract.names.Names over the process that serves this exec root.

    `handover` hands over all sandboxes and zones. After `start` it is not called: ask `sandboxes`, then hand over what
    is missing.
    """

    def __init__(self, exec_root: str, handover: Handover, *, log_path: str = "") -> None:
        file = weft.daemon.dns_process.__file__
        super().__init__("weft-dns", file, PROTOCOL, SOCKET_NAME, exec_root, handover, log_path)

    async def open(self, sandbox: str, sockets: SandboxSockets, namespace_path: str, view: SandboxView) -> None:
        """Hand over a sandbox's sockets with its view; ours are closed, whatever happens."""
        try:
            await self.call("open", sandbox, namespace_path, _view(view), descriptors=(sockets.udp, sockets.tcp))
        finally:
            os.close(sockets.udp)
            os.close(sockets.tcp)

    async def update(self, sandbox: str, view: SandboxView) -> None:
        """Swap what a sandbox sees; raises SystemFailure where the process does not hold it."""
        await self.call("update", sandbox, _view(view))

    async def close(self, sandbox: str) -> None:
        """Let the process close a sandbox's sockets, which keep its namespace alive; nothing where it has none."""
        await self.call("close", sandbox)

    async def publish(
        self, network: str, endpoint: str, names: tuple[str, ...], addresses: tuple[Address, ...]
    ) -> None:
        """Make an endpoint's names answer on a network; the first name is its canonical one, for PTR."""
        await self.call("publish", network, endpoint, names, [str(address) for address in addresses])

    async def withdraw(self, network: str, endpoint: str) -> None:
        """Make an endpoint's names unknown on a network; nothing where they are already."""
        await self.call("withdraw", network, endpoint)

    async def sandboxes(self) -> frozenset[str]:
        """Return the sandboxes that the process holds sockets of."""
        return frozenset(await self.call("sandboxes"))

    async def replace_zones(
        self, zones: Mapping[str, Mapping[str, tuple[tuple[str, ...], tuple[Address, ...]]]]
    ) -> None:
        """Replace all zones: network -> endpoint -> (names, addresses)."""
        plain = {
            network: {ident: (names, [str(a) for a in addresses]) for ident, (names, addresses) in endpoints.items()}
            for network, endpoints in zones.items()
        }
        await self.call("replace-zones", plain)


def _view(view: SandboxView) -> list[Any]:
    return pack_view(
        ViewSpec(view.networks, view.host_upstreams, view.sandbox_upstreams, view.ndots, view.internal, view.links),
    )
