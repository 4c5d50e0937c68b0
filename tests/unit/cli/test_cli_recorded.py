"""What docker's own CLI printed for the recorded engine is what weft prints."""

import json
import re

import pytest
from fake_daemon import RECORDED


def _cases(name: str) -> list[dict]:
    return json.loads((RECORDED / f"{name}.json").read_text())


def _name(case: dict) -> str:
    return " ".join(case["args"])


def _undated(text: str) -> str:
    return re.sub(r'"CreatedAt":"[^"]*"', '"CreatedAt":"…"', text)


@pytest.mark.parametrize("case", _cases("output"), ids=_name)
def test_output(weft, case):
    done = weft(*case["args"])
    assert _undated(done.stdout.decode()) == _undated(case["stdout"])
    assert done.stderr.decode() == case["stderr"]
    assert done.returncode == case["status"]


@pytest.mark.parametrize("case", _cases("help"), ids=_name)
def test_help(weft, case):
    done = weft(*case["args"])
    assert done.stdout.decode() == case["stdout"]
    assert done.returncode == 0


@pytest.mark.parametrize("case", _cases("usage"), ids=_name)
def test_usage_errors(weft, case):
    done = weft(*case["args"])
    assert done.stderr.decode() == case["stderr"]
    assert done.returncode == case["status"]
    assert done.stdout == b""
