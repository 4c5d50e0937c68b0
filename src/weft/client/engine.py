"""The whole Engine API of one daemon. Each noun's module is loaded when first used: a command needs one or two."""

from __future__ import annotations

from weft.client.endpoint import Endpoint
from weft.client.session import Session

TYPE_CHECKING = False  # importing typing for it would cost every command some milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable

    from weft.client.containers import Containers, Execs
    from weft.client.files import Files
    from weft.client.images import Images
    from weft.client.networks import Networks
    from weft.client.system import System
    from weft.client.volumes import Volumes


class Engine:
    """A client of the daemon at `endpoint`; nothing is sent before the first call."""

    def __init__(self, endpoint: Endpoint, agent: str = "weft", report: Callable[[str], None] | None = None) -> None:
        self.session = Session(endpoint, agent, report)

    @property
    def containers(self) -> Containers:
        from weft.client.containers import Containers

        return Containers(self.session)

    @property
    def execs(self) -> Execs:
        from weft.client.containers import Execs

        return Execs(self.session)

    @property
    def files(self) -> Files:
        from weft.client.files import Files

        return Files(self.session)

    @property
    def images(self) -> Images:
        from weft.client.images import Images

        return Images(self.session)

    @property
    def networks(self) -> Networks:
        from weft.client.networks import Networks

        return Networks(self.session)

    @property
    def volumes(self) -> Volumes:
        from weft.client.volumes import Volumes

        return Volumes(self.session)

    @property
    def system(self) -> System:
        from weft.client.system import System

        return System(self.session)

    def close(self) -> None:
        self.session.close()
