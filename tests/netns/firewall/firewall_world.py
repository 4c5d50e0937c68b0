"""One host with networks of every kind, and an outside host that routes to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_network

from box import Box
from plan_runner import PlanRunner

from rig.host import Host
from weft.drivers.bridge import BridgeDriver
from weft.drivers.contract import LinkFact
from weft.drivers.mac import mac_address
from weft.firewall.network import network_added
from weft.firewall.publication import publications
from weft.firewall.publish import ports_published, ports_unpublished
from weft.firewall.table import load
from weft.ipam.pool import AddressPool
from weft.ipam.resolve import resolve_pools
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.exposure import OPEN, Exposure
from weft.model.network import NetworkRecord, NetworkSpec, PoolSpec
from weft.model.port import ContainerPort, Protocol, PublishedPort
from weft.model.segment import Segment
from weft.plan.operations import CreateSandbox
from weft.plan.plan import Plan


class NoLinks:
    """A host without interfaces of ours."""

    def link(self, name: str) -> LinkFact | None:
        return None

    def link_names(self) -> tuple[str, ...]:
        return ()


@dataclass
class World:
    """`host` runs the table, `outside` is a neighbour of it with routes to every network."""

    machine: Host
    outside_machine: Host
    runner: PlanRunner
    host: Box
    outside: Box
    bridge_netfilter: bool
    driver: BridgeDriver = field(default_factory=BridgeDriver)
    boxes: dict[str, Box] = field(default_factory=dict)
    networks: dict[str, NetworkRecord] = field(default_factory=dict)
    pools: dict[str, dict[int, AddressPool]] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    published: dict[str, tuple[PublishedPort, ...]] = field(default_factory=dict)

    def network(self, name: str, *subnets: str, internal: bool = False, options: Mapping[str, str] = {}) -> None:
        """Make a network by the driver's and the firewall's plans."""
        spec = NetworkSpec(
            name=name,
            ipv6=any(":" in subnet for subnet in subnets),
            internal=internal,
            pools=tuple(PoolSpec(subnet=ip_network(subnet)) for subnet in subnets),
            options=options,
        )
        pools = resolve_pools(spec, host_id="", without_gateway=self.driver.without_gateway(spec))
        record = NetworkRecord(id=f"{len(self.networks) + 1:02x}" * 32, created=0, spec=spec, pools=pools)
        self.networks[name] = record
        self.pools[name] = {pool.subnet.version: AddressPool(pool) for pool in pools}
        self.runner.apply(self.driver.create_network(record, NoLinks()) + network_added(self.driver.segment(record)))

    def container(self, name: str, network: str) -> None:
        """Make a sandbox with one endpoint and servers on ports 80, 81 and 8000 of it."""
        record, number = self.networks[network], len(self.endpoints) + 1
        interfaces = [pool.take() for pool in self.pools[network].values()]
        gateway_ipv4, gateway_ipv6 = self.driver.gateways(record)
        endpoint = Endpoint(
            id=f"{number:02x}" * 32,
            network_id=record.id,
            ipv4=next((each for each in interfaces if isinstance(each, IPv4Interface)), None),
            ipv6=next((each for each in interfaces if isinstance(each, IPv6Interface)), None),
            gateway_ipv4=gateway_ipv4,
            gateway_ipv6=gateway_ipv6,
            mac_address=mac_address(bytes([0, 0, 0, 0, 0, number])),
            host_link=self.driver.host_link(f"{number:02x}" * 32),
            sandbox_link=self.driver.sandbox_link(record, EndpointSpec(), ()),
        )
        attach = self.driver.attach(record, endpoint, name, EndpointSpec())
        self.runner.apply(Plan((CreateSandbox(name),)) + attach + self.driver.gateway(record, endpoint, name))
        self.endpoints[name] = endpoint
        self.boxes[name] = Box(self.machine.path(f"/run/netns/{name}"))
        self.boxes[name].serve(80, 81, 8000)

    def publish(
        self, container: str, *ports: tuple[str, int, int], direct: bool = False, exposure: Exposure = OPEN
    ) -> None:
        """Publish (host address, host port, container port), each for TCP and UDP; host port 0 in routed networks."""
        self.published[container] = tuple(
            PublishedPort(ContainerPort(number, protocol), ip_address(address), host_port)
            for address, host_port, number in ports
            for protocol in (Protocol.TCP, Protocol.UDP)
        )
        endpoint = self.endpoints[container]
        made = publications(self.published[container], endpoint, direct=direct, exposure=lambda _: exposure)
        self.runner.apply(ports_published(made))

    def withdraw(self, container: str, *, direct: bool = False, exposure: Exposure = OPEN) -> None:
        """Take back what was published, as it was."""
        ports, endpoint = self.published.pop(container), self.endpoints[container]
        made = publications(ports, endpoint, direct=direct, exposure=lambda _: exposure)
        self.runner.apply(ports_unpublished(made))

    def table(self) -> Plan:
        """The plan that makes the whole table again."""
        segments: list[Segment] = [self.driver.segment(record) for record in self.networks.values()]
        held = [each for name, ports in self.published.items() for each in publications(ports, self.endpoints[name])]
        return load(segments, held)

    def box(self, name: str) -> Box:
        """The host, the outside, or a container."""
        return {"host": self.host, "outside": self.outside}.get(name) or self.boxes[name]

    def address(self, container: str, version: int = 4) -> str:
        """A container's own address."""
        endpoint = self.endpoints[container]
        interface = endpoint.ipv4 if version == 4 else endpoint.ipv6
        assert interface is not None
        return str(interface.ip)

    def pings(self, sender: str, address: str) -> bool:
        """Whether `address` answers a ping of a container, of the host or of the outside."""
        machine = self.outside_machine if sender == "outside" else self.machine
        prefix = [] if sender in ("host", "outside") else ["ip", "netns", "exec", sender]
        ping = ["busybox", "ping", "-c1", "-W1", address]
        return machine.run([*prefix, *ping], check=False).returncode == 0


