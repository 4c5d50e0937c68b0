"""Log files: pieces, lines, reading from the end, turning over; read by a query without any container."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.engine.contract.runtime import LogLine, LogQuery
from weft.model.container import LogConfig
from weft.model.errors import InvalidParameter, Unimplemented
from weft.runtime.inotify import Inotify
from weft.runtime.log_compression import opened
from weft.runtime.log_files import Assembler, Parser, Piece, end_of_lines, lines_backwards, rotated
from weft.runtime.logs import LogReader
from weft.runtime.rotation import LogPolicy, compress_older, policy_of, turn_over

BASE = 1_763_923_770_000_000_000  # 2025-11-23T18:49:30Z


def written(number: int, text: str, *, stream: str = "stdout", tag: str = "F") -> str:
    return f"2025-11-23T18:49:30.{number:09d}+00:00 {stream} {tag} {text}\n"


def test_pieces() -> None:
    parser = Parser()
    assert parser.piece(b"2025-11-23T18:49:30.000000007+00:00 stderr F a b") == Piece(2, BASE + 7, True, b"a b\n")
    assert parser.piece(b"2025-11-23T19:49:30.000000008+01:00 stdout P ") == Piece(1, BASE + 8, False, b"")
    for torn in (
        b"",
        b"x",
        b"2025-11-23T18:49:30.1",
        b"nonsense stdout F x",
        b"2025-11-23T18:49:30.000000007+00:00 stdout X y",
    ):
        assert parser.piece(torn) is None


def test_streams_are_joined_apart() -> None:
    assembler = Assembler()
    assert assembler.add(Piece(1, 1, False, b"a")) is None
    assert assembler.add(Piece(2, 2, False, b"x")) is None
    assert assembler.add(Piece(1, 3, True, b"b\n")) == LogLine(1, 1, b"ab\n")
    assert list(assembler.rest()) == [LogLine(2, 2, b"x")]


def test_a_line_that_never_ends_is_given_out_in_pieces() -> None:
    assembler = Assembler()
    lines = [assembler.add(Piece(1, number, False, b"x" * 100_000)) for number in range(30)]
    assert sum(line is not None for line in lines) == 2


@given(st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b""))), st.binary(max_size=20))
def test_backwards_is_forwards_reversed(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    torn = torn.replace(b"\n", b"")
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    with path.open("rb") as file:
        end = end_of_lines(file)
        assert end == path.stat().st_size - len(torn)
        assert list(lines_backwards(file, end)) == lines[::-1]


def test_backwards_over_blocks(tmp_path: Path) -> None:
    lines = [b"%d %s" % (number, b"y" * (number % 3000)) for number in range(500)]
    (tmp_path / "log").write_bytes(b"\n".join(lines) + b"\n")
    with (tmp_path / "log").open("rb") as file:
        assert list(lines_backwards(file, end_of_lines(file))) == lines[::-1]


def test_turning_over_keeps_so_many_files(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(5):
        log.write_text(str(number))
        turn_over(log, 3)
    assert [path.read_text() for path in rotated(log)] == ["3", "4"]
    log.write_text("5")
    assert [path.read_text() for path in rotated(log)] == ["3", "4", "5"]
    turn_over(log, 1)
    assert not log.exists()


def test_compressed_files_turn_over_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(5):
        log.write_text(str(number))
        turn_over(log, 4)
        if number != 3:  # whose compression was cut off
            compress_older(log, 4)
    assert [path.name for path in rotated(log)] == ["log.3.gz", "log.2.gz", "log.1.gz"]
    for path, content in zip(rotated(log), (b"2", b"3", b"4"), strict=True):
        with opened(path) as file:
            assert file.read() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.1.gz", "log.2.gz", "log.3.gz"]


async def test_a_reader_goes_on_where_it_was_when_files_are_compressed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "log.1").write_text(written(1, "one"))
    log.write_text(written(2, "two"))
    reader = LogReader(log, LogQuery(), lambda: BASE)
    found = []
    inotify = Inotify()
    try:
        async for line in reader.lines(inotify, None):
            found.append(line.data.decode())
            if found == ["one\n"]:
                turn_over(log, 4)
                log.write_text(written(3, "three"))
                compress_older(log, 4)
    finally:
        inotify.close()
    assert found == ["one\n", "two\n", "three\n"]


async def test_compressed_files_are_read_backwards(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "log.1").write_text(written(1, "one") + written(2, "two"))
    log.write_text(written(3, "three"))
    compress_older(log, 2)
    assert await read(log, tail=2) == ["two\n", "three\n"]
    assert await read(log) == ["one\n", "two\n", "three\n"]


async def read(log: Path, **query: object) -> list[str]:
    inotify = Inotify()
    try:
        reader = LogReader(log, LogQuery(**query), lambda: BASE)  # type: ignore[arg-type]
        return [line.data.decode() async for line in reader.lines(inotify, None)]
    finally:
        inotify.close()


async def test_a_query_reads_over_all_files(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "log.2").write_text(written(1, "one") + written(2, "two", tag="P"))
    (tmp_path / "log.1").write_text(written(3, " three") + written(4, "err", stream="stderr"))
    log.write_text(written(5, "five") + written(6, "six", tag="P") + "2025-11-23T18:49:30.0000")
    everything = ["one\n", "two three\n", "err\n", "five\n", "six"]
    assert await read(log) == everything
    for count in range(7):
        assert await read(log, tail=count) == everything[len(everything) - min(count, 5) :]
    assert await read(log, stdout=False) == ["err\n"]
    assert await read(log, tail=1, stdout=False) == ["err\n"]
    assert await read(log, since=BASE + 4, until=BASE + 5) == ["err\n", "five\n"]
    assert await read(log, until=BASE + 4, tail=2) == ["two three\n", "err\n"]


def test_policies() -> None:
    assert policy_of(LogConfig()).size == 0
    policy = policy_of(LogConfig(options={"max-size": "1.5m", "max-file": "3", "compress": "false"}))
    assert (policy.size, policy.files, policy.turned_over_by_daemon) == (1_500_000, 3, True)
    assert policy_of(LogConfig(driver="local")) == LogPolicy(size=20_000_000, files=5, compress=True)
    assert policy_of(LogConfig(options={"max-size": "1k", "max-file": "2", "compress": "true"})).compress
    assert not policy_of(LogConfig(options={"compress": "true"})).compress
    assert not policy_of(LogConfig(driver="none")).kept
    single = policy_of(LogConfig(options={"max-size": "10k"}))
    assert not single.turned_over_by_daemon
    assert single.conmon_options(Path("/l"))[-2:] == ["--log-size-max", "10000"]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (LogConfig(driver="fluentd"), Unimplemented),
        (LogConfig(options={"max-size": "0"}), InvalidParameter),
        (LogConfig(options={"max-size": "-5k"}), InvalidParameter),
        (LogConfig(options={"max-file": "x"}), InvalidParameter),
    ],
)
def test_wrong_policies(config: LogConfig, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        policy_of(config)
