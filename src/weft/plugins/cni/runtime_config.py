"""What the engine gives to plugins beyond their file: `runtimeConfig`, by the capabilities that they declare.

The capabilities' names and forms are those of the CNI project's CONVENTIONS.md.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from weft.model.endpoint import EndpointSpec
from weft.model.errors import InvalidParameter
from weft.model.port import PublishedPort
from weft.plugins.cni.conflist import Json

PORT_MAPPINGS = "portMappings"
IPS = "ips"
MAC = "mac"
ALIASES = "aliases"


def port_mappings(ports: Iterable[PublishedPort]) -> list[Json]:
    """Return the portMappings of host ports; one for every address of its family has no hostIP."""
    mappings: list[Json] = []
    for port in ports:
        mapping: dict[str, Any] = {
            "hostPort": port.host_port,
            "containerPort": port.container_port.number,
            "protocol": port.container_port.protocol.value,
        }
        if not port.host_address.is_unspecified:
            mapping["hostIP"] = str(port.host_address)
        if mapping not in mappings:
            mappings.append(mapping)
    return mappings


def runtime_config(
    spec: EndpointSpec, mac: str, ports: Iterable[PublishedPort], network: str, capabilities: Collection[str]
) -> Mapping[str, Any]:
    """Return the runtimeConfig of a whole list; each plugin gets its own part of it."""
    wanted = {
        PORT_MAPPINGS: port_mappings(ports),
        IPS: [str(address) for address in (spec.ipv4, spec.ipv6) if address is not None],
        MAC: mac,
        ALIASES: {network: list(spec.aliases)} if spec.aliases else {},
    }
    return {key: value for key, value in wanted.items() if value and key in capabilities}


def arguments(spec: EndpointSpec, mac: str, capabilities: Collection[str]) -> Mapping[str, str]:
    """Return CNI_ARGS for wishes that no plugin declares a capability for: some read them there."""
    wanted: dict[str, str] = {}
    if spec.ipv4 is not None and IPS not in capabilities:
        wanted["IP"] = str(spec.ipv4)
    elif spec.ipv6 is not None and IPS not in capabilities:
        wanted["IP"] = str(spec.ipv6)
    if mac and MAC not in capabilities:
        wanted["MAC"] = mac
    return {"IgnoreUnknown": "1", **wanted} if wanted else {}


def check_fulfilled(spec: EndpointSpec, mac: str, addresses: Collection[object], got_mac: str, origin: str) -> None:
    """Raise InvalidParameter where the plugins gave something else than the user asked for."""
    for address in (spec.ipv4, spec.ipv6):
        if address is not None and address not in addresses:
            raise InvalidParameter(
                f"the CNI plugins of {origin} did not give the address {address} that was asked for: it must lie in "
                "their ranges, and their IPAM plugin must take addresses (host-local and static do)"
            )
    if mac and got_mac and mac.lower() != got_mac:
        raise InvalidParameter(
            f"the CNI plugins of {origin} did not give the MAC address {mac} that was asked for: "
            'add the plugin "tuning" with the capability "mac" to the list'
        )
