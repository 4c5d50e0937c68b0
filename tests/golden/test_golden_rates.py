"""The plans that hold endpoints to their rates, over the option matrix."""

from __future__ import annotations

import pytest
from test_golden_plans import _lines

from golden import DIRECTORY, check
from weft.drivers.rates import rates_of, shaping, unshaping
from weft.model.endpoint import Endpoint
from weft.model.network import NetworkSpec

ENDPOINTS = {
    "veth": Endpoint(id="fedcba9876543210" * 4, network_id="n", host_link="vethfedcba9", sandbox_link="eth0"),
    "macvlan": Endpoint(id="fedcba9876543210" * 4, network_id="n", sandbox_link="eth0"),
}
CASES: dict[str, dict[str, str]] = {
    "egress": {"egress_rate": "10mbit"},
    "ingress": {"ingress_rate": "10mbit"},
    "both_ways_slow_and_fast": {"egress_rate": "8kbit", "ingress_rate": "10gbit"},
    "delay": {"delay": "20ms", "jitter": "2ms", "loss": "1%"},
    "rate_and_loss": {"egress_rate": "1gbit", "loss": "0.5%"},
}


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("name", CASES)
def test_plan(name: str, kind: str) -> None:
    rates = rates_of({f"weft.{key}": value for key, value in CASES[name].items()})
    made = shaping(rates, NetworkSpec(name="n"), ENDPOINTS[kind], "box")
    undone = unshaping(rates, ENDPOINTS[kind], "box")
    text = f"# attach\n{_lines(made)}\n\n# detach\n{_lines(undone)}\n\n# undo attach\n{_lines(made.inverse)}\n"
    check(f"rates/{name}_{kind}.txt", text)


def test_every_file_belongs_to_a_case() -> None:
    expected = {f"{name}_{kind}" for name in CASES for kind in ENDPOINTS}
    assert {path.stem for path in (DIRECTORY / "rates").iterdir()} == expected
