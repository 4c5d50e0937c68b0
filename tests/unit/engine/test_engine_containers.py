"""A container's life, and what stays behind when something goes wrong."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.contract.kernel import Listener
from weft.engine.waiting import WaitCondition
from weft.model.container import ContainerSpec, MountSpec, MountType, NetworkingSpec, ProcessSpec, RestartPolicy, Status
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound, NotModified, SystemFailure, WeftError
from weft.model.network import NetworkSpec
from weft.model.port import ContainerPort, PortRequest, Protocol

NOBODY = frozenset[str]()


def spec(*cmd: str, network: str = "bridge", **more: object) -> ContainerSpec:
    ports = more.pop("ports", ())
    base = ContainerSpec(
        image="busybox",
        process=ProcessSpec(cmd=cmd or ("sleep",)),
        networking=NetworkingSpec(mode=network, ports=ports),  # type: ignore[arg-type]
    )
    return replace(base, **more)  # type: ignore[arg-type]


async def run(engine: Engine, name: str, wanted: ContainerSpec, **networks: EndpointSpec) -> str:
    created = await engine.containers.create(name, wanted, networks, "")
    await engine.containers.start(created.id)
    return created.id


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def settled(engine: Engine, name: str, status: Status) -> None:
    await until(lambda: engine.containers.find(name).state.status is status)


async def test_a_container_runs_and_leaves_nothing(world: World, engine: Engine) -> None:
    container_id = await run(engine, "one", spec())
    record = engine.containers.find("one")
    assert record.state.status is Status.RUNNING
    endpoint = record.attachments[0].endpoint
    assert endpoint is not None
    assert str(endpoint.ipv4) == "172.17.0.2/16"
    assert world.runtime.running[container_id].network_namespace == f"/netns/{container_id}"
    await engine.containers.stop("one", grace=1, signal="")
    assert engine.containers.find("one").state.exit_code == 143
    await engine.containers.remove("one", force=False, volumes=False, link=False)
    assert (world.kernel.sandboxes, world.kernel.veths, world.runtime.prepared) == (set(), {}, set())
    with pytest.raises(NotFound, match="No such container: one"):
        engine.containers.find("one")


async def test_the_address_of_a_stopped_container_is_free_again(engine: Engine) -> None:
    await run(engine, "one", spec())
    await engine.containers.stop("one", grace=1, signal="")
    await run(engine, "two", spec())
    endpoint = engine.containers.find("two").attachments[0].endpoint
    assert endpoint is not None
    assert str(endpoint.ipv4) == "172.17.0.2/16"


async def test_stop_kills_what_does_not_listen(world: World, engine: Engine) -> None:
    await run(engine, "one", spec("stubborn"))
    await engine.containers.stop("one", grace=0, signal="SIGINT")
    assert world.runtime.signals == [2, 9]
    with pytest.raises(NotModified):
        await engine.containers.stop("one", grace=0, signal="")


async def test_a_missing_program_is_told_and_undone(world: World, engine: Engine) -> None:
    created = await engine.containers.create("one", spec("missing"), {}, "")
    stdio = await engine.containers.attach(created.id)
    exit_ = await engine.containers.wait("one", WaitCondition.NEXT_EXIT)
    with pytest.raises(InvalidParameter, match="executable file not found"):
        await engine.containers.start("one")
    record = engine.containers.find("one")
    assert (record.state.status, record.state.exit_code) == (Status.CREATED, 127)
    assert (world.kernel.sandboxes, world.kernel.veths) == (set(), {})
    assert [piece async for piece in stdio.output()] == []
    assert not exit_.done()  # there was none
    await engine.containers.remove("one", force=False, volumes=False, link=False)
    assert (await exit_).exit_code == 127


@pytest.mark.parametrize("operation", ["CreateVeth", "AddAddress", "AddElements"])
async def test_a_kernel_that_refuses_leaves_nothing(world: World, engine: Engine, operation: str) -> None:
    await engine.containers.create("one", spec(ports=(PortRequest(ContainerPort(80)),)), {}, "")
    world.kernel.fail_on = operation
    before = {name: set(elements) for name, elements in world.kernel.elements.items()}
    with pytest.raises(SystemFailure):
        await engine.containers.start("one")
    assert (world.kernel.sandboxes, world.kernel.veths) == (set(), {})
    assert {k: v for k, v in world.kernel.elements.items() if v} == {k: v for k, v in before.items() if v}
    await engine.containers.start("one")
    assert [port.host_port for port in engine.containers.find("one").ports] == [32769]


async def test_output_attached_before_start_is_not_lost(world: World, engine: Engine) -> None:
    created = await engine.containers.create("one", spec(), {}, "")
    stdio = await engine.containers.attach("one")
    await engine.containers.start("one")
    (real,) = world.runtime.attached[created.id]
    real.pieces.put_nowait((1, b"first"))
    world.runtime.end(created.id, 0)
    assert [piece async for piece in stdio.output()] == [(1, b"first")]


async def test_a_waiter_registered_before_start_sees_a_fast_exit(engine: Engine) -> None:
    await engine.containers.create("one", spec("true"), {}, "")
    waiting = await engine.containers.wait("one", WaitCondition.NEXT_EXIT)
    await engine.containers.start("one")
    assert (await waiting).exit_code == 0


async def test_rm_flag_removes_after_exit(world: World, engine: Engine) -> None:
    await engine.containers.create("one", spec("true", auto_remove=True), {}, "")
    waiting = await engine.containers.wait("one", WaitCondition.REMOVED)
    await engine.containers.start("one")
    assert (await waiting).exit_code == 0
    assert engine.inventory.containers == {}
    assert world.runtime.prepared == set()


async def test_names_are_unique_and_checked(engine: Engine) -> None:
    first = await engine.containers.create("one", spec(), {}, "")
    with pytest.raises(Conflict, match=f'The container name "/one" is already in use by container "{first.id}"'):
        await engine.containers.create("one", spec(), {}, "")
    with pytest.raises(InvalidParameter, match=r"Invalid container name \(-x\), only \[a-zA-Z0-9\]"):
        await engine.containers.create("-x", spec(), {}, "")
    await engine.containers.rename("one", "two")
    assert engine.containers.find("two").id == first.id
    with pytest.raises(NotFound):
        engine.containers.find("one")


async def test_a_running_container_is_removed_only_by_force(engine: Engine) -> None:
    await run(engine, "one", spec())
    with pytest.raises(Conflict, match='cannot remove container "/one": container is running: stop the container'):
        await engine.containers.remove("one", force=False, volumes=False, link=False)
    await engine.containers.remove("one", force=True, volumes=False, link=False)
    assert engine.inventory.containers == {}


async def test_force_removes_what_is_being_started(world: World, engine: Engine) -> None:
    await engine.containers.create("one", spec(), {}, "")
    starting = asyncio.ensure_future(engine.containers.start("one"))
    await asyncio.sleep(0)
    await engine.containers.remove("one", force=True, volumes=False, link=False)
    await starting
    assert (engine.inventory.containers, world.kernel.sandboxes) == ({}, set())


async def test_anonymous_volumes_go_with_rm_v_and_failed_creates(world: World, engine: Engine) -> None:
    wanted = spec(anonymous_volumes=("/data",))
    await engine.containers.create("one", wanted, {}, "")
    assert len(world.volumes.made) == 1
    await engine.containers.remove("one", force=False, volumes=True, link=False)
    assert world.volumes.made == set()
    bad = replace(
        wanted,
        mounts=(
            MountSpec(type=MountType.VOLUME, source="vol", target="/v"),
            MountSpec(type=MountType.BIND, source="/nowhere", target="/n"),
        ),
    )
    with pytest.raises(InvalidParameter, match="bind source path does not exist: /nowhere"):
        await engine.containers.create("two", bad, {}, "")
    assert (world.volumes.made, engine.inventory.volumes, world.runtime.prepared) == (set(), {}, set())


async def test_always_restarts_until_stopped(world: World, engine: Engine) -> None:
    container_id = await run(engine, "one", spec(restart=RestartPolicy(name="always")))
    world.runtime.end(container_id, 1)
    await settled(engine, "one", Status.RESTARTING)
    await settled(engine, "one", Status.RUNNING)
    assert engine.containers.find("one").state.restart_count == 1
    await engine.containers.stop("one", grace=1, signal="")
    assert engine.containers.find("one").state.status is Status.EXITED


async def test_on_failure_gives_up(world: World, engine: Engine) -> None:
    policy = RestartPolicy(name="on-failure", maximum_retry_count=1)
    container_id = await run(engine, "one", spec(restart=policy))
    world.runtime.end(container_id, 1)
    await settled(engine, "one", Status.RESTARTING)
    await settled(engine, "one", Status.RUNNING)
    world.runtime.end(container_id, 1)
    await settled(engine, "one", Status.EXITED)


async def test_ports_are_taken_moved_and_given_back(world: World, engine: Engine) -> None:
    wanted = spec(ports=(PortRequest(ContainerPort(80), None, 8080, 8080),))
    await run(engine, "one", wanted)
    await engine.containers.create("two", wanted, {}, "")
    with pytest.raises(Conflict, match=r"Bind for 0\.0\.0\.0:8080 failed: port is already allocated"):
        await engine.containers.start("two")
    await engine.containers.remove("one", force=True, volumes=False, link=False)
    await engine.containers.start("two")
    await engine.containers.remove("two", force=True, volumes=False, link=False)
    assert not any(
        element for name, found in world.kernel.elements.items() for element in found if "8080" in str(element)
    )


async def test_a_port_of_the_host_is_refused(world: World, engine: Engine) -> None:
    world.kernel.occupied = frozenset({Listener(Protocol.TCP, IPv4Address("0.0.0.0"), 8080)})
    await engine.containers.create("one", spec(ports=(PortRequest(ContainerPort(80), None, 8080, 8080),)), {}, "")
    with pytest.raises(SystemFailure, match=r"failed to bind host port 0\.0\.0\.0:8080/tcp: address already in use"):
        await engine.containers.start("one")


async def test_a_joined_namespace_outlives_its_owners_restart(world: World, engine: Engine) -> None:
    owner = await run(engine, "owner", spec())
    await run(engine, "guest", spec(network="container:owner"))
    await engine.containers.restart("owner", grace=1, signal="")
    assert world.kernel.sandboxes == {owner}
    guest = engine.containers.find("guest")
    assert guest.state.status is Status.RUNNING
    assert guest.sandbox_id == owner
    await engine.containers.stop("owner", grace=1, signal="")
    assert world.kernel.sandboxes == {owner}
    await engine.containers.stop("guest", grace=1, signal="")
    assert world.kernel.sandboxes == set()


async def test_a_stopped_container_cannot_be_joined(engine: Engine) -> None:
    await engine.containers.create("owner", spec(), {}, "")
    await engine.containers.create("guest", spec(network="container:owner"), {}, "")
    with pytest.raises(Conflict, match="cannot join network namespace of a non running container"):
        await engine.containers.start("guest")


async def test_host_mode_has_no_sandbox_and_discards_ports(world: World, engine: Engine) -> None:
    wanted = spec(network="host", ports=(PortRequest(ContainerPort(80), None, 80, 80),))
    created = await engine.containers.create("one", wanted, {}, "")
    assert created.warnings == ("Published ports are discarded when using host network mode",)
    await engine.containers.start("one")
    assert world.runtime.running[created.id].network_namespace == ""
    assert world.files.written[f"/c/{created.id}/hosts"] == "127.0.0.1\thost\n"


async def test_names_answer_on_user_networks_only(world: World, engine: Engine) -> None:
    await engine.networks.create(NetworkSpec(name="net"))
    container_id = await run(engine, "one", spec(network="net"), net=EndpointSpec(aliases=("web",)))
    await run(engine, "two", spec())
    assert world.names.names() == {"one", "web", container_id[:12]}
    assert "nameserver 127.0.0.11" in world.files.written[f"/c/{container_id}/resolv.conf"]
    await engine.containers.rename("one", "uno")
    assert "uno" in world.names.names()
    assert "one" not in world.names.names()
    await engine.containers.stop("uno", grace=1, signal="")
    assert world.names.names() == set()
    assert world.names.views == {}


async def test_connect_and_disconnect_while_running(world: World, engine: Engine) -> None:
    await engine.networks.create(NetworkSpec(name="net"))
    container_id = await run(engine, "one", spec())
    await engine.networks.connect("net", "one", EndpointSpec())
    record = engine.containers.find("one")
    assert [a.endpoint.sandbox_link for a in record.attachments if a.endpoint] == ["eth0", "eth1"]
    assert "172.18.0.2\t" in world.files.written[f"/c/{container_id}/hosts"]
    assert world.names.views[container_id].networks[0][1] == "net"
    with pytest.raises(Forbidden, match="endpoint with name one already exists in network net"):
        await engine.networks.connect("net", "one", EndpointSpec())
    with pytest.raises(Forbidden, match="network net has active endpoints"):
        await engine.networks.remove("net")
    await engine.networks.disconnect("bridge", "one", force=False)
    assert len(world.kernel.veths) == 1
    await engine.networks.disconnect("net", "one", force=False)
    await engine.networks.remove("net")
    assert set(world.kernel.bridges) == {"docker0"}


async def test_an_exec_reports_its_exit(engine: Engine) -> None:
    from weft.engine.contract.runtime import ExecSpec

    await engine.containers.create("one", spec(), {}, "")
    with pytest.raises(Conflict, match="is not running"):
        await engine.execs.create("one", ExecSpec(argv=("ls",)))
    await engine.containers.start("one")
    exec_id = await engine.execs.create("one", ExecSpec(argv=("ls",)))
    await engine.execs.start(exec_id, detach=False, tty=False, console_size=(0, 0))
    assert engine.execs.inspect(exec_id).exit_code == 3
    for program, code in (("missing", 127), ("unexecutable", 126), ("unlucky", 126)):
        failing = await engine.execs.create("one", ExecSpec(argv=(program,)))
        with pytest.raises(WeftError):
            await engine.execs.start(failing, detach=True, tty=False, console_size=(0, 0))
        assert engine.execs.inspect(failing).exit_code == code
    with pytest.raises(Conflict, match="has already run"):
        await engine.execs.start(exec_id, detach=False, tty=False, console_size=(0, 0))


async def test_a_network_stays_while_a_container_on_it_is_coming_up(world: World, engine: Engine) -> None:
    await engine.networks.create(NetworkSpec(name="net"))
    created = await engine.containers.create("one", spec(network="net"), {}, "")
    world.runtime.creates.clear()
    start = asyncio.create_task(engine.containers.start("one"))
    await until(lambda: engine.containers.find("one").sandbox_id)
    with pytest.raises(Forbidden, match="network net has active endpoints"):
        await engine.networks.remove("net")
    world.runtime.creates.set()
    await start
    assert world.runtime.running[created.id]


async def test_a_start_waits_for_a_network_that_is_being_made(world: World, engine: Engine) -> None:
    world.kernel.makes_bridges.clear()
    making = asyncio.create_task(engine.networks.create(NetworkSpec(name="net")))
    await until(lambda: engine.inventory.network_named("net"))
    start = asyncio.create_task(run(engine, "one", spec(network="net")))
    await until(lambda: engine.inventory.container_named("one"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not start.done()
    world.kernel.makes_bridges.set()
    assert await start in world.runtime.running
    await making
