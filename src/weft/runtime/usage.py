"""What a control group counts, of either version (cgroups(7); the kernel's admin-guide/cgroup-v1 and cgroup-v2)."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from weft.engine.contract.usage import BlockCount, BlockUsage, CpuUsage, MemoryUsage, Usage

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  # nanoseconds
_MICROSECOND: Final = 1000  # nanoseconds
_UNLIMITED: Final = 2**64 - 1
_COUNTED_TIMES: Final = 7  # user, nice, system, idle, iowait, irq, softirq, as dockerd adds them up
_BLOCK_FILES: Final = {
    "bytes": "io_service_bytes",
    "operations": "io_serviced",
    "queued": "io_queued",
    "service_time": "io_service_time",
    "wait_time": "io_wait_time",
    "merged": "io_merged",
    "time": "time",
    "sectors": "sectors",
}


def usage(mount: Path, version: int, path: str) -> Usage:
    """Return what the cgroup at `path` counts; what is not there (a controller, or all of it by now) counts as 0.

    Blocks a moment: the kernel adds up.
    """
    return _unified(mount / path.lstrip("/")) if version == 2 else _legacy(mount, path.lstrip("/"))


def _legacy(mount: Path, path: str) -> Usage:
    cpu, cpuacct, memory = mount / "cpu" / path, mount / "cpuacct" / path, mount / "memory" / path
    machine, online = _machine()
    throttling, times = _table(cpu / "cpu.stat"), _table(cpuacct / "cpuacct.stat")
    return Usage(
        cpu=CpuUsage(
            total=_number(cpuacct / "cpuacct.usage"),
            kernel=times.get("system", 0) * _TICK,
            user=times.get("user", 0) * _TICK,
            per_cpu=tuple(int(word) for word in _text(cpuacct / "cpuacct.usage_percpu").split()),
            periods=throttling.get("nr_periods", 0),
            throttled_periods=throttling.get("nr_throttled", 0),
            throttled=throttling.get("throttled_time", 0),
            machine=machine,
            online=online,
        ),
        memory=MemoryUsage(
            used=_number(memory / "memory.usage_in_bytes"),
            most=_number(memory / "memory.max_usage_in_bytes"),
            limit=_memory_limit(_number(memory / "memory.limit_in_bytes")),
            failures=_number(memory / "memory.failcnt"),
            details=_table(memory / "memory.stat"),
        ),
        blocks=_legacy_blocks(mount / "blkio" / path),
        pids=_number(mount / "pids" / path / "pids.current"),
        pids_limit=_number(mount / "pids" / path / "pids.max"),
    )


def _legacy_blocks(directory: Path) -> BlockUsage:
    """The scheduler's counts; where it has none, those of throttling, which sees every device."""
    for prefix in ("blkio.", "blkio.bfq.", "blkio.throttle."):
        counts = {
            name: tuple(legacy_counts(_text(directory / f"{prefix}{file}_recursive")))
            for name, file in _BLOCK_FILES.items()
        }
        if any(counts.values()):
            return BlockUsage(**counts)
    return BlockUsage()


def legacy_counts(text: str) -> Iterator[BlockCount]:
    """Yield the lines `8:0 Read 4096` of a blkio file, its total left out; `8:0 4096` has no operation."""
    for line in text.splitlines():
        device, *words = line.split()
        major, colon, minor = device.partition(":")
        if colon and words:
            operation = words[0] if len(words) > 1 else ""
            yield BlockCount(int(major), int(minor), operation, int(words[-1]))


def _unified(directory: Path) -> Usage:
    machine, online = _machine()
    cpu = _table(directory / "cpu.stat")
    pids_limit = _text(directory / "pids.max")
    return Usage(
        cpu=CpuUsage(
            total=cpu.get("usage_usec", 0) * _MICROSECOND,
            kernel=cpu.get("system_usec", 0) * _MICROSECOND,
            user=cpu.get("user_usec", 0) * _MICROSECOND,
            periods=cpu.get("nr_periods", 0),
            throttled_periods=cpu.get("nr_throttled", 0),
            throttled=cpu.get("throttled_usec", 0) * _MICROSECOND,
            machine=machine,
            online=online,
        ),
        memory=MemoryUsage(
            used=_number(directory / "memory.current"),
            limit=_memory_limit(_number(directory / "memory.max")),
            failures=_table(directory / "memory.events").get("oom", 0),
            details=_table(directory / "memory.stat"),
        ),
        blocks=BlockUsage(bytes=tuple(unified_counts(_text(directory / "io.stat")))),
        pids=_number(directory / "pids.current"),
        pids_limit=_UNLIMITED if pids_limit == "max" else int(pids_limit or 0),
    )


def unified_counts(text: str) -> Iterator[BlockCount]:
    """Yield what was read and written by the lines `8:0 rbytes=4096 wbytes=0 …` of io.stat."""
    for line in text.splitlines():
        device, *words = line.split()
        major, _, minor = device.partition(":")
        values = dict(word.partition("=")[::2] for word in words)
        yield BlockCount(int(major), int(minor), "read", int(values.get("rbytes", 0)))
        yield BlockCount(int(major), int(minor), "write", int(values.get("wbytes", 0)))


def _machine() -> tuple[int, int]:
    """Return the nanoseconds that all processors have counted since boot, and how many there are."""
    lines = [line.split() for line in _text(Path("/proc/stat")).splitlines() if line.startswith("cpu")]
    times = lines[0][1 : 1 + _COUNTED_TIMES] if lines else []
    return sum(map(int, times)) * _TICK, max(len(lines) - 1, 0)


def _memory_limit(limit: int) -> int:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(limit, machine) if limit else machine


def _table(file: Path) -> Mapping[str, int]:
    """Return the lines `name number` of a file."""
    pairs = (line.split() for line in _text(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _number(file: Path) -> int:
    """Return the number in a file, 0 for `max` and for none."""
    text = _text(file)
    return int(text) if text.isdecimal() else 0


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
