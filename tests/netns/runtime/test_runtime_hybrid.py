"""Version 1 and version 2 control groups side by side: what is mounted, and what is left below it."""

import subprocess
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab

from weft.runtime.hybrid import UNIFIED, is_hybrid

pytestmark = pytest.mark.skipif(not is_hybrid(), reason="this host has one version of control groups only")


def _cgroup_mounts() -> list[str]:
    return sorted(
        line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if "/cgroup" in line
    )


def _beneath(place: Path) -> list[str]:
    """What lies in the directory that the version 2 hierarchy is mounted on."""
    place.mkdir(exist_ok=True)
    script = f"mount --bind {UNIFIED.parent} {place} && ls {place}/{UNIFIED.name}"
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()


async def test_a_container_leaves_nothing_below_the_mounts(lab: RuntimeLab, tmp_path: Path) -> None:
    before = _cgroup_mounts()
    assert (await lab.run("true")).code == 0
    assert lab.cgroup_parent.strip("/") not in _beneath(tmp_path / "bare")
    assert _cgroup_mounts() == before, "the host's own view changed"
    assert lab.left_behind() == []


async def test_its_processes_are_in_groups_of_version_1(lab: RuntimeLab) -> None:
    record = await lab.started("sleep", "1000")
    (pid,) = lab.pids(record)
    groups = Path(f"/proc/{pid}/cgroup").read_text()
    assert f":memory:{lab.cgroup_parent}/{record.id}\n" in groups
    assert f":pids:{lab.cgroup_parent}/{record.id}\n" in groups
    shown = await lab.execute(record, "ls", "/sys/fs/cgroup")
    assert "memory" in shown.stdout.split()
    assert UNIFIED.name not in shown.stdout.split()
