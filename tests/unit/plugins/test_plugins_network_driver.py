"""NetworkDriver.*: what is sent, what is made of the answers, and which answers are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from plugins_v1 import FakePlugin

from weft.engine.contract.remote import Place, RemoteDriver
from weft.model.endpoint import Endpoint, EndpointSpec, StaticRoute
from weft.model.errors import NotFound, SystemFailure, Unavailable
from weft.model.network import NetworkRecord, NetworkSpec, Pool, Scope
from weft.model.port import ContainerPort, PortRequest
from weft.plugins.client import Limits
from weft.plugins.discovery import Directories
from weft.plugins.registry import PluginRegistry

QUICK = Limits(answer=0.3, retry=0.2, first_pause=0.05, reply=5000)
NETWORK = NetworkRecord(
    id="n" * 64,
    created=1,
    spec=NetworkSpec(name="net", driver="drv", options={"color": "blue"}, ipv6=True, internal=True),
    pools=(
        Pool(
            subnet=ip_network("10.1.0.0/24"),
            gateway=ip_address("10.1.0.1"),
            aux_addresses={"a": ip_address("10.1.0.9")},
        ),
        Pool(subnet=ip_network("fd00::/64"), gateway=ip_address("fd00::1")),
    ),
)
ENDPOINT = Endpoint(
    id="e" * 64, network_id=NETWORK.id, ipv4=ip_interface("10.1.0.2/24"), sandbox_link="eth1", remote=True
)
PLACE = Place(
    sandbox="s",
    path="/run/netns/s",
    container_id="c",
    container_name="name",
    requests=(PortRequest(ContainerPort(80), ip_address("127.0.0.1"), 8080, 8081),),
    exposed=(ContainerPort(80), ContainerPort(53)),
    taken=frozenset({"eth0", "wan0"}),
)
GENERIC = "com.docker.network.generic"


@pytest.fixture
async def plugin(tmp_path: Path) -> AsyncIterator[FakePlugin]:
    async with FakePlugin(tmp_path / "drv.sock", ("NetworkDriver",)) as made:
        yield made


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[PluginRegistry]:
    made = PluginRegistry(Directories((tmp_path,), ()), limits=QUICK)
    yield made
    await made.close()


@pytest.fixture
async def driver(plugin: FakePlugin, registry: PluginRegistry) -> RemoteDriver:
    return await registry.driver("drv")


async def attach(driver: RemoteDriver, endpoint: Endpoint = ENDPOINT) -> Endpoint:
    return await driver.attach(NETWORK, endpoint, EndpointSpec(driver_options={"k": "v"}), PLACE)


async def test_a_network_as_the_protocol_has_it(driver: RemoteDriver, plugin: FakePlugin) -> None:
    assert await driver.create_network(NETWORK) == NETWORK
    body = plugin.body("CreateNetwork")
    assert body["NetworkID"] == NETWORK.id
    assert body["Options"][GENERIC] == {"color": "blue"}
    assert body["Options"]["com.docker.network.enable_ipv6"] is True
    assert body["Options"]["com.docker.network.internal"] is True
    assert body["IPv4Data"] == [
        {
            "AddressSpace": "LocalDefault",
            "Pool": "10.1.0.0/24",
            "Gateway": "10.1.0.1/24",
            "AuxAddresses": {"a": "10.1.0.9/24"},
        }
    ]
    assert body["IPv6Data"][0]["Gateway"] == "fd00::1/64"
    await driver.delete_network(NETWORK)
    assert plugin.body("DeleteNetwork") == {"NetworkID": NETWORK.id}


async def test_a_global_scope_shows(tmp_path: Path, registry: PluginRegistry) -> None:
    replies = {"NetworkDriver.GetCapabilities": {"Scope": "global", "ConnectivityScope": "global", "New": 1}}
    async with FakePlugin(tmp_path / "wide.sock", ("NetworkDriver",), replies):
        made = await (await registry.driver("wide")).create_network(NETWORK)
    assert made.spec.scope is Scope.GLOBAL


async def test_null_ipam_is_everything(driver: RemoteDriver, plugin: FakePlugin) -> None:
    await driver.create_network(replace(NETWORK, pools=(), spec=replace(NETWORK.spec, ipam_driver="null")))
    assert plugin.body("CreateNetwork")["IPv4Data"] == [{"AddressSpace": "null", "Pool": "0.0.0.0/0"}]


async def test_an_endpoint_is_created_then_joined(driver: RemoteDriver, plugin: FakePlugin) -> None:
    plugin.replies["NetworkDriver.CreateEndpoint"] = {
        "Interface": {"MacAddress": "0A:00:00:00:00:01", "AddressIPv6": "fd00::2/64"}
    }
    plugin.replies["NetworkDriver.Join"] = {
        "InterfaceName": {"SrcName": "tap7", "DstPrefix": "wan"},
        "Gateway": "10.1.0.1",
        "GatewayIPv6": "fd00::1",
        "StaticRoutes": [
            {"Destination": "192.168.0.0/16", "RouteType": 0, "NextHop": "10.1.0.1"},
            {"Destination": "10.1.0.1/32", "RouteType": 1},
        ],
        "DisableGatewayService": True,
    }
    done = await attach(driver)
    assert (done.source_link, done.sandbox_link, done.mac_address) == ("tap7", "wan1", "0a:00:00:00:00:01")
    assert (done.ipv4, done.ipv6) == (ip_interface("10.1.0.2/24"), ip_interface("fd00::2/64"))
    assert (done.gateway_ipv4, done.gateway_ipv6) == (ip_address("10.1.0.1"), ip_address("fd00::1"))
    assert done.static_routes == (
        StaticRoute(destination=ip_network("192.168.0.0/16"), next_hop=ip_address("10.1.0.1")),
        StaticRoute(destination=ip_network("10.1.0.1/32")),
    )
    assert done.disable_gateway_service
    created, joined = plugin.body("CreateEndpoint"), plugin.body("Join")
    assert created["Interface"] == {"Address": "10.1.0.2/24", "AddressIPv6": "", "MacAddress": ""}
    assert created["Options"]["k"] == "v"
    assert created["Options"]["com.docker.network.endpoint.exposedports"] == [
        {"Proto": 6, "Port": 80},
        {"Proto": 6, "Port": 53},
    ]
    assert created["Options"]["com.docker.network.portmap"] == [
        {"Proto": 6, "IP": "", "Port": 80, "HostIP": "127.0.0.1", "HostPort": 8080, "HostPortEnd": 8081}
    ]
    assert joined["SandboxKey"] == "/run/netns/s"


async def test_the_usual_prefix_takes_the_name_that_was_kept(driver: RemoteDriver, plugin: FakePlugin) -> None:
    plugin.replies["NetworkDriver.Join"] = {"InterfaceName": {"SrcName": "tap7", "DstPrefix": "eth"}}
    assert (await attach(driver)).sandbox_link == "eth1"


async def test_no_interface_at_all(driver: RemoteDriver, plugin: FakePlugin) -> None:
    done = await attach(driver)
    assert (done.source_link, done.sandbox_link) == ("", "")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"Interface": {"Address": "10.1.0.3/24"}}, "driver modified interface address"),
        ({"Interface": {"MacAddress": "no"}}, "MacAddress is 'no', not a MAC address"),
        ({"Interface": {"AddressIPv6": "10.1.0.3/24"}}, "AddressIPv6"),
        ({"Interface": {"AddressIPv6": "fd00::1"}}, "AddressIPv6"),
        ({"Interface": []}, "Interface is"),
        (b"<html>", "not JSON"),
        (b"[1]", "not an object"),
        (b"[" * 4000, "not JSON"),
        (b"x" * 6000, "more than 5000 bytes"),
        ({"Err": "no room"}, "^remote: no room$"),
        (web.Response(status=500, text="boom"), "NetworkDriver.CreateEndpoint: boom"),
    ],
)
async def test_a_bad_answer_to_create_endpoint_is_taken_back(
    driver: RemoteDriver, plugin: FakePlugin, reply: Any, words: str
) -> None:
    plugin.replies["NetworkDriver.CreateEndpoint"] = reply
    with pytest.raises(SystemFailure, match=words):
        await attach(driver)
    assert plugin.methods[-2:] == ["CreateEndpoint", "DeleteEndpoint"]


async def test_an_address_that_is_repeated_is_none_that_changed(driver: RemoteDriver, plugin: FakePlugin) -> None:
    plugin.replies["NetworkDriver.CreateEndpoint"] = {"Interface": {"Address": "10.1.0.2/24"}}
    assert (await attach(driver)).ipv4 == ENDPOINT.ipv4


@pytest.mark.parametrize(
    "reply",
    [
        {"InterfaceName": {"SrcName": "../../x", "DstPrefix": "eth"}},
        {"InterfaceName": {"SrcName": "much-too-long-a-name", "DstPrefix": "eth"}},
        {"InterfaceName": {"SrcName": "a", "DstPrefix": "fifteen-letters"}},
        {"InterfaceName": {"SrcName": "a", "DstName": "eth0"}},
        {"InterfaceName": "eth0"},
        {"Gateway": "10.1.0"},
        {"Gateway": "fd00::1"},
        {"GatewayIPv6": "10.1.0.1"},
        {"StaticRoutes": {}},
        {"StaticRoutes": [{"Destination": "x", "RouteType": 1}]},
        {"StaticRoutes": [{"Destination": "10.0.0.0/8", "RouteType": 0}]},
        {"StaticRoutes": [{"Destination": "10.0.0.0/8", "RouteType": 7}]},
        {"DisableGatewayService": "yes"},
        {"Err": "no"},
    ],
)
async def test_a_bad_answer_to_join_is_taken_back(driver: RemoteDriver, plugin: FakePlugin, reply: Any) -> None:
    plugin.replies["NetworkDriver.Join"] = reply
    with pytest.raises(SystemFailure):
        await attach(driver)
    assert plugin.methods[-4:] == ["CreateEndpoint", "Join", "Leave", "DeleteEndpoint"]


async def test_a_slow_plugin_is_not_waited_for_long(driver: RemoteDriver, plugin: FakePlugin) -> None:
    plugin.replies["NetworkDriver.Join"] = lambda _: asyncio.sleep(5)
    with pytest.raises(Unavailable, match=r"did not answer NetworkDriver.Join within"):
        await attach(driver)
    assert plugin.methods[-2:] == ["Leave", "DeleteEndpoint"]


async def test_a_plugin_that_hangs_up(driver: RemoteDriver, plugin: FakePlugin) -> None:
    def hang_up(_: object) -> web.Response:
        plugin.cut()
        return web.Response()

    plugin.replies["NetworkDriver.Join"] = hang_up
    with pytest.raises(Unavailable, match=r"broke off at NetworkDriver.Join"):
        await attach(driver)
    assert plugin.methods[-1] == "DeleteEndpoint"


async def test_external_connectivity(driver: RemoteDriver, plugin: FakePlugin) -> None:
    binding = {"Proto": 6, "Port": 80, "HostIP": "127.0.0.1", "HostPort": 8080}
    plugin.replies["NetworkDriver.EndpointOperInfo"] = {"Value": {"com.docker.network.portmap": [binding]}}
    published = await driver.publish(NETWORK, ENDPOINT, PLACE)
    assert [str(port.host_address) for port in published.ports] == ["127.0.0.1"]
    assert "com.docker.network.portmap" in plugin.body("ProgramExternalConnectivity")["Options"]
    await driver.revoke(NETWORK, ENDPOINT)
    assert plugin.methods[-1] == "RevokeExternalConnectivity"


async def test_optional_methods_may_be_missing(driver: RemoteDriver, plugin: FakePlugin) -> None:
    for method in ("ProgramExternalConnectivity", "RevokeExternalConnectivity"):
        plugin.replies[f"NetworkDriver.{method}"] = lambda _: web.Response(status=404, text="404 page not found")
    assert await driver.publish(NETWORK, ENDPOINT, PLACE) == ENDPOINT
    await driver.revoke(NETWORK, ENDPOINT)


async def test_gateways_that_a_driver_does_without(tmp_path: Path, registry: PluginRegistry) -> None:
    replies = {
        "NetworkDriver.GetCapabilities": {"Scope": "local", "GwAllocChecker": True},
        "NetworkDriver.GwAllocCheck": {"SkipIPv4": True},
    }
    async with FakePlugin(tmp_path / "gw.sock", ("NetworkDriver",), replies) as plugin:
        driver = await registry.driver("gw")
        assert await driver.without_gateway(NETWORK.spec) == frozenset({4})
        assert plugin.body("GwAllocCheck")["Options"][GENERIC] == {"color": "blue"}


@pytest.mark.parametrize(
    "reply", [{}, {"Scope": ""}, {"Scope": "galactic"}, {"Scope": "local", "ConnectivityScope": "x"}, {"Scope": 1}]
)
async def test_capabilities_that_are_none(tmp_path: Path, registry: PluginRegistry, reply: Any) -> None:
    async with FakePlugin(tmp_path / "odd.sock", ("NetworkDriver",), {"NetworkDriver.GetCapabilities": reply}):
        with pytest.raises(SystemFailure, match="odd"):
            await registry.driver("odd")


async def test_unknown_and_unfit_plugins(tmp_path: Path, registry: PluginRegistry) -> None:
    with pytest.raises(NotFound, match=r"^could not find plugin nobody in v1 plugin registry: plugin not found$"):
        await registry.driver("nobody")
    async with FakePlugin(tmp_path / "vol.sock", ("VolumeDriver",)):
        with pytest.raises(NotFound, match="does not implement the requested driver"):
            await registry.driver("vol")
    async with FakePlugin(tmp_path / "odd.sock", ("x",), {"Plugin.Activate": {"Implements": "NetworkDriver"}}):
        with pytest.raises(SystemFailure, match="plugin odd could not be activated"):
            await registry.driver("odd")


async def test_a_plugin_that_appears_late_is_waited_for(tmp_path: Path, registry: PluginRegistry) -> None:
    waiting = asyncio.create_task(registry.driver("late", known=True))
    await asyncio.sleep(0)
    async with FakePlugin(tmp_path / "late.sock", ("NetworkDriver",)):
        await waiting
    assert registry.active("NetworkDriver") == ("late",)


async def test_a_dead_socket_is_tried_again_then_named(
    tmp_path: Path, registry: PluginRegistry, driver: RemoteDriver, plugin: FakePlugin
) -> None:
    await plugin.__aexit__(None, None, None)
    plugin.socket.touch()
    with pytest.raises(Unavailable, match="plugin drv does not answer at unix://"):
        await driver.create_network(NETWORK)
    plugin.socket.unlink()
    async with FakePlugin(tmp_path / "drv.sock", ("NetworkDriver",)) as again:  # started anew
        await (await registry.driver("drv")).create_network(NETWORK)
        assert again.methods[-1] == "CreateNetwork"