HOST_V4, HOST_V6 = "192.0.2.1", "2001:db8::1"
OUTSIDE_V4, OUTSIDE_V6 = "192.0.2.2", "2001:db8::2"


def populate(world: World) -> None:
    """Networks of every kind, endpoints on them, and ports published."""
    bridge = "com.docker.network.bridge."
    world.runner.apply(load((), ()))
    world.network("a", "10.1.0.0/24", "fd01::/64")
    world.network("b", "10.2.0.0/24", "fd02::/64")
    world.network("v4", "10.3.0.0/24")
    world.network("inner", "10.4.0.0/24", "fd04::/64", internal=True)
    world.network("strict", "10.5.0.0/24", "fd05::/64", options={bridge + "enable_icc": "false"})
    world.network("open", "10.6.0.0/24", options={bridge + "gateway_mode_ipv4": "nat-unprotected"})
    world.network("plain", "10.7.0.0/24", options={bridge + "enable_ip_masquerade": "false"})
    world.network("source", "10.8.0.0/24", options={"com.docker.network.host_ipv4": "192.0.2.77"})
    for name, network in {"a1": "a", "a2": "a", "b1": "b", "v1": "v4", "i1": "inner", "i2": "inner"}.items():
        world.container(name, network)
    for name, network in {"s1": "strict", "s2": "strict", "o1": "open", "p1": "plain", "f1": "source"}.items():
        world.container(name, network)
    world.publish("a1", ("0.0.0.0", 8080, 80), ("::", 8080, 80), *[("0.0.0.0", n, n) for n in range(7950, 8050)])
    world.publish("b1", (HOST_V4, 9090, 80), ("127.0.0.1", 9191, 80), (HOST_V6, 9090, 80))
    world.publish("s1", ("0.0.0.0", 5050, 80), ("::", 5050, 80))


def route_to_networks(world: World, interface: str) -> None:
    """Let the outside host reach every endpoint directly, but for what the table says."""
    for record in world.networks.values():
        for pool in record.pools:
            via = HOST_V4 if pool.subnet.version == 4 else HOST_V6
            world.outside_machine.run(["ip", "route", "add", str(pool.subnet), "via", via, "dev", interface])
