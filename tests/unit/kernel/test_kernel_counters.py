"""Counters of interfaces, as /proc/net/dev has them."""

from weft.engine.contract.usage import InterfaceCounters
from weft.kernel.counters import parse

TEXT = """Inter-|   Receive                                     |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo:    0       0    0    0    0     0          0         0     0       0    0    0    0     0       0          0
eth0:1:  100       2    3    4    0     0          0         9    50       6    7    8    0     0       0          0
"""


def test_counters() -> None:
    found = parse(TEXT)
    assert list(found) == ["lo", "eth0:1"]
    assert found["eth0:1"] == InterfaceCounters(
        rx_bytes=100,
        rx_packets=2,
        rx_errors=3,
        rx_dropped=4,
        tx_bytes=50,
        tx_packets=6,
        tx_errors=7,
        tx_dropped=8,
    )
