"""The SDK against the registry: what is written with the one is understood by the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from rig.eventually import eventually
from weft.engine.contract.remote import AddressRequest, Place
from weft.model.endpoint import Endpoint, EndpointSpec, StaticRoute
from weft.model.errors import SystemFailure
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plugins.discovery import Directories
from weft.plugins.registry import PluginRegistry

SOURCE = """
import sys
from weft.plugins.sdk import Interface, IpamDriver, Join, NetworkDriver, Pool, Route, serve

class Net(NetworkDriver):
    checks_gateways = True
    def skip_gateways(self, options):
        return True, False
    def create_network(self, network):
        if "bad" in network.options:
            raise ValueError(f"no {network.options['bad']} here")
    def create_endpoint(self, endpoint):
        return Interface(mac="02:00:00:00:00:09")
    def join(self, endpoint):
        assert endpoint.sandbox == "/run/x"
        return Join(source="s0", gateway="10.0.0.1", routes=[Route("10.0.0.1/32"), Route("10.9.0.0/16", "10.0.0.1")])

class Ipam(IpamDriver):
    requires_mac = True
    def request_pool(self, pool, sub_pool, options, ipv6, address_space):
        return Pool(id=address_space, pool=pool or "10.0.0.0/24", gateway="10.0.0.1/24")
    def request_address(self, request):
        if not request.mac:
            raise ValueError("no MAC")
        return "10.0.0.5/24"

serve(Net(), Ipam(), socket=sys.argv[1])
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = tmp_path / "both.py"
    program.write_text(SOURCE)
    socket = tmp_path / "both.sock"
    started = subprocess.Popen([sys.executable, program, socket], stderr=subprocess.DEVNULL)
    try:
        eventually(socket.is_socket)
        yield started
    finally:
        started.kill()
        started.wait()


@pytest.fixture
async def registry(tmp_path: Path, process: subprocess.Popen[bytes]) -> AsyncIterator[PluginRegistry]:
    made = PluginRegistry(Directories((tmp_path,), ()))
    yield made
    await made.close()


async def test_a_network_driver(registry: PluginRegistry) -> None:
    driver = await registry.driver("both")
    spec = NetworkSpec(name="net", driver="both")
    network = NetworkRecord(id="n", created=1, spec=spec)
    assert await driver.without_gateway(spec) == frozenset({4})
    await driver.create_network(network)
    wrong = NetworkRecord(id="w", created=1, spec=NetworkSpec(name="w", driver="both", options={"bad": "luck"}))
    with pytest.raises(SystemFailure, match=r"^remote: no luck here$"):
        await driver.create_network(wrong)
    place = Place(sandbox="s", path="/run/x", container_id="c", container_name="c")
    endpoint = Endpoint(id="e", network_id="n", sandbox_link="eth0", remote=True)
    done = await driver.attach(network, endpoint, EndpointSpec(), place)
    assert (done.source_link, done.sandbox_link, done.mac_address) == ("s0", "eth0", "02:00:00:00:00:09")
    assert done.static_routes == (
        StaticRoute(destination=ip_network("10.0.0.1/32")),
        StaticRoute(destination=ip_network("10.9.0.0/16"), next_hop=ip_address("10.0.0.1")),
    )
    await driver.publish(network, done, place)
    await driver.revoke(network, done)
    await driver.detach(network, done, place)
    await driver.remove(network, done)
    await driver.delete_network(network)


async def test_an_ipam_driver(registry: PluginRegistry) -> None:
    ipam = await registry.ipam("both")
    spec = NetworkSpec(name="net", ipam_driver="both")
    assert await ipam.requires_mac()
    (pool,) = await ipam.request_pools(spec)
    assert (pool.handle, pool.subnet, pool.gateway) == ("local", ip_network("10.0.0.0/24"), ip_address("10.0.0.1"))
    network = NetworkRecord(id="n", created=1, spec=spec, pools=(pool,))
    request = AddressRequest(network=network, pool=pool, mac="02:00:00:00:00:01")
    assert await ipam.request_address(request) == ip_interface("10.0.0.5/24")
    with pytest.raises(SystemFailure, match=r"^remote: no MAC$"):
        await ipam.request_address(AddressRequest(network=network, pool=pool))
    await ipam.release_pools(network.pools)
    assert registry.active("IpamDriver") == registry.active("NetworkDriver") == ("both",)


def test_only_root_reaches_the_socket_which_goes_at_the_end(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    socket = tmp_path / "both.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 0
    assert not socket.exists()
