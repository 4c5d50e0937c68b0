"""Who may use a relayed port."""

import pytest

from weft.relay.gate import gate_of

HERE = "2001:db8:1::1"


@pytest.mark.parametrize(
    ("policy", "client", "admitted"),
    [
        ("localhost", HERE, True),
        ("localhost", "::1", True),
        ("localhost", "2001:db8:1::2", False),
        ("localhost", "fe80::1%eth0", False),
        ("lan", "2001:db8:1::2", True),
        ("lan", "fe80::1%eth0", True),
        ("lan", "fd00::1", True),
        ("lan", "2001:db8:2::2", False),
        ("2001:db8:2::/64,192.0.2.0/24", "2001:db8:2::2", True),
        ("2001:db8:2::/64,192.0.2.0/24", "2001:db8:3::2", False),
        ("2001:db8:2::/64,192.0.2.0/24", HERE, True),
    ],
)
def test_policies(policy: str, client: str, admitted: bool) -> None:
    gate = gate_of(policy)
    assert gate is not None
    assert gate(client, HERE) is admitted


def test_open_asks_nothing() -> None:
    assert gate_of("open") is None
