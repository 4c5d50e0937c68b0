"""Routes of containers."""

import asyncio
from typing import Any

import aiohttp
import pytest
from fake_backend import FakeEngine
from raw_client import RawClient

from weft.model.container import ContainerSpec, NetworkingSpec, Status


async def _json(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body) as response:
        text = await response.text()
        return response.status, await response.json() if text else None


async def _create(http: aiohttp.ClientSession, name: str, **body: object) -> str:
    status, answer = await _json(http, "POST", f"/containers/create?name={name}", {"Image": "busybox", **body})
    assert status == 201, answer
    return str(answer["Id"])


async def test_life_of_a_container(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    container = await _create(http, "c1", Cmd=["sleep", "100"])
    assert (await _json(http, "POST", f"/containers/{container[:12]}/start"))[0] == 204
    assert (await _json(http, "POST", "/containers/c1/start")) == (304, None)
    assert (await _json(http, "POST", "/containers/c1/pause"))[0] == 204
    assert (await _json(http, "GET", "/containers/c1/json"))[1]["State"]["Status"] == "paused"
    assert (await _json(http, "POST", "/containers/c1/unpause"))[0] == 204
    assert (await _json(http, "GET", "/containers/c1/top"))[1]["Titles"] == ["PID", "CMD"]
    assert (await _json(http, "POST", "/containers/c1/rename?name=c2"))[0] == 204
    assert (await _json(http, "POST", "/containers/c2/restart?t=1"))[0] == 204
    assert (await _json(http, "POST", "/containers/c2/kill?signal=KILL"))[0] == 204
    assert (await _json(http, "POST", "/containers/c2/kill"))[0] == 409
    assert (await _json(http, "POST", "/v1.41/containers/c2/stop?t=3&signal=INT"))[0] == 304
    assert (await _json(http, "POST", "/containers/c2/stop?t=3&signal=INT"))[0] == 304
    assert engine.containers.calls[-2:] == [("stop", 3, ""), ("stop", 3, "INT")]
    assert (await _json(http, "DELETE", "/containers/c2?v=1&force=true"))[0] == 204
    assert engine.containers.calls[-1] == ("remove", True, True, False)
    assert await _json(http, "GET", "/containers/c2/json") == (404, {"message": "No such container: c2"})


async def test_create_answers_and_keeps_what_was_sent(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    status, answer = await _json(http, "POST", "/containers/create?name=/a&platform=linux/amd64", {"Image": "busybox"})
    assert status == 201
    assert answer["Warnings"] == []
    _, name, spec, networks, platform = engine.containers.calls[-1]
    assert (name, networks, platform) == ("a", {}, "linux/amd64")
    assert isinstance(spec, ContainerSpec)
    assert spec.networking.mode == "bridge"
    assert await _json(http, "POST", "/containers/create", {"Image": "nope"}) == (
        404,
        {"message": "No such image: nope"},
    )


async def test_list_with_parameters_and_sizes(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    await _create(http, "stopped")
    await _create(http, "up", Cmd=["sleep", "1 2"], HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}})
    await _json(http, "POST", "/containers/up/start")
    _, running = await _json(http, "GET", "/containers/json")
    assert [c["Names"] for c in running] == [["/up"]]
    line = running[0]
    assert line["Command"] == "sleep '1 2'"
    assert line["Ports"] == [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]
    assert line["State"] == "running"
    assert line["Status"].startswith("Up ")
    assert line["Image"] == "busybox"
    assert line["ImageID"].startswith("sha256:")
    assert line["HostConfig"] == {"NetworkMode": "bridge"}
    assert line["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] == "172.17.0.2"
    assert "SizeRw" not in line
    _, everything = await _json(http, "GET", "/containers/json?all=1&size=1")
    assert [c["Names"][0] for c in everything] == ["/up", "/stopped"]
    assert everything[1]["Status"] == "Created"
    assert (everything[0]["SizeRw"], everything[0]["SizeRootFs"]) == (10, 1010)


async def test_a_line_follows_its_container(http: aiohttp.ClientSession) -> None:
    await _create(http, "c", Cmd=["sleep"], HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}})
    seen = []
    for action in ("start", "kill", "start"):
        seen.append((await _json(http, "GET", "/containers/json?all=1"))[1][0])
        await _json(http, "POST", f"/containers/c/{action}")
    seen.append((await _json(http, "GET", "/v1.24/containers/json?all=1"))[1][0])
    assert [len(line["Ports"]) for line in seen] == [0, 1, 0, 1]
    assert [line["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] for line in seen[:2]] == ["", "172.17.0.2"]
    assert ["DNSNames" in line["NetworkSettings"]["Networks"]["bridge"] for line in seen[2:]] == [True, False]


async def test_an_image_name_that_moved_shows_the_id(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    engine.containers.add("old", image_id="sha256:" + "0" * 64)
    _, lines = await _json(http, "GET", "/containers/json?all=1")
    assert lines[0]["Image"] == "sha256:" + "0" * 64


async def test_links_are_names_too(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    a = engine.containers.add("a")
    engine.containers.add("b", spec=ContainerSpec(image="busybox", networking=NetworkingSpec(links=(f"{a.id}:db",))))
    _, lines = await _json(http, "GET", "/containers/json?all=1")
    assert [line["Names"] for line in lines] == [["/b"], ["/a", "/b/db"]]
    _, b = await _json(http, "GET", "/containers/b/json")
    assert b["HostConfig"]["Links"] == ["/a:/b/db"]


@pytest.mark.parametrize(
    "encoded",
    ['{"name":{"a":true}}', '{"name":["a"]}', '{"name":["a"],"status":null}', '{"name":{"a":true,"b":false}}'],
)
async def test_filters_in_both_encodings(http: aiohttp.ClientSession, engine: FakeEngine, encoded: str) -> None:
    engine.containers.add("a")
    engine.containers.add("b")
    async with http.get("/containers/json", params={"all": "1", "filters": encoded}) as response:
        assert [c["Names"] for c in await response.json()] == [["/a"]]


@pytest.mark.parametrize("encoded", ["x", "[]", "1", '{"a":1}', '{"a":{"b":1}}', '{"a":[[]]}', "{", '"x"', "{" * 5000])
async def test_malformed_filters(http: aiohttp.ClientSession, encoded: str) -> None:
    async with http.get("/containers/json", params={"filters": encoded}) as response:
        assert response.status == 400
        assert await response.json() == {"message": "invalid filter"}


async def test_an_unknown_filter_is_named(http: aiohttp.ClientSession) -> None:
    async with http.get("/containers/json", params={"filters": '{"foo":["a"]}'}) as response:
        assert response.status == 400
        assert await response.json() == {"message": "invalid filter 'foo'"}


async def test_prune(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    gone = engine.containers.add("x").id
    assert await _json(http, "POST", "/containers/prune") == (200, {"ContainersDeleted": [gone], "SpaceReclaimed": 42})
    assert (await _json(http, "POST", "/containers/prune"))[1] == {"ContainersDeleted": None, "SpaceReclaimed": 0}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/containers/c/stop?t=x", 400, 'strconv.Atoi: parsing "x": invalid syntax'),
        ("GET", "/containers/json?limit=x", 400, 'strconv.Atoi: parsing "x": invalid syntax'),
        ("POST", "/containers/c/resize", 400, 'strconv.Atoi: parsing "": invalid syntax'),
        ("POST", "/containers/c/rename", 400, "Neither old nor new names may be empty"),
        ("GET", "/containers/c/logs", 400, "Bad parameters: you must choose at least one stream"),
        ("POST", "/containers/c/wait?condition=x", 400, 'invalid condition: "x"'),
        ("POST", "/containers/c/attach?detachKeys=zzz", 400, "Invalid detach keys (zzz) provided"),
        ("POST", "/containers/nope/attach", 404, "No such container: nope"),
        ("POST", "/containers/nope/wait", 404, "No such container: nope"),
    ],
)
async def test_bad_parameters(
    http: aiohttp.ClientSession, engine: FakeEngine, method: str, path: str, status: int, message: str
) -> None:
    engine.containers.add("c")
    assert await _json(http, method, path) == (status, {"message": message})


async def test_attach_to_what_cannot_be_attached_to(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    record = engine.containers.add("c")
    for status, word in ((Status.PAUSED, "is paused"), (Status.RESTARTING, "is restarting")):
        engine.containers._set_status("c", engine.containers.records[record.id].state.status, status)
        code, answer = await _json(http, "POST", "/containers/c/attach?stream=1&stdout=1")
        assert code == 409
        assert word in answer["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/build"),
        ("GET", "/images/search?term=x"),
    ],
)
async def test_what_is_planned_for_later_names_itself(
    http: aiohttp.ClientSession, engine: FakeEngine, method: str, path: str
) -> None:
    engine.containers.add("c")
    status, answer = await _json(http, method, path)
    assert status == 501
    assert len(answer["message"]) > 30


async def test_a_client_that_leaves_does_not_stop_a_start(engine: FakeEngine, socket_path: str) -> None:
    engine.containers.add("c", spec=ContainerSpec(image="busybox"))
    engine.containers.slow.clear()
    client = await RawClient.connect(socket_path)
    client.writer.write(b"POST /containers/c/start HTTP/1.1\r\nHost: d\r\n\r\n")
    await asyncio.sleep(0.05)
    await client.close()
    await asyncio.sleep(0.05)
    engine.containers.slow.set()
    for _ in range(100):
        if engine.containers.find("c").state.started:
            break
        await asyncio.sleep(0.01)
    assert engine.containers.find("c").state.started
