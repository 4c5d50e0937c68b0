"""Whatever a client sends, the answer is never 500."""

import asyncio
import json
from typing import Any

import aiohttp
import msgspec
from fake_backend import FakeEngine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_client import listen

from weft.api.app import create_app
from weft.api.body import decode
from weft.api.server import serve
from weft.api.version import MAXIMUM, MINIMUM, Version
from weft.api.wire import container_create, endpoint_config, exec, network_create, volume
from weft.api.wire.container_create import container_creation
from weft.api.wire.container_inspect import Surroundings, container_inspect
from weft.api.wire.host_config import HostConfig
from weft.api.wire.machine import Machine
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import ContainerRecord
from weft.model.errors import WeftError

MACHINE = Machine(cpus=2, runtime="crun", cgroup_version=2, exec_root="/run/weft", limits=LimitSupport())
_WORDS = st.sampled_from(
    ["", "/", "/a", "a", "a:b", "/a:/b:ro", "80", "80/tcp", "1-5/udp", "host", "none", "container:x", "default", "::1"]
)
_texts = st.one_of(_WORDS, st.text(max_size=8))
_scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _texts)
_json = st.recursive(
    _scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3))
)


def _fields(*types: type[msgspec.Struct]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(field.encode_name for type_ in types for field in msgspec.structs.fields(type_)))


def _objects(type_: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    typical = st.one_of(
        _scalars,
        st.lists(_texts, max_size=3),
        st.dictionaries(_texts, _texts, max_size=3),
        st.dictionaries(_texts, st.just({}), max_size=2),
        st.dictionaries(_texts, st.lists(st.dictionaries(_texts, _texts, max_size=2), max_size=2), max_size=2),
        _json,
    )
    return st.dictionaries(_fields(type_), typical, max_size=5)


_pools = st.fixed_dictionaries(
    {}, optional={"Subnet": _texts, "IPRange": _texts, "Gateway": _texts, "AuxAddress": st.dictionaries(_texts, _texts)}
)
_mounts = st.fixed_dictionaries(
    {"Type": st.sampled_from(["bind", "volume", "tmpfs", "x"]), "Target": _texts},
    optional={"Source": _texts, "TmpfsOptions": st.fixed_dictionaries({}, optional={"Mode": st.integers()})},
)
_hosts = st.one_of(
    _objects(HostConfig),
    st.fixed_dictionaries(
        {}, optional={"Mounts": st.lists(_mounts, max_size=2), "Binds": st.lists(_texts, max_size=2)}
    ),
    st.fixed_dictionaries(
        {}, optional={"PortBindings": st.dictionaries(_texts, st.lists(st.fixed_dictionaries({"HostPort": _texts})))}
    ),
)
_versions = st.integers(MINIMUM.minor, MAXIMUM.minor).map(lambda minor: Version(1, minor))


@given(_objects(container_create.CreateRequest), _hosts, _versions)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_create_refuses_or_makes_what_can_be_inspected(
    body: dict[str, Any], host: dict[str, Any], version: Version
) -> None:
    data = json.dumps({"HostConfig": host, **body, "Image": "busybox"}).encode()
    try:
        made = container_creation(decode(data, container_create.DECODER), version, MACHINE)
    except WeftError:
        return
    record = ContainerRecord(id="a" * 64, name="c", created=1, image_id="sha256:1", spec=made.spec)
    around = Surroundings(machine=MACHINE, directory="/d", layers=(), log_path="/l", sandbox_path="", exec_ids=())
    msgspec.json.encode(container_inspect(record, around, version))


@given(st.lists(_pools, max_size=3), _objects(network_create.NetworkCreateRequest), _versions)
def test_network_create(pools: list[Any], body: dict[str, Any], version: Version) -> None:
    data = json.dumps({"IPAM": {"Config": pools}, **body}).encode()
    try:
        network_create.network_spec(decode(data, network_create.DECODER), version)
    except WeftError:
        return


@given(_json)
def test_other_bodies(body: Any) -> None:
    decoders = (endpoint_config.CONNECT, endpoint_config.DISCONNECT, exec.CREATE, exec.START, volume.CREATE)
    for decoder in decoders:
        try:
            decode(json.dumps(body).encode(), decoder)  # type: ignore[misc]
        except WeftError:
            continue


_PATHS = (
    "/containers/create", "/containers/c/exec", "/containers/c/start", "/containers/c/wait", "/containers/c/rename",
    "/containers/prune", "/networks/create", "/networks/bridge/connect", "/networks/bridge/disconnect",
    "/networks/prune", "/volumes/create", "/volumes/prune", "/images/prune", "/images/busybox/tag", "/auth",
    "/exec/x/start", "/containers/c/resize", "/images/create", "/images/load",
)  # fmt: skip
_PARAMETERS = ("filters", "t", "h", "w", "signal", "name", "condition", "tag", "repo", "fromImage", "fromSrc", "until")


def test_no_request_is_answered_with_500(tmp_path: Any) -> None:
    """One server for all examples: requests go to the handler through aiohttp's own parser."""

    async def send(path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> int:
        async with session.post(path, params=query, data=body, headers=headers) as response:
            await response.read()
            return response.status

    async def start() -> tuple[Any, aiohttp.ClientSession]:
        engine = FakeEngine()
        engine.containers.add("c")
        server = await serve(create_app(engine.backend), [(listen(tmp_path / "s"), None)], grace=1)
        connector = aiohttp.UnixConnector(str(tmp_path / "s"))
        return server, aiohttp.ClientSession("http://d", connector=connector)

    async def stop() -> None:
        await session.close()
        await server.stop(1)

    bodies = st.one_of(st.binary(max_size=20), _json.map(lambda value: json.dumps(value).encode()))
    queries = st.dictionaries(st.sampled_from(_PARAMETERS), st.one_of(_texts, _json.map(json.dumps)), max_size=3)
    headers = st.sampled_from([{}, {"Content-Type": "application/json"}, {"X-Registry-Auth": "e30"}])

    with asyncio.Runner() as runner:
        server, session = runner.run(start())

        @given(st.sampled_from(_PATHS), queries, bodies, headers)
        @settings(max_examples=400, deadline=None)
        def check(path: str, query: dict[str, str], body: bytes, header: dict[str, str]) -> None:
            assert runner.run(send(path, query, body, header)) != 500

        check()
        runner.run(stop())
