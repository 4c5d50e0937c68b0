"""/openapi.json: what it says of the routes, and that nothing of Docker's description is missing without a reason.

engine_api.json is Docker's, reduced by extract_reference.py.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import aiohttp
import pytest
from flat_schema import fields

from weft.api.declaration import Kind
from weft.api.description import describe
from weft.api.routes.table import all_routes

REFERENCE = json.loads(Path(__file__).with_name("engine_api.json").read_text())
ROUTES = all_routes(MagicMock())
OURS = describe(ROUTES)

_LATER = "swarm mode comes later; until then Docker's answer of a node in no swarm"
_MANAGED = "managed plugins are not there"
REFUSED = {  # the beginning of `METHOD /path`, as Docker's description has it -> why it has no answer but an error
    "GET /swarm": _LATER,
    "POST /swarm/": _LATER,
    "GET /nodes": _LATER,
    "DELETE /nodes/": _LATER,
    "POST /nodes/": _LATER,
    "GET /services": _LATER,
    "POST /services/": _LATER,
    "DELETE /services/": _LATER,
    "GET /tasks": _LATER,
    "GET /secrets": _LATER,
    "POST /secrets/": _LATER,
    "DELETE /secrets/": _LATER,
    "GET /configs": _LATER,
    "POST /configs/": _LATER,
    "DELETE /configs/": _LATER,
    "PUT /volumes/": "cluster volumes need a swarm",
    "GET /plugins/": _MANAGED,
    "POST /plugins/": _MANAGED,
    "DELETE /plugins/": _MANAGED,
    "POST /build": "Weft builds no images; /build/prune answers",
    "POST /session": "of BuildKit",
    "GET /images/search": "registries' own search is being switched off",
}
_ONE_PLATFORM = "an image here has one platform, as with Docker's graph drivers"
PARAMETERS = {  # the end of `METHOD /path parameter`
    "POST /containers/{id}/start detachKeys": "of the client: the daemon attaches nobody at start",
    "GET /images/json digests": "RepoDigests are always there, as in Docker since 1.22",
    "GET /images/json manifests": _ONE_PLATFORM,
    "GET /images/{name}/json manifests": _ONE_PLATFORM,
    "GET /networks/{id} verbose": "adds what only swarm networks have",
    "POST /build/prune keep-storage": "there is no cache",
    "POST /build/prune reserved-space": "there is no cache",
    "POST /build/prune max-used-space": "there is no cache",
    "POST /build/prune min-free-space": "there is no cache",
    "POST /build/prune all": "there is no cache",
    "POST /build/prune filters": "there is no cache",
}
_REFUSED_BY_NAME = "refused by name whatever it holds"
_FILLED_IN = "what the engine fills in; Docker ignores it in requests"
REQUESTS = {  # the end of `METHOD /path field`
    ".ClusterVolumeSpec.AccessMode": _REFUSED_BY_NAME,
    ".ClusterVolumeSpec.Group": _REFUSED_BY_NAME,
    ".DNSNames": _FILLED_IN,
    ".EndpointID": _FILLED_IN,
    ".Gateway": _FILLED_IN,
    ".GlobalIPv6Address": _FILLED_IN,
    ".GlobalIPv6PrefixLen": _FILLED_IN,
    ".IPAddress": _FILLED_IN,
    ".IPPrefixLen": _FILLED_IN,
    ".IPv6Gateway": _FILLED_IN,
    ".NetworkID": _FILLED_IN,
    "POST /containers/create .OnBuild": "triggers of a build; a container has none",
}
_CONTAINERD = "of containerd's image store"
_SWARM = "of swarm mode"
_NEVER = "never there: what would show it is refused"
_OF_THE_MANIFEST = "Docker's engine looks at digest, size and media type alone"
ANSWERS = {  # the end of `METHOD /path field`
    **{f".Descriptor.{name}": _OF_THE_MANIFEST for name in ("annotations", "urls", "data", "platform", "artifactType")},
    ".Platforms[].os.version": "Windows only",
    ".Platforms[].os.features": "Windows only",
    ".ImageManifestDescriptor": _CONTAINERD,
    ".Descriptor": _CONTAINERD,
    ".Manifests": _CONTAINERD,
    ".Containerd": _CONTAINERD,
    ".ArgsEscaped": "Windows only",
    ".OsVersion": "Windows only",
    ".memory_stats.commitbytes": "Windows only",
    ".memory_stats.commitpeakbytes": "Windows only",
    ".memory_stats.privateworkingset": "Windows only",
    ".networks{}.endpoint_id": "Windows only",
    ".networks{}.instance_id": "Windows only",
    ".storage_stats.read_count_normalized": "Windows only",
    ".storage_stats.read_size_bytes": "Windows only",
    ".storage_stats.write_count_normalized": "Windows only",
    ".storage_stats.write_size_bytes": "Windows only",
    ".NetworkDisabled": _NEVER,
    ".HostConfig.DeviceRequests[].Capabilities": _NEVER,
    ".HostConfig.DeviceRequests[].Count": _NEVER,
    ".HostConfig.DeviceRequests[].DeviceIDs": _NEVER,
    ".HostConfig.DeviceRequests[].Driver": _NEVER,
    ".HostConfig.DeviceRequests[].Options": _NEVER,
    ".HostConfig.Mounts[].Consistency": "macOS only",
    ".HostConfig.StorageOpt": _NEVER,
    ".SecondaryIPAddresses[]": "always null, as in Docker since 1.9",
    ".SecondaryIPv6Addresses[]": "always null, as in Docker since 1.9",
    ".DiscoveredDevices": "there are no devices by CDI",
    ".GenericResources[].DiscreteResourceSpec": _SWARM,
    ".GenericResources[].NamedResourceSpec": _SWARM,
    ".Swarm.Cluster": _SWARM,
    ".Swarm.Managers": _SWARM,
    ".Swarm.Nodes": _SWARM,
    ".Swarm.RemoteManagers[].Addr": _SWARM,
    ".Swarm.RemoteManagers[].NodeID": _SWARM,
    ".Peers": _SWARM,
    ".ClusterVolume": _SWARM,
    ".ProductLicense": "of Docker's commercial edition",
    ".Runtimes{}.runtimeArgs": "the runtimes that Weft found have none",
    ".Runtimes{}.status": "features of the OCI runtime, which Weft does not read",
    "GET /version .Experimental": "left out when false, as in Docker",
    ".Status": "of volume drivers; a local volume has none",
    **{
        f".BuildCache[].{name}": "there is no cache"
        for name in (
            *("CreatedAt", "Description", "ID", "InUse", "LastUsedAt"),
            *("Parents", "Shared", "Size", "Type", "UsageCount"),
        )
    },
    **{
        f"GET /plugins [].{name}": _MANAGED
        for name in ("Config", "Enabled", "Id", "Name", "PluginReference", "Settings")
    },
}
TYPES = {  # the end of `METHOD /path field`, or of a parameter
    "POST /commit changes": "repeated, one instruction each, as clients send it",
    "PUT /containers/{id}/archive noOverwriteDirNonDir": "a boolean as everywhere, though Docker describes a text",
    "PUT /containers/{id}/archive copyUIDGID": "a boolean as everywhere, though Docker describes a text",
    "GET /containers/{id}/logs since": "fractions of a second are taken too, as Docker does",
    "GET /containers/{id}/logs until": "fractions of a second are taken too, as Docker does",
    ".DeviceRequests[]": _NEVER,
    ".SecondaryIPAddresses": "always null",
    ".SecondaryIPv6Addresses": "always null",
}


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _ours() -> dict[str, Any]:
    return {
        f"{method.upper()} {_plain(path)}": operation
        for path, methods in OURS["paths"].items()
        for method, operation in methods.items()
    }


def _answers(operation: dict[str, Any]) -> dict[str, Any]:
    return {status: each for status, each in operation["responses"].items() if int(status) < 300}


def _pairs() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Docker's operations and ours, of those that answer."""
    ours = _ours()
    for path, methods in REFERENCE["paths"].items():
        for method, theirs in methods.items():
            mine = ours.get(f"{method} {_plain(path)}", {"responses": {}})
            if _answers(mine):
                yield f"{method} {path}", theirs, mine


