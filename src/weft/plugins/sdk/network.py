"""A network driver's side of the protocol: NetworkDriver.*, with objects in place of JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_GENERIC = "com.docker.network.generic"
_INTERNAL = "com.docker.network.internal"
Reply = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subnet:
    """A pool of a network: `pool` and `gateway` as a.b.c.d/n, gateway "" where there is none."""

    pool: str
    gateway: str = ""
    aux_addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """A network to make. `options` are those of `docker network create -o`; `all_options` is the whole request's."""

    id: str
    options: Mapping[str, str] = field(default_factory=dict)
    ipv4: Sequence[Subnet] = ()
    ipv6: Sequence[Subnet] = ()
    internal: bool = False
    all_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interface:
    """Addresses as a.b.c.d/n, "" where there is none (yet)."""

    address: str = ""
    address_ipv6: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place on a network. `sandbox` is its network namespace's path, while it is joined."""

    network_id: str
    id: str
    interface: Interface = Interface()
    sandbox: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A static route of the container; without `next_hop` on-link."""

    destination: str
    next_hop: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """What a container gets: the host's interface `source` is moved into it as `prefix` and a number."""

    source: str = ""
    prefix: str = "eth"
    gateway: str = ""
    gateway_ipv6: str = ""
    routes: Sequence[Route] = ()
    disable_gateway_service: bool = False  # no way out by docker_gwbridge either


class NetworkDriver:
    """Override what you need; every method may raise, and its message is what the user reads."""

    kind = "NetworkDriver"
    scope = "local"  # "global" where a network spans hosts
    checks_gateways = False

    def skip_gateways(self, options: Mapping[str, Any]) -> tuple[bool, bool]:
        """Return whether IPv4, and IPv6, need no gateway address; asked where `checks_gateways`."""
        return False, False

    def allocate_network(self, network: Network) -> Mapping[str, str]:
        """Return options for every host (swarm managers, global scope)."""
        return {}

    def free_network(self, network_id: str) -> None:
        """Give back what `allocate_network` took."""

    def create_network(self, network: Network) -> None:
        """Make a network."""

    def delete_network(self, network_id: str) -> None:
        """Remove a network."""

    def create_endpoint(self, endpoint: Endpoint) -> Interface | None:
        """Make an endpoint; return what of its interface was empty and is chosen here, or None."""
        return None

    def delete_endpoint(self, endpoint: Endpoint) -> None:
        """Remove an endpoint; its interface is back in the host."""

    def endpoint_info(self, endpoint: Endpoint) -> Mapping[str, Any]:
        """Return whatever there is to say of an endpoint."""
        return {}

    def join(self, endpoint: Endpoint) -> Join:
        """Put an endpoint into a container."""
        return Join()

    def leave(self, endpoint: Endpoint) -> None:
        """Take an endpoint out of its container."""

    def program_external_connectivity(self, endpoint: Endpoint) -> None:
        """Let the outside in: the container leaves by this endpoint, and these are its ports (`options`)."""

    def revoke_external_connectivity(self, endpoint: Endpoint) -> None:
        """Take that back."""

    def discover(self, appeared: bool, kind: int, data: Mapping[str, Any]) -> None:
        """Learn of another host that appeared or went (swarm)."""

    def methods(self) -> Mapping[str, Callable[[Mapping[str, Any]], Reply | None]]:
        """Return the protocol's methods."""
        return {
            "GetCapabilities": self._capabilities,
            "GwAllocCheck": self._gateways,
            "AllocateNetwork": lambda body: {"Options": dict(self.allocate_network(_network(body)))},
            "FreeNetwork": lambda body: self.free_network(body["NetworkID"]),
            "CreateNetwork": lambda body: self.create_network(_network(body)),
            "DeleteNetwork": lambda body: self.delete_network(body["NetworkID"]),
            "CreateEndpoint": self._create_endpoint,
            "DeleteEndpoint": lambda body: self.delete_endpoint(_endpoint(body)),
            "EndpointOperInfo": lambda body: {"Value": dict(self.endpoint_info(_endpoint(body)))},
            "Join": lambda body: _joined(self.join(_endpoint(body))),
            "Leave": lambda body: self.leave(_endpoint(body)),
            "ProgramExternalConnectivity": lambda body: self.program_external_connectivity(_endpoint(body)),
            "RevokeExternalConnectivity": lambda body: self.revoke_external_connectivity(_endpoint(body)),
            "DiscoverNew": lambda body: self.discover(True, body["DiscoveryType"], body["DiscoveryData"]),
            "DiscoverDelete": lambda body: self.discover(False, body["DiscoveryType"], body["DiscoveryData"]),
        }

    def _capabilities(self, body: Mapping[str, Any]) -> Reply:
        return {"Scope": self.scope, "ConnectivityScope": self.scope, "GwAllocChecker": self.checks_gateways}

    def _gateways(self, body: Mapping[str, Any]) -> Reply:
        ipv4, ipv6 = self.skip_gateways(body.get("Options") or {})
        return {"SkipIPv4": ipv4, "SkipIPv6": ipv6}

    def _create_endpoint(self, body: Mapping[str, Any]) -> Reply:
        chosen = self.create_endpoint(_endpoint(body))
        if chosen is None:
            return {}
        fields = {"Address": chosen.address, "AddressIPv6": chosen.address_ipv6, "MacAddress": chosen.mac}
        return {"Interface": {key: value for key, value in fields.items() if value}}


def _network(body: Mapping[str, Any]) -> Network:
    options = body.get("Options") or {}
    return Network(
        id=body["NetworkID"],
        options=options.get(_GENERIC) or {},
        ipv4=[_subnet(each) for each in body.get("IPv4Data") or ()],
        ipv6=[_subnet(each) for each in body.get("IPv6Data") or ()],
        internal=bool(options.get(_INTERNAL)),
        all_options=options,
    )


def _subnet(data: Mapping[str, Any]) -> Subnet:
    return Subnet(data.get("Pool") or "", data.get("Gateway") or "", data.get("AuxAddresses") or {})


def _endpoint(body: Mapping[str, Any]) -> Endpoint:
    given = body.get("Interface") or {}
    return Endpoint(
        network_id=body["NetworkID"],
        id=body["EndpointID"],
        interface=Interface(given.get("Address") or "", given.get("AddressIPv6") or "", given.get("MacAddress") or ""),
        sandbox=body.get("SandboxKey") or "",
        options=body.get("Options") or {},
    )


def _joined(join: Join) -> Reply:
    return {
        "InterfaceName": {"SrcName": join.source, "DstPrefix": join.prefix},
        "Gateway": join.gateway,
        "GatewayIPv6": join.gateway_ipv6,
        "StaticRoutes": [
            {"Destination": route.destination, "RouteType": 0 if route.next_hop else 1, "NextHop": route.next_hop}
            for route in join.routes
        ],
        "DisableGatewayService": join.disable_gateway_service,
    }
