"""The driver `cni`: networks of plugins that keep to the Container Network Interface specification."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from weft.engine.contract.remote import Place
from weft.model.address import Address
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import InvalidParameter, WeftError
from weft.model.network import NetworkRecord, NetworkSpec
from weft.model.port import PortRequest, PublishedPort
from weft.plugins.cni.chain import Chain
from weft.plugins.cni.conflist import Conflist, Json, parse_conflist
from weft.plugins.cni.execution import Call, Executor
from weft.plugins.cni.host_ports import choose_ports
from weft.plugins.cni.location import find_configuration, program_directories, read_configuration
from weft.plugins.cni.result import Result, parse_result, without_default_routes
from weft.plugins.cni.routes import remove_default_route
from weft.plugins.cni.runtime_config import PORT_MAPPINGS, arguments, check_fulfilled, runtime_config

_log = logging.getLogger(__name__)
_TEXT, _ORIGIN, _PATH = "conflist", "file", "path"  # of a network's driver_data
_CALL, _RUNTIME, _RESULT = "call", "runtimeConfig", "result"  # of an endpoint's
_EVERYWHERE = {4: ip_address("0.0.0.0"), 6: ip_address("::")}  # noqa: S104 - stands for every address


@dataclass(frozen=True, slots=True)
class _Network:
    """What a network's record says to this driver."""

    conflist: Conflist
    chain: Chain


