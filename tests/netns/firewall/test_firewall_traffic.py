"""What gets through and what does not, with real packets."""

from __future__ import annotations

import pytest
from firewall_world import HOST_V4, HOST_V6, OUTSIDE_V4, OUTSIDE_V6, World

HOST = {4: HOST_V4, 6: HOST_V6}
OUTSIDE = {4: OUTSIDE_V4, 6: OUTSIDE_V6}
BOTH = pytest.mark.parametrize("version", [4, 6])


@BOTH
def test_neighbours_see_each_other_s_own_address(world: World, version: int) -> None:
    assert world.pings("a1", world.address("a2", version))
    assert world.box("a2").tcp(world.address("a1", version), 81) == world.address("a2", version)
    assert world.box("a2").udp(world.address("a1", version), 81) == world.address("a2", version)


@BOTH
def test_the_host_reaches_every_endpoint(world: World, version: int) -> None:
    for name in ("a1", "b1", "i1", "s1"):
        assert world.pings("host", world.address(name, version))
        world.box("host").tcp(world.address(name, version), 81)


@BOTH
def test_networks_are_apart(world: World, version: int) -> None:
    for one, other in (("a1", "b1"), ("b1", "a1"), ("a1", "s1"), ("a1", "i1"), ("i1", "a1")):
        assert not world.pings(one, world.address(other, version))
    assert world.box("a1").silent(world.address("b1", version), 80)


@BOTH
def test_out_by_the_host_s_address(world: World, version: int) -> None:
    assert world.box("a1").tcp(OUTSIDE[version], 80) == HOST[version]
    assert world.box("a1").udp(OUTSIDE[version], 80) == HOST[version]
    assert world.pings("a1", OUTSIDE[version])


def test_out_without_masquerading_and_by_a_chosen_address(world: World) -> None:
    assert world.box("p1").tcp(OUTSIDE_V4, 80) == world.address("p1")
    assert world.box("f1").tcp(OUTSIDE_V4, 80) == "192.0.2.77"


def test_a_network_of_ipv4_alone_has_no_ipv6(world: World) -> None:
    shown = world.machine.output("ip", "netns", "exec", "v1", "ip", "-6", "addr", "show", "dev", "eth0")
    assert shown == ""
    bridge = world.driver.segment(world.networks["v4"]).bridge
    assert world.machine.output("ip", "-6", "addr", "show", "dev", bridge) == ""


@BOTH
def test_a_published_port_from_outside_keeps_the_client_s_address(world: World, version: int) -> None:
    assert world.box("outside").tcp(HOST[version], 8080) == OUTSIDE[version]
    assert world.box("outside").udp(HOST[version], 8080) == OUTSIDE[version]
    assert world.box("outside").tcp(HOST[version], 9090) == OUTSIDE[version]


def test_a_port_within_a_run(world: World) -> None:
    assert world.box("outside").tcp(HOST_V4, 8000) == OUTSIDE_V4
    assert world.box("outside").udp(HOST_V4, 8000) == OUTSIDE_V4
    assert world.box("host").tcp("127.0.0.1", 8000) == "10.1.0.1"


@BOTH
def test_a_published_port_from_the_host_itself(world: World, version: int) -> None:
    assert world.box("host").tcp(HOST[version], 8080) == HOST[version]
    assert world.box("host").udp(HOST[version], 9090) == HOST[version]


def test_a_published_port_by_loopback(world: World) -> None:
    assert world.box("host").tcp("127.0.0.1", 8080) == "10.1.0.1"
    assert world.box("host").udp("127.0.0.1", 8080) == "10.1.0.1"
    assert world.box("host").tcp("127.5.6.7", 8080) == "10.1.0.1"
    assert world.box("host").tcp("127.0.0.1", 9191) == "10.2.0.1"


def test_a_port_bound_to_one_address_is_not_on_another(world: World) -> None:
    with pytest.raises(ConnectionRefusedError):
        world.box("host").tcp("127.0.0.1", 9090)
    with pytest.raises(ConnectionRefusedError):
        world.box("outside").tcp(HOST_V4, 9191)


def test_ipv6_loopback_is_left_to_the_daemon(world: World) -> None:
    with pytest.raises(ConnectionRefusedError):
        world.box("host").tcp("::1", 8080)


@BOTH
@pytest.mark.parametrize("who", ["a1", "a2"])
def test_an_endpoint_s_own_and_its_neighbour_s_published_port(world: World, version: int, who: str) -> None:
    gateway = {4: "10.1.0.1", 6: "fd01::1"}[version]
    assert world.box(who).tcp(HOST[version], 8080) == gateway
    assert world.box(who).udp(HOST[version], 8080) == gateway
    assert world.box(who).tcp(gateway, 8080) == gateway


