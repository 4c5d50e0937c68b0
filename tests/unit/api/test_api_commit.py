"""POST /commit."""

import aiohttp
import pytest
from fake_backend import FakeEngine

from weft.engine.containers.commit import CommitRequest
from weft.model.health import HealthCheck
from weft.model.image import ImageConfig


@pytest.fixture
def engine(engine: FakeEngine) -> FakeEngine:
    engine.containers.add("c")
    return engine


async def test_all_that_is_asked_for(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    query = "container=c&repo=own/image&tag=2&comment=why&author=me&pause=0&changes=CMD+a&changes=&changes=USER+b"
    config = {
        "Cmd": ["x"],
        "Env": ["A=1"],
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
        "Labels": {"l": "m"},
        "OnBuild": ["RUN y"],
        "Healthcheck": {"Test": ["CMD", "true"]},
        "Hostname": "of no interest",
    }
    async with http.post(f"commit?{query}", json=config) as answer:
        assert (answer.status, await answer.json()) == (201, {"Id": "sha256:" + "c" * 64})
    assert engine.commits.requests == [
        (
            "c",
            CommitRequest(
                repository="own/image",
                tag="2",
                comment="why",
                author="me",
                pause=False,
                changes=("CMD a", "USER b"),
                config=ImageConfig(
                    cmd=("x",),
                    env=("A=1",),
                    exposed_ports=("80/tcp",),
                    volumes=("/v",),
                    labels={"l": "m"},
                    on_build=("RUN y",),
                    health=HealthCheck(test=("CMD", "true")),
                ),
            ),
        )
    ]


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
async def test_no_configuration_is_the_containers_own(
    http: aiohttp.ClientSession, engine: FakeEngine, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"} if body else {}
    left_out = ["Content-Type"]
    async with http.post("commit?container=c", data=body, headers=headers, skip_auto_headers=left_out) as answer:
        assert answer.status == 201
    assert engine.commits.requests == [("c", CommitRequest())]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "No container name or ID supplied"),
        ("?container=nobody", 404, "No such container: nobody"),
        ("?container=c&repo=Upper", 400, "must be lowercase"),
    ],
)
async def test_refusals(http: aiohttp.ClientSession, query: str, status: int, words: str) -> None:
    async with http.post(f"commit{query}", skip_auto_headers=["Content-Type"]) as answer:
        assert answer.status == status
        assert words in (await answer.json())["message"]


async def test_a_body_that_is_none(http: aiohttp.ClientSession) -> None:
    async with http.post("commit?container=c", json={"Cmd": 5}) as answer:
        assert answer.status == 400
        assert "field Cmd" in (await answer.json())["message"]
