"""Image configurations: the JSON whose digest is the image's id (OCI image-spec 1.1 config, Docker image-spec 1.3)."""

import hashlib

import msgspec

from weft.model.errors import InvalidParameter
from weft.model.health import HealthCheck
from weft.model.image import ImageConfig, ImageHistory, ImageRecord
from weft.runtime.images.reference import is_digest


class _Health(msgspec.Struct, rename="pascal", omit_defaults=True):
    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class _Process(msgspec.Struct, rename="pascal", omit_defaults=True):
    """`config.config`; null stands for empty throughout, as Go writes it."""

    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    env: list[str] | None = None
    user: str | None = None
    working_dir: str | None = None
    exposed_ports: dict[str, object] | None = None
    volumes: dict[str, object] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str | None = None
    shell: list[str] | None = None
    on_build: list[str] | None = None
    healthcheck: _Health | None = None


class _History(msgspec.Struct, omit_defaults=True):
    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _RootFs(msgspec.Struct):
    type: str = "layers"
    diff_ids: list[str] | None = None


class _Document(msgspec.Struct, omit_defaults=True):
    architecture: str = ""
    variant: str = ""
    os: str = ""
    created: str | None = None
    author: str | None = None
    comment: str | None = None
    config: _Process | None = None
    rootfs: _RootFs = msgspec.field(default_factory=_RootFs)
    history: list[_History] | None = None


def image_id(raw: bytes) -> str:
    """Return the id of the image with that configuration."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def parse_configuration(raw: bytes) -> ImageRecord:
    """Return the record, without names and with no layer sizes yet; raises InvalidParameter if it is malformed."""
    try:
        document = msgspec.json.decode(raw, type=_Document)
    except msgspec.MsgspecError as error:
        raise InvalidParameter(f"invalid image configuration: {error}") from error
    layers = tuple(document.rootfs.diff_ids or ())
    for layer in layers:
        if not is_digest(layer):
            raise InvalidParameter(f"invalid image configuration: {layer!r} is not a sha256 digest")
    return ImageRecord(
        id=image_id(raw),
        created=document.created or "",
        architecture=document.architecture,
        os=document.os or "linux",
        variant=document.variant,
        author=document.author or "",
        comment=document.comment or "",
        config=_process(document.config or _Process()),
        layers=layers,
        history=tuple(_history(line) for line in document.history or ()),
    )


def encode_configuration(record: ImageRecord) -> bytes:
    """Return the JSON of a new image; the id that `record` carries is not looked at."""
    config = record.config
    document = _Document(
        architecture=record.architecture,
        variant=record.variant,
        os=record.os,
        created=record.created,
        author=record.author or None,
        comment=record.comment or None,
        config=_Process(
            entrypoint=_listed(config.entrypoint),
            cmd=_listed(config.cmd),
            env=_listed(config.env),
            user=config.user or None,
            working_dir=config.working_dir or None,
            exposed_ports={port: {} for port in config.exposed_ports} or None,
            volumes={path: {} for path in config.volumes} or None,
            labels=dict(config.labels) or None,
            stop_signal=config.stop_signal or None,
            shell=_listed(config.shell),
            on_build=_listed(config.on_build),
            healthcheck=_listed_health(config.health),
        ),
        rootfs=_RootFs(diff_ids=list(record.layers)),
        history=[
            _History(
                line.created or None,
                line.created_by or None,
                line.author or None,
                line.comment or None,
                line.empty_layer or None,
            )
            for line in record.history
        ],
    )
    return msgspec.json.encode(document)


def _process(config: _Process) -> ImageConfig:
    return ImageConfig(
        entrypoint=None if config.entrypoint is None else tuple(config.entrypoint),
        cmd=None if config.cmd is None else tuple(config.cmd),
        env=tuple(config.env or ()),
        user=config.user or "",
        working_dir=config.working_dir or "",
        exposed_ports=tuple(config.exposed_ports or ()),
        volumes=tuple(config.volumes or ()),
        labels=config.labels or {},
        stop_signal=config.stop_signal or "",
        shell=tuple(config.shell or ()),
        on_build=tuple(config.on_build or ()),
        health=_health(config.healthcheck),
    )


def _health(health: _Health | None) -> HealthCheck | None:
    if health is None:
        return None
    return HealthCheck(
        test=tuple(health.test or ()),
        interval=health.interval,
        timeout=health.timeout,
        start_period=health.start_period,
        start_interval=health.start_interval,
        retries=health.retries,
    )


def _listed_health(health: HealthCheck | None) -> _Health | None:
    if health is None:
        return None
    return _Health(
        _listed(health.test),
        health.interval,
        health.timeout,
        health.start_period,
        health.start_interval,
        health.retries,
    )


def _history(line: _History) -> ImageHistory:
    return ImageHistory(
        created=line.created or "",
        created_by=line.created_by or "",
        author=line.author or "",
        comment=line.comment or "",
        empty_layer=bool(line.empty_layer),
    )


def _listed(words: tuple[str, ...] | None) -> list[str] | None:
    return list(words) if words else None
