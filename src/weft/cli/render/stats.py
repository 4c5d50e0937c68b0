"""`weft stats`: what containers use, of two answers of `GET /containers/{id}/stats`."""

from __future__ import annotations

from collections.abc import Mapping

from weft.cli.render import human
from weft.cli.render.fields import Json, inner, items, number, text
from weft.cli.render.listing import Cell, Row

TITLES = {
    "BlockIO": "BLOCK I/O",
    "CPUPerc": "CPU %",
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "MemPerc": "MEM %",
    "MemUsage": "MEM USAGE / LIMIT",
    "Name": "NAME",
    "NetIO": "NET I/O",
    "PIDs": "PIDS",
}
DEFAULT = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
_SHORT = 12
_CACHES = ("total_inactive_file", "inactive_file")  # cgroup version 1, version 2


class StatsRow(Row):
    """One container; `former` is the answer before, which the processor's share is the difference to."""

    kind = "stats"

    def __init__(self, reference: str, stats: Json, former: Json, *, shorten: bool = True) -> None:
        self._reference = reference
        self._stats = stats
        self._former = former
        self._shorten = shorten

    def cells(self) -> Mapping[str, Cell]:
        return {
            "BlockIO": self._blocks,
            "CPUPerc": lambda: f"{self._cpu():.2f}%",
            "Container": lambda: self._reference,
            "ID": lambda: text(self._stats, "id")[: _SHORT if self._shorten else None],
            "MemPerc": self._memory_share,
            "MemUsage": lambda: f"{human.binary_size(self._memory())} / {human.binary_size(self._memory_limit())}",
            "Name": lambda: text(self._stats, "name").removeprefix("/") or "--",
            "NetIO": self._network,
            "PIDs": lambda: str(number(inner(self._stats, "pids_stats"), "current")),
        }

    def _cpu(self) -> float:
        now, before = inner(self._stats, "cpu_stats"), inner(self._former, "cpu_stats")
        spent = number(inner(now, "cpu_usage"), "total_usage") - number(inner(before, "cpu_usage"), "total_usage")
        machine = number(now, "system_cpu_usage") - number(before, "system_cpu_usage")
        return spent / machine * number(now, "online_cpus") * 100 if spent > 0 and machine > 0 else 0.0

    def _memory(self) -> int:
        """Without what the kernel caches of files and could drop."""
        memory = inner(self._stats, "memory_stats")
        used, details = number(memory, "usage"), inner(memory, "stats")
        cached = next((number(details, name) for name in _CACHES if name in details), 0)
        return used - cached if cached < used else used

    def _memory_limit(self) -> int:
        return number(inner(self._stats, "memory_stats"), "limit")

    def _memory_share(self) -> str:
        limit = self._memory_limit()
        return f"{self._memory() / limit * 100 if limit else 0:.2f}%"

    def _network(self) -> str:
        networks = inner(self._stats, "networks")
        counts = [inner(networks, name) for name in networks]
        received, sent = (sum(number(each, key) for each in counts) for key in ("rx_bytes", "tx_bytes"))
        return f"{human.size(received, 3)} / {human.size(sent, 3)}"

    def _blocks(self) -> str:
        counts = items(inner(self._stats, "blkio_stats"), "io_service_bytes_recursive")
        read, written = (
            sum(number(each, "value") for each in counts if text(each, "op").lower() == what)
            for what in ("read", "write")
        )
        return f"{human.size(read, 3)} / {human.size(written, 3)}"
