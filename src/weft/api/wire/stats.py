"""Samples -> GET /containers/{id}/stats (Engine API v1.51 ContainerStatsResponse)."""

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from weft.api.wire.times import rfc3339
from weft.engine.containers.stats import Sample
from weft.engine.contract.usage import BlockCount, BlockUsage, CpuUsage, MemoryUsage, Usage


class _Snake(Struct, kw_only=True, frozen=True):
    """The one answer whose fields are in lower case."""


class CpuTimes(_Snake, frozen=True, kw_only=True):
    """cpu_usage, in nanoseconds."""

    total_usage: int
    percpu_usage: tuple[int, ...] | UnsetType = UNSET
    usage_in_kernelmode: int
    usage_in_usermode: int


class Throttling(_Snake, frozen=True, kw_only=True):
    """throttling_data."""

    periods: int
    throttled_periods: int
    throttled_time: int


class CpuStats(_Snake, frozen=True, kw_only=True):
    """cpu_stats and precpu_stats."""

    cpu_usage: CpuTimes
    system_cpu_usage: int | UnsetType = UNSET
    online_cpus: int | UnsetType = UNSET
    throttling_data: Throttling


class MemoryStats(_Snake, frozen=True, kw_only=True):
    """memory_stats, in bytes."""

    usage: int | UnsetType = UNSET
    max_usage: int | UnsetType = UNSET
    stats: Mapping[str, int] | UnsetType = UNSET
    failcnt: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class BlockEntry(_Snake, frozen=True, kw_only=True):
    """One device and operation."""

    major: int
    minor: int
    op: str
    value: int


Entries = tuple[BlockEntry, ...] | None


class BlockStats(_Snake, frozen=True, kw_only=True):
    """blkio_stats."""

    io_service_bytes_recursive: Entries
    io_serviced_recursive: Entries
    io_queue_recursive: Entries
    io_service_time_recursive: Entries
    io_wait_time_recursive: Entries
    io_merged_recursive: Entries
    io_time_recursive: Entries
    sectors_recursive: Entries


class PidsStats(_Snake, frozen=True, kw_only=True):
    """pids_stats."""

    current: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class InterfaceStats(_Snake, frozen=True, kw_only=True):
    """One of networks."""

    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


class StatsAnswer(_Snake, frozen=True, kw_only=True):
    """One sample; what is about the processor comes twice, so that a client can tell the difference."""

    name: str
    id: str
    read: str
    preread: str
    pids_stats: PidsStats
    blkio_stats: BlockStats
    num_procs: int = 0  # Windows
    storage_stats: Mapping[str, int] = {}  # Windows
    cpu_stats: CpuStats
    precpu_stats: CpuStats
    memory_stats: MemoryStats
    networks: Mapping[str, InterfaceStats] | UnsetType = UNSET


def stats_answer(sample: Sample, former: Sample | None) -> StatsAnswer:
    """Return one answer; `former` is what the client got before, None at first."""
    usage = sample.usage or Usage()
    before = (former.usage if former is not None else None) or Usage()
    return StatsAnswer(
        name=f"/{sample.name}",
        id=sample.id,
        read=rfc3339(sample.read),
        preread=rfc3339(former.read if former is not None else 0),
        pids_stats=PidsStats(current=usage.pids or UNSET, limit=usage.pids_limit or UNSET),
        blkio_stats=_blocks(usage.blocks),
        cpu_stats=_cpu(usage.cpu),
        precpu_stats=_cpu(before.cpu),
        memory_stats=_memory(usage.memory),
        networks=_networks(sample) or UNSET,
    )


def _cpu(cpu: CpuUsage) -> CpuStats:
    return CpuStats(
        cpu_usage=CpuTimes(
            total_usage=cpu.total,
            percpu_usage=cpu.per_cpu or UNSET,
            usage_in_kernelmode=cpu.kernel,
            usage_in_usermode=cpu.user,
        ),
        system_cpu_usage=cpu.machine or UNSET,
        online_cpus=cpu.online or UNSET,
        throttling_data=Throttling(
            periods=cpu.periods, throttled_periods=cpu.throttled_periods, throttled_time=cpu.throttled
        ),
    )


def _memory(memory: MemoryUsage) -> MemoryStats:
    return MemoryStats(
        usage=memory.used or UNSET,
        max_usage=memory.most or UNSET,
        stats=memory.details or UNSET,
        failcnt=memory.failures or UNSET,
        limit=memory.limit or UNSET,
    )


def _blocks(blocks: BlockUsage) -> BlockStats:
    return BlockStats(
        io_service_bytes_recursive=_entries(blocks.bytes),
        io_serviced_recursive=_entries(blocks.operations),
        io_queue_recursive=_entries(blocks.queued),
        io_service_time_recursive=_entries(blocks.service_time),
        io_wait_time_recursive=_entries(blocks.wait_time),
        io_merged_recursive=_entries(blocks.merged),
        io_time_recursive=_entries(blocks.time),
        sectors_recursive=_entries(blocks.sectors),
    )


def _entries(counts: tuple[BlockCount, ...]) -> Entries:
    entries = tuple(
        BlockEntry(major=count.major, minor=count.minor, op=count.operation, value=count.value) for count in counts
    )
    return entries or None


def _networks(sample: Sample) -> Mapping[str, InterfaceStats]:
    return {
        name: InterfaceStats(
            rx_bytes=counted.rx_bytes,
            rx_packets=counted.rx_packets,
            rx_errors=counted.rx_errors,
            rx_dropped=counted.rx_dropped,
            tx_bytes=counted.tx_bytes,
            tx_packets=counted.tx_packets,
            tx_errors=counted.tx_errors,
            tx_dropped=counted.tx_dropped,
        )
        for name, counted in sorted(sample.interfaces.items())
    }
