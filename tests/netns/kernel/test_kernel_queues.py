"""Rates, delay and loss, checked with tc(8)."""

import json
from typing import Any

import pytest
from kernel_lab import Lab

from weft.model.errors import SystemFailure
from weft.plan.operations import ClearQueue, CreateSandbox, CreateVeth, DelayPackets, LimitRate

MAC = "02:42:ac:11:00:02"
PAIR = (CreateSandbox("box"), CreateVeth("veth0", "box", "eth0", MAC))


def queues(lab: Lab, link: str, sandbox: str = "") -> list[dict[str, Any]]:
    found = json.loads(lab.command("tc", "-j", "qdisc", "show", "dev", link, sandbox=sandbox))
    return [queue for queue in found if queue["kind"] != "noqueue"]


def has_netem(lab: Lab) -> bool:
    try:
        lab.command("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1us")
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("rate", [1000, 1_250_000, 125_000_000, 1_250_000_000, 12_500_000_000])
def test_rates_and_bursts_arrive_as_given(lab: Lab, rate: int) -> None:
    burst = max(rate // 250, 9018)
    lab.apply(*PAIR, LimitRate("eth0", rate, burst, 10 * burst, "box"), LimitRate("veth0", rate, burst, 10 * burst))
    for link, sandbox in (("eth0", "box"), ("veth0", "")):
        (queue,) = queues(lab, link, sandbox)
        assert (queue["kind"], queue["handle"], queue["root"]) == ("tbf", "1:", True)
        assert queue["options"]["rate"] == rate
        assert abs(queue["options"]["burst"] - burst) <= max(burst // 50, 2 * rate // 10**6)  # tc counts in 64 ns


def test_a_rate_is_changed_and_cleared(lab: Lab) -> None:
    lab.apply(*PAIR, LimitRate("veth0", 1_250_000, 9018, 90_000))
    lab.apply(LimitRate("veth0", 2_500_000, 10_000, 90_000))
    assert [queue["options"]["rate"] for queue in queues(lab, "veth0")] == [2_500_000]
    lab.apply(ClearQueue("veth0"))
    assert queues(lab, "veth0") == []
    lab.apply(ClearQueue("veth0"), ClearQueue("nobody"))  # nothing to do is no error


def test_what_cannot_be_had_is_named_and_undone(lab: Lab) -> None:
    lab.apply(*PAIR)
    with pytest.raises(SystemFailure, match="cannot limit the rate of link nobody: link nobody: No such device"):
        lab.apply(LimitRate("veth0", 1_250_000, 9018, 90_000), LimitRate("nobody", 1000, 9018, 90_000))
    assert queues(lab, "veth0") == []


@pytest.mark.parametrize("below", [False, True])
def test_delay_and_loss(lab: Lab, *, below: bool) -> None:
    rate = (LimitRate("eth0", 1_250_000, 9018, 90_000, "box"),) if below else ()
    delay = DelayPackets("eth0", 20_000, 2_000, 10_000, below, "box")
    lab.apply(*PAIR)
    if not has_netem(lab):
        with pytest.raises(SystemFailure, match="the kernel lacks netem: enable CONFIG_NET_SCH_NETEM"):
            lab.apply(*rate, delay)
        assert queues(lab, "eth0", "box") == []
        return
    lab.apply(*rate, delay)
    netem = queues(lab, "eth0", "box")[-1]
    assert (netem["kind"], netem["handle"], netem.get("parent")) == ("netem", "10:", "1:1" if below else None)
    assert netem["options"]["delay"] == {"delay": 0.02, "jitter": 0.002, "correlation": 0}
    assert netem["options"]["loss-random"]["loss"] == pytest.approx(0.01, abs=1e-6)
