"""Links of a new container: legacy ones on the default bridge name ids; on other networks they are private aliases."""

from collections.abc import Mapping
from dataclasses import replace

from weft.engine.containers.attachments import network_name
from weft.engine.inventory import Inventory, link_targets
from weft.engine.sandbox.links import parse_link
from weft.engine.sandbox.mode import is_host, is_private, is_user_defined, joined_container
from weft.model.container import ContainerRecord, ContainerSpec, NetworkingSpec
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, InvalidParameter, NotFound

_ON_HOST = "conflicting options: host type networking can't be used with links. This would result in undefined behavior"


def with_links(
    inventory: Inventory, networking: NetworkingSpec, networks: Mapping[str, EndpointSpec]
) -> tuple[NetworkingSpec, Mapping[str, EndpointSpec]]:
    """Return both with the links of --link in their place. InvalidParameter in Docker's words for those that cannot be.

    The second of two links under one name is passed over, as Docker does.
    """
    if not networking.links:
        return networking, networks
    if is_private(networking.mode) and is_user_defined(network_name(inventory, networking.mode)):
        return replace(networking, links=()), _on_endpoint(networking, networks)
    found: dict[str, str] = {}
    for text in networking.links:
        name, alias = parse_link(text)
        found.setdefault(alias, _target(inventory, name).id)
    return replace(networking, links=tuple(f"{target}:{alias}" for alias, target in found.items())), networks


def _on_endpoint(networking: NetworkingSpec, networks: Mapping[str, EndpointSpec]) -> Mapping[str, EndpointSpec]:
    """Clients put the links into the endpoint's settings as well; those that do not mean the same."""
    spec = networks.get(networking.mode, EndpointSpec())
    return networks if spec.links else {**networks, networking.mode: replace(spec, links=networking.links)}


def _target(inventory: Inventory, name: str) -> ContainerRecord:
    try:
        target = inventory.find_container(name)
        while (joined := joined_container(target.spec.networking.mode)) is not None:
            target = inventory.find_container(joined)
    except NotFound as error:
        # not NotFound: clients would take it for a missing image
        raise InvalidParameter(f"could not get container for {name}: {error.message}") from error
    if is_host(target.spec.networking.mode):
        raise InvalidParameter(_ON_HOST)
    return target


def without_link(inventory: Inventory, name: str) -> ContainerRecord:
    """Return the container that holds the link `name` (other/alias), without it.

    Conflict and NotFound in Docker's words.
    """
    linker, _, alias = name.strip("/").rpartition("/")
    if not linker:
        raise Conflict("Conflict, cannot remove the default link name of the container")
    record = inventory.container_named(linker)
    if record is None:
        raise NotFound(f"Cannot get parent /{linker} for link name /{linker}/{alias}")
    rest = tuple(f"{target}:{other}" for target, other in link_targets(record) if other != alias)
    return replace(record, spec=_with(record.spec, rest))


def _with(spec: ContainerSpec, links: tuple[str, ...]) -> ContainerSpec:
    return replace(spec, networking=replace(spec.networking, links=links))
