"""ContainerConfig of a request: what create and commit take (Engine API v1.51)."""

import msgspec

from weft.api.version import Version
from weft.api.wire.health import HealthConfig, health_check
from weft.api.wire.ports import parse_port_range
from weft.api.wire.shapes import Integer, Keys, Request, Text, TextMap, Texts, Words, text_map, texts, words
from weft.model.image import ImageConfig


class ConfigRequest(Request, frozen=True, kw_only=True):
    """ContainerConfig's keys."""

    hostname: Text = None
    domainname: Text = None
    user: Text = None
    attach_stdin: bool | None = None
    attach_stdout: bool | None = None
    attach_stderr: bool | None = None
    exposed_ports: Keys = None
    tty: bool | None = None
    open_stdin: bool | None = None
    stdin_once: bool | None = None
    env: Texts = None
    cmd: Words = None
    healthcheck: HealthConfig | None = None
    args_escaped: bool | None = None
    image: Text = None
    volumes: Keys = None
    working_dir: Text = None
    entrypoint: Words = None
    network_disabled: bool | None = None
    mac_address: Text = None
    labels: TextMap = None
    stop_signal: Text = None
    stop_timeout: Integer = None
    shell: Texts = None


class CommitConfig(ConfigRequest, frozen=True, kw_only=True):
    """The body of a commit: of a container's keys those count that an image has."""

    on_build: Texts = None


COMMIT = msgspec.json.Decoder(CommitConfig | None)


def image_config(request: CommitConfig, version: Version) -> ImageConfig:
    """Return the configuration of an image; raises InvalidParameter in Docker's words."""
    ports = (str(port) for key in request.exposed_ports or {} for port in parse_port_range(key))
    return ImageConfig(
        entrypoint=words(request.entrypoint),
        cmd=words(request.cmd),
        env=texts(request.env),
        user=request.user or "",
        working_dir=request.working_dir or "",
        exposed_ports=tuple(dict.fromkeys(ports)),
        volumes=tuple(request.volumes or {}),
        labels=text_map(request.labels),
        stop_signal=request.stop_signal or "",
        shell=texts(request.shell),
        on_build=texts(request.on_build),
        health=health_check(request.healthcheck, version),
    )
