"""What control groups count, of both versions."""

import os
from pathlib import Path

from weft.engine.contract.usage import BlockCount, BlockUsage, Usage
from weft.runtime.usage import usage

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def write(base: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        file = base / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def test_version_2(tmp_path: Path) -> None:
    write(
        tmp_path / "weft/c",
        {
            "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
            "memory.current": "4096\n",
            "memory.max": "8192\n",
            "memory.events": "low 0\noom 3\noom_kill 2\n",
            "memory.stat": "anon 1\nfile 2\ninactive_file 3\n",
            "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n254:0 \n",
            "pids.current": "5\n",
            "pids.max": "max\n",
        },
    )
    found = usage(tmp_path, 2, "/weft/c")
    cpu = found.cpu
    assert (cpu.total, cpu.user, cpu.kernel, cpu.per_cpu) == (30_000, 20_000, 10_000, ())
    assert (cpu.periods, cpu.throttled_periods, cpu.throttled) == (4, 2, 7_000)
    assert cpu.machine > 0
    assert cpu.online >= 1
    memory = found.memory
    assert (memory.used, memory.most, memory.limit, memory.failures) == (4096, 0, 8192, 3)
    assert memory.details == {"anon": 1, "file": 2, "inactive_file": 3}
    assert found.blocks == BlockUsage(
        bytes=(
            BlockCount(8, 16, "read", 1),
            BlockCount(8, 16, "write", 2),
            BlockCount(254, 0, "read", 0),
            BlockCount(254, 0, "write", 0),
        )
    )
    assert (found.pids, found.pids_limit) == (5, 2**64 - 1)


V1 = {
    "cpuacct/weft/c/cpuacct.usage": "300\n",
    "cpuacct/weft/c/cpuacct.usage_percpu": "100 200 \n",
    "cpuacct/weft/c/cpuacct.stat": "user 2\nsystem 1\n",
    "cpu/weft/c/cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 7\n",
    "memory/weft/c/memory.usage_in_bytes": "4096\n",
    "memory/weft/c/memory.max_usage_in_bytes": "5000\n",
    "memory/weft/c/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/weft/c/memory.failcnt": "6\n",
    "memory/weft/c/memory.stat": "cache 1\ntotal_inactive_file 3\n",
    "pids/weft/c/pids.current": "5\n",
    "pids/weft/c/pids.max": "max\n",
    "blkio/weft/c/blkio.bfq.io_service_bytes_recursive": "Total 0\n",
    "blkio/weft/c/blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n",
    "blkio/weft/c/blkio.throttle.io_serviced_recursive": "8:0 Read 1\nTotal 1\n",
}


def test_version_1(tmp_path: Path) -> None:
    write(tmp_path, V1)
    found = usage(tmp_path, 1, "/weft/c")
    cpu = found.cpu
    assert (cpu.total, cpu.user, cpu.kernel, cpu.per_cpu) == (300, 20_000_000, 10_000_000, (100, 200))
    assert (cpu.periods, cpu.throttled_periods, cpu.throttled) == (4, 2, 7)
    memory = found.memory
    assert (memory.used, memory.most, memory.limit, memory.failures) == (4096, 5000, MACHINE, 6)
    assert memory.details == {"cache": 1, "total_inactive_file": 3}
    assert found.blocks == BlockUsage(
        bytes=(BlockCount(8, 0, "Read", 4096), BlockCount(8, 0, "Total", 4096)),
        operations=(BlockCount(8, 0, "Read", 1),),
    )
    assert (found.pids, found.pids_limit) == (5, 0)


def test_a_scheduler_that_counts_is_asked_first(tmp_path: Path) -> None:
    write(tmp_path, {**V1, "blkio/weft/c/blkio.sectors_recursive": "8:0 77\nTotal 77\n"})
    assert usage(tmp_path, 1, "/weft/c").blocks == BlockUsage(sectors=(BlockCount(8, 0, "", 77),))


def test_what_is_gone_counts_nothing(tmp_path: Path) -> None:
    for version in (1, 2):
        found = usage(tmp_path, version, "/weft/gone")
        assert (found.cpu.total, found.memory.used, found.blocks, found.pids) == (0, 0, Usage().blocks, 0)
