"""Lines of the log, as machines and people read them."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from weft.daemon.log import FieldsFormatter, set_level, set_up


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("weft")
    before = root.handlers[:], ours.level
    yield io.StringIO()
    root.handlers[:] = before[0]
    ours.setLevel(before[1])


def test_a_line_of_text_is_what_dockerds_readers_know(stream: io.StringIO) -> None:
    set_up("info", "text", stream=stream)
    logging.getLogger("weft.x").info('said "%s"', "hello\nthere", extra={"container": "abc", "why": "two words"})
    assert re.fullmatch(
        r'time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z" level=info msg="said \\"hello\\nthere\\"" container=abc '
        r'why="two words"\n',
        stream.getvalue(),
    )


def test_json_has_the_same_fields_and_an_error_its_trace_on_one_line(stream: io.StringIO) -> None:
    set_up("info", "json", stream=stream)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("weft").exception("failed", extra={"port": 80})
    [line] = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["level"], said["msg"], said["port"], said["error"]) == ("error", "failed", 80, "ValueError: broken")
    assert "test_daemon_log.py" in said["trace"]


def test_levels_and_debug(stream: io.StringIO) -> None:
    set_up("warn", "text", stream=stream)
    log = logging.getLogger("weft.y")
    log.info("one")
    log.warning("two")
    set_level("warn", debug=True)
    log.debug("three")
    set_level("error")
    log.warning("four")
    assert re.findall(r'level=(\w+) msg="(\w+)"', stream.getvalue()) == [("warning", "two"), ("debug", "three")]


def test_libraries_say_their_warnings_only_and_whose_they_are(stream: io.StringIO) -> None:
    set_up("debug", "text", stream=stream)
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("aiohttp.server").warning("odd")
    assert "GET" not in stream.getvalue()
    assert "module=aiohttp.server" in stream.getvalue()


def test_setting_up_again_replaces_the_former_handler(stream: io.StringIO) -> None:
    set_up("info", "text", stream=io.StringIO())
    set_up("info", "text", stream=stream)
    logging.getLogger("weft").info("once")
    assert stream.getvalue().count("once") == 1
    assert sum(isinstance(handler.formatter, FieldsFormatter) for handler in logging.getLogger().handlers) == 1
