"""Which OCI runtime a container's wish for one names."""

from pathlib import Path

import pytest

from weft.model.errors import InvalidParameter
from weft.runtime.conmon import Program
from weft.runtime.probe import Programs


def programs(*names: str) -> Programs:
    runtimes = tuple(Program(name, f"/usr/bin/{name}", Path("/run/oci") / name) for name in names)
    return Programs("/usr/bin/conmon", "2", runtimes, ("1",) * len(names), "", "", None)


def test_by_name_and_by_dockers_name() -> None:
    both = programs("crun", "runc")
    assert both.names == ("crun", "runc", "io.containerd.runc.v2")
    wanted = ("", "crun", "runc", "io.containerd.runc.v2")
    assert [both.runtime(name).name for name in wanted] == ["crun", "crun", "runc", "runc"]


@pytest.mark.parametrize("name", ["runc", "io.containerd.runc.v2", "kata"])
def test_one_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidParameter, match=rf"unknown or invalid runtime name: {name} \(here: crun\)"):
        programs("crun").runtime(name)
