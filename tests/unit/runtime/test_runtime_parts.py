"""Small parts: ps' table, cgroup paths, roots, mount options."""

from pathlib import Path

import pytest

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.cgroup import Cgroups
from weft.runtime.layout import Layout
from weft.runtime.overlay import propagation_of
from weft.runtime.probe import is_static
from weft.runtime.top import _check, parse

PS = """UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 18:00 ?        00:00:01 /sbin/init  splash
root          42       1  0 18:01 pts/0    00:00:00 sh -c  "a   b"
"""


def test_rows_of_the_containers_processes() -> None:
    titles, rows = parse(PS, {42, 99})
    assert titles == ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
    assert rows == (("root", "42", "1", "0", "18:01", "pts/0", "00:00:00", 'sh -c "a b"'),)


def test_ps_without_pids_is_refused() -> None:
    with pytest.raises(SystemFailure, match="Couldn't find PID field in ps output"):
        parse("USER CMD\nroot x\n", {1})


def test_a_column_that_pretends_to_be_the_pid_is_refused() -> None:
    _check(("-o", "pid=PID", "-o", "args"))
    with pytest.raises(InvalidParameter, match='specifying "ppid=PID" is not allowed'):
        _check(("-o", "ppid=PID"))


@pytest.mark.parametrize(
    ("parent", "path"), [("", "/weft/c"), ("/a/b", "/a/b/c"), ("slice", "/slice/c"), ("//x", "/x/c")]
)
def test_cgroup_paths(parent: str, path: str) -> None:
    assert Cgroups().path_of(parent, "c") == path


def test_a_cgroup_parent_does_not_lead_outside() -> None:
    with pytest.raises(InvalidParameter, match="invalid cgroup parent"):
        Cgroups().path_of("/a/../../b", "c")


@pytest.mark.parametrize("root", ["relative", "/with:colon", "/with,comma"])
def test_roots_that_conmon_or_mount_would_misread_are_refused(root: str) -> None:
    with pytest.raises(InvalidParameter, match="root directory"):
        Layout(Path(root), Path("/run/x"))


def test_known_are_ids_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "exec")
    layout.make()
    layout.container("a" * 64).mkdir()
    layout.run("b" * 64).mkdir()
    layout.run(".probe-crun").mkdir()
    assert layout.known() == {"a" * 64, "b" * 64}


def test_a_mount_point_is_found_for_any_path() -> None:
    assert propagation_of(Path("/proc/self"))[0] == Path("/proc")
    assert propagation_of(Path("/nosuch/path"))[0] == Path("/")


def test_static_programs() -> None:
    assert is_static(Path("/bin/busybox"))
    assert not is_static(Path("/bin/sh"))
    assert not is_static(Path(__file__))


@pytest.mark.parametrize(
    ("groups", "limits"),
    [((), Path("/proc/swaps").exists()), (("memory.max",), False), (("memory.max", "memory.swap.max"), True)],
)
def test_swap_limits_are_those_of_a_group_that_counts_memory(
    tmp_path: Path, groups: tuple[str, ...], limits: bool
) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "one").mkdir()
    for name in groups:
        (tmp_path / "one" / name).touch()
    assert Cgroups(tmp_path).limits_swap is limits
