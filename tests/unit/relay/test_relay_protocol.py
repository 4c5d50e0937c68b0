"""Runs of ports on the wire between the daemon and weft-relay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.dns.protocol import BadFrame
from weft.relay.protocol import TCP, UDP, Key, Target, pack_keys, pack_runs, unpack_keys, unpack_runs

numbers = st.integers(1, 40) | st.integers(65500, 65535)
keys = st.builds(Key, st.sampled_from([TCP, UDP]), st.sampled_from(["::", "::1"]), numbers)
targets = st.builds(Target, st.sampled_from(["10.0.0.2", "10.0.0.3"]), numbers, st.sampled_from(["open", "lan"]))


@given(st.dictionaries(keys, targets))
def test_ports_come_back(ports: dict[Key, Target]) -> None:
    assert unpack_runs(pack_runs(ports)) == ports
    assert unpack_keys(pack_keys(ports)) == sorted(ports)


@given(st.integers(1, 300), st.integers(0, 30000))
def test_a_run_is_one(count: int, distance: int) -> None:
    ports = {Key(TCP, "::", 8000 + n): Target("10.0.0.2", 8000 + distance + n) for n in range(count)}
    assert pack_runs(ports) == [[TCP, "::", 8000, "10.0.0.2", 8000 + distance, "open", count]]
    assert pack_keys(ports) == [[TCP, "::", 8000, count]]


@pytest.mark.parametrize(
    "run",
    [
        None,
        [],
        [TCP, "::", 1, "10.0.0.2", 1, "open"],
        [TCP, "::", 1, "10.0.0.2", 1, "open", 0],
        [TCP, "::", 65535, "10.0.0.2", 1, "open", 2],
        [TCP, "::", 1, "10.0.0.2", 65535, "open", 2],
        [TCP, "::", 1, "10.0.0.2", 1, "open", "many"],
        ["ip", "::", 1, "10.0.0.2", 1, "open", 1],
    ],
)
def test_no_run(run: object) -> None:
    with pytest.raises(BadFrame):
        unpack_runs([run])


@pytest.mark.parametrize("run", [None, [], [TCP], [TCP, "::"], [TCP, "::", "x", 1], [TCP, "::", 1, 70000]])
def test_no_run_of_keys(run: object) -> None:
    with pytest.raises(BadFrame):
        unpack_keys([run])
