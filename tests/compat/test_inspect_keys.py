"""Both engines side by side at API 1.41: the same keys, of the same types, in what they say of the same objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rig.engine import Engine, Kind
from rig.lab import Lab

# Where Weft differs on purpose, by path; `*` stands for any key of a map and any item of a list.
ALLOWED: dict[str, dict[str, str]] = {
    "info": {
        ".Runtimes.*": "each engine lists the runtimes it found",
        ".DriverStatus": "details of the layer store",
        ".ContainerdCommit.*": "Weft has no containerd",
        ".Containerd": "Weft has no containerd",
        ".RegistryConfig.IndexConfigs.*": "the mirrors of that engine",
        ".Warnings": "null or a list, as the machine's cgroups are",
        ".Swarm": "Weft speaks of a swarm when it is part of one",
        ".SecurityOptions": "as the machine offers",
    },
    "version": {".Components": "programs differ, their count too"},
    "container": {
        ".GraphDriver.Data": "details of the layer store",
        ".HostConfig.Runtime": "20.10 fills it in at the first start",
        ".ResolvConfPath": "a container that never started may have none yet",
    },
    "image": {
        ".GraphDriver.Data": "details of the layer store",
        ".Config": "the built-in image states less",
        ".ContainerConfig": "of the container an image was committed from; there was none",
    },
    "network": {
        ".IPAM.Config.*.Gateway": "20.10 leaves out the one it chose itself",
        ".*.IPAM.Config.*.Gateway": "20.10 leaves out the one it chose itself",
    },
    "volume": {},
}

CONTAINER = {
    "Image": "busybox",
    "Cmd": ["top"],
    "Env": ["A=b"],
    "Labels": {"team": "blue"},
    "ExposedPorts": {"80/tcp": {}, "81/udp": {}},
    "HostConfig": {
        "PortBindings": {"80/tcp": [{"HostPort": "8080"}]},
        "Binds": ["vol:/data", "/etc:/host:ro"],
        "Tmpfs": {"/scratch": "size=1m"},
        "Memory": 64 << 20,
        "NetworkMode": "net",
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "CapAdd": ["NET_ADMIN"],
        "Sysctls": {"net.core.somaxconn": "99"},
        "Ulimits": [{"Name": "nofile", "Soft": 99, "Hard": 99}],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    },
    "NetworkingConfig": {"EndpointsConfig": {"net": {"Aliases": ["also"], "IPAMConfig": {"IPv4Address": "10.88.0.9"}}}},
}


def furnish(engine: Engine) -> None:
    """The same network, volume and three containers in each engine."""
    api = engine.api
    ipam = {"Config": [{"Subnet": "10.88.0.0/16", "AuxiliaryAddresses": {"a": "10.88.0.3"}}]}
    api.need("POST", "/networks/create", {"Name": "net", "IPAM": ipam, "Labels": {"a": "b"}, "Options": {}})
    api.need("POST", "/volumes/create", {"Name": "vol", "Labels": {"a": "b"}})
    api.need("POST", "/containers/create?name=full", CONTAINER)
    api.need("POST", "/containers/full/start")
    api.need("POST", "/containers/create?name=plain", {"Image": "busybox", "Cmd": ["top"]})
    api.need("POST", "/containers/plain/start")
    api.need("POST", "/containers/create?name=made", {"Image": "busybox"})
    api.need("POST", "/containers/create?name=ended", {"Image": "busybox", "Cmd": ["false"]})
    api.need("POST", "/containers/ended/start")
    api.need("POST", "/containers/ended/wait")


@pytest.fixture(scope="module")
def both(lab: Lab) -> Iterator[tuple[Engine, Engine]]:
    """The reference engine and Weft, furnished alike."""
    kinds: tuple[Kind, Kind] = ("docker", "weft")
    engines = [lab.engine(kind) for kind in kinds]
    for engine in engines:
        furnish(engine)
    yield engines[0], engines[1]
    for engine in engines:
        engine.host.close()


OBJECTS = [
    ("container", "/containers/full/json?size=1"),
    ("container", "/containers/plain/json"),
    ("container", "/containers/made/json"),
    ("container", "/containers/ended/json"),
    ("container", "/containers/json?all=1&size=1"),
    ("network", "/networks/net"),
    ("network", "/networks/bridge"),
    ("network", "/networks/host"),
    ("network", "/networks/none"),
    ("network", "/networks"),
    ("volume", "/volumes/vol"),
    ("volume", "/volumes"),
    ("image", "/images/busybox/json"),
    ("image", "/images/json"),
    ("image", "/images/busybox/history"),
    ("info", "/info"),
    ("version", "/version"),
    ("container", "/system/df"),
]

# Under these every key is a name or an id, so only what stands behind any of them is compared.
MAPS = (".Containers", ".Networks", ".NetworkSettings.Networks", ".Labels", ".Options", ".Config.Labels", ".Volumes")


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Path -> JSON type of everything in `value`; list items and named things share the path `*`."""
    found = {path: _type(value)}
    if isinstance(value, dict):
        named = path.endswith(MAPS) and all(isinstance(one, dict) for one in value.values())
        for key, one in value.items():
            found |= shape(one, f"{path}.*" if named else f"{path}.{key}")
    elif isinstance(value, list):
        for one in value:
            found |= shape(one, f"{path}.*")
    return found


def _type(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}.get(
        type(value), "object" if isinstance(value, dict) else "array"
    )


def alike(docker: str, weft: str) -> bool:
    """Go writes an empty list or map as null where nobody set it; a filled one shows by its contents' paths."""
    return docker == weft or (docker == "null" and weft in ("array", "object"))


@pytest.mark.parametrize(("noun", "path"), OBJECTS, ids=[path for _, path in OBJECTS])
def test_same_keys_and_types(both: tuple[Engine, Engine], noun: str, path: str) -> None:
    docker, weft = (shape(engine.api.need("GET", path)) for engine in both)
    allowed = tuple(ALLOWED[noun])

    def excused(where: str) -> bool:
        return any(where == one or where.startswith((one + ".", one.removesuffix("*"))) for one in allowed)

    missing = {where: kind for where, kind in docker.items() if where not in weft and not excused(where)}
    surplus = {where: kind for where, kind in weft.items() if where not in docker and not excused(where)}
    differing = {
        where: (kind, weft[where])
        for where, kind in docker.items()
        if where in weft and not alike(kind, weft[where]) and not excused(where)
    }
    assert (missing, surplus, differing) == ({}, {}, {})
