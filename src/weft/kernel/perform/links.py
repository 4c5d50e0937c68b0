"""Links, addresses and routes: consecutive operations in one namespace become one netlink send."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field

from weft.kernel.failure import failure
from weft.kernel.netlink.address import add_address, delete_address
from weft.kernel.netlink.channel import Channel, NetlinkError
from weft.kernel.netlink.link import create_bridge, create_veth, delete_link, raise_link, silence_port
from weft.kernel.netlink.message import Request
from weft.kernel.netlink.route import add_route, delete_route
from weft.kernel.perform.outcome import Outcome
from weft.kernel.perform.places import Places
from weft.kernel.reaper import Reaper
from weft.plan.operations import (
    HOST,
    AddAddress,
    AddRoute,
    CreateBridge,
    CreateVeth,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
)

LinkOperation = CreateBridge | CreateVeth | DeleteLink | AddAddress | DeleteAddress | AddRoute | DeleteRoute

# What the kernel answers when there is nothing to delete.
_NOTHING: dict[type, frozenset[int]] = {
    DeleteLink: frozenset({errno.ENODEV}),
    DeleteAddress: frozenset({errno.ENODEV, errno.EADDRNOTAVAIL}),
    DeleteRoute: frozenset({errno.ENODEV, errno.ESRCH, errno.ENOENT}),
}


@dataclass(slots=True)
class _Batch:
    """Operations encoded and not yet sent; `spans` are the places of each one's requests."""

    requests: list[Request] = field(default_factory=list)
    spans: list[tuple[LinkOperation, range]] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)  # links whose index is known only after the send

    def add(self, operation: LinkOperation, requests: Sequence[Request]) -> None:
        first = len(self.requests)
        self.requests += requests
        self.spans.append((operation, range(first, len(self.requests))))
        if isinstance(operation, CreateBridge | CreateVeth | DeleteLink):
            self.changed.add(operation.name)

    def must_go_before(self, operation: LinkOperation) -> bool:
        match operation:
            case AddAddress() | DeleteAddress() | AddRoute() | DeleteRoute():
                return operation.link in self.changed
            case CreateVeth():
                return operation.bridge in self.changed
            case _:
                return False


class Links:
    """Performs the link operations of one namespace."""

    def __init__(self, places: Places, namespace: str, reaper: Reaper) -> None:
        self._places = places
        self._reaper = reaper
        self._channel: Channel = places.channel(namespace)
        self._namespace = namespace

    def perform(self, operations: Sequence[LinkOperation], *, go_on: bool) -> Outcome:
        """Perform in order; without `go_on` nothing is begun after a failure was seen."""
        outcome = Outcome()
        batch = _Batch()
        for operation in operations:
            if batch.must_go_before(operation):
                outcome.add(self._send(batch))
                batch = _Batch()
            if outcome.failures and not go_on:
                return outcome
            try:
                batch.add(operation, self._encode(operation))
            except OSError as error:
                if error.errno not in _NOTHING.get(type(operation), ()):
                    outcome.failures.append(failure(operation, error, subject=_needed(operation)))
        if go_on or not outcome.failures:
            outcome.add(self._send(batch))
        return outcome

    def silence(self, operations: Sequence[DeleteLink], *, soon: bool) -> list[DeleteLink]:
        """Close the bridge ports among the host's links and leave them to the reaper; return the other operations."""
        if self._namespace != HOST:
            return list(operations)
        errors = self._channel.transact([silence_port(operation.name) for operation in operations])
        if len(errors) < len(operations):
            self._reaper.expect(soon=soon)
        return [
            operation
            for place, operation in enumerate(operations)
            if place in errors and errors[place].errno != errno.ENODEV
        ]

    def _send(self, batch: _Batch) -> Outcome:
        outcome = Outcome()
        errors = self._channel.transact(batch.requests) if batch.requests else {}
        for operation, span in batch.spans:
            found = {place - span.start: errors[place] for place in span if place in errors}
            if found and _met_the_doomed(operation, found) and self._reaper.is_pending:
                self._reaper.reap()
                found = self._channel.transact([batch.requests[place] for place in span])
            if len(found) < len(span):
                outcome.done(operation)
            if isinstance(operation, CreateVeth) and not found:
                found = self._places.channel(operation.sandbox).transact([raise_link(operation.peer)])
            if found:
                error = found[min(found)]
                if error.errno not in _NOTHING.get(type(operation), ()):
                    outcome.failures.append(failure(operation, error))
        return outcome

    def _encode(self, operation: LinkOperation) -> tuple[Request, ...]:
        match operation:
            case CreateBridge():
                return create_bridge(operation)
            case CreateVeth():
                bridge = self._channel.index(operation.bridge) if operation.bridge else 0
                return create_veth(operation, self._places.descriptor(operation.sandbox), bridge)
            case DeleteLink(name=name):
                return (delete_link(name),)
            case AddAddress(link=link, interface=interface):
                return (add_address(interface, self._channel.index(link)),)
            case DeleteAddress(link=link, interface=interface):
                return (delete_address(interface, self._channel.index(link)),)
            case AddRoute(destination=destination, link=link, gateway=gateway):
                return (add_route(destination, gateway, self._channel.index(link)),)
            case DeleteRoute(destination=destination, link=link, gateway=gateway):
                return (delete_route(destination, gateway, self._channel.index(link)),)


def _met_the_doomed(operation: LinkOperation, errors: dict[int, NetlinkError]) -> bool:
    """Whether a new veth may have found its name taken by one that is about to go."""
    return isinstance(operation, CreateVeth) and 0 in errors and errors[0].errno == errno.EEXIST


def _needed(operation: LinkOperation) -> str:
    """Return what an operation cannot be encoded without."""
    match operation:
        case CreateVeth():
            return f"bridge {operation.bridge} or sandbox {operation.sandbox}"
        case AddAddress() | DeleteAddress() | AddRoute() | DeleteRoute():
            return f"link {operation.link}"
        case _:
            return ""
