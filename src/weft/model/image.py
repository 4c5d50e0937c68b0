"""Images: configuration and layers (OCI image-spec 1.1, Docker image-spec 1.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from weft.model.health import HealthCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """Defaults that an image gives to its containers (OCI image-spec config.config)."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    exposed_ports: tuple[str, ...] = ()  # "80/tcp"
    volumes: tuple[str, ...] = ()  # paths
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()  # instructions for a build on top of it
    health: HealthCheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHistory:
    """One line of an image's history; `created` is RFC 3339 text as the image carries it."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """An image that is stored. `id` is `sha256:` + the digest of its configuration.

    `layers` are diff ids (sha256 of the uncompressed tar), lowest first; `layer_sizes` the bytes of each unpacked.
    """

    id: str
    created: str
    architecture: str
    os: str = "linux"
    variant: str = ""
    author: str = ""
    comment: str = ""
    config: ImageConfig = ImageConfig()
    layers: tuple[str, ...] = ()
    layer_sizes: tuple[int, ...] = ()
    history: tuple[ImageHistory, ...] = ()
    tags: tuple[str, ...] = ()  # familiar names, "busybox:latest"
    digests: tuple[str, ...] = ()  # "busybox@sha256:…"
    tagged: int = 0  # nanoseconds since the epoch, when it was last tagged

    @property
    def size(self) -> int:
        """Bytes of all layers unpacked."""
        return sum(self.layer_sizes)
