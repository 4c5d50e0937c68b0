"""Bad input to every endpoint: status, text, and nothing half-made left behind."""

# ruff: noqa: E501 - a case a line reads as a table

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import MagicMock

import pytest

from rig.api import Answer, RawApi
from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import Traces, settled, traces
from weft.api.routes.table import all_routes
from weft.api.routing import Router

ACCEPTED, WAITS, ANY = "accepted", "waits", "."


@dataclass(frozen=True)
class Case:
    """A request and its refusal. `old` is the text of the reference engine of API 1.41 where that differs; its status
    often is a 500 where later versions know better."""

    method: str
    path: str
    status: int
    text: str
    body: Any = None
    old: str | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = self.raw if self.raw is not None else self.body
        return f"{self.method} {self.path} {told if told is not None else ''}"[:90]


JSON_ENDPOINTS = [
    "/containers/create",
    "/containers/box/exec",
    "/exec/none/start",
    "/networks/create",
    "/networks/net/connect",
    "/networks/net/disconnect",
    "/volumes/create",
    "/auth",
]

TAR = {"Content-Type": "application/x-tar"}
POOL = {"Subnet": "10.70.0.0/16"}


def network(**more: Any) -> dict[str, Any]:
    """A network that would be made if nothing were wrong."""
    return {"Name": "new", "CheckDuplicate": True, **more}


def ipam(*config: dict[str, Any]) -> dict[str, Any]:
    """A network with these pools."""
    return network(IPAM={"Config": list(config)})


def container(**more: Any) -> dict[str, Any]:
    """A container that would be made if nothing were wrong."""
    return {"Image": "busybox", "Cmd": ["top"], **more}


def host(**more: Any) -> dict[str, Any]:
    """A container with host settings."""
    return container(HostConfig=more)


def on(net: str, **endpoint: Any) -> dict[str, Any]:
    """A container with these settings of its endpoint on a network."""
    return host(NetworkMode=net) | {"NetworkingConfig": {"EndpointsConfig": {net: endpoint}}}


