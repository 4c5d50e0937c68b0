"""Performs plans with iproute2 and nft in a throw-away host: slow, plain, and independent of the kernel room."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod

from rig.host import Host
from weft.plan import operations as op
from weft.plan.plan import Plan


class PlanRunner:
    """Runs operations in order. Raises `AssertionError` with the command's words when one fails."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def apply(self, plan: Plan) -> None:
        """Perform a plan."""
        for operation in plan:
            self._perform(operation)

    def _in(self, namespace: str, *arguments: str, stdin: str = "") -> None:
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        self.host.run([*prefix, *arguments], stdin=stdin)

    def _nft(self, namespace: str, text: str) -> None:
        self._in(namespace, "nft", "-f", "-", stdin=text)

    @singledispatchmethod
    def _perform(self, operation: object) -> None:
        raise NotImplementedError(type(operation).__name__)

    @_perform.register
    def _(self, operation: op.CreateSandbox) -> None:
        self._in("", "ip", "netns", "add", operation.sandbox)
        self._in(operation.sandbox, "ip", "link", "set", "lo", "up")

    @_perform.register
    def _(self, operation: op.AdvertiseAddresses) -> None:
        pass  # neighbours ask

    @_perform.register
    def _(self, operation: op.CreateBridge) -> None:
        self._in("", "ip", "link", "add", operation.name, "address", operation.mac, "type", "bridge")
        self._in("", "ip", "link", "set", operation.name, "mtu", str(operation.mtu), "alias", operation.alias, "up")

    @_perform.register
    def _(self, operation: op.CreateVeth) -> None:
        peer = ["peer", "name", operation.peer, "address", operation.mac, "netns", operation.sandbox]
        mtu = str(operation.mtu)
        self._in("", "ip", "link", "add", operation.name, "mtu", mtu, "type", "veth", *peer, "mtu", mtu)
        self._in("", "ip", "link", "set", operation.name, "alias", operation.alias, "master", operation.bridge, "up")
        flags = ["isolated", _switch(operation.isolated), "hairpin", _switch(operation.hairpin)]
        self._in("", "bridge", "link", "set", "dev", operation.name, *flags)
        self._in(operation.sandbox, "ip", "link", "set", operation.peer, "up")

    @_perform.register
    def _(self, operation: op.DeleteLink) -> None:
        self._in(operation.namespace, "ip", "link", "del", operation.name)

    @_perform.register
    def _(self, operation: op.AddAddress) -> None:
        flags = ["nodad"] if operation.interface.version == 6 else []
        self._in(operation.namespace, "ip", "addr", "add", str(operation.interface), "dev", operation.link, *flags)

    @_perform.register
    def _(self, operation: op.DeleteAddress) -> None:
        self._in(operation.namespace, "ip", "addr", "del", str(operation.interface), "dev", operation.link)

    @_perform.register
    def _(self, operation: op.AddRoute) -> None:
        via = ["via", str(operation.gateway)] if operation.gateway else []
        self._in(operation.namespace, "ip", "route", "replace", str(operation.destination), *via, "dev", operation.link)

    @_perform.register
    def _(self, operation: op.SetSysctl) -> None:
        self._in(operation.namespace, "sh", "-c", 'echo "$1" >"/proc/sys/$0"', operation.key, operation.value)

    @_perform.register
    def _(self, operation: op.LoadTable) -> None:
        table = f"inet {operation.table}"
        text = f"add table {table}\ndelete table {table}\ntable {table} {{\n{operation.ruleset}\n}}\n"
        self._nft(operation.namespace, text)

    @_perform.register
    def _(self, operation: op.AddElements) -> None:
        self._nft(operation.namespace, _elements("add", operation, operation.elements, values=True))

    @_perform.register
    def _(self, operation: op.DeleteElements) -> None:
        self._nft(operation.namespace, _elements("delete", operation, operation.elements, values=False))

    @_perform.register
    def _(self, operation: op.ForgetFlows) -> None:
        """Flows end with the host here."""


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _elements(
    verb: str, operation: op.AddElements | op.DeleteElements, elements: Iterable[op.Element], *, values: bool
) -> str:
    words = ", ".join(
        " . ".join(element.key) + (f" : {' . '.join(element.value)}" if values and element.value else "")
        for element in elements
    )
    return f"{verb} element inet {operation.table} {operation.set} {{ {words} }}\n"
