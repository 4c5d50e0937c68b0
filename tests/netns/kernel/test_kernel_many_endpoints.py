"""A network of more endpoints than a Linux bridge takes ports."""

import os
import select
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, ip_address, ip_network
from pathlib import Path
from typing import ClassVar

import pytest
from kernel_lab import Lab

from rig.namespace import in_network_namespace
from weft.drivers.bridge import BridgeDriver
from weft.engine.sandbox.shards import ShardBook
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.plan.operations import CreateSandbox, DeleteSandbox

COUNT = 1200
FRAME = 0x88B5  # IEEE 802's EtherType for experiments
SUBNET = ip_network("10.50.0.0/20")
ICC = "com.docker.network.bridge.enable_icc"


@dataclass
class Network:
    """A network of the driver's in a throw-away host, and what is on it."""

    lab: Lab
    record: NetworkRecord
    endpoints: list[Endpoint] = field(default_factory=list)
    sockets: dict[int, socket.socket] = field(default_factory=dict)
    driver: ClassVar = BridgeDriver()

    def attach(self, count: int) -> None:
        book = ShardBook()
        for number in range(count):
            shard = book.first_with_room(self.record, self.driver)
            book.take(self.record.id, shard)
            address = SUBNET.network_address + 2 + number
            endpoint = Endpoint(
                id=f"{number:064x}"[::-1],
                network_id=self.record.id,
                ipv4=IPv4Interface(f"{address}/{SUBNET.prefixlen}"),
                mac_address="02:42:" + address.packed.hex(":"),
                host_link=self.driver.host_link(f"{number:064x}"[::-1]),
                sandbox_link="eth0",
                shard=shard,
            )
            self.endpoints.append(endpoint)
            plan = self.driver.attach(self.record, endpoint, sandbox(number), EndpointSpec())
            self.lab.apply(CreateSandbox(sandbox(number)), *plan)

    def socket(self, number: int) -> socket.socket:
        """A socket for frames of our own on that endpoint's interface."""
        if number not in self.sockets:
            path = self.lab.kernel.sandbox_path(sandbox(number))
            namespace = self.lab.call(lambda: os.open(path, os.O_RDONLY))
            self.sockets[number] = in_network_namespace(Path(f"/proc/self/fd/{namespace}"), packet_socket)
            os.close(namespace)
        return self.sockets[number]

    def remove(self) -> None:
        """Take all of it away, as containers and then a network are removed."""
        with ThreadPoolExecutor(64) as pool:  # side by side: the kernel waits a moment at each
            list(pool.map(socket.socket.close, self.sockets.values()))
        for number, endpoint in enumerate(self.endpoints):
            self.lab.teardown(*self.driver.detach(self.record, endpoint), DeleteSandbox(sandbox(number)))
        self.endpoints.clear()
        facts = self.lab.run(self.lab.kernel.facts())
        self.lab.teardown(*self.driver.delete_network(self.record, facts))

    def reaches(self, sender: int, receiver: int) -> bool:
        """Whether a frame to the receiver's MAC arrives."""
        words = struct.pack("!II", sender, receiver)
        macs = [bytes.fromhex(self.endpoints[each].mac_address.replace(":", "")) for each in (receiver, sender)]
        source, target = self.socket(sender), self.socket(receiver)
        with suppress(BlockingIOError):  # what was flooded to it before
            while target.recv(100, socket.MSG_DONTWAIT):
                pass
        source.send(b"".join(macs) + struct.pack("!H", FRAME) + words.ljust(46))
        while poll(target):
            if target.recv(100)[14:22] == words:
                return True
        return False


def poll(target: socket.socket) -> bool:
    """Whether a frame is there soon; select(2) takes no descriptor above 1,023."""
    waiting = select.poll()
    waiting.register(target, select.POLLIN)
    return bool(waiting.poll(200))


def packet_socket() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.bind(("eth0", FRAME))
    return opened


def sandbox(number: int) -> str:
    return f"s{number}"


@pytest.fixture
def network(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Network]:
    """An empty network; the parameter is its options."""
    options = getattr(request, "param", {})
    pool = Pool(subnet=SUBNET, gateway=ip_address("10.50.0.1"))
    spec = NetworkSpec(name="wide", options=options)
    made = Network(lab, NetworkRecord(id="ab" * 32, created=0, spec=spec, pools=(pool,)))
    lab.run(lab.kernel.apply(made.driver.create_network(made.record, lab.run(lab.kernel.facts()))))
    yield made
    made.remove()


def test_more_endpoints_than_a_bridge_has_ports(network: Network) -> None:
    network.attach(COUNT)
    links = network.lab.links()
    ports: dict[str, int] = {}
    for link in links.values():
        if link.get("linkinfo", {}).get("info_slave_kind") == "bridge":
            ports[link["master"]] = ports.get(link["master"], 0) + 1
    assert ports == {"br-abababababab": 901, "b01-abababababa": COUNT - 900 + 1}
    assert links["b01-abababababa"]["addr_info"] == []
    for number in range(COUNT):
        assert network.reaches(number, (number + 1) % COUNT)
    for number in range(0, COUNT, 20):  # from either bridge to the other, as a rule
        assert network.reaches(number, (number + 700) % COUNT)
    for number in (0, 899, 900, COUNT - 1):
        source, gateway = sandbox(number), "10.50.0.1"
        network.lab.command("busybox", "ping", "-c1", "-W2", gateway, sandbox=source)
        other = str(SUBNET.network_address + 2 + (number + 700) % COUNT)
        network.lab.command("busybox", "ping", "-c1", "-W2", other, sandbox=source)
    facts = network.lab.run(network.lab.kernel.facts())
    assert network.driver.create_network(network.record, facts).operations == () or not any(
        type(operation).__name__ == "CreateBridge" for operation in network.driver.create_network(network.record, facts)
    )
    network.lab.teardown(*network.driver.delete_network(network.record, facts))
    left = [name for name in network.lab.links() if name != "lo" and not name.startswith("veth")]
    assert left == []


@pytest.mark.parametrize("network", [{ICC: "false"}], indirect=True)
def test_a_further_bridge_isolates_too(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.drivers.bridge_shards.FIRST_SIZE", 2)
    monkeypatch.setattr("weft.drivers.bridge_shards.FURTHER_SIZE", 2)
    network.attach(6)
    assert {endpoint.shard for endpoint in network.endpoints} == {0, 1, 2}
    for sender in range(6):
        network.lab.command("busybox", "ping", "-c1", "-W2", "10.50.0.1", sandbox=sandbox(sender))
        assert not network.reaches(sender, (sender + 1) % 6)
        assert not network.reaches(sender, (sender + 3) % 6)


def test_what_was_left_half_made_is_completed(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.drivers.bridge_shards.FIRST_SIZE", 1)
    network.lab.command("ip", "link", "add", "b01-abababababa", "type", "bridge")
    network.lab.command("ip", "link", "add", "t01-abababababa", "type", "veth", "peer", "name", "u01-abababababa")
    network.attach(3)
    assert network.reaches(0, 1)
    assert network.reaches(2, 0)
