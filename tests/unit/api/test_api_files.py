"""Files of containers over HTTP: archives out and in, export, changes."""

import base64
import io
import json
import tarfile
from urllib.parse import quote

import aiohttp
import pytest
from fake_backend import FakeEngine

from weft.api.wire.path_stat import HEADER, file_mode
from weft.engine.contract.container_files import Extraction


@pytest.fixture
def engine(engine: FakeEngine) -> FakeEngine:
    engine.containers.add("c")
    return engine


def _tar(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def _stat(answer: aiohttp.ClientResponse) -> dict[str, object]:
    stat: dict[str, object] = json.loads(base64.b64decode(answer.headers[HEADER]))
    return stat


async def test_an_archive_and_its_stat(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.head("containers/c/archive", params={"path": "/etc/passwd"}) as answer:
        assert answer.status == 200
        assert _stat(answer) == {
            "name": "passwd",
            "size": 11,
            "mode": 0o644,
            "mtime": "1970-01-01T00:00:01.5Z",
            "linkTarget": "",
        }
    async with http.get("containers/c/archive", params={"path": "/etc"}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-tar")
        assert _stat(answer)["mode"] == 0o755 | 1 << 31
        assert await answer.read() == b"tar of etc"


async def test_a_name_that_is_no_text(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.get("containers/c/changes") as answer:
        assert await answer.json() == [
            {"Path": "/etc", "Kind": 0},
            {"Path": "/etc/latin-\N{REPLACEMENT CHARACTER}", "Kind": 1},
        ]
    engine.files.files.clear()
    async with http.get("containers/c/changes") as answer:
        assert await answer.json() is None


async def test_what_is_missing(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    for method in ("HEAD", "GET"):
        async with http.request(method, "containers/c/archive?path=/nowhere") as answer:
            assert answer.status == 404
        async with http.request(method, "containers/nobody/archive?path=/etc") as answer:
            assert answer.status == 404
        for query in ("", "?path=", "?path=" + quote("/a\0b")):
            async with http.request(method, f"containers/c/archive{query}") as answer:
                assert answer.status == 400
    async with http.get("containers/nobody/export") as answer:
        assert answer.status == 404


async def test_an_archive_is_written(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.put("containers/c/archive?path=/etc", data=_tar("new", b"content")) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    query = "path=/etc&noOverwriteDirNonDir=true&copyUIDGID=1"
    async with http.put(f"containers/c/archive?{query}", data=_tar("own", b"x")) as answer:
        assert answer.status == 200
    assert engine.files.files["/etc/new"] == b"content"
    assert [how for _, how in engine.files.extractions] == [Extraction(), Extraction(keep_types=True, own=True)]


async def test_an_archive_is_refused(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.put("containers/c/archive?path=/etc/passwd", data=_tar("new", b"")) as answer:
        assert (answer.status, await answer.json()) == (400, {"message": "extraction point is not a directory"})
    engine.files.read_only.add("/etc")
    async with http.put("containers/c/archive?path=/etc", data=_tar("new", b"")) as answer:
        assert (answer.status, await answer.json()) == (403, {"message": "container rootfs is marked read-only"})


async def test_an_export_is_streamed(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    async with http.get("containers/c/export") as answer:
        assert (answer.status, answer.content_type) == (200, "application/octet-stream")
        assert await answer.read() == b"root:x:0:0\n"


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (0o100644, 0o644),
        (0o104755, 0o755 | 1 << 23),
        (0o102755, 0o755 | 1 << 22),
        (0o041777, 0o777 | 1 << 20 | 1 << 31),
        (0o120777, 0o777 | 1 << 27),
        (0o060660, 0o660 | 1 << 26),
        (0o020666, 0o666 | 1 << 26 | 1 << 21),
        (0o010644, 0o644 | 1 << 25),
        (0o140755, 0o755 | 1 << 24),
    ],
)
def test_modes_are_gos(mode: int, shown: int) -> None:
    assert file_mode(mode) == shown
