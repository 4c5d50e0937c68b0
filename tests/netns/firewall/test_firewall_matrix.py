"""Who reaches what: gateway mode, IP version, way of publishing, and where the client stands, against a table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from box import Box
from firewall_world import HOST_V4, HOST_V6, World
from plan_runner import PlanRunner

from rig.host import Host
from rig.link import link
from weft.firewall.table import load

# By the host's port ("host"), at the container's own address ("direct"), "both", or not at all.
TABLE = """
mode             port         same-host  same-net  other-net  neighbour  remote
nat              unpublished  direct     direct    -          -          -
nat              anywhere     both       both      host       host       host
nat              address      both       both      host       host       host
nat              loopback     both       direct    -          -          -
nat              ping         direct     direct    -          -          -
routed           unpublished  direct     direct    -          -          -
routed           anywhere     direct     direct    direct     direct     direct
routed           ping         direct     direct    direct     direct     direct
nat-unprotected  unpublished  direct     direct    direct     direct     direct
nat-unprotected  anywhere     both       both      both       both       both
nat-unprotected  address      both       both      both       both       both
nat-unprotected  loopback     both       direct    direct     direct     direct
nat-unprotected  ping         direct     direct    direct     direct     direct
isolated         unpublished  -          direct    -          -          -
isolated         ping         -          direct    -          -          -
"""
HEAD, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CLIENTS = HEAD[2:]
CASES = [(row[0], version, row[1], client, way) for row in ROWS for version in (4, 6)
         for client, way in zip(CLIENTS, row[2:], strict=True)]  # fmt: skip

MODES = ("nat", "routed", "nat-unprotected", "isolated")
NUMBERS = {"unpublished": 81, "anywhere": 80, "address": 82, "loopback": 83}
HOST = {4: HOST_V4, 6: HOST_V6}
LOCAL = {4: "127.0.0.1", 6: "::1"}
ANYWHERE = {4: "0.0.0.0", 6: "::"}
BRIDGE = "com.docker.network.bridge."


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A network of each mode, a plain one beside them, a neighbour with routes, and a host behind it."""
    with Host("weft") as machine, Host("outside") as neighbour, Host("remote") as remote:
        cable = link(machine, neighbour, "192.0.2.0/24", "2001:db8::/64")
        beyond = link(neighbour, remote, "198.51.100.0/24", "2001:db8:9::/64")
        boxes = [Box(host.path("/proc/1/ns/net")) for host in (machine, neighbour, remote)]
        made = World(machine, neighbour, PlanRunner(machine), *boxes[:2], bridge_netfilter=False)
        made.boxes["remote"] = boxes[2]
        made.runner.apply(load((), ()))
        for number, mode in enumerate(MODES, 1):
            _network(made, mode, number)
        made.network("plain", "10.9.0.0/24", "fd09::/64")
        made.container("other", "plain")
        _routes(made, neighbour, remote, cable.interfaces, beyond.interfaces)
        try:
            yield made
        finally:
            for box in (*boxes[:2], *made.boxes.values()):
                box.close()


def _network(world: World, mode: str, number: int) -> None:
    options = {f"{BRIDGE}gateway_mode_ipv{version}": mode for version in (4, 6)}
    world.network(mode, f"10.{number}.0.0/24", f"fd0{number}::/64", internal=mode == "isolated", options=options)
    for name in (mode, f"{mode}-mate"):
        world.container(name, mode)
        world.boxes[name].serve(82, 83)
    if mode == "routed":
        world.publish(mode, *[(ANYWHERE[version], 0, 80) for version in (4, 6)])
    elif mode != "isolated":
        world.publish(
            mode,
            *[(ANYWHERE[version], _host_port(mode, "anywhere"), 80) for version in (4, 6)],
            *[(HOST[version], _host_port(mode, "address"), 82) for version in (4, 6)],
            ("127.0.0.1", _host_port(mode, "loopback"), 83),
        )


def _host_port(mode: str, port: str) -> int:
    return 8000 + 100 * MODES.index(mode) + NUMBERS[port]


def _routes(world: World, neighbour: Host, remote: Host, cable: tuple[str, str], beyond: tuple[str, str]) -> None:
    """Everybody knows a way to every network: what stops them is the table alone."""
    for version, via, back in ((4, HOST_V4, "192.0.2.2"), (6, HOST_V6, "2001:db8::2")):
        for record in world.networks.values():
            pool = record.pool_of(version)
            assert pool is not None
            neighbour.run(["ip", "route", "add", str(pool.subnet), "via", via, "dev", cable[1]])
        gateway, far = {4: ("198.51.100.1", "198.51.100.0/24"), 6: ("2001:db8:9::1", "2001:db8:9::/64")}[version]
        remote.run(["ip", f"-{version}", "route", "add", "default", "via", gateway, "dev", beyond[1]])
        world.machine.run(["ip", "route", "add", far, "via", back, "dev", cable[0]])
    neighbour.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])


@pytest.mark.parametrize(("mode", "version", "port", "client", "way"), CASES)
def test_who_reaches_what(world: World, mode: str, version: int, port: str, client: str, way: str) -> None:
    name = {"same-host": "host", "same-net": f"{mode}-mate", "other-net": "other", "neighbour": "outside"}
    sender = name.get(client, client)
    if port == "ping":
        assert _pings(world, sender, world.address(mode, version)) is (way == "direct")
        return
    box, number = world.box(sender), NUMBERS[port]
    assert _reaches(box, world.address(mode, version), number) is (way in ("direct", "both"))
    if mode in ("routed", "isolated") or port == "unpublished":
        return
    if (port, version) == ("loopback", 6):  # not to be had from the kernel: no such publication is made
        return
    here = port == "loopback" and client == "same-host"
    address = LOCAL[version] if here else HOST[version]
    assert _reaches(box, address, _host_port(mode, port)) is (way in ("host", "both"))


def _reaches(box: Box, address: str, port: int) -> bool:
    """Whether both protocols get through, and not one alone."""
    answers = [_answers(ask, address, port) for ask in (box.tcp, box.udp)]
    assert answers[0] is answers[1], f"{address} port {port}: TCP and UDP differ: {answers}"
    return answers[0]


def _answers(ask: object, address: str, port: int) -> bool:
    try:
        ask(address, port, timeout=0.4)  # type: ignore[operator]
    except OSError:
        return False
    return True


def _pings(world: World, sender: str, address: str) -> bool:
    if sender != "remote":
        return world.pings(sender, address)
    return world.boxes["remote"].pings(address)


def test_a_routed_network_is_not_translated(world: World) -> None:
    """Neither in nor out: the client's address is seen, and the container's own."""
    world.outside.serve(9000)
    for version, neighbour in ((4, "192.0.2.2"), (6, "2001:db8::2")):
        assert world.outside.tcp(world.address("routed", version), 80) == neighbour
        assert world.boxes["routed"].tcp(neighbour, 9000) == world.address("routed", version)
        assert world.boxes["nat"].tcp(neighbour, 9000) == HOST[version]


def test_the_policy_of_forward_makes_no_difference_to_routed_ports(world: World) -> None:
    """What another table drops is that table's to say; ours alone decides between the published and the others."""
    listing = world.machine.output("nft", "list", "chain", "inet", "weft", "forward")
    assert "policy accept" in listing
    assert _reaches(world.outside, world.address("routed"), 80)
    assert not _reaches(world.outside, world.address("routed"), 81)
