"""IpamDriver.*: pools, gateways and addresses; collisions with routes; replay after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from plugins_v1 import FakePlugin

from weft.engine.contract.remote import AddressRequest, RemoteIpam
from weft.model.endpoint import Endpoint
from weft.model.errors import SystemFailure
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec
from weft.plugins.client import Limits
from weft.plugins.discovery import Directories
from weft.plugins.registry import PluginRegistry

SPEC = NetworkSpec(name="net", ipam_driver="ipm", ipam_options={"site": "a"})
POOL = Pool(subnet=ip_network("10.1.0.0/24"), gateway=ip_address("10.1.0.1"), handle="p1")
RECORD = NetworkRecord(id="n", created=1, spec=SPEC, pools=(POOL,))


def pools(*subnets: str) -> Any:
    """Answers to RequestPool, one after the other, with ids p1, p2 …"""
    given = iter(enumerate(subnets, 1))

    def answer(_: dict[str, Any]) -> dict[str, Any]:
        number, subnet = next(given)
        return {"PoolID": f"p{number}", "Pool": subnet, "Data": {}}

    return answer


@pytest.fixture
async def plugin(tmp_path: Path) -> AsyncIterator[FakePlugin]:
    replies = {
        "IpamDriver.GetCapabilities": lambda _: web.Response(status=404),
        "IpamDriver.RequestPool": pools("10.1.0.0/24"),
        "IpamDriver.RequestAddress": {"Address": "10.1.0.1/24"},
    }
    async with FakePlugin(tmp_path / "ipm.sock", ("IpamDriver",), replies) as made:
        yield made


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[PluginRegistry]:
    limits = Limits(answer=0.3, retry=0.2, first_pause=0.05)
    made = PluginRegistry(Directories((tmp_path,), ()), limits=limits)
    yield made
    await made.close()


@pytest.fixture
async def ipam(plugin: FakePlugin, registry: PluginRegistry) -> RemoteIpam:
    return await registry.ipam("ipm")


async def test_a_pool_and_its_gateway(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    assert await ipam.request_pools(SPEC) == (replace(POOL, chosen=True),)
    assert plugin.body("RequestPool") == {
        "AddressSpace": "here",
        "Pool": "",
        "SubPool": "",
        "Options": {"site": "a"},
        "V6": False,
    }
    assert plugin.body("RequestAddress") == {
        "PoolID": "p1",
        "Address": "",
        "Options": {"RequestAddressType": "com.docker.network.gateway"},
    }
    await ipam.release_pools(RECORD.pools)
    assert plugin.calls[-2:] == [
        ("IpamDriver.ReleaseAddress", {"PoolID": "p1", "Address": "10.1.0.1"}),
        ("IpamDriver.ReleasePool", {"PoolID": "p1"}),
    ]


async def test_a_gateway_that_comes_with_the_pool(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    data = {"com.docker.network.gateway": "10.1.0.254/24", "other": "x"}
    plugin.replies["IpamDriver.RequestPool"] = {"PoolID": "p1", "Pool": "10.1.0.0/24", "Data": data}
    (pool,) = await ipam.request_pools(SPEC)
    assert (pool.gateway, pool.data) == (ip_address("10.1.0.254"), data)
    assert "RequestAddress" not in plugin.methods
    await ipam.release_pools((pool,))
    assert plugin.methods[-1] == "ReleasePool"
    assert "ReleaseAddress" not in plugin.methods


async def test_what_a_user_names(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    plugin.replies["IpamDriver.RequestAddress"] = lambda body: {"Address": f"{body['Address']}/24"}
    wanted = PoolSpec(
        subnet=ip_network("10.1.0.0/24"),
        ip_range=ip_network("10.1.0.128/25"),
        gateway=ip_address("10.1.0.5"),
        aux_addresses={"router": ip_address("10.1.0.9")},
    )
    (pool,) = await ipam.request_pools(replace(SPEC, pools=(wanted,)), without_gateway={4})
    body = plugin.body("RequestPool")
    assert (body["Pool"], body["SubPool"]) == ("10.1.0.0/24", "10.1.0.128/25")
    assert (pool.gateway, pool.aux_addresses) == (ip_address("10.1.0.5"), {"router": ip_address("10.1.0.9")})
    assert not pool.chosen


async def test_no_gateway_where_none_is_wanted(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    (pool,) = await ipam.request_pools(SPEC, without_gateway={4})
    assert pool.gateway is None
    assert "RequestAddress" not in plugin.methods


async def test_pools_that_collide_are_held_until_one_is_found(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    plugin.replies["IpamDriver.RequestPool"] = pools("10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24")
    plugin.replies["IpamDriver.RequestAddress"] = {"Address": "10.3.0.1/24"}
    routes = (ip_network("10.0.0.0/15"), ip_network("10.2.0.0/16"))
    (pool,) = await ipam.request_pools(SPEC, host_routes=routes)
    assert pool.subnet == ip_network("10.3.0.0/24")
    assert plugin.methods[2:] == [*["RequestPool"] * 3, *["ReleasePool"] * 2, "RequestAddress"]
    assert [body["PoolID"] for method, body in plugin.calls if method.endswith("ReleasePool")] == ["p1", "p2"]


async def test_nothing_but_collisions(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    plugin.replies["IpamDriver.RequestPool"] = {"PoolID": "p", "Pool": "10.1.0.0/24"}
    with pytest.raises(SystemFailure, match="collide with routes of the host"):
        await ipam.request_pools(SPEC, host_routes=(ip_network("10.0.0.0/8"),))
    assert plugin.methods.count("RequestPool") == plugin.methods.count("ReleasePool")


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("RequestPool", {"Error": "full"}),
        ("RequestPool", {"PoolID": "", "Pool": "10.1.0.0/24"}),
        ("RequestPool", {"PoolID": "p1", "Pool": "10.1.0"}),
        ("RequestPool", {"PoolID": "p1", "Pool": "fd00::/64"}),
        ("RequestPool", {"PoolID": "p1", "Pool": "10.1.0.0/24", "Data": {"com.docker.network.gateway": "x"}}),
        ("RequestPool", {"PoolID": 5, "Pool": "10.1.0.0/24"}),
        ("RequestPool", b"no"),
        ("RequestAddress", {"Error": "full"}),
        ("RequestAddress", {"Address": "10.1.0.1"}),
        ("RequestAddress", {"Address": "10.9.0.1/24"}),
        ("RequestAddress", {"Address": ""}),
    ],
)
async def test_bad_answers_leave_no_pool_behind(ipam: RemoteIpam, plugin: FakePlugin, method: str, reply: Any) -> None:
    plugin.replies[f"IpamDriver.{method}"] = reply
    with pytest.raises(SystemFailure):
        await ipam.request_pools(SPEC)
    given = method == "RequestAddress" or (isinstance(reply, dict) and reply.get("PoolID") == "p1")
    assert plugin.methods.count("ReleasePool") == given


async def test_the_second_pool_fails(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    plugin.replies["IpamDriver.RequestPool"] = lambda body: (
        {"Error": "no IPv6"} if body["V6"] else {"PoolID": "p1", "Pool": "10.1.0.0/24"}
    )
    with pytest.raises(SystemFailure, match="remote: no IPv6"):
        await ipam.request_pools(replace(SPEC, ipv6=True))
    assert plugin.methods[-2:] == ["ReleaseAddress", "ReleasePool"]


async def test_addresses(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    plugin.replies["IpamDriver.RequestAddress"] = {"Address": "10.1.0.7/24"}
    request = AddressRequest(network=RECORD, pool=POOL, mac="02:00:00:00:00:01")
    assert await ipam.request_address(request) == ip_interface("10.1.0.7/24")
    assert plugin.body("RequestAddress")["Options"] == {"com.docker.network.endpoint.macaddress": "02:00:00:00:00:01"}
    await ipam.release_address(RECORD, Endpoint(id="e", network_id="n"), ip_interface("10.1.0.7/24"))
    assert plugin.body("ReleaseAddress") == {"PoolID": "p1", "Address": "10.1.0.7"}
    with pytest.raises(SystemFailure, match=r"'10.1.0.7/24', not 10.1.0.8"):
        await ipam.request_address(replace(request, wanted=ip_address("10.1.0.8")))
    assert plugin.methods[-1] == "ReleaseAddress"


async def test_capabilities_and_replay(tmp_path: Path, registry: PluginRegistry) -> None:
    replies = {
        "IpamDriver.GetCapabilities": {"RequiresMACAddress": True, "RequiresRequestReplay": True},
        "IpamDriver.RequestPool": pools("10.1.0.0/24"),
        "IpamDriver.RequestAddress": lambda body: {"Address": f"{body['Address']}/24"},
    }
    endpoint = Endpoint(id="e", network_id="n", ipv4=ip_interface("10.1.0.7/24"), mac_address="02:00:00:00:00:01")
    async with FakePlugin(tmp_path / "rep.sock", ("IpamDriver",), replies) as plugin:
        ipam = await registry.ipam("rep")
        assert await ipam.requires_mac()
        await ipam.restore((RECORD,), (endpoint,))
        asked = [body for method, body in plugin.calls if method == "IpamDriver.RequestAddress"]
        assert [each["Address"] for each in asked] == ["10.1.0.1", "10.1.0.7"]
        assert plugin.body("RequestPool")["Pool"] == "10.1.0.0/24"


async def test_no_replay_where_none_is_required(ipam: RemoteIpam, plugin: FakePlugin) -> None:
    await ipam.restore((RECORD,), ())
    assert "RequestPool" not in plugin.methods


async def test_a_plugin_without_address_spaces(tmp_path: Path, registry: PluginRegistry) -> None:
    async with FakePlugin(tmp_path / "odd.sock", ("IpamDriver",), {"IpamDriver.GetDefaultAddressSpaces": b"5"}):
        with pytest.raises(SystemFailure, match="plugin odd"):
            await registry.ipam("odd")
