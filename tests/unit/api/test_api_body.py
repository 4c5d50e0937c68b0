"""Request bodies: types, JSON, sizes."""

import asyncio
from typing import Any

import aiohttp
import pytest
from fake_backend import FakeEngine
from raw_client import RawClient

JSON = {"Content-Type": "application/json"}
ENDPOINTS = (
    "/containers/create",
    "/networks/create",
    "/networks/bridge/connect",
    "/networks/bridge/disconnect",
    "/volumes/create",
    "/containers/c/exec",
    "/auth",
)


async def _post(http: aiohttp.ClientSession, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    async with http.post(path, data=data, headers=headers) as response:
        return response.status, (await response.json())["message"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("data", "headers", "message"),
    [
        (
            b"{}",
            {"Content-Type": "text/plain"},
            "unsupported Content-Type header (text/plain): must be 'application/json'",
        ),
        (b"{}x", JSON, "unexpected content after JSON"),
        (b'{"a":1}{"b":2}', JSON, "unexpected content after JSON"),
        (b'{"a', JSON, "invalid JSON: unexpected EOF"),
        (b"x", JSON, "invalid JSON: invalid character (byte 0)"),
        (b'{"a":"\\u0000"}', JSON, "invalid JSON: a text holds a NUL character, which no name, path or argument can"),
        (b'{"a":"\\ud800"}', JSON, None),
        (b"", JSON, "invalid JSON: got EOF while reading request body"),
        (b"[]", JSON, None),
        (b"1", JSON, None),
        (b'{"x":' * 100_000, JSON, None),
    ],
)
async def test_malformed_bodies(
    http: aiohttp.ClientSession, engine: FakeEngine, endpoint: str, data: bytes, headers: dict[str, str], message: str
) -> None:
    engine.containers.add("c")
    status, answer = await _post(http, endpoint, data, headers)
    assert status == 400
    if message is None:
        assert answer.startswith("invalid JSON: ")
    else:
        assert answer == message


async def test_a_json_type_with_parameters_is_json(http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with http.post("/volumes/create", data=b'{"Name":"v"}', headers=headers) as response:
        assert response.status == 201


async def test_an_escaped_backslash_before_u0000_is_no_nul(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.post("/volumes/create", data=b'{"Labels":{"a":"\\\\u0000"}}', headers=JSON) as response:
        assert response.status == 201
        assert (await response.json())["Labels"] == {"a": "\\u0000"}


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("/containers/create", b'{"Image":1}', "invalid JSON: field Image: expected str | null, got int"),
        ("/networks/create", b'{"Labels":{"a":1}}', "invalid JSON: field Labels[...]: expected str | null, got int"),
        (
            "/networks/create",
            b'{"IPAM":{"Config":[{"Subnet":1}]}}',
            "invalid JSON: field IPAM.Config[0].Subnet: expected str | null, got int",
        ),
        ("/volumes/create", b"[]", "invalid JSON: expected object, got array"),
        (
            "/containers/create",
            b'{"HostConfig":{"Memory":99999999999999999999}}',
            "invalid JSON: field HostConfig.Memory: expected int <= 9223372036854775807",
        ),
    ],
)
async def test_wrong_types_name_the_field(http: aiohttp.ClientSession, path: str, data: bytes, message: str) -> None:
    status, answer = await _post(http, path, data, JSON)
    assert status == 400
    assert answer.lower() == message.lower()


async def test_text_that_is_not_utf_8(http: aiohttp.ClientSession) -> None:
    for data in (b'{"Name":"\xff"}', b'{"Labels":{"\xc3(":""}}'):
        status, answer = await _post(http, "/volumes/create", data, JSON)
        assert status == 400
        assert answer.startswith("invalid JSON: ")


async def test_a_body_that_is_too_large_is_refused_unread(http: aiohttp.ClientSession, raw: RawClient) -> None:
    headers = {"Content_Type": "application/json", "Content_Length": str(1 << 40)}
    head = await raw.request("POST /volumes/create", **headers)
    assert head.startswith("HTTP/1.1 400")

    async def endless() -> Any:
        for _ in range(100):
            yield b" " * (1 << 20)

    with_chunks = http.post("/volumes/create", data=endless(), headers=JSON)
    try:
        async with with_chunks as response:
            assert response.status == 400
    except aiohttp.ClientError:
        pass  # the server closed while the client was still sending, which is as good


async def test_a_client_that_asks_first_is_told_to_go_on(engine: FakeEngine, raw: RawClient) -> None:
    headers = {"Expect": "100-continue", "Content_Type": "application/json", "Content_Length": "12"}
    assert (await raw.request("POST /volumes/create", **headers)).startswith("HTTP/1.1 100 ")
    raw.writer.write(b'{"Name":"v"}')
    assert (await raw.head()).startswith("HTTP/1.1 201")
    assert list(engine.volumes.records) == ["v"]


async def test_what_is_not_http_gets_400_and_harms_nobody(raw: RawClient, http: aiohttp.ClientSession) -> None:
    raw.writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await asyncio.wait_for(raw.reader.readline(), 10)).startswith(b"HTTP/1.")
    async with http.get("/_ping") as response:
        assert response.status == 200
