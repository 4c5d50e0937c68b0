"""All routes."""

from weft.api.backend import Backend
from weft.api.routes.build import build_routes
from weft.api.routes.commit import CommitRoutes
from weft.api.routes.container_files import ContainerFileRoutes
from weft.api.routes.container_io import ContainerIoRoutes
from weft.api.routes.containers import ContainerRoutes
from weft.api.routes.description import DescriptionRoutes
from weft.api.routes.distribution import DistributionRoutes
from weft.api.routes.execs import ExecRoutes
from weft.api.routes.image_archives import ImageArchiveRoutes
from weft.api.routes.images import ImageRoutes
from weft.api.routes.machine import MachineFacts
from weft.api.routes.networks import NetworkRoutes
from weft.api.routes.plugins import plugin_routes
from weft.api.routes.stats import StatsRoutes
from weft.api.routes.swarm import swarm_routes
from weft.api.routes.system import SystemRoutes
from weft.api.routes.volumes import VolumeRoutes
from weft.api.routing import Route


def all_routes(backend: Backend) -> tuple[Route, ...]:
    """Return the routes; of two patterns that match a path the earlier wins, so the more particular ones come first."""
    containers = ContainerRoutes(backend, MachineFacts(backend.system))
    routes = (
        *ContainerIoRoutes(backend).routes(),
        *ContainerFileRoutes(backend).routes(),
        *CommitRoutes(backend).routes(),
        *ExecRoutes(backend).routes(),
        *StatsRoutes(backend).routes(),
        *containers.routes(),
        *NetworkRoutes(backend).routes(),
        *VolumeRoutes(backend).routes(),
        *ImageArchiveRoutes(backend).routes(),
        *ImageRoutes(backend).routes(),
        *DistributionRoutes(backend).routes(),
        *SystemRoutes(backend, containers).routes(),
        *build_routes(),
        *plugin_routes(),
        *swarm_routes(),
    )
    return (*routes, *DescriptionRoutes(routes).routes())
