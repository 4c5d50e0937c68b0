"""The namespaces that one plan acts in, opened when first needed and closed at its end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from weft.kernel.netlink.channel import Channel
from weft.kernel.nft.context import Context
from weft.kernel.resources import Resources
from weft.kernel.stock import Prepared
from weft.plan.operations import HOST


class Places:
    """Channels and contexts by namespace. Everything raises OSError, ENOENT for a sandbox that is not there."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._descriptors: dict[str, int] = {}
        self._channels: dict[str, Channel] = {}
        self._contexts: dict[str, Context] = {}
        self._created = False

    def __enter__(self) -> "Places":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self, sandbox: str) -> None:
        """Create a sandbox and keep it open, since the plan is likely to go on in it."""
        prepared: Prepared = self._resources.sandboxes.create(sandbox)
        self._created = True
        self._descriptors[sandbox] = prepared.descriptor
        self._channels[sandbox] = prepared.channel

    def delete(self, sandbox: str) -> bool:
        """Let go of a sandbox and unpin it; return whether it was there."""
        self._leave(sandbox)
        return self._resources.sandboxes.delete(sandbox)

    @property
    def host(self) -> int:
        """A file descriptor of the daemon's own namespace; it stays its owner's."""
        return self._resources.home.descriptor

    def descriptor(self, sandbox: str) -> int:
        """Return a sandbox's file descriptor; it stays this object's."""
        if sandbox not in self._descriptors:
            self._descriptors[sandbox] = self._resources.sandboxes.descriptor(sandbox)
        return self._descriptors[sandbox]

    def channel(self, namespace: str) -> Channel:
        """Return an rtnetlink socket of that namespace."""
        if namespace not in self._channels:
            if namespace == HOST:
                self._channels[HOST] = self._resources.channels.take()
            else:
                self._channels[namespace] = self._resources.sandboxes.channel_in(self.descriptor(namespace))
        return self._channels[namespace]

    def nft(self, namespace: str) -> Context:
        """Return a libnftables context of that namespace."""
        if namespace == HOST:
            return self._resources.nft
        if namespace not in self._contexts:
            with self.visit(namespace):
                self._contexts[namespace] = Context()
        return self._contexts[namespace]

    @contextmanager
    def visit(self, namespace: str) -> Iterator[None]:
        """Run the body in that namespace."""
        if namespace == HOST:
            yield
        else:
            with self._resources.home.visit(self.descriptor(namespace)):
                yield

    def close(self) -> None:
        """Let go of everything."""
        host = self._channels.pop(HOST, None)
        if host is not None:
            self._resources.channels.give(host)
        for sandbox in {*self._descriptors, *self._channels, *self._contexts}:
            self._leave(sandbox)
        if self._created:
            self._resources.stock.refill()

    def _leave(self, sandbox: str) -> None:
        channel = self._channels.pop(sandbox, None)
        if channel is not None:
            channel.close()
        context = self._contexts.pop(sandbox, None)
        if context is not None:
            self._resources.errands.submit(context.close)
        descriptor = self._descriptors.pop(sandbox, None)
        if descriptor is not None:
            os.close(descriptor)
