"""Links, addresses and routes: consecutive operations in one namespace become one netlink send."""

import errno
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from secrets import token_hex

from weft.kernel.failure import failure
from weft.kernel.netlink.address import add_address, delete_address
from weft.kernel.netlink.channel import Channel, NetlinkError
from weft.kernel.netlink.link import (
    Creation,
    create_bridge,
    create_dummy,
    create_ipvlan,
    create_macvlan,
    create_veth,
    create_vlan,
    delete_link,
    describe_link,
    move_link,
    raise_link,
    rename_link,
    return_link,
    set_alias,
    silence_port,
    without_link_local,
)
from weft.kernel.netlink.message import Request
from weft.kernel.netlink.queue import clear_queue, delay_packets, limit_rate
from weft.kernel.netlink.route import add_route, delete_route
from weft.kernel.perform.outcome import Outcome
from weft.kernel.perform.places import Places
from weft.kernel.reaper import Reaper
from weft.plan.operations import (
    HOST,
    AddAddress,
    AddRoute,
    ClearQueue,
    CreateBridge,
    CreateDummy,
    CreateIpvlan,
    CreateMacvlan,
    CreateVeth,
    CreateVlan,
    DelayPackets,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    LimitRate,
    MoveLink,
    RaiseLink,
    ReturnLink,
    SetAlias,
)

LinkOperation = (
    Creation
    | RaiseLink
    | SetAlias
    | MoveLink
    | ReturnLink
    | DeleteLink
    | AddAddress
    | DeleteAddress
    | AddRoute
    | DeleteRoute
    | LimitRate
    | DelayPackets
    | ClearQueue
)

# What the kernel answers when there is nothing to delete.
_NOTHING: dict[type, frozenset[int]] = {
    ClearQueue: frozenset({errno.ENODEV, errno.ENOENT}),
    ReturnLink: frozenset({errno.ENODEV}),
    DeleteLink: frozenset({errno.ENODEV}),
    DeleteAddress: frozenset({errno.ENODEV, errno.EADDRNOTAVAIL}),
    DeleteRoute: frozenset({errno.ENODEV, errno.ESRCH, errno.ENOENT}),
}

_DEPARTURE = 2.0  # seconds in which the kernel takes the links of a deleted sandbox away
_GLANCE = 0.01


@dataclass(slots=True)
class _Batch:
    """Operations, each with its request, not yet sent; `changed` are links whose index is known after the send."""

    operations: list[LinkOperation] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def add(self, operation: LinkOperation, request: Request) -> None:
        self.operations.append(operation)
        self.requests.append(request)
        if isinstance(operation, Creation | DeleteLink):
            self.changed.add(operation.name)

    def must_go_before(self, operation: LinkOperation) -> bool:
        match operation:
            case AddAddress() | DeleteAddress() | AddRoute() | DeleteRoute():
                return operation.link in self.changed
            case CreateVeth():
                return operation.bridge in self.changed
            case CreateMacvlan() | CreateIpvlan() | CreateVlan():
                return operation.parent in self.changed
            case RaiseLink() | SetAlias() | LimitRate() | DelayPackets() | ClearQueue():
                return operation.link in self.changed
            case _:
                return False


