"""HTTP itself: what is malformed or too large, pipelining, kept connections, bodies that break off."""

import asyncio
import json
import logging
import re

import pytest
from fake_backend import FakeEngine
from raw_client import RawClient

_PING = b"GET /_ping HTTP/1.1\r\nHost: d\r\n"
_CREATE = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
_LARGE = 300 * 1024

MALFORMED = {
    "no HTTP": (b"\x00\x01 hello\r\n\r\n", 400, "Invalid method"),
    "no host": (b"GET /_ping HTTP/1.1\r\n\r\n", 400, "Missing 'Host' header"),
    "two hosts": (_PING + b"Host: e\r\n\r\n", 400, "Duplicate 'Host' header"),
    "HTTP/3.0": (b"GET /_ping HTTP/3.0\r\nHost: d\r\n\r\n", 505, "Invalid HTTP version"),
    "a negative length": (_CREATE + b"Content-Length: -1\r\n\r\n", 400, "Content-Length"),
    "two lengths": (_CREATE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400, "Content-Length"),
    "an unknown coding": (_CREATE + b"Transfer-Encoding: gzip\r\n\r\n{}", 501, "Transfer-Encoding"),
    "length and chunks": (
        _CREATE + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        "Content-Length",
    ),
    "a wrong chunk": (_CREATE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400, "chunk size"),
    "a blank in a header's name": (_PING + b"X A: b\r\n\r\n", 400, "header"),
    "a control character": (_PING + b"X-A: a\x01b\r\n\r\n", 400, "header"),
    "a header too large": (_PING + b"X-A: " + b"a" * _LARGE + b"\r\n\r\n", 431, "more than 262144 bytes"),
    "too many headers": (_PING + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + b"\r\n", 431, "Too many headers"),
    "a line too long": (b"GET /?" + b"a" * _LARGE + b" HTTP/1.1\r\nHost: d\r\n\r\n", 431, "more than 262144 bytes"),
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_malformed_requests(
    what: str, raw: RawClient, socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Go's status, the API's shape, a closed connection; no word of it in the log, and nobody else is harmed."""
    request, status, reason = MALFORMED[what]
    caplog.set_level(logging.INFO)
    raw.writer.write(request)
    head = await raw.head()
    assert head.split()[1] == str(status)
    assert "Content-Type: application/json" in head
    assert "Server: Weft/" in head
    answer = json.loads(await raw.rest())
    assert answer["message"].startswith("malformed HTTP request: ")
    assert reason in answer["message"]
    assert len(answer["message"]) < 200
    assert caplog.records == []
    other = await RawClient.connect(socket_path)
    assert " 200 " in await other.request("GET /_ping")
    await other.close()


async def test_an_expectation_that_nobody_knows(raw: RawClient) -> None:
    assert " 417 " in await raw.request("POST /containers/create", Expect="tea")


async def _answers(raw: RawClient, *requests: bytes) -> list[str]:
    """Send all at once; the statuses in the order of their coming, until the connection is closed."""
    raw.writer.write(b"".join(requests))
    received = (await raw.rest()).decode()
    return re.findall(r"HTTP/1\.[01] (\d{3}) ", received)


async def test_pipelined_requests_are_answered_in_order(raw: RawClient) -> None:
    requests = [b"GET /containers/none/json HTTP/1.1\r\nHost: d\r\n\r\n", _PING + b"\r\n"] * 20
    last = _PING + b"Connection: close\r\n\r\n"
    assert await _answers(raw, *requests, last) == ["404", "200"] * 20 + ["200"]


async def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request(raw: RawClient) -> None:
    unread = b"GET /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n\r\nGET / HTT"
    refused = b"POST /images/none/tag?repo=a HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nabcde"
    last = _PING + b"Connection: close\r\n\r\n"
    assert await _answers(raw, unread, refused, last) == ["200", "404", "200"]


async def test_a_connection_is_kept_until_the_client_closes_it(raw: RawClient) -> None:
    for _ in range(50):
        head = await raw.request("GET /_ping")
        assert " 200 " in head
        assert "Connection: close" not in head
        assert await raw.reader.readexactly(2) == b"OK"


async def test_a_client_of_http_1_0_is_closed_unless_it_asks(raw: RawClient) -> None:
    assert await _answers(raw, b"GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /_ping HTTP/1.0\r\n\r\n")
    assert raw.reader.at_eof()


@pytest.mark.parametrize("path", ["/containers/create", "/images/load", "/containers/c/start", "/volumes/create"])
async def test_a_body_that_goes_wrong_later_on(path: str, engine: FakeEngine, raw: RawClient) -> None:
    """The first chunk is right and taken, then comes what is none: 400, in a stream of progress a line."""
    engine.containers.add("c")
    head = f"POST {path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.writer.write(head.encode() + b'2\r\n{"\r\n')
    await raw.writer.drain()
    await asyncio.sleep(0.05)  # so that it arrives by itself; were it not to, the answer is the same
    raw.writer.write(b"zz\r\n")
    received = await raw.rest()
    assert b" 500 " not in received
    assert b"chunk size" in received


@pytest.mark.parametrize(
    "path", ["containers/c/top?ps_args=a%00", "images/get?names=a%00", "containers/c/logs?tail=%00"]
)
async def test_a_parameter_with_a_nul(path: str, engine: FakeEngine, raw: RawClient) -> None:
    engine.containers.add("c")
    assert " 400 " in await raw.request(f"GET /{path}&stdout=1")


async def test_an_attach_with_a_large_body_is_refused(engine: FakeEngine, raw: RawClient) -> None:
    engine.containers.add("c")
    head = "POST /containers/c/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999\r\n\r\n"
    raw.writer.write(head.encode() + b"a" * 3_000_000)
    assert " 400 " in await raw.head()