class CniDriver:
    """Implements weft.engine.contract.remote.RemoteDriver.

    A network's record holds the configuration as it was when the network was made; an endpoint's holds what its plugins
    were told and what they answered, which they are told again when it goes.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        """Return both versions: gateways are the plugins'."""
        return frozenset({4, 6})

    async def create_network(self, record: NetworkRecord) -> NetworkRecord:
        """Read and check the configuration, and ask each plugin which versions it speaks; nothing is made yet."""
        path = find_configuration(record.spec.options["conf"])
        directories = program_directories(record.spec.options.get("path", ""))
        data = {_TEXT: read_configuration(path), _ORIGIN: str(path), _PATH: ":".join(directories)}
        record = replace(record, driver_data=data)
        await self._network(record).chain.probe()
        return record

    async def delete_network(self, record: NetworkRecord) -> None:
        """Do nothing: the specification knows no end of a network, and what plugins left may serve others."""

    async def attach(self, network: NetworkRecord, endpoint: Endpoint, spec: EndpointSpec, place: Place) -> Endpoint:
        """Run ADD; the endpoint gets what the plugins answered. Its default routes are left to the engine."""
        described = self._network(network)
        link = endpoint.sandbox_link
        ports = _ports(described.conflist, place.requests)
        mac = endpoint.mac_address
        capabilities = described.conflist.capabilities
        given = runtime_config(spec, mac, (port for _, port in ports), described.conflist.name, capabilities)
        call = Call(place.container_id, place.path, link, arguments(spec, mac, capabilities))
        answer = await described.chain.add(call, given)
        try:
            result = parse_result(answer, described.conflist.plugins[-1].type, link)
            check_fulfilled(spec, mac, _addresses(result), result.mac, described.conflist.origin)
            for version, hop in ((4, result.gateway_ipv4), (6, result.gateway_ipv6)):
                if hop is not None:
                    await remove_default_route(place.path, link, version)
        except BaseException:
            await self._undo(described, call, given, answer)
            raise
        return _completed(endpoint, result, ports, _memory(call, given, answer))

    async def _undo(self, described: _Network, call: Call, given: Mapping[str, Any], answer: Json) -> None:
        try:
            await described.chain.delete(call, given, answer)
        except WeftError as error:
            _log.error("what the CNI plugins of %s added was not deleted: %s", described.conflist.origin, error.message)

    async def detach(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        """Run DEL, which the plugins of an endpoint that was never added take as done."""
        chain = self._network(network).chain
        if endpoint.driver_data:
            await chain.delete(*_recalled(endpoint.driver_data, place.path))
        else:  # cut off while it was being added
            await chain.delete(Call(place.container_id, place.path, endpoint.sandbox_link), {}, None)

    async def remove(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        """Do nothing: `detach` did it all."""

    async def publish(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> Endpoint:
        """Return the endpoint: its ports were published when it was attached.

        InvalidParameter where ports are asked for and no plugin of the network publishes any.
        """
        conflist = self._network(network).conflist
        if place.requests and PORT_MAPPINGS not in conflist.capabilities:
            raise InvalidParameter(
                f"network {network.name} cannot publish ports: no plugin of {conflist.origin} has the capability "
                f'"{PORT_MAPPINGS}": add the plugin "portmap" to the list and make the network anew, or leave out -p'
            )
        return endpoint

    async def revoke(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        """Do nothing: ports go with the endpoint."""

    async def check(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        """Run CHECK on a live endpoint, where the configuration allows it; raise what the first plugin objects to."""
        described = self._network(network)
        if described.conflist.has_check and endpoint.driver_data:
            call, given, answer = _recalled(endpoint.driver_data, place.path)
            await described.chain.check(call, given, without_default_routes(answer))

    def _network(self, record: NetworkRecord) -> _Network:
        data = record.driver_data
        conflist = parse_conflist(data[_TEXT], data[_ORIGIN])
        return _Network(conflist, Chain(conflist, data[_PATH].split(":"), self._executor))


def _ports(conflist: Conflist, requests: tuple[PortRequest, ...]) -> list[tuple[PortRequest, PublishedPort]]:
    if PORT_MAPPINGS not in conflist.capabilities:
        return []
    return [
        (request, PublishedPort(request.container_port, request.host_address or _EVERYWHERE[4], number))
        for request, number in choose_ports(requests)
    ]


def _completed(
    endpoint: Endpoint,
    result: Result,
    ports: list[tuple[PortRequest, PublishedPort]],
    memory: Mapping[str, str],
) -> Endpoint:
    return replace(
        endpoint,
        ipv4=result.ipv4,
        ipv6=result.ipv6,
        gateway_ipv4=result.gateway_ipv4,
        gateway_ipv6=result.gateway_ipv6,
        mac_address=result.mac or endpoint.mac_address,
        dns_servers=tuple(str(address) for address in result.dns.nameservers),
        dns_search=result.dns.search,
        dns_options=result.dns.options,
        disable_gateway_service=True,
        ports=_in_force(ports, result),
        driver_data=memory,
    )


def _in_force(ports: list[tuple[PortRequest, PublishedPort]], result: Result) -> tuple[PublishedPort, ...]:
    """Return a port for each family that the endpoint has, as plugins forward them."""
    versions = [version for version, interface in ((4, result.ipv4), (6, result.ipv6)) if interface is not None]
    found = []
    for request, port in ports:
        if request.host_address is not None:
            found.append(port)
        else:
            found += [replace(port, host_address=_EVERYWHERE[version]) for version in versions]
    return tuple(found)


def _addresses(result: Result) -> tuple[Address, ...]:
    return tuple(interface.ip for interface in (result.ipv4, result.ipv6) if interface is not None)


def _memory(call: Call, given: Mapping[str, Any], answer: Json) -> dict[str, str]:
    told = {"container": call.container_id, "link": call.link, "arguments": dict(call.arguments or {})}
    return {_CALL: json.dumps(told), _RUNTIME: json.dumps(dict(given)), _RESULT: json.dumps(dict(answer))}


def _recalled(memory: Mapping[str, str], path: str) -> tuple[Call, Mapping[str, Any], Json]:
    told = json.loads(memory[_CALL])
    call = Call(told["container"], path, told["link"], told["arguments"])
    return call, json.loads(memory[_RUNTIME]), json.loads(memory[_RESULT])
