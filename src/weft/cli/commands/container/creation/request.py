"""From flags to the body of POST /containers/create; only what was asked for is in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from weft.cli.commands.container.creation import security, volumes
from weft.cli.commands.container.creation.networking import endpoints, network_mode
from weft.cli.commands.container.creation.resources import resources
from weft.cli.flags.limit import parse_restart
from weft.cli.flags.pairs import mapping, read_files
from weft.cli.flags.parser import Options
from weft.cli.flags.port import parse_expose, parse_publish
from weft.client.session import Json
from weft.model.errors import InvalidParameter

_MAC = re.compile(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}")
_HEALTH = {
    "health-interval": "Interval",
    "health-timeout": "Timeout",
    "health-retries": "Retries",
    "health-start-period": "StartPeriod",
    "health-start-interval": "StartInterval",
}
ENDPOINT_MAC = (1, 44)  # API version from which a MAC address belongs to an endpoint


def build(options: Options, lookup: Callable[[str], str | None], version: tuple[int, int]) -> Json:
    """Return the request; raises InvalidParameter with docker's texts.

    `lookup` finds environment variables, `version` is the API's.
    """
    try:
        return _build(options, lookup, version)
    except ValueError as error:
        raise InvalidParameter(str(error)) from error


def _build(options: Options, lookup: Callable[[str], str | None], version: tuple[int, int]) -> Json:
    image, *arguments = options.arguments
    mac_address = options.text("mac-address").strip()
    if mac_address and not _MAC.fullmatch(mac_address):
        raise ValueError(f"{mac_address} is not a valid mac address")
    bindings = parse_publish(options.texts("publish"))
    binds, anonymous = volumes.split(options.texts("volume"))
    document: Json = {
        "Image": image,
        "Cmd": arguments or None,
        "ExposedPorts": _keys([*bindings, *parse_expose(options.texts("expose"))]),
        "Volumes": _keys(anonymous),
        **_process(options, lookup),
        **_attached(options),
        "HostConfig": _host_config(options, bindings, binds),
        "NetworkingConfig": {"EndpointsConfig": endpoints(options)},
    }
    if version < ENDPOINT_MAC:
        document["MacAddress"] = mac_address
    return _trimmed(document)


def _keys(names: list[str]) -> dict[str, Json]:
    """Return names as the API has sets: {"name": {}}."""
    return {name: {} for name in names}


def _process(options: Options, lookup: Callable[[str], str | None]) -> Json:
    labels = read_files(options.texts("label-file"), None) + options.texts("label")
    process: Json = {
        "Hostname": options.text("hostname"),
        "Domainname": options.text("domainname"),
        "User": options.text("user"),
        "Env": read_files(options.texts("env-file"), lookup) + options.texts("env"),
        "WorkingDir": options.text("workdir"),
        "Labels": mapping(labels),
        "StopSignal": options.text("stop-signal"),
    }
    if options.changed("entrypoint"):
        process["Entrypoint"] = [options.text("entrypoint")]
    if options.changed("stop-timeout"):
        process["StopTimeout"] = options.number("stop-timeout")
    process["Healthcheck"] = _health(options)
    return process


def _health(options: Options) -> Json:
    words = options.text("health-cmd")
    check: Json = {"Test": ["CMD-SHELL", words]} if words else {}
    for flag, key in _HEALTH.items():
        value = options.number(flag)
        if value < 0:
            raise ValueError(f"--{flag} cannot be negative")
        if value:
            check[key] = value
    if not options.on("no-healthcheck"):
        return check
    if check:
        raise ValueError("--no-healthcheck conflicts with --health-* options")
    return {"Test": ["NONE"]}


def _attached(options: Options) -> Json:
    streams = options.texts("attach")
    stdin = options.on("interactive")
    attached: Json = {
        "Tty": options.on("tty"),
        "OpenStdin": stdin,
        "AttachStdin": stdin or "stdin" in streams,
        "AttachStdout": not streams or "stdout" in streams,
        "AttachStderr": not streams or "stderr" in streams,
    }
    attached["StdinOnce"] = bool(attached["OpenStdin"] and attached["AttachStdin"])
    return attached


def _host_config(options: Options, bindings: object, binds: list[str]) -> Json:
    restart = parse_restart(options.text("restart"))
    if options.on("rm") and restart["Name"] not in ("", "no"):
        raise ValueError("conflicting options: cannot specify both --restart and --rm")
    host: Json = {
        "Binds": binds,
        "ContainerIDFile": options.text("cidfile"),
        "NetworkMode": network_mode(options),
        "PortBindings": bindings,
        "PublishAllPorts": options.on("publish-all"),
        "RestartPolicy": restart,
        "AutoRemove": options.on("rm"),
        "Mounts": options.values("mount"),
        "Tmpfs": volumes.tmpfs(options.texts("tmpfs")),
        "VolumeDriver": options.text("volume-driver"),
        "VolumesFrom": options.texts("volumes-from"),
        "Dns": options.texts("dns"),
        "DnsOptions": options.texts("dns-option"),
        "DnsSearch": options.texts("dns-search"),
        "ExtraHosts": options.texts("add-host"),
        "Links": options.texts("link"),
        "LogConfig": _log_config(options),
        "Runtime": options.text("runtime"),
        **security.settings(options),
        **resources(options),
    }
    if options.changed("init"):
        host["Init"] = options.on("init")
    return host


def _log_config(options: Options) -> Json:
    driver = options.text("log-driver")
    settings = mapping(options.texts("log-opt"))
    if driver == "none" and settings:
        raise ValueError(f"invalid logging opts for driver {driver}")
    return {key: value for key, value in (("Type", driver), ("Config", settings)) if value}


KEPT_EMPTY = (
    "Entrypoint",
    "MaskedPaths",
    "ReadonlyPaths",
    "StopTimeout",
    "Init",
    "MemorySwappiness",
)  # empty or false says something


def _trimmed(document: Json) -> Json:
    """Leave out what is empty, at both levels, as the daemon's defaults are the same."""
    result: Json = {}
    for key, value in document.items():
        trimmed = _trimmed(value) if key == "HostConfig" and isinstance(value, dict) else value
        if key in KEPT_EMPTY or trimmed not in (None, "", 0, False, [], {}):
            result[key] = trimmed
    return result