def _uppermost(paths: Iterable[str]) -> list[str]:
    known = set(paths)
    return sorted(path for path in known if not any(path.startswith((f"{o}.", f"{o}[", f"{o}{{")) for o in known))


def _compare(found: Iterable[str], allowed: dict[str, str]) -> None:
    missing = sorted(found)
    unexplained = [each for each in missing if not each.endswith(tuple(allowed))]
    assert unexplained == []
    stale = [end for end in allowed if not any(each.endswith(end) for each in missing)]
    assert stale == [], "these are there now: take them off the list"


def test_every_endpoint_is_there() -> None:
    ours = _ours()
    named = [f"{method} {path}" for path, methods in REFERENCE["paths"].items() for method in methods]
    assert [name for name in named if _plain(name) not in ours] == []
    refused = [name for name in named if not _answers(ours[_plain(name)])]
    assert [name for name in refused if not name.startswith(tuple(REFUSED))] == []
    assert [start for start in REFUSED if not any(name.startswith(start) for name in refused)] == []


def test_every_parameter_is_there() -> None:
    missing, differing = [], []
    for name, theirs, mine in _pairs():
        known = {(each["in"], each["name"]): each for each in mine.get("parameters", ())}
        for place, parameter, kind in theirs["parameters"]:
            if place == "path":
                continue
            if (place, parameter) not in known:
                missing.append(f"{name} {parameter}")
            elif kind != known[place, parameter].get("schema", {"type": "string"})["type"]:
                differing.append(f"{name} {parameter}")
    _compare(missing, PARAMETERS)
    _compare(differing, {end: why for end, why in TYPES.items() if "." not in end})


