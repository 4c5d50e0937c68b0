"""Networks whose driver or IPAM driver is a program outside: in which order it is called, and what is given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, ip_interface, ip_network
from typing import Any

import pytest
from fakes import FakeKernel, World

from weft.daemon.engine import Engine
from weft.engine.contract.remote import AddressRequest, Place, RemoteDriver, RemoteIpam
from weft.model.address import Interface
from weft.model.address import Network as Subnet
from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec, Status
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Conflict, NotFound, SystemFailure
from weft.model.network import NetworkRecord, NetworkSpec, Pool


class Program:
    """A network and IPAM driver in one: `log` has its calls, `fail_on` names one that fails."""

    def __init__(self, kernel: FakeKernel) -> None:
        self.kernel = kernel
        self.log: list[str] = []
        self.fail_on = ""
        self.addresses: list[Interface] = []
        self.gateway: IPv4Address | None = None
        self.slow: asyncio.Event | None = None

    def _call(self, name: str) -> None:
        self.log.append(name)
        if name == self.fail_on:
            raise SystemFailure(f"remote: {name} failed")

    async def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        return frozenset()

    async def create_network(self, record: NetworkRecord) -> NetworkRecord:
        if self.slow is not None:
            await self.slow.wait()
        self._call("create")
        return replace(record, driver_data={"made": "yes"})

    async def delete_network(self, record: NetworkRecord) -> None:
        assert record.driver_data == {"made": "yes"}
        self._call("delete")

    async def attach(self, network: NetworkRecord, endpoint: Endpoint, spec: EndpointSpec, place: Place) -> Endpoint:
        assert place.sandbox in self.kernel.sandboxes, "attached before its sandbox was there"
        self._call("attach")
        return replace(endpoint, source_link="tap0", gateway_ipv4=self.gateway)

    async def detach(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> None:
        assert place.sandbox in self.kernel.sandboxes, "detached after its sandbox was gone"
        self._call("detach")

    async def remove(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        self._call("remove")

    async def publish(self, network: NetworkRecord, endpoint: Endpoint, place: Place) -> Endpoint:
        self._call("publish")
        return endpoint

    async def revoke(self, network: NetworkRecord, endpoint: Endpoint) -> None:
        self._call("revoke")

    async def requires_mac(self) -> bool:
        return True

    async def request_pools(
        self,
        spec: NetworkSpec,
        *,
        host_routes: Iterable[Subnet] = (),
        without_gateway: Collection[int] = (),
        taken: Callable[[Pool], None] = lambda _: None,
    ) -> tuple[Pool, ...]:
        pool = Pool(subnet=ip_network("10.1.0.0/24"), handle="p1")
        taken(pool)
        self._call("pools")
        return (pool,)

    async def release_pools(self, pools: Iterable[Pool]) -> None:
        assert [pool.handle for pool in pools] == ["p1"]
        self._call("release")

    async def request_address(self, request: AddressRequest) -> Interface | None:
        assert request.mac, "no MAC although addresses go by it"
        self._call("address")
        taken = ip_interface(f"10.1.0.{len(self.addresses) + 2}/24")
        self.addresses.append(taken)
        return taken

    async def release_address(self, network: NetworkRecord, endpoint: Endpoint, interface: Interface) -> None:
        self._call("address-back")
        self.addresses.remove(interface)

    async def restore(self, networks: Sequence[NetworkRecord], endpoints: Sequence[Endpoint]) -> None:
        self.log.append(f"restore {[each.name for each in networks]} {[str(each.ipv4) for each in endpoints]}")


class Programs:
    """Remotes with one program, `prog`; `away` says that it cannot be found."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.away = False

    def _find(self, name: str) -> Any:
        if name != "prog" or self.away:
            raise NotFound(f"could not find plugin {name} in v1 plugin registry: plugin not found")
        return self.program

    async def driver(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteDriver:
        found: RemoteDriver = self._find(name)
        return found

    async def ipam(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteIpam:
        found: RemoteIpam = self._find(name)
        return found

    def active(self, kind: str) -> tuple[str, ...]:
        return ("prog",)


@pytest.fixture
def program(world: World) -> Program:
    made = Program(world.kernel)
    world.remotes = Programs(made)
    return made


@pytest.fixture
async def engine(world: World, program: Program) -> AsyncIterator[Engine]:
    started = world.engine()
    await started.start()
    yield started
    await started.stop()


BOTH = NetworkSpec(name="net", driver="prog", ipam_driver="prog")


async def start(engine: Engine, *networks: str, name: str = "one") -> str:
    networking = NetworkingSpec(mode=networks[0])
    wanted = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("top",)), networking=networking)
    created = await engine.containers.create(name, wanted, {each: EndpointSpec() for each in networks}, "")
    await engine.containers.start(created.id)
    return created.id


