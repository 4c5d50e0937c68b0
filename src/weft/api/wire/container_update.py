"""POST /containers/{id}/update, and the bodies of publish and unpublish.

Update has Docker's fields and PortBindings, which is Weft's own.
"""

from dataclasses import dataclass, fields

import msgspec

from weft.api.wire.container_create import restart_policy
from weft.api.wire.host_config import HostConfig, PortBindings
from weft.api.wire.limits import limit_change
from weft.api.wire.machine import Machine
from weft.api.wire.ports import PortMap, parse_bindings, published_map
from weft.api.wire.shapes import Answer, Request
from weft.engine.containers.limits import LimitChange
from weft.model.container import ContainerRecord, RestartPolicy
from weft.model.errors import InvalidParameter, Unimplemented
from weft.model.port import PortRequest

_UNSET: tuple[object, ...] = (None, 0, "", False, [], {})
_CHANGEABLE = {"port_bindings", "restart_policy"} | {field.name for field in fields(LimitChange)}

DECODER = msgspec.json.Decoder(HostConfig)


class PortsRequest(Request, frozen=True, kw_only=True):
    """The body of publish and unpublish; bindings are written as in HostConfig."""

    port_bindings: PortBindings = None


PORTS = msgspec.json.Decoder(PortsRequest)


class PortsAnswer(Answer, frozen=True, kw_only=True):
    """The ports that the container has now, as NetworkSettings.Ports writes them."""

    ports: PortMap
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Update:
    """What is to change; None stays as it is."""

    ports: tuple[PortRequest, ...] | None = None
    restart: RestartPolicy | None = None
    limits: LimitChange | None = None
    warnings: tuple[str, ...] = ()


def container_update(request: HostConfig, machine: Machine) -> Update:
    """Return what is to change. Unimplemented names a field that Weft cannot change, InvalidParameter a bad value."""
    for field in msgspec.structs.fields(HostConfig):
        if field.name not in _CHANGEABLE and getattr(request, field.name) not in _UNSET:
            raise Unimplemented(
                f"{field.encode_name} is not supported by update: Weft changes RestartPolicy, PortBindings and limits "
                "of memory, CPU, processes and block devices; for the rest remove the container and create it again"
            )
    restart = request.restart_policy
    limits, warnings = limit_change(request, machine)
    return Update(
        ports=None if request.port_bindings is None else parse_bindings(request.port_bindings),
        restart=restart_policy(restart, auto_remove=False) if restart is not None and restart.name else None,
        limits=limits,
        warnings=warnings,
    )


def port_requests(request: PortsRequest) -> tuple[PortRequest, ...]:
    """Return the ports named; InvalidParameter where there is none."""
    requests = parse_bindings(request.port_bindings)
    if not requests:
        raise InvalidParameter('no port specified: PortBindings is written {"80/tcp": [{"HostPort": "8080"}]}')
    return requests


def ports_answer(record: ContainerRecord, wanted: tuple[PortRequest, ...] = ()) -> PortsAnswer:
    """Return the ports in force; a warning says which of `wanted` nothing leads to yet."""
    in_force = {port.container_port for port in record.ports}
    idle = sorted({str(port.container_port) for port in wanted if port.container_port not in in_force})
    warnings = []
    if idle and record.state.is_running:
        warnings = [
            f"{', '.join(idle)} of container {record.name} is not reachable yet: it is on no network that leads out; "
            "connect it to one"
        ]
    return PortsAnswer(ports=published_map(record.spec.networking.exposed, record.ports), warnings=warnings)
