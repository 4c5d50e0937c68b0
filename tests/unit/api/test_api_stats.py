"""GET /containers/{id}/stats: the shapes of its answers."""

import json
from typing import Any

import aiohttp
from fake_backend import FakeEngine

from weft.engine.containers.stats import Sample
from weft.engine.contract.usage import BlockCount, BlockUsage, CpuUsage, InterfaceCounters, MemoryUsage, Usage
from weft.model.container import ContainerState, Status

NOTHING = {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}


def sample(second: int) -> Sample:
    counted = InterfaceCounters(
        rx_bytes=1, rx_packets=2, rx_errors=3, rx_dropped=4, tx_bytes=5, tx_packets=6, tx_errors=7, tx_dropped=8
    )
    return Sample(
        id="c" * 64,
        name="one",
        read=second * 1_000_000_000,
        usage=Usage(
            cpu=CpuUsage(total=second, kernel=1, user=2, per_cpu=(3, 4), machine=5, online=2, throttled=9),
            memory=MemoryUsage(used=1, most=2, limit=3, details={"cache": 4}),
            blocks=BlockUsage(bytes=(BlockCount(8, 1, "Read", 9),)),
            pids=3,
        ),
        interfaces={"eth0": counted},
    )


def running(engine: FakeEngine) -> None:
    engine.containers.add("one", state=ContainerState(status=Status.RUNNING, started=1))


async def lines(http: aiohttp.ClientSession, query: str) -> list[Any]:
    async with http.get(f"/v1.51/containers/one/stats{query}") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        return [json.loads(line) for line in (await answer.read()).splitlines()]


async def test_a_stream(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    running(engine)
    engine.stats.samples = [sample(1), sample(2)]
    first, second = await lines(http, "")
    assert first["read"] == "1970-01-01T00:00:01Z"
    assert first["preread"] == "0001-01-01T00:00:00Z"
    assert first["precpu_stats"]["cpu_usage"] == NOTHING
    assert (first["name"], first["id"], first["num_procs"], first["storage_stats"]) == ("/one", "c" * 64, 0, {})
    assert first["pids_stats"] == {"current": 3}
    assert first["memory_stats"] == {"usage": 1, "max_usage": 2, "limit": 3, "stats": {"cache": 4}}
    assert first["blkio_stats"]["io_service_bytes_recursive"] == [{"major": 8, "minor": 1, "op": "Read", "value": 9}]
    assert first["blkio_stats"]["sectors_recursive"] is None
    assert first["networks"]["eth0"]["tx_dropped"] == 8
    assert first["cpu_stats"] == {
        "cpu_usage": {"total_usage": 1, "percpu_usage": [3, 4], "usage_in_kernelmode": 1, "usage_in_usermode": 2},
        "system_cpu_usage": 5,
        "online_cpus": 2,
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 9},
    }
    assert second["preread"] == first["read"]
    assert second["precpu_stats"] == first["cpu_stats"]


async def test_one_answer_compares(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    running(engine)
    engine.stats.samples = [sample(1), sample(2), sample(3)]
    (only,) = await lines(http, "?stream=false")
    assert only["cpu_stats"]["cpu_usage"]["total_usage"] == 2
    assert only["precpu_stats"]["cpu_usage"]["total_usage"] == 1
    (shot,) = await lines(http, "?stream=0&one-shot=1")
    assert shot["precpu_stats"]["cpu_usage"] == NOTHING


async def test_what_does_not_run_answers_at_once(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    engine.containers.add("one")
    (only,) = await lines(http, "?stream=0")
    assert only["memory_stats"] == {}
    assert only["pids_stats"] == {}
    assert "networks" not in only


async def test_refusals(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    running(engine)
    async with http.get("/containers/nobody/stats") as answer:
        assert (answer.status, (await answer.json())["message"]) == (404, "No such container: nobody")
    async with http.get("/containers/one/stats?stream=1&one-shot=1") as answer:
        assert (answer.status, (await answer.json())["message"]) == (
            400,
            "cannot have stream=true and one-shot=true",
        )
