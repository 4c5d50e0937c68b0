"""`weft info` as docker lays it out."""

from __future__ import annotations

from collections.abc import Iterator

from weft.cli.render import human
from weft.cli.render.fields import Json, flag, inner, items, number, text, texts


def client_lines(client: Json) -> Iterator[str]:
    yield "Client:"
    yield f" Version:    {text(client, 'Version')}"
    yield f" Context:    {text(client, 'Context')}"
    yield f" Debug Mode: {_boolean(flag(client, 'Debug'))}"


def server_lines(info: Json) -> Iterator[str]:
    """Yield the lines under `Server:`."""
    yield f" Containers: {number(info, 'Containers')}"
    for state in ("Running", "Paused", "Stopped"):
        yield f"  {state}: {number(info, f'Containers{state}')}"
    yield f" Images: {number(info, 'Images')}"
    yield from _named(info, (("Server Version", "ServerVersion"), ("Storage Driver", "Driver")))
    yield from _pairs(info, "DriverStatus")
    yield from _named(info, (("Logging Driver", "LoggingDriver"), ("Cgroup Driver", "CgroupDriver")))
    yield from _named(info, (("Cgroup Version", "CgroupVersion"),))
    yield from _plugins(inner(info, "Plugins"))
    yield f" Swarm: {text(inner(info, 'Swarm'), 'LocalNodeState')}"
    yield from _runtimes(info)
    yield from _security(texts(info, "SecurityOptions"))
    yield from _named(info, (("Kernel Version", "KernelVersion"), ("Operating System", "OperatingSystem")))
    yield from _named(info, (("OSType", "OSType"), ("Architecture", "Architecture")))
    yield f" CPUs: {number(info, 'NCPU')}"
    yield f" Total Memory: {human.binary_size(number(info, 'MemTotal'))}"
    yield from _named(info, (("Name", "Name"), ("ID", "ID")))
    yield f" Docker Root Dir: {text(info, 'DockerRootDir')}"
    yield from _debugging(info)
    yield from _named(info, (("HTTP Proxy", "HttpProxy"), ("HTTPS Proxy", "HttpsProxy"), ("No Proxy", "NoProxy")))
    yield from _listed("Labels", texts(info, "Labels"))
    yield f" Experimental: {_boolean(flag(info, 'ExperimentalBuild'))}"
    yield from _registries(inner(info, "RegistryConfig"))
    yield f" Live Restore Enabled: {_boolean(flag(info, 'LiveRestoreEnabled'))}"
    yield from _named(info, (("Product License", "ProductLicense"),))
    pools = items(info, "DefaultAddressPools")
    if pools:
        yield " Default Address Pools:"
        for pool in pools:
            yield f"   Base: {text(pool, 'Base')}, Size: {number(pool, 'Size')}"
    if firewall := inner(info, "FirewallBackend"):
        yield f" Firewall Backend: {text(firewall, 'Driver')}"
        yield from _pairs(firewall, "Info")


def _named(info: Json, names: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for title, key in names:
        if value := text(info, key):
            yield f" {title}: {value}"


def _pairs(info: Json, key: str) -> Iterator[str]:
    pairs = info.get(key)
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2:
            yield f"  {pair[0]}: {pair[1]}"


def _plugins(plugins: Json) -> Iterator[str]:
    yield " Plugins:"
    yield f"  Volume: {' '.join(texts(plugins, 'Volume'))}"
    yield f"  Network: {' '.join(texts(plugins, 'Network'))}"
    if authorization := texts(plugins, "Authorization"):
        yield f"  Authorization: {' '.join(authorization)}"
    yield f"  Log: {' '.join(texts(plugins, 'Log'))}"


def _runtimes(info: Json) -> Iterator[str]:
    if runtimes := inner(info, "Runtimes"):
        yield f" Runtimes: {' '.join(runtimes)}"
        yield f" Default Runtime: {text(info, 'DefaultRuntime')}"
    if text(info, "OSType") == "linux":
        yield f" Init Binary: {text(info, 'InitBinary')}"
        for title, key in (("containerd", "ContainerdCommit"), ("runc", "RuncCommit"), ("init", "InitCommit")):
            yield f" {title} version: {text(inner(info, key), 'ID')}"


def _security(security_options: list[str]) -> Iterator[str]:
    if not security_options:
        return
    yield " Security Options:"
    for option in security_options:
        pairs = dict(part.partition("=")[::2] for part in option.split(","))
        yield f"  {pairs.get('name', option)}"
        if "profile" in pairs:
            yield f"   Profile: {pairs['profile']}"


def _debugging(info: Json) -> Iterator[str]:
    debug = flag(info, "Debug")
    yield f" Debug Mode: {_boolean(debug)}"
    if debug:
        yield f"  File Descriptors: {number(info, 'NFd')}"
        yield f"  Goroutines: {number(info, 'NGoroutines')}"
        yield f"  System Time: {text(info, 'SystemTime')}"
        yield f"  EventsListeners: {number(info, 'NEventsListener')}"


def _registries(config: Json) -> Iterator[str]:
    indexes = [index for index in inner(config, "IndexConfigs").values() if isinstance(index, dict)]
    cidrs = texts(config, "InsecureRegistryCIDRs")
    if indexes or cidrs:
        insecure = [text(index, "Name") for index in indexes if not flag(index, "Secure")]
        yield from _listed("Insecure Registries", [*insecure, *cidrs], always=True)
    yield from _listed("Registry Mirrors", texts(config, "Mirrors"))


def _listed(title: str, values: list[str], *, always: bool = False) -> Iterator[str]:
    if values or always:
        yield f" {title}:"
        for value in values:
            yield f"  {value}"


def _boolean(value: bool) -> str:
    return "true" if value else "false"
