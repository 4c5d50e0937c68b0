"""Options of local volumes: what they must be, and what mount(2) gets of them."""

import pytest

from weft.model.errors import InvalidParameter
from weft.runtime import syscalls
from weft.runtime.volume_options import check_options, parse


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"nonsense": "1"}, 'create v: invalid option: "nonsense"'),
        ({"type": "tmpfs"}, 'create v: missing required option: "device"'),
        ({"device": "tmpfs"}, 'create v: missing required option: "type"'),
        ({"o": "ro"}, 'create v: missing required option: "device"'),
        ({"size": "1g"}, "create v: quota size requested but no quota support"),
    ],
)
def test_wrong_options(options: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        check_options("v", options)
    assert caught.value.message == reason


def test_right_options() -> None:
    check_options("v", {"type": "none", "device": "/srv", "o": "bind"})
    check_options("v", {})


def test_flags_and_what_the_file_system_gets() -> None:
    found = parse("addr=10.0.0.1,ro,noexec,rshared,vers=4,size=5m")
    assert found.flags == syscalls.MS_RDONLY | syscalls.MS_NOEXEC
    assert found.propagation == syscalls.MS_SHARED | syscalls.MS_REC
    assert found.data == "addr=10.0.0.1,vers=4,size=5m"
    assert parse("ro,rw,bind").flags == syscalls.MS_BIND
    assert parse("") == parse("defaults")
