"""Rates of endpoints: units, bounds, and the plans they come to."""

import pytest

from weft.drivers.rates import Rates, parse_delay, parse_loss, parse_rate, rates_of, shaping, unshaping
from weft.model.endpoint import Endpoint
from weft.model.errors import InvalidParameter
from weft.model.network import NetworkSpec
from weft.plan.operations import DelayPackets, DeleteTable, LimitRate, LoadTable

VETH = Endpoint(id="e" * 64, network_id="n", host_link="veth0", sandbox_link="eth0")
MACVLAN = Endpoint(id="e" * 64, network_id="n", sandbox_link="eth0")
NETWORK = NetworkSpec(name="n")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("8000", 1000),
        ("8000bit", 1000),
        ("8kbit", 1000),
        ("10mbit", 1_250_000),
        ("10Mbit", 1_250_000),
        ("10m", 1_250_000),
        ("1.5gbit", 187_500_000),
        ("100gbit", 12_500_000_000),
        ("1000bps", 1000),
        ("500kbps", 500_000),
        ("8kibit", 1024),
        ("1mibps", 1 << 20),
    ],
)
def test_rates_are_written_as_for_tc(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "fast", "0", "7999", "101gbit", "-1mbit", "1 mbit x", "10%", "1e9", "nan", "10mbits", "1" * 40]
)
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|number"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "delay"), [("20ms", 20_000), ("1.5s", 1_500_000), ("300us", 300), ("5", 5)])
def test_times_are_written_as_for_tc(text: str, delay: int) -> None:
    assert parse_delay(text) == delay


@pytest.mark.parametrize("text", ["0ms", "61s", "1h", "ms", "-5ms"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|delay|number"):
        parse_delay(text)


def test_losses() -> None:
    assert (parse_loss("1%"), parse_loss("0.5%"), parse_loss("100%")) == (10_000, 5_000, 1_000_000)
    for text in ("1", "0%", "100.1%", "%", "1ms%"):
        with pytest.raises(ValueError, match=r"loss|number"):
            parse_loss(text)


def test_options_are_read_and_foreign_ones_left_alone() -> None:
    options = {"weft.egress_rate": "8kbit", "weft.delay": "2ms", "weft.jitter": "1ms", "com.example": "x"}
    assert rates_of(options) == Rates(egress=1000, delay=2000, jitter=1000)
    assert not rates_of({"com.example": "x"})
    with pytest.raises(InvalidParameter, match=r"failed to parse weft.loss value: x"):
        rates_of({"weft.loss": "x"})
    with pytest.raises(InvalidParameter, match=r"does not know the option weft.lag: it knows weft.egress_rate"):
        rates_of({"weft.lag": "1ms"})
    with pytest.raises(InvalidParameter, match="more than the delay"):
        rates_of({"weft.jitter": "1ms"})


def test_a_veth_is_limited_at_both_ends() -> None:
    plan = shaping(Rates(egress=1_000_000, ingress=2_000_000_000), NETWORK, VETH, "box")
    assert plan.operations == (
        LimitRate("eth0", 1_000_000, 9018, 72_144 + 9018, "box"),
        LimitRate("veth0", 2_000_000_000, 8_000_000, 108_000_000),
    )
    assert not unshaping(Rates(ingress=1000), VETH, "box")


def test_a_macvlan_is_policed_where_it_enters() -> None:
    plan = shaping(Rates(ingress=1_000_000), NETWORK, MACVLAN, "box")
    (load,) = plan.operations
    assert isinstance(load, LoadTable)
    assert (load.table, load.namespace) == ("weft_rate_eeeeeeeeeeee", "box")
    assert 'hook ingress device "eth0"' in load.ruleset
    assert "limit rate over 1000000 bytes/second burst 1500 bytes" in load.ruleset
    assert unshaping(Rates(ingress=1000), MACVLAN, "box").operations == (DeleteTable(load.table, "box"),)


def test_delay_goes_below_a_rate() -> None:
    delayed, lossy = Rates(delay=5, jitter=1), Rates(egress=1000, loss=10)
    assert shaping(delayed, NETWORK, VETH, "box").operations == (DelayPackets("eth0", 5, 1, 0, False, "box"),)
    assert shaping(lossy, NETWORK, VETH, "box").operations[1] == DelayPackets("eth0", 0, 0, 10, True, "box")


def test_a_burst_holds_the_largest_packet() -> None:
    large = NetworkSpec(name="n", options={"com.docker.network.driver.mtu": "65535"})
    (limit,) = shaping(Rates(egress=1000), large, VETH, "box").operations
    assert isinstance(limit, LimitRate)
    assert limit.burst > 65535


def test_nothing_is_asked_and_nothing_done() -> None:
    assert not shaping(Rates(), NETWORK, VETH, "box")
