"""Bad input to every endpoint: status, text, and nothing half-made left behind."""

# ruff: noqa: E501 - a case a line reads as a table

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from rig.api import Answer, RawApi
from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import settled, traces

ACCEPTED, WAITS = "accepted", "waits"


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
]

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


UNKNOWN = "No such container: nobody"
REFUSED = [
    # objects that are not there
    *(Case("POST", f"/containers/nobody/{verb}", 404, UNKNOWN) for verb in ("start", "stop", "restart", "kill", "pause", "unpause", "wait")),
    *(Case("GET", f"/containers/nobody/{noun}", 404, UNKNOWN) for noun in ("json", "top", "logs?stdout=1")),
    *(Case("GET", f"/containers/nobody/{noun}", 501, "not supported", old=UNKNOWN) for noun in ("changes", "export", "stats?stream=0", "archive?path=/")),
    Case("POST", "/containers/nobody/rename?name=other", 404, UNKNOWN),
    Case("POST", "/containers/nobody/resize?h=1&w=1", 404, UNKNOWN),
    Case("POST", "/containers/nobody/attach?stream=1&stdout=1", 404, UNKNOWN),
    Case("POST", "/containers/nobody/exec", 404, UNKNOWN, {"Cmd": ["true"]}),
    Case("POST", "/containers/nobody/update", 501, "not supported", {"Memory": 0}, old=UNKNOWN),
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
    Case("POST", "/containers/create", 404, "network nothing not found", host(NetworkMode="nothing"), old=ACCEPTED),
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
]  # fmt: skip


@pytest.fixture(scope="module")
def furnished(shared_engine: Engine) -> Any:
    """The shared engine with a network `net` and a container `box` on it."""
    api = shared_engine.api
    pool = {"Config": [{"Subnet": "10.69.0.0/16", "Gateway": "10.69.0.1"}]}
    api.need("POST", "/networks/create", {"Name": "net", "IPAM": pool})
    api.need("POST", "/containers/create?name=box", container())
    api.need("POST", "/containers/box/start")
    api.need("POST", "/containers/create?name=member", host(NetworkMode="net"))
    api.need("POST", "/containers/member/start")
    yield shared_engine
    shared_engine.sweep()


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
def test_refused(furnished: Engine, case: Case) -> None:
    if furnished.reference and case.old == WAITS:
        pytest.skip("the reference engine takes it for something else and waits")
    before = settled(furnished)
    answer = send(furnished.api, case)
    undo(furnished.api, answer)
    told = answer.json.get("message", "") if answer.body.startswith(b"{") else answer.body.decode()
    if furnished.reference:
        assert answer.status == 201 if case.old == ACCEPTED else answer.status >= 400
        assert case.old == ACCEPTED or re.search(case.old or case.text, told), (answer.status, told)
    else:
        assert (answer.status, bool(re.search(case.text, told))) == (case.status, True), (answer.status, told)
    eventually(lambda: traces(furnished) == before, timeout=5)


@pytest.mark.parametrize("path", JSON_ENDPOINTS)
def test_bodies_that_are_not_json(furnished: Engine, path: str) -> None:
    before = settled(furnished)
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
        assert traces(furnished) == before


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
def test_wrong_types(furnished: Engine, path: str, body: dict[str, Any]) -> None:
    before = settled(furnished)
    answer = furnished.api.post(path, body)
    assert answer.status == 400 or (furnished.reference and answer.status == 500), answer
    assert "message" in answer.json
    assert traces(furnished) == before


def test_late_failures_leave_nothing(furnished: Engine) -> None:
    """What goes wrong only at start: no program, no such address on this host, a taken port, a bad sysctl."""
    api = furnished.api
    before = settled(furnished)
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
        (host(NetworkMode="container:nobody"), 409, UNKNOWN),
    ]
    for body, status, text in late:
        made = api.post("/containers/create?name=late", body)
        answer = made if made.status >= 400 else api.post("/containers/late/start")
        assert answer.status >= 400, body
        assert re.search(text, answer.message), answer.message
        assert answer.status in (status, 400, 404, 500), answer
        api.delete("/containers/late?force=1&v=1")
        eventually(lambda: traces(furnished) == before, timeout=5)


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
