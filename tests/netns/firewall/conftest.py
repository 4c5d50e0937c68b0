"""The world that the tests here share: made once, by our own plans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from box import Box
from firewall_world import World, populate, route_to_networks
from plan_runner import PlanRunner

from rig.host import Host
from rig.link import link


@pytest.fixture(scope="module", params=["0", "1"], ids=["bridged", "bridge-netfilter"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The whole of it, made by our own plans; with bridged frames passed by iptables and nft, and without.

    That is the machine's choice (br_netfilter), not ours.
    """
    with Host("weft") as machine, Host("outside") as outside:
        _set_bridge_netfilter(machine, request.param)
        cable = link(machine, outside, "192.0.2.0/24", "2001:db8::/64")
        machine.run(["ip", "addr", "add", "192.0.2.77/24", "dev", cable.interfaces[0]])
        boxes = [Box(host.path("/proc/1/ns/net")) for host in (machine, outside)]
        world = World(machine, outside, PlanRunner(machine), *boxes, bridge_netfilter=request.param == "1")
        populate(world)
        route_to_networks(world, cable.interfaces[1])
        world.outside.serve(80)
        world.host.serve(7777)
        try:
            yield world
        finally:
            for box in (*boxes, *world.boxes.values()):
                box.close()


def _set_bridge_netfilter(machine: Host, value: str) -> None:
    # By a process inside: below /proc/sys/net everybody sees the namespace that they are in themselves.
    for tool in ("iptables", "ip6tables"):
        done = machine.run(["sysctl", "-qw", f"net.bridge.bridge-nf-call-{tool}={value}"], check=False)
        if done.returncode != 0 and value == "1":
            pytest.skip("the module br_netfilter is not loaded")