UNKNOWN = "No such container: nobody"
REFUSED = [
    # objects that are not there
    *(Case("POST", f"/containers/nobody/{verb}", 404, UNKNOWN) for verb in ("start", "stop", "restart", "kill", "pause", "unpause", "wait")),
    *(Case("GET", f"/containers/nobody/{noun}", 404, UNKNOWN) for noun in ("json", "top", "logs?stdout=1", "stats?stream=0")),
    *(Case("GET", f"/containers/nobody/{noun}", 404, UNKNOWN) for noun in ("changes", "export", "archive?path=/")),
    Case("POST", "/containers/nobody/rename?name=other", 404, UNKNOWN),
    Case("POST", "/containers/nobody/resize?h=1&w=1", 404, UNKNOWN),
    Case("POST", "/containers/nobody/attach?stream=1&stdout=1", 404, UNKNOWN),
    Case("POST", "/containers/nobody/exec", 404, UNKNOWN, {"Cmd": ["true"]}),
    Case("POST", "/containers/nobody/update", 404, UNKNOWN, {"Memory": 0}),
    Case("POST", "/containers/box/update", 501, "OomScoreAdj is not supported by update", {"OomScoreAdj": 5}, old=ANY),
    *(Case("POST", f"/containers/nobody/{verb}", 404, UNKNOWN, {"PortBindings": {"80/tcp": []}}, old=ANY) for verb in ("publish", "unpublish")),
    *(Case("POST", f"/containers/box/{verb}", 400, "no port specified", {}, old=ANY) for verb in ("publish", "unpublish")),
    *(Case("POST", f"/containers/box/{verb}", 400, "invalid port specification", {"PortBindings": {"x": []}}, old=ANY) for verb in ("publish", "unpublish")),
    Case("DELETE", "/containers/nobody", 404, UNKNOWN),
    Case("GET", "/exec/nothing/json", 404, "[Nn]o such exec( instance)?: nothing"),
    Case("POST", "/exec/nothing/start", 404, "[Nn]o such exec( instance)?: nothing", {"Detach": True}),
    Case("POST", "/exec/nothing/resize?h=1&w=1", 404, "[Nn]o such exec( instance)?: nothing"),
    Case("GET", "/networks/nothing", 404, "network nothing not found"),
    Case("DELETE", "/networks/nothing", 404, "network nothing not found"),
    Case("POST", "/networks/nothing/connect", 404, "network nothing not found", {"Container": "box"}),
    Case("POST", "/networks/net/connect", 404, UNKNOWN, {"Container": "nobody"}),
    Case("POST", "/networks/net/disconnect", 404, UNKNOWN, {"Container": "nobody"}),
    Case("GET", "/volumes/nothing", 404, "no such volume|get nothing"),
    Case("DELETE", "/volumes/nothing", 404, "no such volume|get nothing"),
    Case("GET", "/images/nothing/json", 404, "No such image: nothing"),
    Case("GET", "/images/nothing/history", 404, "No such image: nothing"),
    Case("DELETE", "/images/nothing", 404, "No such image: nothing"),
    Case("POST", "/images/nothing/tag?repo=a&tag=b", 404, "No such image: nothing"),
    Case("GET", "/nowhere", 404, "page not found"),
    # images
    Case("POST", "/containers/create", 404, "No such image: nothing:latest", {"Image": "nothing"}),
    Case("POST", "/containers/create", 400, "invalid reference format", {"Image": "Bad Name"}),
    Case("POST", "/containers/create", 400, "config cannot be empty|[Nn]o (command|image) specified|must not be empty|no such image|invalid reference", {"Image": ""}),
    Case("POST", "/images/busybox/tag?repo=Bad%20Name&tag=x", 400, "invalid reference format", old="invalid reference format"),
    # names
    Case("POST", "/containers/create?name=bad%20name", 400, r"Invalid container name \(bad name\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed", container()),
    Case("POST", "/containers/create?name=a", 400, r"Invalid container name \(a\)", container()),
    Case("POST", "/containers/create?name=box", 409, r'Conflict. The container name "/box" is already in use by container "?[0-9a-f]{64}', container()),
    Case("POST", "/containers/box/rename?name=bad%20name", 400, "Invalid container name", old="Invalid container name"),
    Case("POST", "/containers/box/rename?name=", 400, "Neither old nor new names may be empty", old="Neither old nor new names may be empty"),
    Case("POST", "/volumes/create", 400, "includes invalid characters for a local volume name", {"Name": "bad name"}),
    Case("POST", "/volumes/create", 404, "plugin .*nothing.* not found|nothing.*: no such driver|error looking up volume plugin nothing", {"Name": "v", "Driver": "nothing"}, old="error looking up volume plugin nothing|plugin \"nothing\" not found"),
    Case("POST", "/networks/create", 400, "[Nn]etwork name|name is invalid|empty", {"Name": ""}, old="name"),
    Case("POST", "/networks/create", 409, "network with name net already exists", {"Name": "net", "CheckDuplicate": True}),
    *(Case("POST", "/networks/create", 403, f"operation is not permitted on predefined {name} network", {"Name": name}) for name in ("bridge", "host", "none")),
    *(Case("DELETE", f"/networks/{name}", 403, f"{name} is a pre-defined network and cannot be removed") for name in ("bridge", "host", "none")),
    # pools
    Case("POST", "/networks/create", 403, "Pool overlaps with other one on this address space", ipam({"Subnet": "10.69.5.0/24"})),
    Case("POST", "/networks/create", 403, "Pool overlaps with other one on this address space", ipam({"Subnet": "172.17.0.0/24"})),
    Case("POST", "/networks/create", 400, "invalid subnet 10.70.0.1/16: it should be 10.70.0.0/16", ipam({"Subnet": "10.70.0.1/16"}), old=ACCEPTED),
    Case("POST", "/networks/create", 400, "nonsense", ipam({"Subnet": "nonsense"})),
    Case("POST", "/networks/create", 400, "invalid gateway 10.9.0.1: parent subnet 10.70.0.0/16 doesn't contain this address", ipam({**POOL, "Gateway": "10.9.0.1"}), old="10.9.0.1"),
    Case("POST", "/networks/create", 400, "invalid ip-range 10.9.0.0/24: parent subnet 10.70.0.0/16 doesn't contain (this|it|ip-range)", ipam({**POOL, "IPRange": "10.9.0.0/24"}), old=ACCEPTED),
    Case("POST", "/networks/create", 400, "invalid auxiliary address a: parent subnet 10.70.0.0/16 doesn't contain this address", ipam({**POOL, "AuxiliaryAddresses": {"a": "10.9.0.1"}}), old="10.9.0.1"),
    Case("POST", "/networks/create", 404, "could not find plugin nothing in v1 plugin registry: plugin not found|plugin .?nothing.? not found", network(Driver="nothing"), old="nothing"),
    Case("POST", "/networks/create", 404, "nothing", network(IPAM={"Driver": "nothing", "Config": []}), old="nothing"),
    # ports
    Case("POST", "/containers/create", 400, "70000", host(PortBindings={"80/tcp": [{"HostPort": "70000"}]})),
    Case("POST", "/containers/create", 400, "nonsense", host(PortBindings={"80/tcp": [{"HostPort": "nonsense"}]})),
    Case("POST", "/containers/create", 400, "70000|nvalid", host(PortBindings={"70000/tcp": [{"HostPort": "1"}]}), old="."),
    # settings
    Case("POST", "/containers/create", 400, "invalid restart policy", host(RestartPolicy={"Name": "nonsense"})),
    Case("POST", "/containers/create", 400, "[Mm]inimum memory limit allowed is 6MB", host(Memory=1)),
    Case("POST", "/containers/create", 400, "(?i)invalid.*nonsense", host(CapAdd=["nonsense"])),
    Case("POST", "/containers/create", 400, "nonsense", host(LogConfig={"Type": "nonsense"})),
    Case("POST", "/containers/create", 400, "nonsense", host(Binds=["/a:/b:nonsense"])),
    Case("POST", "/containers/create", 400, "relative", host(Binds=["/a:relative"])),
    Case("POST", "/containers/create", 400, "nonsense", host(Runtime="nonsense"), old="nonsense"),
    Case("POST", "/containers/box/kill?signal=NONSENSE", 400, "[Ii]nvalid signal: NONSENSE"),
    Case("POST", "/containers/box/wait?condition=nonsense", 400, "[Ii]nvalid condition: \"?nonsense", old=WAITS),
    Case("POST", "/containers/box/resize?h=x&w=1", 400, "invalid|strconv"),
    Case("POST", "/containers/box/exec", 400, "No exec command specified", {"Cmd": []}),
    Case("GET", "/containers/box/logs", 400, "Bad parameters: you must choose at least one stream"),
    Case("DELETE", "/containers/box", 409, "cannot remove (a running )?container"),
    # networks and addresses
    Case("POST", "/networks/net/connect", 403, "[Aa]ddress already in use", {"Container": "box", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.69.0.1"}}}),
    Case("POST", "/networks/net/connect", 400, "no configured subnet contains IP address 10.9.9.9|10.9.9.9", {"Container": "box", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.9.9.9"}}}, old="Invalid address 10.9.9.9"),
    Case("POST", "/networks/net/connect", 400, "nonsense", {"Container": "box", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "nonsense"}}}, old="nonsense"),
    Case("POST", "/networks/host/connect", 400, "cannot connect container to host network", {"Container": "box"}, old="host network"),
    Case("DELETE", "/networks/net", 403, r"error while removing network: network net .*has active endpoints", old="has active endpoints"),
    # filters and queries
    *(Case("GET", f"/{noun}?filters=%7Bbad", 400, ".") for noun in ("containers/json", "networks", "volumes", "images/json")),
    *(Case("GET", f"/{noun}?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D", 400, "[Ii]nvalid filter '?nonsense") for noun in ("containers/json", "networks", "volumes", "images/json")),
    Case("GET", "/containers/json?limit=x", 400, "x"),
    Case("GET", "/events?since=nonsense", 400, "nonsense"),
    # pools that cannot be
    Case("POST", "/networks/create", 400, "invalid subnet 10.70.0.0/33: invalid CIDR block notation", ipam({"Subnet": "10.70.0.0/33"}), old="invalid"),
    *(Case("POST", "/networks/create", 400, f"invalid subnet {subnet}: .* is not for hosts", ipam({"Subnet": subnet}), old=ANY) for subnet in ("127.0.0.0/8", "224.1.0.0/16", "126.0.0.0/7")),
    Case("POST", "/networks/create", 403, "bridge driver doesn't support multiple subnets", ipam(POOL, {"Subnet": "10.71.0.0/16"}), old=ANY),
    Case("POST", "/networks/create", 400, "invalid network config", ipam({"Gateway": "10.70.0.1"}), old=ANY),
    Case("POST", "/networks/create", 403, "Address already in use", ipam({**POOL, "Gateway": "10.70.0.0"}), old=ANY),
    Case("POST", "/networks/create", 403, "Address already in use", ipam({**POOL, "Gateway": "10.70.0.1", "AuxiliaryAddresses": {"a": "10.70.0.1"}}), old=ANY),
    Case("POST", "/networks/create", 400, "invalid auxiliary address a: invalid address", ipam({**POOL, "AuxiliaryAddresses": {"a": "x"}}), old=ANY),
    Case("POST", "/networks/create", 400, "invalid ip-range x: invalid CIDR block notation", ipam({**POOL, "IPRange": "x"}), old=ANY),
    Case("POST", "/networks/create", 400, "invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.70.0.0/16", ipam({**POOL, "IPRange": "10.0.0.0/8"}), old=ANY),
    # drivers and their options
    *(Case("POST", "/networks/create", 400, rf"failed to parse com.docker.network.{key} value: {value} \(", {**ipam(POOL), "Options": {f"com.docker.network.{key}": value}}, old=ANY) for key, value in (("bridge.gateway_mode_ipv4", "x"), ("driver.mtu", "x"), ("bridge.enable_icc", "x"), ("bridge.name", "a-name-that-is-too-long"))),
    Case("POST", "/networks/create", 403, "conflicts with network .*docker0.*same bridge name", {**ipam(POOL), "Options": {"com.docker.network.bridge.name": "docker0"}}, old=ANY),
    *(Case("POST", "/networks/create", 403, "This node is not a swarm manager", network(**what), old=ANY) for what in ({"Ingress": True}, {"Scope": "swarm"}, {"Driver": "overlay"})),
    Case("POST", "/networks/create", 403, 'only one instance of "host" network is allowed', network(Driver="host"), old=ANY),
    Case("POST", "/networks/create", 400, "loopback", network(Driver="macvlan", Options={"parent": "lo"}), old=ANY),
    Case("POST", "/networks/create", 400, "parent", network(Driver="macvlan", Options={"parent": "eth99"}), old=ANY),
    Case("POST", "/networks/create", 400, "vlan id", network(Driver="macvlan", Options={"parent": "eth0.0"}), old=ANY),
    Case("POST", "/networks/create", 400, "mode 'x'", network(Driver="macvlan", Options={"macvlan_mode": "x"}), old=ANY),
    Case("POST", "/networks/create", 400, "it knows", network(Driver="ipvlan", Options={"host": "x"}), old=ANY),
    *(Case("POST", "/networks/create", 403, "Network operator fields like", network(ConfigOnly=True, **what), old=ANY) for what in ({"Ingress": True}, {"Internal": True}, {"Attachable": True}, {"Scope": "swarm"}, {"Scope": "local"})),
    Case("POST", "/networks/create", 403, "cannot depend on another configuration network", network(ConfigOnly=True, ConfigFrom={"Network": "net"}), old=ANY),
    Case("POST", "/networks/create", 404, 'configuration network "net" does not exist', network(ConfigFrom={"Network": "net"}), old=ANY),
    # endpoints
    Case("POST", "/containers/create", 400, "no configured subnet contains IP address 10.9.9.9", on("net", IPAMConfig={"IPv4Address": "10.9.9.9"}), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "no configured subnet contains IP address fd00::5", on("net", IPAMConfig={"IPv6Address": "fd00::5"}), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "invalid IPv4 address: x", on("net", IPAMConfig={"IPv4Address": "x"}), old=ANY),
    Case("POST", "/containers/create", 400, "user-specified IP address is supported on user-defined networks only", on("bridge", IPAMConfig={"IPv4Address": "172.17.0.9"}), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "network-scoped aliases are only supported for user-defined networks", on("bridge", Aliases=["x"]), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "invalid MAC address: x", on("net", MacAddress="x"), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "Container cannot be created with multiple network endpoints: ", host(NetworkMode="net") | {"NetworkingConfig": {"EndpointsConfig": {"net": {}, "bridge": {}}}}),
    Case("POST", "/containers/create", 400, "invalid container format container:<name\\|id>", host(NetworkMode="container:"), old=ANY),
    Case("POST", "/containers/create", 400, UNKNOWN, host(PidMode="container:nobody")),
    Case("POST", "/containers/create", 400, UNKNOWN, host(VolumesFrom=["nobody"])),
    Case("POST", "/containers/create", 400, "conflicting options: hostname and the network mode", host(NetworkMode="container:box") | {"Hostname": "h"}),
    Case("POST", "/networks/net/connect", 403, "endpoint with name member already exists in network net", {"Container": "member"}),
    Case("POST", "/networks/net/connect", 403, "Address already in use", {"Container": "box", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.69.0.2"}}}),
    Case("POST", "/networks/net/connect", 403, "Address already in use", {"Container": "box", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.69.255.255"}}}, old=ANY),
    Case("POST", "/networks/net/connect", 400, 'invalid name or ID supplied: ""', {}, old=ANY),
    Case("POST", "/networks/none/connect", 400, "networks in private \\(none\\) mode", {"Container": "box"}),
    Case("POST", "/networks/net/disconnect", 409, "is not connected to network net", {"Container": "box"}, old="is not connected"),
    Case("POST", "/networks/host/disconnect", 400, "cannot disconnect container from host network", {"Container": "box"}, old=ANY),
    # more of ports, settings and mounts
    *(Case("POST", "/containers/create", 400, "invalid port specification", container(ExposedPorts={port: {}}), old=ANY) for port in ("80/xyz", "x/tcp")),
    *(Case("POST", "/containers/create", 400, "invalid port specification", host(PortBindings={inner: [{"HostPort": outer, "HostIp": address}]}), old=ANY) for inner, outer, address in (("80/tcp", "-1", ""), ("80/tcp", "1", "x"), ("80-70/tcp", "1", ""), ("80/tcp", "90-80", ""))),
    Case("POST", "/containers/create", 400, "maximum retry count can", host(RestartPolicy={"Name": "always", "MaximumRetryCount": 3}), old="maximum retry count"),
    Case("POST", "/containers/create", 400, "can't create 'AutoRemove' container with restart policy", host(AutoRemove=True, RestartPolicy={"Name": "always"})),
    Case("POST", "/containers/create", 400, "Range of CPUs is from 0.01 to", host(NanoCpus=10**15)),
    Case("POST", "/containers/create", 400, "invalid ulimit type: x", host(Ulimits=[{"Name": "x", "Soft": 1, "Hard": 1}]), old=ACCEPTED),
    Case("POST", "/containers/create", 400, "invalid --security-opt", host(SecurityOpt=["x"]), old=ANY),
    Case("POST", "/containers/create", 400, 'invalid mount config for type "x": mount type unknown', host(Mounts=[{"Type": "x", "Target": "/a"}])),
    Case("POST", "/containers/create", 400, "bind source path does not exist: /nope", host(Mounts=[{"Type": "bind", "Source": "/nope", "Target": "/a"}])),
    Case("POST", "/containers/create", 400, "bad format for add-host", host(ExtraHosts=["x"]), old=ANY),
    Case("POST", "/containers/create", 400, "Invalid signal: x", container(StopSignal="x"), old=ANY),
    Case("POST", "/containers/create", 400, "invalid environment variable: =x", container(Env=["=x"])),
    Case("POST", "/containers/create", 400, "the working directory 'rel' is invalid, it needs to be an absolute path", container(WorkingDir="rel")),
    Case("POST", "/containers/create", 400, "no command specified|No command specified", container(Cmd=[], Entrypoint=[""]), old=ANY),
    Case("POST", "/containers/box/stop?t=x", 400, 'strconv.Atoi: parsing "x": invalid syntax'),
    Case("POST", "/containers/box/restart?t=x", 400, 'strconv.Atoi: parsing "x": invalid syntax'),
    Case("POST", "/containers/box/kill?signal=999", 400, "[Ii]nvalid signal: 999"),
    Case("POST", "/containers/box/unpause", 409, "is not paused", old="is not paused"),
    Case("POST", "/containers/box/rename?name=box", 400, "Renaming a container with the same name as its current name"),
    Case("POST", "/containers/box/rename?name=member", 409, 'The container name "/member" is already in use by container'),
    Case("POST", "/containers/box/attach?stream=0&detachKeys=x-y-z", 400, r"Invalid detach keys \(x-y-z\) provided", old=ANY),
    Case("GET", "/containers/box/logs?stdout=1&since=x", 400, 'invalid value for "since"', old=ANY),
    # volumes and images
    Case("DELETE", "/volumes/used", 409, "remove used: volume is in use - \\[[0-9a-f]{64}"),
    Case("PUT", "/volumes/used", 503, "cluster volumes", {}, old=ANY),
    Case("DELETE", "/images/busybox", 409, "conflict: unable to remove repository reference"),
    Case("POST", "/images/busybox/tag", 400, "invalid reference format", old=ANY),
    Case("GET", "/images/nothing/get", 404, "No such image: nothing", old=ANY),
    Case("GET", "/images/get?names=nothing", 404, "No such image: nothing", old=ANY),
    Case("POST", "/images/nothing/push", 404, "An image does not exist locally with the tag: nothing", old=ANY),
    Case("POST", "/images/create", 400, ".", old=ANY),
    Case("POST", "/images/create?fromImage=Bad%20Name", 400, "invalid reference format", old=ANY),
    # more of filters and queries
    *(Case("POST", f"/{noun}/prune?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D", 400, "[Ii]nvalid filter '?nonsense", old=ANY) for noun in ("containers", "networks", "volumes", "images")),
    *(Case("GET", f"/containers/json?filters=%7B%22{key}%22%3A%5B%22x%22%5D%7D", status, ".") for key, status in (("status", 400), ("exited", 400), ("before", 404))),
    Case("GET", "/networks?filters=%7B%22type%22%3A%5B%22x%22%5D%7D", 400, "invalid filter: 'type'='x'"),
    Case("GET", "/events?filters=%7Bbad", 400, "."),
    Case("GET", "/events?until=x", 400, "."),
    # what there is not
    *(Case("GET", f"/{noun}", 503, "This node is not a swarm manager") for noun in ("services", "nodes", "tasks", "secrets", "configs", "swarm")),
    *(Case(method, path, 404, "page not found") for method, path in (("PUT", "/networks"), ("DELETE", "/info"), ("POST", "/nowhere/at/all"))),
    *(Case(method, path, 501, "not support|does not build", old=ANY) for method, path in (("POST", "/build"), ("GET", "/images/search?term=x"), ("POST", "/plugins/pull"))),
    Case("POST", "/commit?container=nobody", 404, UNKNOWN),
    Case("POST", "/commit?container=box&repo=Nonsense", 400, "invalid reference format", old=ANY),
    Case("GET", "/distribution/Nonsense/json", 400, "invalid reference format", old=ANY),
    Case("GET", "/plugins/x/json", 404, 'plugin "x" not found'),
    Case("GET", "/containers/nobody/attach/ws", 404, UNKNOWN, old=ANY),
    Case("POST", "/containers/nobody/copy", 404, "page not found", old=ANY),
    Case("PUT", "/containers/nobody/archive?path=/", 404, UNKNOWN, raw=b"x"),
    Case("HEAD", "/containers/nobody/archive?path=/", 404, "^$"),
    # archives
    *(Case("POST", "/images/load", 400, "invalid archive", raw=raw, headers=TAR, old=ANY) for raw in (b"", b"garbage", b"\0" * 1024)),
    Case("POST", "/images/create?fromSrc=-&repo=Bad%20Name", 400, "invalid reference format", raw=b"x", old=ANY),
    Case("POST", "/images/create?fromSrc=-&repo=new", 400, "failed to register layer", raw=b"garbage", old=ANY),
    Case("POST", "/auth", 400, "invalid JSON: field username", {"username": 5}, old=ANY),
]  # fmt: skip


@pytest.fixture(scope="module")
def furnished(shared_engine: Engine) -> Any:
    """The shared engine with a network `net` and a container `box` on it."""
    api = shared_engine.api
    pool = {"Config": [{"Subnet": "10.69.0.0/16", "Gateway": "10.69.0.1"}]}
    api.need("POST", "/networks/create", {"Name": "net", "IPAM": pool})
    api.need("POST", "/volumes/create", {"Name": "used"})
    api.need("POST", "/containers/create?name=box", host(Binds=["used:/data"]))
    api.need("POST", "/containers/box/start")
    api.need("POST", "/containers/create?name=member", host(NetworkMode="net"))
    api.need("POST", "/containers/member/start")
    yield shared_engine
    shared_engine.sweep()


@dataclass(frozen=True)
class Everything:
    """The kernel and the disk, and the engine's own lists."""

    traces: Traces
    lists: tuple[list[str], ...]


def everything(engine: Engine) -> Everything:
    """What is there now."""
    api = engine.api
    containers = sorted(one["Id"] + one["State"] for one in api.need("GET", "/containers/json?all=1"))
    networks = sorted(
        one["Id"] + str(sorted(api.need("GET", f"/networks/{one['Id']}")["Containers"]))
        for one in api.need("GET", "/networks")
    )
    volumes = sorted(one["Name"] for one in api.need("GET", "/volumes")["Volumes"] or ())
    images = sorted(str(one["RepoTags"]) for one in api.need("GET", "/images/json"))
    return Everything(traces(engine), (containers, networks, volumes, images))


@pytest.fixture(scope="module")
def before(furnished: Engine) -> Everything:
    """What is there, and must be there after each of these tests."""
    settled(furnished)
    return everything(furnished)


def unchanged(engine: Engine, before: Everything) -> None:
    """Raise `AssertionError` unless all is as it was, within some seconds: links go a moment after they are deleted."""

    def same() -> bool:
        assert everything(engine) == before
        return True

    eventually(same, timeout=8)


def send(api: RawApi, case: Case) -> Answer:
    """The answer to a case's request."""
    if case.raw is not None:
        return api.request(case.method, case.path, raw=case.raw, headers=case.headers)
    return (
        api.request(case.method, case.path, case.body) if case.body is not None else api.request(case.method, case.path)
    )


def undo(api: RawApi, answer: Answer) -> None:
    """Remove what was made where a refusal was expected."""
    if answer.status == 201:
        for noun in ("containers", "networks", "volumes"):
            api.delete(f"/{noun}/{answer.json.get('Id', answer.json.get('Name'))}?force=1")


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused(furnished: Engine, before: Everything, case: Case) -> None:
    if furnished.reference and case.old == WAITS:
        pytest.skip("the reference engine takes it for something else and waits")
    answer = send(furnished.api, case)
    undo(furnished.api, answer)
    told = answer.json.get("message", "") if answer.body.startswith(b"{") else answer.body.decode()
    if furnished.reference:
        assert answer.status == 201 if case.old == ACCEPTED else answer.status >= 400
        assert case.old == ACCEPTED or re.search(case.old or case.text, told), (answer.status, told)
    else:
        assert (answer.status, bool(re.search(case.text, told))) == (case.status, True), (answer.status, told)
    unchanged(furnished, before)


@pytest.mark.parametrize("path", JSON_ENDPOINTS)
def test_bodies_that_are_not_json(furnished: Engine, before: Everything, path: str) -> None:
    api, old = furnished.api, furnished.reference
    sent = {"Content-Type": "application/json"}
    for raw in (b"{", b'{"Image": }', b"[", b'"text', b"\xff\xfe"):
        answer = api.request("POST", path, raw=raw, headers=sent)
        assert answer.status == 400 or old, (raw, answer)
        assert old or answer.message.startswith("invalid JSON: "), answer.message
    for raw in (b"[]", b'"text"', b"5"):
        answer = api.request("POST", path, raw=raw, headers=sent)
        assert answer.status == 400 or old, (raw, answer)
    answer = api.request("POST", path, raw=b"{}{}", headers=sent)
    assert old or (answer.status, answer.message) == (400, "unexpected content after JSON")
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = api.request("POST", path, raw=b"{}", headers={"Content-Type": kind})
        assert answer.status in (400, 415) or old, answer
        assert old or answer.message == f"unsupported Content-Type header ({kind}): must be 'application/json'"
    answer = api.request("POST", path, raw=b"", headers=sent)
    assert answer.status < 500 or old
    undo(api, answer)  # a volume needs nothing said
    if not old:
        unchanged(furnished, before)


WRONG_TYPES = [
    ("/containers/create", {"Image": 5}),
    ("/containers/create", {"Image": "busybox", "Cmd": {"a": 1}}),
    ("/containers/create", {"Image": "busybox", "Env": "A=b"}),
    ("/containers/create", {"Image": "busybox", "HostConfig": []}),
    ("/containers/create", {"Image": "busybox", "HostConfig": {"Memory": "much"}}),
    ("/containers/create", {"Image": "busybox", "HostConfig": {"PortBindings": {"80/tcp": "8080"}}}),
    ("/containers/create", {"Image": "busybox", "NetworkingConfig": {"EndpointsConfig": []}}),
    ("/containers/create", {"Image": "busybox", "Labels": ["a"]}),
    ("/containers/create", {"Image": "busybox", "Tty": "yes"}),
    ("/networks/create", {"Name": 5}),
    ("/networks/create", {"Name": "new", "IPAM": "default"}),
    ("/networks/create", {"Name": "new", "IPAM": {"Config": {"Subnet": "10.0.0.0/8"}}}),
    ("/networks/create", {"Name": "new", "Internal": "yes"}),
    ("/networks/net/connect", {"Container": 5}),
    ("/networks/net/connect", {"Container": "box", "EndpointConfig": {"Aliases": "a"}}),
    ("/networks/net/disconnect", {"Container": "box", "Force": "yes"}),
    ("/volumes/create", {"Name": []}),
    ("/volumes/create", {"Name": "v", "DriverOpts": "a"}),
    ("/containers/box/exec", {"Cmd": "true", "Tty": "x"}),
]


@pytest.mark.parametrize(("path", "body"), WRONG_TYPES, ids=[f"{path} {body}"[:80] for path, body in WRONG_TYPES])
def test_wrong_types(furnished: Engine, before: Everything, path: str, body: dict[str, Any]) -> None:
    answer = furnished.api.post(path, body)
    assert answer.status == 400 or (furnished.reference and answer.status == 500), answer
    assert "message" in answer.json
    unchanged(furnished, before)


def test_late_failures_leave_nothing(furnished: Engine, before: Everything) -> None:
    """What goes wrong only at start: no program, no such address on this host, a taken port, a bad sysctl."""
    api = furnished.api
    late: list[tuple[dict[str, Any], int, str]] = [
        (container(Cmd=["/no/such/program"]), 400, "no such file or directory"),
        (container(Cmd=["no-such-program"]), 400, "executable file not found"),
        (container(Cmd=["/etc"]), 400, "permission denied|is a directory"),
        (
            host(PortBindings={"80/tcp": [{"HostIp": "203.0.113.99", "HostPort": "8080"}]})
            | {"ExposedPorts": {"80/tcp": {}}},
            500,
            "cannot assign requested address",
        ),
        (host(Sysctls={"net.ipv4.nonsense": "1"}), 500, "nonsense"),
        (container(WorkingDir="/etc/passwd"), 500, "(?i)not a directory"),
        (container(User="nosuchuser"), 400, "unable to find user nosuchuser"),
        (host(NetworkMode="container:late"), 409, "non running|No such container"),
        (on("net", IPAMConfig={"IPv4Address": "10.69.0.1"}), 403, "Address already in use"),
        (on("net", DriverOpts={"com.docker.network.endpoint.ifname": "a/b"}), 400, "ifname|a/b"),
        (
            on("net", DriverOpts={"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.nonsense=1"}),
            400,
            "nonsense",
        ),
        (
            host(PortBindings={"80/tcp": [{"HostPort": "8099"}], "81/tcp": [{"HostPort": "8099"}]}),
            500,
            "port is already allocated",
        ),
    ]
    for body, status, text in late:
        made = api.post("/containers/create?name=late", body)
        answer = made if made.status >= 400 else api.post("/containers/late/start")
        assert answer.status >= 400, body
        assert re.search(text, answer.message), answer.message
        assert answer.status in (status, 400, 403, 404, 409, 500), answer
        api.delete("/containers/late?force=1&v=1")
        unchanged(furnished, before)


def test_versions(furnished: Engine) -> None:
    with RawApi(furnished.socket, version="9.99") as api:
        answer = api.get("/info")
        assert answer.status == 400
        assert re.search("client version 9.99 is too new. Maximum supported API version is", answer.message)
    with RawApi(furnished.socket, version="1.10") as api:
        answer = api.get("/info")
        assert (answer.status, furnished.reference) in ((400, False), (200, True), (400, True))
    with RawApi(furnished.socket, version="") as api:
        ping = api.get("/_ping")
        assert (ping.status, ping.body) == (200, b"OK")
        assert ping.headers["cache-control"] == "no-cache, no-store, must-revalidate"
        assert {"api-version", "ostype", "docker-experimental", "server"} <= ping.headers.keys()
        assert api.request("HEAD", "/_ping").status == 200


def test_every_endpoint_is_asked() -> None:
    """Each route of the API has a case here, apart from those that take nothing that could be wrong."""
    router = Router(all_routes(MagicMock()))
    asked = {(case.method, case.path) for case in REFUSED} | {("POST", path) for path in JSON_ENDPOINTS}
    reached = set()
    for method, path in asked:
        if found := router.resolve(method, path.partition("?")[0]):
            reached.add((found[0].method, found[0].path))
    served = {(route.method, route.path) for route in all_routes(MagicMock())}
    beside = {route for route in served if route[1].split("/")[1] in NOT_SERVED}
    assert sorted(served - reached - beside - WITHOUT_INPUT) == []


NOT_SERVED = ("swarm", "nodes", "tasks", "services", "secrets", "configs", "plugins", "build", "session", "grpc")
WITHOUT_INPUT = {
    ("GET", "/_ping"),
    ("HEAD", "/_ping"),
    ("GET", "/version"),
    ("GET", "/info"),
    ("GET", "/openapi.json"),
    ("GET", "/networks/"),
    ("GET", "/system/df"),
}