def _differences(part: str) -> tuple[list[str], list[str]]:
    """Missing fields, and fields of other types, of what is asked or of what is answered."""
    missing, differing = [], []
    for name, theirs, mine in _pairs():
        for expected, schema in _schemas(part, theirs, mine):
            reference, own = fields(expected, REFERENCE), fields(schema, OURS)
            missing += [f"{name} {path}" for path in _uppermost(reference.keys() - own.keys())]
            differing += [f"{name} {path}" for path in reference.keys() & own.keys() if reference[path] - own[path]]
    return missing, differing


def _schemas(part: str, theirs: dict[str, Any], mine: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    if part == "request":
        content = mine.get("requestBody", {}).get("content", {})
        if theirs["body"] and theirs["body"].get("type") != "string":
            yield theirs["body"], content["application/json"]["schema"]
        return
    for status, answer in _answers(mine).items():
        content = answer.get("content", {}).get("application/json", {})
        expected = theirs["answers"].get(status)
        if expected and expected.get("type") != "string":
            yield expected, content.get("schema") or content["x-item-schema"]


def test_every_field_of_requests_is_there() -> None:
    missing, differing = _differences("request")
    _compare(missing, REQUESTS)
    _compare(differing, {})


def test_every_field_of_answers_is_there() -> None:
    missing, differing = _differences("answer")
    _compare(missing, ANSWERS)
    _compare(differing, {end: why for end, why in TYPES.items() if "." in end})


def test_every_status_of_success_is_there() -> None:
    for name, theirs, mine in _pairs():
        expected = {status for status in theirs["answers"] if int(status) < 300} - {"204"}
        assert expected <= _answers(mine).keys(), name


def _read_calls(module: Any) -> Iterator[tuple[str, str]]:
    """(method, first argument) of each `call.method("literal")` in a module."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="call"), attr=reader), args=[ast.Constant(value=str(key)), *_]
            ):
                yield reader, key


_READERS = {
    Kind.TEXT: ("text",),
    Kind.TEXTS: ("texts",),
    Kind.FLAG: ("flag",),
    Kind.NUMBER: ("number", "text"),
    Kind.TIME: ("time", "text"),
}


def test_what_is_declared_is_read_and_what_is_read_is_declared() -> None:
    """Parameters of a module's routes and what that module reads of its calls are the same."""
    by_module: dict[str, list[Any]] = {}
    for route in ROUTES:
        by_module.setdefault(route.handler.__module__, []).append(route)
    for name, routes_of in by_module.items():
        read = set(_read_calls(import_module(name)))
        declared = {each for route in routes_of for each in route.takes.parameters.values()}
        readable = {(reader, each.name) for each in declared for reader in _READERS.get(each.kind, ())}
        assert read - readable == set(), name
        unread = {each for _, each in readable} - {key for _, key in read}
        assert unread - _READ_ELSEWHERE.get(name.rpartition(".")[2], set()) == set(), name


_READ_ELSEWHERE = {"execs": {"h", "w"}}  # by container_io.terminal_size


def test_operations_are_named_once_and_refer_to_what_is_there() -> None:
    names = [operation["operationId"] for methods in OURS["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(OURS)):
        assert reference in OURS["components"]["schemas"]


@pytest.mark.parametrize("path", ["/openapi.json", "/v1.51/openapi.json", "/v1.24/openapi.json"])
async def test_it_is_served(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == json.loads(json.dumps(OURS))


async def test_every_endpoint_of_docker_answers_with_json(http: aiohttp.ClientSession) -> None:
    """Whatever is refused is so in the API's error shape; no page that is not found, no stack trace."""
    for path, methods in REFERENCE["paths"].items():
        for method in methods:
            if f"{method} {path}" in ("GET /events", "GET /_ping"):
                continue
            async with http.request(method, re.sub(r"\{\w+\}", "nothing", path)) as answer:
                body = await answer.read()
                assert b"page not found" not in body, (method, path)
                assert answer.status != 500, (method, path, body)
                if method != "HEAD" and answer.status not in (204, 304):
                    assert answer.content_type == "application/json", (method, path)
                    assert [json.loads(line) for line in body.splitlines()], (method, path)
