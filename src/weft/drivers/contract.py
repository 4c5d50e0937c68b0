"""What a driver is to the engine: a small contract, and optional ones for what only some networks have."""

from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol, runtime_checkable

from weft.model.address import Interface, Network
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec
from weft.model.segment import Segment
from weft.plan.plan import Plan


class LinkFact(Protocol):
    """What drivers read of an interface of the host."""

    @property
    def index(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def up(self) -> bool: ...

    @property
    def alias(self) -> str: ...

    @property
    def master(self) -> int: ...

    @property
    def lower(self) -> int: ...

    @property
    def addresses(self) -> Sequence[Interface]: ...


class HostFacts(Protocol):
    """What drivers read of one observation of the host."""

    @property
    def links(self) -> Sequence[LinkFact]: ...

    @property
    def routes(self) -> Collection[Network]: ...

    def routes_of(self, link: int) -> Sequence[Network]: ...

    def link(self, name: str) -> LinkFact | None: ...

    def link_names(self) -> Sequence[str]: ...


class Driver(Protocol):
    """Plans networks of one kind. Nothing here touches the kernel; plans come out the same for the same arguments."""

    @property
    def name(self) -> str:
        """As `docker network create -d` names it."""
        ...

    @property
    def has_addresses(self) -> bool:
        """Whether its networks have pools; without, endpoints get neither address nor interface."""
        ...

    def validate(self, spec: NetworkSpec) -> None:
        """Raise InvalidParameter or Forbidden for a network that this driver would not make for a user."""
        ...

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        """Raise InvalidParameter for endpoint options that this driver does not know or cannot read."""
        ...

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        """Return what is missing of a network: all of it for a new one, repairs for one that exists."""
        ...

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        """Return what removes a network; interfaces that it found and did not make stay."""
        ...

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        """Return what puts an endpoint into a sandbox, default routes apart; `endpoint` names both interfaces."""
        ...

    def detach(self, record: NetworkRecord, endpoint: Endpoint) -> Plan:
        """Return what takes an endpoint out of its sandbox again, whether that still exists or not."""
        ...


@runtime_checkable
class Routed(Protocol):
    """A driver whose networks lead out by a gateway."""

    def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        """Return the IP versions for which no gateway address is to be chosen."""
        ...

    def gateways(self, record: NetworkRecord) -> tuple[IPv4Address | None, IPv6Address | None]:
        """Return the next hops that endpoints report; None where the network leads nowhere in that family."""
        ...

    def gateway(
        self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, versions: Collection[int] = (4, 6)
    ) -> Plan:
        """Return the default routes through `endpoint`, for the IP versions that it is the gateway endpoint of.

        The plan's inverse takes them away.
        """
        ...


@runtime_checkable
class Linked(Protocol):
    """A driver whose endpoints are interfaces of their own, host's end and sandbox's end."""

    def host_link(self, endpoint_id: str) -> str:
        """Return the name of the interface in the host."""
        ...

    def sandbox_link(self, record: NetworkRecord, spec: EndpointSpec, taken: Collection[str]) -> str:
        """Return the name of the interface in the sandbox: the one asked for, or the lowest free number.

        `taken` are the names in use or promised there. Raises Conflict where the one asked for is among them.
        """
        ...


@runtime_checkable
class Sharded(Protocol):
    """A driver whose networks have parts that take so many endpoints each."""

    def shard_size(self, shard: int) -> int:
        """Return how many endpoints the part of that number, from 0, takes; 0 where there is none."""
        ...


@runtime_checkable
class Segmented(Protocol):
    """A driver whose networks the host forwards for, so that its firewall must know them."""

    def segment(self, record: NetworkRecord) -> Segment:
        """Return what the firewall must know of a network."""
        ...


@runtime_checkable
class Exclusive(Protocol):
    """A driver whose networks cannot share something of the host."""

    def check_conflicts(self, record: NetworkRecord, others: Iterable[NetworkRecord]) -> None:
        """Raise Forbidden, naming the other network, where a new one cannot stand beside `others`."""
        ...


@runtime_checkable
class Gatewayless(Protocol):
    """A driver whose networks may lead nowhere: containers leave by docker_gwbridge where nothing else leads out."""

    @property
    def uses_gateway_network(self) -> bool: ...


@runtime_checkable
class Remote(Protocol):
    """The planner's half of a driver outside: the engine calls that one too (weft.engine.contract.remote)."""

    @property
    def is_remote(self) -> bool:
        """True."""
        ...

    def returned(self, endpoint: Endpoint, sandbox: str) -> Plan:
        """Return what gives an interface that was moved into a sandbox back to the host."""
        ...


@runtime_checkable
class Parented(Protocol):
    """A driver whose networks hang on an interface of the host, which some share, as they may share a subnet.

    Its endpoints live in their sandboxes alone, and the host's firewall sees nothing of them: no port is published.
    """

    def release_parent(self, record: NetworkRecord, others: Iterable[NetworkRecord], facts: HostFacts) -> Plan:
        """Return what removes a network's parent if Weft made it and none of `others` needs it."""
        ...

    def leave(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Plan:
        """Return what takes an endpoint out of its sandbox, in place of `detach`, which does not know the sandbox."""
        ...

    def restored(self, record: NetworkRecord, endpoints: Iterable[Endpoint], facts: HostFacts) -> Plan:
        """Return what the host misses, or has too much, of a network with these endpoints, after `create_network`."""
        ...

    def warnings(self, record: NetworkRecord, facts: HostFacts) -> tuple[str, ...]:
        """Return what a user should know of a network that was made nevertheless."""
        ...

    def reserved(self, spec: NetworkSpec) -> tuple[str, ...]:
        """Return the names of auxiliary addresses that the network itself needs, one in each of its pools."""
        ...

    def is_isolated(self, spec: NetworkSpec) -> bool:
        """Whether nothing leads out of the network."""
        ...

    def leaves_by_link(self, spec: NetworkSpec) -> bool:
        """Whether endpoints lead out by their link, without a next hop."""
        ...

    def shares_mac(self, spec: NetworkSpec) -> bool:
        """Whether endpoints have their parent's MAC unless a user gives them one."""
        ...