class Links:
    """Performs the link operations of one namespace."""

    def __init__(self, places: Places, namespace: str, reaper: Reaper) -> None:
        self._places = places
        self._namespace = namespace
        self._reaper = reaper
        self._channel: Channel = places.channel(namespace)

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
        present: list[DeleteLink] = []
        requests: list[Request] = []
        for operation in operations:
            with suppress(OSError):  # a link that is not there needs nothing
                requests += silence_port(operation.name, self._channel.index(operation.name))
                present.append(operation)
        errors = self._channel.transact(requests) if requests else {}
        others = [operation for place, operation in enumerate(present) if 2 * place + 1 in errors]
        if len(others) < len(present):
            self._reaper.expect(soon=soon)
        return others

    def _send(self, batch: _Batch) -> Outcome:
        outcome = Outcome()
        errors = self._transact(batch) if batch.requests else {}
        for place, operation in enumerate(batch.operations):
            error = errors.get(place)
            if error is not None and _met_the_doomed(operation, error) and self._reaper.is_pending:
                self._reaper.reap()
                error = self._channel.transact([batch.requests[place]]).get(0)
            if isinstance(operation, CreateDummy) and error is not None and error.errno == errno.EOPNOTSUPP:
                error = self._channel.transact([create_dummy(operation, "ifb")]).get(0)
            if isinstance(operation, CreateMacvlan | CreateIpvlan) and error is not None:
                error = self._create_under_another_name(operation, error)
            if error is None:
                outcome.done(operation)
                error = self._complete(operation)
            elif isinstance(operation, MoveLink):
                self._give_back(operation)
            if error is not None and error.errno not in _NOTHING.get(type(operation), ()):
                outcome.failures.append(failure(operation, error))
        return outcome

    def _give_back(self, operation: MoveLink) -> None:
        """Return a link that the kernel moved before it refused the rest, which is its way."""
        with suppress(OSError):
            self._channel.index(operation.source)
            return
        with suppress(OSError):
            inside = self._places.channel(operation.sandbox)
            back = ReturnLink(operation.source, operation.source, operation.sandbox)
            inside.transact([return_link(back, inside.index(operation.source), self._places.host)])

    def _transact(self, batch: _Batch) -> dict[int, NetlinkError]:
        doomed = [operation.name for operation in batch.operations if isinstance(operation, DeleteLink)]
        if self._namespace == HOST and len(doomed) == len(batch.operations):
            return self._reaper.delete(doomed, self._channel)
        return self._channel.transact(batch.requests)

    def _complete(self, operation: LinkOperation) -> NetlinkError | None:
        """Do what the kernel takes only of a link that exists, and which must not befall another of that name."""
        if not isinstance(operation, Creation):
            return None
        channel = self._channel
        if isinstance(operation, CreateMacvlan | CreateIpvlan):
            channel = self._places.channel(operation.sandbox)
        described = describe_link(operation)
        if isinstance(operation, CreateVeth) and operation.bridge:
            # nobody speaks to a port; a kernel without IPv6 refuses this, and need not be told
            described += (without_link_local(operation.name),)
        errors = channel.transact(described) if described else {}
        if 0 in errors:
            return errors[0]
        match operation:
            case CreateVeth():
                return self._places.channel(operation.sandbox).transact([raise_link(operation.peer)]).get(0)
            case CreateMacvlan() | CreateIpvlan():
                return _raise_upper(operation.name, channel)
            case CreateVlan():
                error = channel.transact([raise_link(operation.name)]).get(0)
                # down as its parent is; it rises with it (Linux net/8021q/vlan.c, NETDEV_UP)
                return None if error is not None and error.errno == errno.ENETDOWN else error
        return None

    def _create_under_another_name(
        self, operation: CreateMacvlan | CreateIpvlan, error: NetlinkError
    ) -> NetlinkError | None:
        """Kernels before 6.14 want the name of a link that is born in a sandbox to be free on the host as well."""
        if error.errno != errno.EEXIST or not operation.sandbox:
            return error
        born = replace(operation, name=f"weft{token_hex(5)}")
        if errors := self._channel.transact([self._encode(born)]):
            return errors.get(0)
        channel = self._places.channel(operation.sandbox)
        clash = channel.transact([rename_link(channel.index(born.name), operation.name)]).get(0)
        if clash is not None:
            channel.transact([delete_link(born.name)])
        return clash

    def _descriptor(self, sandbox: str) -> int | None:
        return self._places.descriptor(sandbox) if sandbox else None

    def _encode(self, operation: LinkOperation) -> Request:
        match operation:
            case CreateBridge():
                return create_bridge(operation)
            case CreateVeth():
                bridge = self._channel.index(operation.bridge) if operation.bridge else 0
                return create_veth(operation, self._places.descriptor(operation.sandbox), bridge)
            case CreateMacvlan(parent=parent, sandbox=sandbox):
                return create_macvlan(operation, self._channel.index(parent), self._descriptor(sandbox))
            case CreateIpvlan(parent=parent, sandbox=sandbox):
                return create_ipvlan(operation, self._channel.index(parent), self._descriptor(sandbox))
            case CreateVlan(parent=parent):
                return create_vlan(operation, self._channel.index(parent))
            case CreateDummy():
                return create_dummy(operation, "dummy")
            case RaiseLink(link=link):
                return raise_link(link)
            case SetAlias():
                return set_alias(operation)
            case MoveLink(source=source, sandbox=sandbox):
                return move_link(operation, self._channel.index(source), self._places.descriptor(sandbox))
            case ReturnLink(link=link):
                return return_link(operation, self._channel.index(link), self._places.host)
            case DeleteLink(name=name):
                return delete_link(name)
            case AddAddress(link=link, interface=interface):
                return add_address(interface, self._channel.index(link))
            case DeleteAddress(link=link, interface=interface):
                return delete_address(interface, self._channel.index(link))
            case AddRoute(destination=destination, link=link, gateway=gateway):
                return add_route(destination, gateway, self._channel.index(link))
            case DeleteRoute(destination=destination, link=link, gateway=gateway):
                return delete_route(destination, gateway, self._channel.index(link))
            case LimitRate(link=link):
                return limit_rate(operation, self._channel.index(link))
            case DelayPackets(link=link):
                return delay_packets(operation, self._channel.index(link))
            case ClearQueue(link=link):
                return clear_queue(self._channel.index(link))


def _raise_upper(name: str, channel: Channel) -> NetlinkError | None:
    """Bring a macvlan or ipvlan link up; one with its MAC may be about to go with the sandbox it was in."""
    deadline = time.monotonic() + _DEPARTURE
    while True:
        error = channel.transact([raise_link(name)]).get(0)
        if error is None or error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            return error
        time.sleep(_GLANCE)


def _met_the_doomed(operation: LinkOperation, error: NetlinkError) -> bool:
    """Whether a new veth may have found its name taken by one that is about to go."""
    return isinstance(operation, CreateVeth) and error.errno == errno.EEXIST


def _needed(operation: LinkOperation) -> str:
    """Return what an operation cannot be encoded without."""
    match operation:
        case CreateVeth():
            return f"bridge {operation.bridge} or sandbox {operation.sandbox}"
        case CreateMacvlan() | CreateIpvlan() | CreateVlan():
            return f"parent interface {operation.parent}"
        case MoveLink():
            return f"link {operation.source} of the host or sandbox {operation.sandbox}"
        case AddAddress() | DeleteAddress() | AddRoute() | DeleteRoute() | LimitRate() | DelayPackets() | ClearQueue():
            return f"link {operation.link}"
        case _:
            return ""
