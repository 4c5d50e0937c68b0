"""Which limits a machine has, from what its cgroup hierarchies show."""

from pathlib import Path

from weft.engine.contract.runtime import LimitSupport
from weft.runtime.limit_support import limit_support


def test_version_one(tmp_path: Path) -> None:
    for file, text in (("memory/memory.limit_in_bytes", ""), ("memory/memory.swappiness", ""), ("cpu/cpu.shares", ""),
                       ("cpuset/cpuset.cpus", "0-3\n"), ("cpuset/cpuset.mems", "0\n")):  # fmt: skip
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    found = limit_support(tmp_path, version=1, controllers=frozenset(), swap=True)
    fields = frozenset({"memory", "memory_swappiness", "cpu_shares", "cpuset_cpus", "cpuset_mems"})
    assert found == LimitSupport(fields=fields, cpus="0-3", mems="0")


def test_version_two(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus.effective").write_text("0,2\n")
    found = limit_support(tmp_path, version=2, controllers=frozenset({"memory", "cpuset"}), swap=False)
    assert found.fields == {"memory", "memory_reservation", "cpuset_cpus", "cpuset_mems"}
    assert (found.cpus, found.mems) == ("0,2", "")
