"""Tables, sizes, times, ports, references, progress, detach keys."""

import json
import os

import pytest

from weft.cli.errors import CommandFailed
from weft.cli.render import human, ports
from weft.cli.render.columns import align, ellipsis
from weft.cli.render.document import compact, indented
from weft.cli.render.moment import go_time, natural_key
from weft.cli.render.progress import progress_bar, show
from weft.cli.render.reference import familiar, parse_reference
from weft.cli.terminal.keys import DEFAULT, Detector, parse_keys
from weft.model.errors import InvalidParameter


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (731 * 86400, "2 years"),
    ],
)
def test_durations(seconds, text):
    assert human.duration(seconds) == text


def test_sizes():
    assert [human.size(n, 3) for n in (0, 999, 1000, 1_984_000, 21_474_836_480)] == [
        "0B", "999B", "1kB", "1.98MB", "21.5GB",
    ]  # fmt: skip
    assert human.size(1_234_567) == "1.235MB"
    assert human.binary_size(2087452672) == "1.944GiB"


def test_wide_characters_and_empty_cells():
    assert align("A\tB\n日本\tx\n\ty\n") == "A         B\n日本      x\n          y\n"
    assert align("a\tb\nno cells\nlonger cell here\tc\n") == "a         b\nno cells\nlonger cell here   c\n"
    assert ellipsis("日本語日本語", 5) == "日本…"
    assert ellipsis("short", 5) == "short"


def _port(private, public=0, address="", kind="tcp"):
    return {"PrivatePort": private, "PublicPort": public, "IP": address, "Type": kind}


def test_ports():
    both = [_port(p, p, a) for p in range(8000, 8011) for a in ("0.0.0.0", "::")]
    assert ports.display(both) == "0.0.0.0:8000-8010->8000-8010/tcp, [::]:8000-8010->8000-8010/tcp"
    mixed = [_port(80, 8080, "127.0.0.1"), _port(443), _port(444), _port(446), _port(53, kind="udp")]
    assert ports.display(mixed) == "443-444/tcp, 53/udp, 446/tcp, 127.0.0.1:8080->80/tcp"


def test_references():
    assert str(parse_reference("busybox").with_default_tag()) == "busybox:latest"
    assert parse_reference("docker.io/library/busybox:1").full == "docker.io/library/busybox:1"
    assert parse_reference("localhost/a").name == "localhost/a"
    digest = "sha256:" + "a" * 64
    assert parse_reference(f"r.io:5000/a/b:t@{digest}").digest == digest
    assert familiar(f"busybox@{digest}", "sha256:" + "b" * 64) == "busybox"
    assert familiar("b" * 64, "sha256:" + "b" * 64) == "b" * 12
    for wrong in ("", "A", "a:b:c", "a//b", "a@sha256:zz", "-a", "a" * 64 + "/", "f" * 64):
        with pytest.raises(ValueError, match=r"."):
            parse_reference(wrong)


def test_documents_keep_the_daemons_text():
    source = b'{"a":"\\u003cx\\u003e: {,} \\"","n":1.50,"e":{},"l":[],"d":[1,{"k":null}]}'
    shown = indented([source])
    assert json.loads(shown) == [json.loads(source)]
    assert '"\\u003cx\\u003e: {,} \\""' in shown
    assert '"n": 1.50' in shown
    assert '"e": {},\n        "l": []' in shown
    assert compact([source, b" {} "]) == f"[{source.decode()},{{}}]"


def test_go_times():
    assert go_time("2026-01-02T03:04:05.5Z") == "2026-01-02 03:04:05.5 +0000 UTC"
    assert go_time("2026-01-02T03:04:05+01:00") == "2026-01-02 03:04:05 +0100 +0100"
    assert sorted(["n10", "n2", "a"], key=natural_key) == ["a", "n2", "n10"]


def test_progress_bars():
    assert progress_bar({"current": 50, "total": 100}, 200) == f"[{'=' * 25}>{' ' * 25}]      50B/100B"
    assert progress_bar({"current": 50, "total": 100}, 80) == "     50B/100B"
    assert progress_bar({}, 200) == ""


def _shown(messages, terminal):
    import pty

    reading, writing = pty.openpty() if terminal else os.pipe()
    try:
        show(messages, writing)
        os.write(writing, b"END")
        data = b""
        while not data.endswith(b"END"):
            data += os.read(reading, 4096)
    finally:
        os.close(reading)
        os.close(writing)
    return data[:-3].decode()


MESSAGES = [
    {"status": "Pulling from x", "id": "latest"},
    {"status": "Downloading", "id": "aa", "progressDetail": {"current": 1, "total": 2}},
    {"status": "Waiting", "id": "bb", "progressDetail": {}},
    {"status": "Pull complete", "id": "aa", "progressDetail": {}},
    {"status": "Status: done"},
]


def test_progress_without_a_terminal_is_plain_lines():
    expected = "latest: Pulling from x\nbb: Waiting\naa: Pull complete\nStatus: done\n"
    assert _shown(MESSAGES, terminal=False) == expected


def test_progress_on_a_terminal_rewrites_lines():
    shown = _shown(MESSAGES, terminal=True)
    assert "\x1b[1A\x1b[2K\raa: Downloading" in shown
    assert "\x1b[2A\x1b[2K\raa: Pull complete" in shown


def test_progress_error():
    with pytest.raises(CommandFailed, match="denied"):
        show([{"errorDetail": {"message": "denied"}}], 1)


def test_detach_keys():
    assert parse_keys("") == DEFAULT
    assert parse_keys("a,ctrl-@,ctrl-_,CTRL-X") == b"a\x00\x1f\x18"
    for wrong in ("ctrl-", "ctrl-ab", "ab", "ctrl-?"):
        with pytest.raises(InvalidParameter):
            parse_keys(wrong)


def test_detector_holds_back_what_may_begin_the_sequence():
    detector = Detector(b"\x10\x11")
    assert detector.feed(b"a\x10") == (b"a", False)
    assert detector.feed(b"b") == (b"\x10b", False)
    assert detector.feed(b"\x10\x10") == (b"\x10", False)
    assert detector.feed(b"\x11rest") == (b"", True)
