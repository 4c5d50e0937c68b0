"""Versions, errors and headers of every response."""

import aiohttp
import pytest
from fake_backend import FakeEngine

from weft.api.version import MAXIMUM, Version, split_version
from weft.model.errors import InvalidParameter


async def test_every_response_carries_the_api_headers(http: aiohttp.ClientSession) -> None:
    for method, path in (
        ("GET", "/_ping"),
        ("GET", "/nowhere"),
        ("POST", "/containers/x/start"),
        ("GET", "/v1.9/info"),
    ):
        async with http.request(method, path) as response:
            assert response.headers["Api-Version"] == "1.51"
            assert response.headers["Ostype"] == "linux"
            assert response.headers["Docker-Experimental"] == "false"
            assert response.headers["Server"].startswith("Weft/")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/_ping", "/v1.24/_ping", "/v1.51/_ping"])
async def test_ping(http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, path) as response:
        assert response.status == 200
        assert response.headers["Swarm"] == "inactive"
        assert response.headers["Builder-Version"] == ""
        assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
        assert response.headers["Pragma"] == "no-cache"
        assert await response.read() == (b"OK" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        (
            "/v1.23/info",
            400,
            "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a "
            "newer version",
        ),
        ("/v1.52/info", 400, "client version 1.52 is too new. Maximum supported API version is 1.51"),
        ("/v2.0/info", 400, "client version 2.0 is too new. Maximum supported API version is 1.51"),
        ("/v1.51/nowhere", 404, "page not found"),
        ("/vx/info", 404, "page not found"),
        ("/v1.51", 404, "page not found"),
        ("/", 404, "page not found"),
    ],
)
async def test_refused_paths(http: aiohttp.ClientSession, path: str, status: int, message: str) -> None:
    async with http.get(path) as response:
        assert response.status == status
        assert await response.json() == {"message": message}


async def test_a_wrong_method_is_an_unknown_page(http: aiohttp.ClientSession) -> None:
    for method, path in (("PUT", "/containers/json"), ("PATCH", "/info"), ("DELETE", "/_ping")):
        async with http.request(method, path) as response:
            assert response.status == 404
            assert await response.json() == {"message": "page not found"}


async def test_an_internal_error_tells_nothing_of_the_inside(
    http: aiohttp.ClientSession, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(name: str) -> None:
        raise RuntimeError(f"secret of {name}")

    engine.volumes.find = explode  # type: ignore[method-assign, assignment]
    async with http.get("/volumes/x") as response:
        assert response.status == 500
        assert "secret" not in await response.text()
    assert "secret of x" in caplog.text


def test_versions_compare_as_numbers() -> None:
    assert split_version("/v1.9x/info") == (MAXIMUM, "/v1.9x/info")
    assert split_version("/v1.30/images/v1/json") == (Version(1, 30), "/images/v1/json")
    assert split_version("/volumes/v1.30") == (MAXIMUM, "/volumes/v1.30")
    with pytest.raises(InvalidParameter, match="too old"):
        split_version("/v1.9/info")
