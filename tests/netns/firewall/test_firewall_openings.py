"""What opens more than a gateway mode does, and what less: trusted interfaces, direct routing, marks, policies."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from box import Box
from firewall_world import HOST_V4, HOST_V6, World
from plan_runner import PlanRunner

from rig.host import Host
from rig.link import link
from weft.drivers.bridge import BridgeDriver
from weft.firewall.connected import connected_changed
from weft.firewall.table import load
from weft.model.exposure import parse_exposure
from weft.model.mark import Mark
from weft.plan.operations import LoadTable

TRUSTED = "com.docker.network.bridge.trusted_host_interfaces"
SECOND_V4, SECOND_V6 = "198.51.100.1", "2001:db8:2::1"  # the host's, on the other cable
BOTH = pytest.mark.parametrize("version", [4, 6])
HOST = {4: HOST_V4, 6: HOST_V6}
SECOND = {4: SECOND_V4, 6: SECOND_V6}


@pytest.fixture
def world() -> Iterator[World]:
    """A host with a neighbour at each of two cables, who both route to its networks."""
    with Host("weft") as machine, Host("outside") as outside, Host("second") as second:
        first = link(machine, outside, "192.0.2.0/24", "2001:db8::/64")
        other = link(machine, second, "198.51.100.0/24", "2001:db8:2::/64")
        boxes = [Box(host.path("/proc/1/ns/net")) for host in (machine, outside, second)]
        made = World(machine, outside, PlanRunner(machine), *boxes[:2], bridge_netfilter=False)
        made.boxes["second"] = boxes[2]
        made.runner.apply(load((), ()))
        for version, subnet in ((4, "10.0.0.0/8"), (6, "fd00::/8")):
            outside.run(["ip", "route", "add", subnet, "via", HOST[version], "dev", first.interfaces[1]])
            via = {4: SECOND_V4, 6: SECOND_V6}[version]
            second.run(["ip", "route", "add", subnet, "via", via, "dev", other.interfaces[1]])
        try:
            yield made
        finally:
            for box in (*boxes[:2], *made.boxes.values()):
                box.close()


def _published(world: World, exposure: str = "open", *, direct: bool = True) -> None:
    world.container("web", "net")
    ports = [(address, 8080, 80) for address in ("0.0.0.0", "::")]
    world.publish("web", *ports, direct=direct, exposure=parse_exposure(exposure))


@BOTH
def test_a_trusted_interface_reaches_published_ports_at_the_containers_address(world: World, version: int) -> None:
    world.network("net", "10.1.0.0/24", "fd01::/64", options={TRUSTED: "eth1:wlan0"})
    _published(world)
    address = world.address("web", version)
    assert world.boxes["second"].tcp(address, 80)
    assert world.boxes["second"].silent(address, 81)
    assert world.outside.silent(address, 80)
    assert world.outside.tcp(HOST[version], 8080)


@BOTH
def test_direct_routing_for_the_whole_daemon(world: World, version: int) -> None:
    world.driver = BridgeDriver(direct_routing=True)
    world.network("net", "10.1.0.0/24", "fd01::/64")
    _published(world)
    address = world.address("web", version)
    assert world.outside.tcp(address, 80)
    assert world.outside.silent(address, 81)
    assert not world.pings("outside", address)


def test_a_marked_packet_enters_every_network_but_an_internal_one(world: World) -> None:
    world.network("net", "10.1.0.0/24")
    world.network("inner", "10.2.0.0/24", internal=True)
    world.container("web", "net")
    world.container("hidden", "inner")
    assert world.outside.silent(world.address("web"), 81)
    world.runner.apply(load([world.driver.segment(each) for each in world.networks.values()], (), (), (), Mark(2, 6)))
    assert world.outside.silent(world.address("web"), 81)
    # a rule of the user's own marks what comes from one host; bit 0 is not ours to look at
    own = "table ip mine { chain in { type filter hook prerouting priority 0; ip saddr 192.0.2.2 meta mark set 3; }; }"
    world.machine.run(["nft", "-f", "-"], stdin=own)
    assert world.outside.tcp(world.address("web"), 81)
    assert world.outside.silent(world.address("hidden"), 81)
    assert world.boxes["second"].silent(world.address("web"), 81)


@BOTH
@pytest.mark.parametrize("way", ["host", "direct"])
def test_published_for_the_host_alone(world: World, version: int, way: str) -> None:
    world.driver = BridgeDriver(direct_routing=True)
    world.network("net", "10.1.0.0/24", "fd01::/64")
    world.network("beside", "10.2.0.0/24", "fd02::/64")
    world.container("other", "beside")
    _published(world, "localhost")
    where = (HOST[version], 8080) if way == "host" else (world.address("web", version), 80)
    assert world.host.tcp(*where)
    assert world.outside.silent(*where)
    assert world.boxes["other"].silent(*where)
    if version == 4 and way == "host":
        assert world.host.tcp("127.0.0.1", 8080)
    assert _refused(world) > 0


@BOTH
def test_published_for_a_list_of_prefixes(world: World, version: int) -> None:
    world.network("net", "10.1.0.0/24", "fd01::/64")
    world.network("beside", "10.2.0.0/24", "fd02::/64")
    world.container("other", "beside")
    _published(world, "192.0.2.0/28,10.2.0.0/16,2001:db8::2,fd02::/16")
    assert world.outside.tcp(HOST[version], 8080)
    assert world.boxes["other"].tcp(HOST[version], 8080)
    assert world.boxes["second"].silent(SECOND[version], 8080)


@BOTH
def test_published_for_the_local_network(world: World, version: int) -> None:
    """Private addresses are local, and so are those of whom the host is directly connected to; others are not."""
    world.network("net", "10.1.0.0/24", "fd01::/64")
    world.network("beside", "10.2.0.0/24", "fd02::/64")
    world.container("other", "beside")
    _published(world, "lan")
    assert world.boxes["other"].tcp(HOST[version], 8080)
    assert world.outside.silent(HOST[version], 8080)
    neighbours = {4: ip_network("192.0.2.0/24"), 6: ip_network("2001:db8::/64")}[version]
    world.runner.apply(connected_changed((), (neighbours,)))
    assert world.outside.tcp(HOST[version], 8080)
    assert world.boxes["second"].silent(SECOND[version], 8080)
    world.runner.apply(connected_changed((neighbours,), ()))
    assert world.outside.silent(HOST[version], 8080)


@BOTH
def test_a_policy_holds_on_an_unprotected_network_too(world: World, version: int) -> None:
    modes = {f"com.docker.network.bridge.gateway_mode_ipv{number}": "nat-unprotected" for number in (4, 6)}
    world.network("net", "10.1.0.0/24", "fd01::/64", options=modes)
    _published(world, "localhost", direct=False)
    assert world.outside.tcp(world.address("web", version), 81)
    assert world.outside.silent(world.address("web", version), 80)
    assert world.outside.silent(HOST[version], 8080)


@BOTH
def test_segments_fit_the_narrowest_link(world: World, version: int) -> None:
    """The host's cable is narrower than both ends know; nobody tells them but the handshake."""
    world.network("net", "10.1.0.0/24", "fd01::/64")
    _published(world)
    world.machine.run(["ip", "link", "set", "eth0", "mtu", "1300"])
    largest = 1300 - {4: 40, 6: 60}[version]
    assert world.outside.segment(HOST[version], 8080) <= largest
    world.outside.serve(9000)
    neighbour = {4: "192.0.2.2", 6: "2001:db8::2"}[version]
    assert world.boxes["web"].segment(neighbour, 9000) <= largest


def test_removal_leaves_nothing(world: World) -> None:
    world.network("net", "10.1.0.0/24", "fd01::/64", options={TRUSTED: "eth1"})
    before = world.machine.output("nft", "list", "table", "inet", "weft")
    _published(world, "192.0.2.0/24,2001:db8::/32")
    published = world.machine.output("nft", "list", "table", "inet", "weft")
    assert published != before
    assert "goto listed" in published.split("chain raw_prerouting")[0]
    world.withdraw("web", direct=True, exposure=parse_exposure("192.0.2.0/24,2001:db8::/32"))
    assert world.machine.output("nft", "list", "table", "inet", "weft") == before


def test_the_whole_table_holds_the_mark(world: World) -> None:
    (operation,) = load((), (), (), (), Mark(0x10, 0xF0))
    assert isinstance(operation, LoadTable)
    assert "meta mark & 0xf0 == 0x10 accept" in operation.ruleset


def _refused(world: World) -> int:
    listing = world.machine.output("nft", "list", "chain", "inet", "weft", "refused")
    return int(listing.split("packets ")[1].split()[0])
