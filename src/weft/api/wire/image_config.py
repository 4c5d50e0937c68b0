"""ImageConfig -> Config of an image's inspect (Engine API v1.51 ImageConfig)."""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from weft.api.version import Version
from weft.api.wire.health import HealthConfigAnswer, health_config_answer
from weft.api.wire.shapes import Answer
from weft.model.image import ImageConfig

_OCI_SINCE = Version(1, 50)
_Maybe = str | UnsetType
_Words = tuple[str, ...] | UnsetType | None
_Keys = Mapping[str, dict[str, str]] | UnsetType | None


class ImageConfigAnswer(Answer, frozen=True, kw_only=True):
    """Config; since 1.50 the OCI fields that are set, before all that a container has."""

    hostname: _Maybe = UNSET
    domainname: _Maybe = UNSET
    user: _Maybe = UNSET
    attach_stdin: bool | UnsetType = UNSET
    attach_stdout: bool | UnsetType = UNSET
    attach_stderr: bool | UnsetType = UNSET
    exposed_ports: _Keys = UNSET
    tty: bool | UnsetType = UNSET
    open_stdin: bool | UnsetType = UNSET
    stdin_once: bool | UnsetType = UNSET
    env: _Words = UNSET
    cmd: _Words = UNSET
    healthcheck: HealthConfigAnswer | UnsetType = UNSET
    image: _Maybe = UNSET
    volumes: _Keys = UNSET
    working_dir: _Maybe = UNSET
    entrypoint: _Words = UNSET
    on_build: _Words = UNSET
    labels: Mapping[str, str] | UnsetType | None = UNSET
    stop_signal: _Maybe = UNSET
    shell: _Words = UNSET


def image_config(config: ImageConfig, version: Version) -> ImageConfigAnswer:
    """Return the answer in the shape of that version."""
    ports: dict[str, dict[str, str]] = {port: {} for port in config.exposed_ports}
    volumes: dict[str, dict[str, str]] = {path: {} for path in config.volumes}
    health = UNSET if config.health is None else health_config_answer(config.health)
    if version >= _OCI_SINCE:
        return ImageConfigAnswer(
            user=config.user or UNSET,
            exposed_ports=ports or UNSET,
            env=config.env or UNSET,
            entrypoint=config.entrypoint or UNSET,
            cmd=config.cmd or UNSET,
            volumes=volumes or UNSET,
            working_dir=config.working_dir or UNSET,
            labels=config.labels or UNSET,
            stop_signal=config.stop_signal or UNSET,
            shell=config.shell or UNSET,
            on_build=config.on_build or UNSET,
            healthcheck=health,
        )
    return ImageConfigAnswer(
        hostname="",
        domainname="",
        user=config.user,
        attach_stdin=False,
        attach_stdout=False,
        attach_stderr=False,
        exposed_ports=ports or UNSET,
        tty=False,
        open_stdin=False,
        stdin_once=False,
        env=config.env or None,
        cmd=config.cmd,
        image="",
        volumes=volumes or None,
        working_dir=config.working_dir,
        entrypoint=config.entrypoint,
        on_build=config.on_build or None,
        labels=config.labels or None,
        stop_signal=config.stop_signal or UNSET,
        shell=config.shell or UNSET,
        healthcheck=health,
    )
