"""What the engine needs of programs outside: drivers and address management that it calls, and does not plan itself.

A built-in driver is a pure planner. A remote one is called, and what it answers becomes facts on the records
(`Endpoint`, `Pool`, `NetworkRecord.driver_data`); `weft.drivers.remote` plans from these facts what is left to do in
the kernel.

The life of an endpoint of a remote driver, one call after the other, under the container's lock:

    sandbox made (empty, loopback up) ─ attach ─ plan applied ─ publish ─ … ─ revoke ─ detach ─ link given back ─ remove

- `attach` finds the sandbox's namespace at `Place.path`. It either moves an interface there itself and returns it as
  `Endpoint.sandbox_link` with `source_link` "" (CNI), or names one of the host in `source_link`, which the engine then
  moves, renames to `sandbox_link`, and gives its MAC, addresses and routes (plugin protocol v1). `sandbox_link` comes
  filled with the name that is kept for it; a driver with another prefix takes `Place.free_name`, one without an
  interface returns "".
- An endpoint that is recorded may never have been attached (a crash): `revoke`, `detach` and `remove` of such a one,
  or of one that the driver has forgotten, do no harm; the engine logs what they raise and goes on.
- When a step fails, the engine calls `detach` and `remove` for all that it attached; a driver undoes itself what its
  own failing `attach` did.

Errors of every method: NotFound where the program is not there, Unavailable where it does not answer in time,
SystemFailure for what it refuses or for an answer that makes no sense; the message names the program.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.model.port import ContainerPort, PortRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an endpoint goes. `path` is the pinned namespace, there from before `attach` until after `detach`."""

    sandbox: str
    path: str
    container_id: str
    container_name: str
    requests: tuple[PortRequest, ...] = ()  # what -p and -P ask for
    exposed: tuple[ContainerPort, ...] = ()
    taken: Collection[str] = ()  # interface names in use, or asked for by a user, in the sandbox

    def free_name(self, prefix: str) -> str:
        """Return `prefix` with the lowest number that makes it a name not taken."""
        number = 0
        while f"{prefix}{number}" in self.taken:
            number += 1
        return f"{prefix}{number}"


class RemoteDriver(Protocol):
    """A network driver outside."""

    async def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        """Return the IP versions for which no gateway address is to be chosen; asked before pools are."""
        ...

    async def create_network(self, record: NetworkRecord) -> NetworkRecord:
        """Make a network; return its record, with what the driver wants to find there again in `driver_data`."""
        ...

    async def delete_network(self, record: NetworkRecord) -> None:
        """Remove a network; one that the driver does not know is no error."""
        ...

    async def attach(self, network: NetworkRecord, endpoint: Endpoint, spec: EndpointSpec, place: Place) -> Endpoint:
        """Attach; return `endpoint` completed: links, MAC, addresses, gateways, routes, `driver_data`.

        What `endpoint` holds already (the addresses of an IPAM driver, a user's MAC) stays as it is; the rest is the
        driver's to fill. Failing, it leaves nothing behind.
        """
        ...

    async def detach(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        """Take the endpoint out of its sandbox, of which the namespace is still there."""
        ...

    async def remove(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        """Forget the endpoint; an interface that the engine had moved is back in the host by now."""
        ...

    async def publish(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> Endpoint:
        """Let the outside in: the container leaves by this endpoint. Return it with `ports`, those the driver forwards.

        A driver that published in `attach` already returns `endpoint` as it is.
        """
        ...

    async def revoke(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        """Take back what `publish` did; the endpoint stays."""
        ...


@runtime_checkable
class CheckingDriver(Protocol):
    """A network driver that can say whether an endpoint is still as it made it."""

    async def check(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        """Raise what is the matter with a live endpoint."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRequest:
    """A request for an endpoint's address; `wanted` is what the user asked for, `mac` "" where none was needed."""

    network: NetworkRecord
    pool: Pool
    wanted: Address | None = None
    mac: str = ""
    endpoint_id: str = ""
    container_id: str = ""
    hostname: str = ""


class RemoteIpam(Protocol):
    """Address management outside. Gateways are requested with a network's pools, endpoints' addresses one by one."""

    async def requires_mac(self) -> bool:
        """Whether addresses go by MAC, so that an endpoint gets its own before it asks for one."""
        ...

    async def request_pools(
        self,
        spec: NetworkSpec,
        *,
        host_routes: Iterable[Subnet] = (),
        without_gateway: Collection[int] = (),
        taken: Callable[[Pool], None] = lambda _: None,
    ) -> tuple[Pool, ...]:
        """Take a network's pools, IPv4 first, each with its `handle`, gateway and auxiliary addresses; all or none.

        Pools that the program chose keep clear of `host_routes`; IP versions in `without_gateway` get a gateway only
        where the user names one. `taken` is told each pool at once, those that go back again too.
        """
        ...

    async def release_pools(self, pools: Iterable[Pool]) -> None:
        """Give pools, their gateways and auxiliary addresses back; goes on after an error, raises the first."""
        ...

    async def request_address(self, request: AddressRequest) -> Interface | None:
        """Take an address of one pool; None where the program has none to give and that is no error."""
        ...

    async def release_address(self, network: NetworkRecord, endpoint: Endpoint, interface: Interface) -> None:
        """Give an address back; one that is not taken is no error."""
        ...

    async def restore(self, networks: Sequence[NetworkRecord], endpoints: Sequence[Endpoint]) -> None:
        """After a start of the daemon: these networks and live endpoints hold pools and addresses of this program."""
        ...


class Remotes(Protocol):
    """Programs by the name that `--driver` and `--ipam-driver` give them; found, and activated, when first asked for.

    `known` is for a name that a record has: its program is waited for, where `wait` allows, until it appears.
    """

    async def driver(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteDriver:
        """Return the network driver; NotFound in Docker's words where no program of that name is one."""
        ...

    async def ipam(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteIpam:
        """Return the IPAM driver; NotFound in Docker's words where no program of that name is one."""
        ...

    def active(self, kind: str) -> tuple[str, ...]:
        """Return the names of programs in use that implement `kind` (NetworkDriver, IpamDriver), for `docker info`."""
        ...
