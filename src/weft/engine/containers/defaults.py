"""What a container takes from its image where the user said nothing (Engine API v1.51 ContainerCreate); pure."""

from dataclasses import replace

from weft.engine.containers import health
from weft.engine.settings import Settings
from weft.model.container import ContainerSpec, ProcessSpec
from weft.model.errors import InvalidParameter
from weft.model.image import ImageConfig
from weft.model.port import ContainerPort, Protocol

DEFAULT_STOP_SIGNAL = "SIGTERM"


def with_image_defaults(spec: ContainerSpec, image: ImageConfig) -> ContainerSpec:
    """Return `spec` with the image's configuration merged in. InvalidParameter if there is nothing to run."""
    exposed = set(spec.networking.exposed) | {parse_port(text) for text in image.exposed_ports}
    volumes = tuple(dict.fromkeys((*spec.anonymous_volumes, *image.volumes)))
    return replace(
        spec,
        process=_process(spec.process, image),
        networking=replace(spec.networking, exposed=tuple(sorted(exposed))),
        anonymous_volumes=volumes,
        labels={**image.labels, **spec.labels},
        health=health.merged(spec.health, image.health),
    )


def _process(process: ProcessSpec, image: ImageConfig) -> ProcessSpec:
    entrypoint, cmd = process.entrypoint, process.cmd
    if entrypoint is None:
        entrypoint = image.entrypoint
        cmd = cmd or image.cmd
    elif entrypoint == ("",):  # --entrypoint "" clears the image's
        entrypoint = None
    if not entrypoint and not cmd:
        raise InvalidParameter("no command specified")
    return replace(
        process,
        entrypoint=entrypoint,
        cmd=cmd,
        env=_merge_env(image.env, process.env),
        user=process.user or image.user,
        working_dir=process.working_dir or image.working_dir,
        stop_signal=process.stop_signal or image.stop_signal,
    )


def _merge_env(image: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    given = {item.partition("=")[0] for item in own}
    kept = tuple(item for item in image if item.partition("=")[0] not in given)
    # a bare NAME, without a value, only takes the image's away
    return (*(item for item in own if "=" in item), *kept)


def parse_port(text: str) -> ContainerPort:
    """Return the port written `80` or `80/udp`; InvalidParameter otherwise."""
    number, _, protocol = text.partition("/")
    try:
        port = ContainerPort(int(number), Protocol(protocol or "tcp"))
    except ValueError:
        raise InvalidParameter(f"invalid containerPort: {text}") from None
    if not 0 < port.number < 65536:
        raise InvalidParameter(f"invalid containerPort: {text}: the port must be between 1 and 65535")
    return port


def with_daemon_defaults(spec: ContainerSpec, settings: Settings) -> ContainerSpec:
    """Return `spec` with the daemon's limits, log driver and DNS settings where it has none of its own."""
    named = {limit.name for limit in spec.resources.ulimits}
    inherited = tuple(limit for limit in settings.ulimits if limit.name not in named)
    log = spec.log
    if log.driver in ("", settings.log.driver):
        log = replace(settings.log, options={**settings.log.options, **log.options})
    return replace(
        spec,
        log=log,
        resources=replace(spec.resources, ulimits=spec.resources.ulimits + inherited),
        shm_size=spec.shm_size or settings.shm_size,
        ipc_mode=spec.ipc_mode or settings.ipc_mode,
        cgroupns_mode=spec.cgroupns_mode or settings.cgroupns_mode,
    )
