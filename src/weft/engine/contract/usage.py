"""What a running container uses, as its control group and its network namespace count it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUsage:
    """Times in nanoseconds since the container's start; `per_cpu` is empty with cgroup version 2."""

    total: int = 0
    kernel: int = 0
    user: int = 0
    per_cpu: tuple[int, ...] = ()
    periods: int = 0
    throttled_periods: int = 0
    throttled: int = 0  # nanoseconds
    machine: int = 0  # nanoseconds that all processors have counted since boot
    online: int = 0  # processors


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUsage:
    """Bytes; `limit` is the machine's memory where there is no lower one. `most` is 0 with cgroup version 2.

    `details` are the lines of memory.stat, whose names differ between the versions.
    """

    used: int = 0
    most: int = 0
    limit: int = 0
    failures: int = 0
    details: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockCount:
    """What was done to one block device: bytes or operations."""

    major: int
    minor: int
    operation: str  # read, write …; version 1 writes Read, Write, Sync, Async, Discard, Total
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockUsage:
    """By kind; only version 1 with a scheduler that counts has the later ones."""

    bytes: tuple[BlockCount, ...] = ()
    operations: tuple[BlockCount, ...] = ()
    queued: tuple[BlockCount, ...] = ()
    service_time: tuple[BlockCount, ...] = ()
    wait_time: tuple[BlockCount, ...] = ()
    merged: tuple[BlockCount, ...] = ()
    time: tuple[BlockCount, ...] = ()
    sectors: tuple[BlockCount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All of it. `pids_limit` 0 is no limit; version 2 says so with the largest 64-bit number."""

    cpu: CpuUsage = CpuUsage()
    memory: MemoryUsage = MemoryUsage()
    blocks: BlockUsage = BlockUsage()
    pids: int = 0
    pids_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceCounters:
    """What an interface has received and sent, seen from inside the namespace."""

    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int
