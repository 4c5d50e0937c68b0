"""Facts, listeners, flows, and what a restart finds."""

import os
import socket
import subprocess
from ipaddress import ip_address, ip_interface, ip_network

from kernel_lab import Lab

from weft.engine.contract.kernel import Listener
from weft.model.port import Protocol
from weft.plan.operations import (
    AddAddress,
    AddElements,
    AddRoute,
    CreateBridge,
    CreateSandbox,
    CreateVeth,
    DeleteLink,
    DeleteSandbox,
    Element,
    ForgetFlows,
    LoadTable,
)

ANY, LOCAL = ip_address("0.0.0.0"), ip_address("127.0.0.1")
DNAT = """
 map pm { type inet_proto . inet_service : ipv4_addr . inet_service; }
 chain out { type nat hook output priority -100; policy accept;
  fib daddr type local dnat ip to meta l4proto . th dport map @pm
 }
"""


def test_facts(lab: Lab) -> None:
    lab.apply(
        CreateBridge("br0", mtu=1400, mac="02:42:00:00:00:01", alias="net-1"),
        AddAddress("br0", ip_interface("172.17.0.1/16")),
        AddAddress("br0", ip_interface("fd00::1/64")),
        CreateSandbox("s1"),
        CreateVeth("veth1", "s1", "eth0", "", "br0"),
        LoadTable("weft", ""),
    )
    facts = lab.run(lab.kernel.facts())
    bridge, veth, loopback = (facts.link(name) for name in ("br0", "veth1", "lo"))
    assert bridge is not None
    assert (bridge.kind, bridge.mtu, bridge.mac, bridge.alias) == ("bridge", 1400, "02:42:00:00:00:01", "net-1")
    assert bridge.up
    assert {ip_interface("172.17.0.1/16"), ip_interface("fd00::1/64")} <= set(bridge.addresses)
    assert veth is not None
    assert (veth.kind, veth.master) == ("veth", bridge.index)
    assert loopback is not None
    assert (loopback.kind, loopback.addresses[0]) == ("", ip_interface("127.0.0.1/8"))
    assert ip_network("172.17.0.0/16") in facts.routes
    assert ip_network("fd00::/64") in facts.routes
    assert (facts.sandboxes, facts.tables, facts.default_mtu) == ({"s1"}, {"weft"}, 1500)


def test_default_mtu_is_that_of_the_default_route(lab: Lab) -> None:
    lab.apply(CreateBridge("br0", mtu=1280), AddAddress("br0", ip_interface("172.17.0.1/16")))
    lab.apply(AddRoute(ip_network("0.0.0.0/0"), "br0", ip_address("172.17.0.2")))
    facts = lab.run(lab.kernel.facts())
    assert facts.default_mtu == 1280
    assert ip_network("0.0.0.0/0") not in facts.routes


def test_listeners(lab: Lab) -> None:
    made = lab.call(lambda: [socket.create_server(("127.0.0.1", 8080)), _dual(8081), _only_ipv6(8082), _udp(53)])
    client = lab.call(lambda: socket.create_connection(("127.0.0.1", 8080)))
    try:
        found = lab.run(lab.kernel.listeners())
    finally:
        for opened in (*made, client):
            opened.close()
    everywhere = ip_address("::")
    assert found == {
        Listener(Protocol.TCP, LOCAL, 8080),
        Listener(Protocol.TCP, everywhere, 8081),
        Listener(Protocol.TCP, ANY, 8081),
        Listener(Protocol.TCP, everywhere, 8082),
        Listener(Protocol.UDP, ANY, 53),
    }


def test_ephemeral_ports(lab: Lab) -> None:
    lab.command("sh", "-c", "echo 20000 20010 > /proc/sys/net/ipv4/ip_local_port_range")
    assert lab.call(lab.kernel.ephemeral_ports) == range(20000, 20011)


def test_udp_flows_to_an_address_are_forgotten(lab: Lab) -> None:
    add = AddElements("weft", "pm", (Element(("udp", "5000"), ("172.17.0.2", "53")),))
    lab.apply(
        CreateBridge("br0"),
        AddAddress("br0", ip_interface("172.17.0.1/16")),
        CreateSandbox("s1"),
        CreateVeth("veth1", "s1", "eth0", "", "br0"),
        AddAddress("eth0", ip_interface("172.17.0.2/16"), "s1"),
        LoadTable("weft", DNAT),
        add,
    )

    def flows() -> int:
        listed = lab.command("cat", "/proc/net/nf_conntrack") if os.path.exists("/proc/net/nf_conntrack") else None
        assert listed is not None, "the kernel shows no flows in /proc"
        return sum("dport=5000" in line and "src=172.17.0.2" in line for line in listed.splitlines())

    lab.call(lambda: _send("172.17.0.1", 5000))
    assert flows() == 1
    lab.apply(ForgetFlows(ip_address("172.17.0.9")), ForgetFlows(ip_address("172.17.0.2"), (77,)))
    assert flows() == 1
    lab.apply(ForgetFlows(ip_address("172.17.0.2"), (5000,)))
    assert flows() == 0
    lab.call(lambda: _send("172.17.0.1", 5000))
    lab.apply(ForgetFlows(ip_address("172.17.0.2")))
    assert flows() == 0


def test_restart_finds_sandboxes_and_removes_half_made_ones(lab: Lab) -> None:
    lab.apply(CreateBridge("br0"), CreateSandbox("s1"), CreateVeth("veth1", "s1", "eth0", "", "br0"))
    (lab.root / "netns" / "half").touch()  # a daemon killed between making the file and pinning
    lab.restart()
    assert lab.run(lab.kernel.facts()).sandboxes == {"s1"}
    assert "eth0" in lab.links("s1")
    lab.teardown(DeleteLink("veth1"), DeleteSandbox("s1"))
    lab.restart()
    assert set(lab.links()) == {"lo", "br0"}


def test_pins_are_seen_from_other_mount_namespaces(lab: Lab) -> None:
    def other() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", "read x; stat -fc %T $x"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    process = lab.call(other)
    lab.apply(CreateSandbox("s1"))
    output, _ = process.communicate(lab.kernel.sandbox_path("s1") + "\n", timeout=10)
    assert output.strip() == "nsfs"


def test_closing_leaves_nothing_where_nothing_is_pinned(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"))
    lab.apply(DeleteSandbox("s1"))
    lab.restart()
    lab.run(lab.kernel.close())
    assert not (lab.root / "netns").exists()


def _dual(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _only_ipv6(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=False)


def _udp(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", port))
    return made


def _send(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (address, port))
