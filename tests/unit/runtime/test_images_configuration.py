"""An image's configuration keeps its health check, and shows it."""

import json

import msgspec
import pytest

from weft.api.version import Version
from weft.api.wire.image import image_inspect
from weft.model.health import HealthCheck
from weft.runtime.images.configuration import encode_configuration, parse_configuration

WRITTEN = {
    "Test": ["CMD-SHELL", "curl -f http://localhost"],
    "Interval": 5_000_000_000,
    "StartPeriod": 1_000_000,
    "Retries": 2,
}


def _raw(health: object) -> bytes:
    return json.dumps({"architecture": "amd64", "config": {"Healthcheck": health}, "rootfs": {"diff_ids": []}}).encode()


def test_a_health_check_is_read_and_written() -> None:
    record = parse_configuration(_raw(WRITTEN))
    assert record.config.health == HealthCheck(
        test=("CMD-SHELL", "curl -f http://localhost"), interval=5_000_000_000, start_period=1_000_000, retries=2
    )
    assert json.loads(encode_configuration(record))["config"]["Healthcheck"] == WRITTEN


def test_no_health_check_is_none() -> None:
    record = parse_configuration(_raw(None))
    assert record.config.health is None
    assert "Healthcheck" not in json.loads(encode_configuration(record))["config"]


@pytest.mark.parametrize("version", [Version(1, 24), Version(1, 51)])
def test_inspect_shows_it(version: Version) -> None:
    answer = json.loads(msgspec.json.encode(image_inspect(parse_configuration(_raw(WRITTEN)), version)))
    assert answer["Config"]["Healthcheck"] == WRITTEN
    bare = msgspec.to_builtins(image_inspect(parse_configuration(_raw(None)), version))
    assert "Healthcheck" not in bare["Config"]