@BOTH
def test_a_published_port_from_another_network(world: World, version: int) -> None:
    for address in (HOST[version], {4: "10.2.0.1", 6: "fd02::1"}[version]):
        assert world.box("b1").tcp(address, 8080) == {4: "10.1.0.1", 6: "fd01::1"}[version]
    world.box("b1").udp(HOST[version], 8080)
    assert world.box("p1").tcp(HOST_V4, 8080) == world.address("p1")


@BOTH
def test_nothing_else_is_reached_from_outside(world: World, version: int) -> None:
    """Neither an unpublished port, nor a published one at the endpoint's own address."""
    for name in ("a1", "b1", "s1", "i1"):
        assert not world.pings("outside", world.address(name, version))
    assert world.box("outside").silent(world.address("a1", version), 81)
    assert world.box("outside").silent(world.address("a1", version), 80)


def test_an_unprotected_network_is_reached_from_everywhere(world: World) -> None:
    assert world.box("outside").tcp(world.address("o1"), 81) == OUTSIDE_V4
    assert world.pings("a1", world.address("o1"))
    assert world.box("i1").silent(world.address("o1"), 81) or not world.pings("i1", world.address("o1"))


@BOTH
def test_an_internal_network_leads_nowhere(world: World, version: int) -> None:
    assert world.pings("i1", world.address("i2", version))
    assert world.pings("i1", {4: "10.4.0.1", 6: "fd04::1"}[version])
    for address in (OUTSIDE[version], world.address("a1", version)):
        assert not world.pings("i1", address)
    # Even with a route, which only a privileged container could give itself.
    gateway = {4: "10.4.0.1", 6: "fd04::1"}[version]
    world.machine.run(["ip", "netns", "exec", "i1", "ip", "route", "add", "default", "via", gateway])
    try:
        assert not world.pings("i1", OUTSIDE[version])
        assert world.box("i1").silent(world.address("a1", version), 80)
        assert world.box("i1").silent(HOST[version], 8080)
    finally:
        world.machine.run(["ip", "netns", "exec", "i1", "ip", "route", "del", "default", "via", gateway])


@BOTH
def test_without_communication_only_published_ports_join_neighbours(world: World, version: int) -> None:
    assert not world.pings("s2", world.address("s1", version))
    if world.bridge_netfilter:  # the bridge then redirects from port to port itself, and these are kept apart
        assert world.box("s2").silent(HOST[version], 5050)
    else:
        assert world.box("s2").tcp(HOST[version], 5050) == {4: "10.5.0.1", 6: "fd05::1"}[version]
    assert world.box("s1").tcp(OUTSIDE[version], 80) == HOST[version]


def test_without_communication_not_by_way_of_the_host_either(world: World) -> None:
    """A neighbour's address routed to the gateway comes back to the same bridge."""
    other = world.address("s1")
    world.machine.run(["ip", "netns", "exec", "s2", "ip", "route", "add", f"{other}/32", "via", "10.5.0.1"])
    try:
        assert world.box("s2").silent(other, 80)
    finally:
        world.machine.run(["ip", "netns", "exec", "s2", "ip", "route", "del", f"{other}/32"])


def test_loopback_ports_are_not_the_neighbour_s(world: World) -> None:
    """Who sends 127.0.0.1 to this host gets nothing, even where the host's own interface would let it in."""
    world.machine.run(["sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1"])
    outside = world.outside_machine
    outside.run(["sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1"])
    # 127.0.0.1 leaves only where the table of local addresses comes after one that says so.
    outside.run(["ip", "route", "add", "127.0.0.1", "via", HOST_V4, "dev", "eth0", "src", OUTSIDE_V4, "table", "100"])
    outside.run(["ip", "rule", "add", "pref", "1", "to", "127.0.0.1", "lookup", "100"])
    outside.run(["ip", "rule", "add", "pref", "2", "lookup", "local"])
    outside.run(["ip", "rule", "del", "pref", "0"])
    before = _dropped(world, "loopback from outside")
    assert world.box("outside").silent("127.0.0.1", 9191)
    assert _dropped(world, "loopback from outside") > before


def _dropped(world: World, comment: str) -> int:
    listing = world.machine.output("nft", "list", "chain", "inet", "weft", "raw_prerouting")
    line = next(line for line in listing.splitlines() if comment in line)
    return int(line.split("packets ")[1].split()[0])


def test_the_whole_table_again_is_the_same_table(world: World) -> None:
    before = _without_counters(world.machine.output("nft", "-s", "list", "ruleset"))
    world.runner.apply(world.table())
    assert _without_counters(world.machine.output("nft", "-s", "list", "ruleset")) == before
    world.machine.run(["nft", "flush", "ruleset"])
    world.runner.apply(world.table())
    assert world.box("outside").tcp(HOST_V4, 8080) == OUTSIDE_V4


def _without_counters(listing: str) -> list[str]:
    """Sorted, since the kernel lists a hash map's elements in no order."""
    return sorted(line.strip().removeprefix("elements = { ").rstrip(", }") for line in listing.splitlines())
