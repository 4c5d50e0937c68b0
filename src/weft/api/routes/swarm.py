"""Swarm mode: this engine is in none, and says so with Docker's words (Engine API v1.51, Swarm, Node, Service …)."""

from weft.api.routes.refused import refuse
from weft.api.routing import Route
from weft.model.errors import Unavailable, Unimplemented

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
    "to connect this node to swarm and try again."
)
_COLLECTIONS = ("services", "secrets", "configs")


def swarm_routes() -> tuple[Route, ...]:
    """Return the routes."""
    return (
        *refuse((("POST", "/swarm/init"), ("POST", "/swarm/join")), _no_swarm),
        *refuse((("POST", "/swarm/leave"),), lambda: Unavailable("This node is not part of a swarm")),
        *refuse(tuple(_manager_endpoints()), lambda: Unavailable(NOT_A_MANAGER)),
    )


def _manager_endpoints() -> list[tuple[str, str]]:
    endpoints = [
        ("GET", "/swarm"),
        ("POST", "/swarm/update"),
        ("GET", "/swarm/unlockkey"),
        ("POST", "/swarm/unlock"),
        ("GET", "/nodes"),
        ("GET", "/nodes/{name}"),
        ("DELETE", "/nodes/{name}"),
        ("POST", "/nodes/{name}/update"),
        ("GET", "/tasks"),
        ("GET", "/tasks/{name}/logs"),
        ("GET", "/tasks/{name}"),
        ("GET", "/services/{name}/logs"),
    ]
    for noun in _COLLECTIONS:
        endpoints += [
            ("GET", f"/{noun}"),
            ("POST", f"/{noun}/create"),
            ("GET", f"/{noun}/{{name}}"),
            ("DELETE", f"/{noun}/{{name}}"),
            ("POST", f"/{noun}/{{name}}/update"),
        ]
    return endpoints


def _no_swarm() -> Unimplemented:
    return Unimplemented("swarm mode is not supported by this version of Weft: run containers on this node alone")
