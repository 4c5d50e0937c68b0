"""Network drivers of plugin protocol v1: NetworkDriver.* (moby, libnetwork/docs/remote.md)."""

import logging
from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_network
from typing import Any

from weft.engine.contract.remote import Place
from weft.model.address import Interface
from weft.model.endpoint import Endpoint, EndpointSpec, StaticRoute
from weft.model.errors import SystemFailure, Unavailable, WeftError
from weft.model.network import NetworkRecord, NetworkSpec, Pool, Scope
from weft.plugins.answer import Answer
from weft.plugins.client import Client, NotImplementedByPlugin
from weft.plugins.port_options import forwarded_ports, port_options

_log = logging.getLogger(__name__)
_PREFIX = "com.docker.network."
_LOCAL_SPACE = "LocalDefault"
_NULL_POOL = {"AddressSpace": "null", "Pool": "0.0.0.0/0"}
_VIA, _ON_LINK = 0, 1  # RouteType
_DEFAULT_PREFIX = "eth"
_SCOPES = ("local", "global")


class V1NetworkDriver:
    """Implements RemoteDriver."""

    def __init__(self, client: Client, capabilities: Answer) -> None:
        self._client = client
        self.scope = capabilities.text("Scope")
        if self.scope not in _SCOPES:
            raise SystemFailure(
                f"plugin {client.name}: invalid capability: expecting 'local' or 'global', got {self.scope}"
            )
        connectivity = capabilities.text("ConnectivityScope")
        if connectivity not in ("", *_SCOPES):
            raise SystemFailure(
                f"plugin {client.name}: invalid capability: expecting 'local' or 'global', got {connectivity}"
            )
        self._checks_gateways = capabilities.flag("GwAllocChecker")

    @classmethod
    async def open(cls, client: Client) -> "V1NetworkDriver":
        """Return the driver once its capabilities are known; raises SystemFailure for ones that make no sense."""
        return cls(client, await client.call("NetworkDriver.GetCapabilities", {}))

    async def _call(self, method: str, body: Mapping[str, Any], *, retry: bool = True) -> Answer:
        return await self._client.call(f"NetworkDriver.{method}", body, retry=retry)

    async def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        if not self._checks_gateways:
            return frozenset()
        answer = await self._call("GwAllocCheck", {"Options": _network_options(spec)})
        return frozenset(version for version in (4, 6) if answer.flag(f"SkipIPv{version}"))

    async def create_network(self, record: NetworkRecord) -> NetworkRecord:
        body = {
            "NetworkID": record.id,
            "Options": _network_options(record.spec),
            "IPv4Data": [_pool_data(pool) for pool in record.pools if pool.subnet.version == 4],
            "IPv6Data": [_pool_data(pool) for pool in record.pools if pool.subnet.version == 6],
        }
        if record.spec.ipam_driver == "null":
            body["IPv4Data"] = [_NULL_POOL]
        try:
            await self._call("CreateNetwork", body)
        except (Unavailable, CancelledError):  # it may have been made all the same
            await self._undo({"NetworkID": record.id}, "DeleteNetwork")
            raise
        if self.scope == "global":
            return replace(record, spec=replace(record.spec, scope=Scope.GLOBAL))
        return record

    async def delete_network(self, record: NetworkRecord) -> None:
        await self._call("DeleteNetwork", {"NetworkID": record.id})

    async def attach(self, network: NetworkRecord, endpoint: Endpoint, spec: EndpointSpec, place: Place) -> Endpoint:
        options = {**spec.driver_options, **port_options(place)}
        if spec.mac_address:
            options[f"{_PREFIX}endpoint.macaddress"] = spec.mac_address
        interface = {
            "Address": _text(endpoint.ipv4),
            "AddressIPv6": _text(endpoint.ipv6),
            "MacAddress": endpoint.mac_address,
        }
        ids = {"NetworkID": network.id, "EndpointID": endpoint.id}
        # From here on the plugin may have made the endpoint, whatever comes of the call.
        try:
            answer = await self._call("CreateEndpoint", {**ids, "Interface": interface, "Options": options})
            endpoint = _with_interface(endpoint, answer.object("Interface"))
        except BaseException:
            await self._undo(ids, "DeleteEndpoint")
            raise
        try:
            joining = {**ids, "SandboxKey": place.path, "Options": port_options(place)}
            endpoint = _joined(endpoint, await self._call("Join", joining), place)
        except BaseException:
            await self._undo(ids, "Leave", "DeleteEndpoint")
            raise
        return endpoint

    async def _undo(self, ids: Mapping[str, str], *methods: str) -> None:
        for method in methods:
            try:
                await self._call(method, ids, retry=False)
            except WeftError as error:
                _log.warning("rolling back: %s", error.message)

    async def detach(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        await self._call("Leave", {"NetworkID": network.id, "EndpointID": endpoint.id}, retry=False)

    async def remove(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        await self._call("DeleteEndpoint", {"NetworkID": network.id, "EndpointID": endpoint.id}, retry=False)

    async def publish(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> Endpoint:
        ids = {"NetworkID": network.id, "EndpointID": endpoint.id}
        try:
            await self._call("ProgramExternalConnectivity", {**ids, "Options": port_options(place)})
        except NotImplementedByPlugin:
            return endpoint
        try:
            information = (await self._call("EndpointOperInfo", ids)).object("Value")
        except WeftError as error:
            _log.debug("plugin %s says nothing of an endpoint: %s", self._client.name, error.message)
            return endpoint
        return replace(endpoint, ports=forwarded_ports(information) if information is not None else ())

    async def revoke(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        try:
            ids = {"NetworkID": network.id, "EndpointID": endpoint.id}
            await self._call("RevokeExternalConnectivity", ids, retry=False)
        except NotImplementedByPlugin:
            pass


def _network_options(spec: NetworkSpec) -> dict[str, Any]:
    options: dict[str, Any] = {
        f"{_PREFIX}enable_ipv4": spec.ipv4,
        f"{_PREFIX}enable_ipv6": spec.ipv6,
        f"{_PREFIX}generic": dict(spec.options),
    }
    if spec.internal:
        options[f"{_PREFIX}internal"] = True
    return options


def _pool_data(pool: Pool) -> dict[str, Any]:
    length = pool.subnet.prefixlen
    data: dict[str, Any] = {"AddressSpace": _LOCAL_SPACE, "Pool": str(pool.subnet)}
    if pool.gateway is not None:
        data["Gateway"] = f"{pool.gateway}/{length}"
    if pool.aux_addresses:
        data["AuxAddresses"] = {name: f"{address}/{length}" for name, address in pool.aux_addresses.items()}
    return data


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _with_interface(endpoint: Endpoint, answer: Answer | None) -> Endpoint:
    """Return the endpoint with what the plugin chose; SystemFailure where it changes what it was given."""
    if answer is None:
        return endpoint
    mac = answer.mac("MacAddress")
    if mac and endpoint.mac_address and mac != endpoint.mac_address:
        raise SystemFailure(
            f"driver modified interface MAC address: endpoint interface MAC address ({endpoint.mac_address}). "
            f"Cannot be modified with {mac}."
        )
    ipv4, ipv6 = answer.interface("Address", 4), answer.interface("AddressIPv6", 6)
    for given, answered in ((endpoint.ipv4, ipv4), (endpoint.ipv6, ipv6)):
        _check_kept(given, answered)
    return replace(
        endpoint,
        mac_address=endpoint.mac_address or mac,
        ipv4=endpoint.ipv4 or (ipv4 if isinstance(ipv4, IPv4Interface) else None),
        ipv6=endpoint.ipv6 or (ipv6 if isinstance(ipv6, IPv6Interface) else None),
    )


def _check_kept(given: Interface | None, answered: Interface | None) -> None:
    if given is not None and answered is not None and given != answered:
        raise SystemFailure(
            f"driver modified interface address: endpoint interface IP ({given}). Cannot be modified with {answered}."
        )


def _joined(endpoint: Endpoint, answer: Answer, place: Place) -> Endpoint:
    names = answer.object("InterfaceName") or Answer(answer.where, {})
    source = names.link("SrcName")
    gateway_ipv4, gateway_ipv6 = answer.address("Gateway"), answer.address("GatewayIPv6")
    if gateway_ipv4 is not None and not isinstance(gateway_ipv4, IPv4Address):
        raise answer.refuse("Gateway", "an IPv4 address")
    if gateway_ipv6 is not None and not isinstance(gateway_ipv6, IPv6Address):
        raise answer.refuse("GatewayIPv6", "an IPv6 address")
    return replace(
        endpoint,
        source_link=source,
        sandbox_link=_sandbox_link(endpoint, names, place) if source else "",
        gateway_ipv4=gateway_ipv4,
        gateway_ipv6=gateway_ipv6,
        static_routes=tuple(_route(each) for each in answer.objects("StaticRoutes")),
        disable_gateway_service=answer.flag("DisableGatewayService"),
    )


def _sandbox_link(endpoint: Endpoint, names: Answer, place: Place) -> str:
    """Return DstName, else the name that is kept for the endpoint, or the next free one with another DstPrefix."""
    wanted, prefix = names.link("DstName"), names.link("DstPrefix")
    if wanted:
        if wanted in place.taken:
            raise names.refuse("DstName", "a name that is free in the container")
        return wanted
    asked = endpoint.sandbox_link
    if not prefix or prefix == _DEFAULT_PREFIX or not asked.startswith(_DEFAULT_PREFIX):
        return asked
    name = place.free_name(prefix)
    if len(name) > 15:
        raise names.refuse("DstPrefix", "short enough for an interface name of 15 characters")
    return name


def _route(answer: Answer) -> StaticRoute:
    kind, text = answer.number("RouteType"), answer.text("Destination")
    try:
        destination = ip_network(text, strict=False)
    except ValueError:
        raise answer.refuse("Destination", "a subnet") from None
    hop = answer.address("NextHop")
    if kind == _ON_LINK:
        return StaticRoute(destination=destination)
    if kind != _VIA:
        raise answer.refuse("RouteType", "0 (by a next hop) or 1 (on-link)")
    if hop is None or hop.version != destination.version:
        raise answer.refuse("NextHop", f"an IPv{destination.version} address")
    return StaticRoute(destination=destination, next_hop=hop)