async def test_the_calls_in_their_order(engine: Engine, program: Program) -> None:
    program.gateway = IPv4Address("10.1.0.1")
    await engine.networks.create(BOTH)
    container = await start(engine, "net")
    attachment = engine.containers.find(container).attachments[0]
    assert attachment.endpoint is not None
    assert attachment.endpoint.mac_address.startswith("02:42:")
    assert (attachment.endpoint.source_link, attachment.endpoint.sandbox_link) == ("tap0", "eth0")
    await engine.containers.remove("one", force=True, volumes=False, link=False)
    await engine.networks.remove("net")
    assert program.log == [
        *("pools", "create", "address", "attach", "publish"),
        *("revoke", "detach", "remove", "address-back", "delete", "release"),
    ]
    assert program.addresses == []


async def test_pools_go_back_where_the_driver_fails(engine: Engine, program: Program) -> None:
    program.fail_on = "create"
    with pytest.raises(SystemFailure, match="create failed"):
        await engine.networks.create(BOTH)
    assert program.log == ["pools", "create", "release"]
    with pytest.raises(NotFound):
        engine.networks.find("net")


@pytest.mark.parametrize("step", ["address", "attach", "publish", "CreateVeth"])
async def test_a_start_that_fails_at_any_step_leaves_nothing(
    engine: Engine, program: Program, world: World, step: str
) -> None:
    program.gateway = IPv4Address("10.1.0.1")
    await engine.networks.create(BOTH)
    await engine.networks.create(NetworkSpec(name="plain"))
    program.fail_on = world.kernel.fail_on = step
    with pytest.raises(SystemFailure):
        await start(engine, "net", "plain")
    assert program.addresses == []
    assert world.kernel.sandboxes == set()
    assert world.kernel.veths == {}
    record = engine.containers.find("one")
    assert (record.state.status, record.sandbox_id) == (Status.CREATED, "")
    assert all(attachment.endpoint is None for attachment in record.attachments)
    ending: dict[str, list[str]] = {"address": [], "attach": ["attach"]}
    done = [call for call in program.log if call in ("attach", "detach", "remove", "revoke")]
    assert done == ending.get(step, ["attach", "revoke", "detach", "remove"])
    program.fail_on = ""
    await engine.containers.start("one")


async def test_a_connect_that_fails_leaves_the_rest(engine: Engine, program: Program) -> None:
    await engine.networks.create(BOTH)
    container = await start(engine, "bridge")
    program.fail_on = "attach"
    with pytest.raises(SystemFailure):
        await engine.networks.connect("net", container, EndpointSpec())
    assert program.addresses == []
    assert [each.network_name for each in engine.containers.find(container).attachments] == ["bridge"]


async def test_the_way_out_comes_and_goes(engine: Engine, program: Program) -> None:
    await engine.networks.create(BOTH)
    container = await start(engine, "net")

    def names() -> list[str]:
        return [each.network_name for each in engine.containers.find(container).attachments]

    assert names() == ["net", "docker_gwbridge"]
    await engine.networks.connect("bridge", container, EndpointSpec())
    assert names() == ["net", "bridge"]
    await engine.networks.disconnect("bridge", container, force=False)
    assert names() == ["net", "docker_gwbridge"]
    await engine.containers.stop(container, grace=0, signal="")
    assert names() == ["net"]


async def test_nobody_waits_for_a_slow_driver_but_who_asked(engine: Engine, program: Program) -> None:
    program.slow = asyncio.Event()
    making = asyncio.create_task(engine.networks.create(BOTH))
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    await engine.networks.create(NetworkSpec(name="other"))
    with pytest.raises(Conflict, match="network with name net already exists"):
        await engine.networks.create(BOTH)
    program.slow.set()
    await making


async def test_after_a_restart_it_is_told_before_it_is_asked(world: World, engine: Engine, program: Program) -> None:
    await engine.networks.create(BOTH)
    await start(engine, "net")
    assert not any(call.startswith("restore") for call in program.log)
    await engine.stop()
    remotes = world.remotes
    assert isinstance(remotes, Programs)
    remotes.away = True
    program.log.clear()
    again = world.engine()
    await again.start()  # although it is away
    with pytest.raises(NotFound, match="could not find plugin prog"):
        await start(again, "net", name="two")
    remotes.away = False
    await start(again, "net", name="three")
    assert program.log[:2] == ["restore ['net'] ['10.1.0.2/24']", "address"]
    await again.stop()


async def test_a_driver_that_is_away_keeps_its_networks(world: World, engine: Engine, program: Program) -> None:
    await engine.networks.create(BOTH)
    remotes = world.remotes
    assert isinstance(remotes, Programs)
    remotes.away = True
    with pytest.raises(NotFound):
        await engine.networks.remove("net")
    remotes.away = False
    program.fail_on = "delete"  # one that objects does not
    await engine.networks.remove("net")
    assert program.log[-1] == "release"
