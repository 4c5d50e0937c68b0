"""Ports that change while their container runs: all of a change or none, in kernel, record and book alike."""

from ipaddress import IPv4Address

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.sandbox.bindings import Binding, asking_for, bindings_of, check_apart, without
from weft.model.container import ContainerRecord, ContainerSpec, NetworkingSpec, ProcessSpec, RestartPolicy
from weft.model.errors import Conflict, NotFound, SystemFailure
from weft.model.port import ContainerPort, PortRequest, PublishedPort

HTTP, HTTPS = ContainerPort(80), ContainerPort(443)
ANY, LOOPBACK = IPv4Address("0.0.0.0"), IPv4Address("127.0.0.1")


def fixed(number: int, port: ContainerPort = HTTP, address: IPv4Address | None = None) -> PortRequest:
    return PortRequest(port, address, number, number)


def state(world: World, engine: Engine) -> tuple[object, ...]:
    record = engine.containers.find("one")
    return record, {name: set(elements) for name, elements in world.kernel.elements.items() if elements}


async def start(engine: Engine, name: str = "one", *ports: PortRequest) -> ContainerRecord:
    networking = NetworkingSpec(mode="bridge", ports=ports)
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)), networking=networking)
    await engine.containers.create(name, spec, {}, "")
    await engine.containers.start(name)
    return engine.containers.find(name)


async def test_a_port_is_added_and_taken_back(engine: Engine, world: World) -> None:
    await start(engine)
    before = state(world, engine)
    record = await engine.containers.publish("one", [fixed(8080)])
    assert record.ports == (PublishedPort(HTTP, ANY, 8080),)
    assert engine.containers.find("one").spec.networking.ports == (fixed(8080),)
    assert any(element.key == ("tcp", "8080") for element in world.kernel.elements["ports4"])
    await engine.containers.withdraw("one", [PortRequest(HTTP)])
    assert state(world, engine) == before
    await start(engine, "two", fixed(8080))


async def test_ports_that_change_places_stay_taken(engine: Engine) -> None:
    await start(engine, "one", fixed(8080))
    await engine.containers.update("one", ports=[fixed(8080, HTTPS), fixed(8081)])
    await start(engine, "two")
    for number in (8080, 8081):
        with pytest.raises(Conflict, match=f"{number} failed: port is already allocated"):
            await engine.containers.publish("two", [fixed(number)])


@pytest.mark.parametrize("operation", ["AddElements", "DeleteElements"])
async def test_a_kernel_that_refuses(engine: Engine, world: World, operation: str) -> None:
    await start(engine, "one", fixed(8080))
    before = state(world, engine)
    world.kernel.fail_on = operation
    with pytest.raises(SystemFailure):
        await engine.containers.update("one", ports=[fixed(8081), fixed(8080, HTTPS)], restart=None)
    assert state(world, engine) == before
    await start(engine, "two", fixed(8081))
    with pytest.raises(Conflict, match="8080 failed: port is already allocated"):
        await engine.containers.publish("two", [fixed(8080)])


async def test_a_store_that_refuses(engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await start(engine, "one", fixed(8080))
    before = state(world, engine)

    def refuse(*_: object) -> None:
        raise SystemFailure("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "commit", refuse)
        with pytest.raises(SystemFailure, match="disk full"):
            await engine.containers.publish("one", [fixed(8081)])
    assert state(world, engine) == before
    await start(engine, "two", fixed(8081))


async def test_a_conflict_in_the_middle(engine: Engine, world: World) -> None:
    await start(engine, "two", fixed(9090))
    await start(engine, "one", fixed(8080))
    before = state(world, engine)
    with pytest.raises(Conflict, match="9090 failed"):
        await engine.containers.update("one", ports=[fixed(8081), fixed(9090)], restart=RestartPolicy(name="always"))
    assert state(world, engine) == before
    await engine.containers.publish("two", [fixed(8081)])


async def test_what_is_asked_for_twice_is_two_bindings(engine: Engine) -> None:
    await start(engine, "one", PortRequest(HTTP), PortRequest(HTTP))
    first, second = (port.host_port for port in engine.containers.find("one").ports)
    record = await engine.containers.withdraw("one", [fixed(first)])
    assert [port.host_port for port in record.ports] == [second]
    assert record.spec.networking.ports == (PortRequest(HTTP),)


def test_requests_and_the_ports_they_came_to() -> None:
    requests = (PortRequest(HTTP), PortRequest(HTTP, None, 8000, 8010), fixed(9000), fixed(9000, HTTPS))
    published = [PublishedPort(HTTP, ANY, number) for number in (9000, 8001, 32768)]
    assert [binding.ports for binding in bindings_of(requests, published)] == [
        (published[2],),
        (published[1],),
        (published[0],),
        (),
    ]


def test_a_routed_port_stands_for_all_requests_of_its_container_port() -> None:
    routed, mapped = PublishedPort(HTTP, ANY, 0), PublishedPort(HTTP, LOOPBACK, 8081)
    bindings = bindings_of((fixed(8080), fixed(8081, address=LOOPBACK), fixed(8443, HTTPS)), (routed, mapped))
    assert [binding.ports for binding in bindings] == [(routed,), (routed, mapped), ()]
    (left,) = without(bindings[:2], [fixed(8080)], "c")
    assert routed in left.ports


def test_a_request_for_every_address_goes_as_one() -> None:
    binding = Binding(fixed(8080), (PublishedPort(HTTP, ANY, 8080),))
    other = Binding(fixed(8081, address=LOOPBACK), (PublishedPort(HTTP, LOOPBACK, 8081),))
    for wanted in (PortRequest(HTTP, ANY), fixed(8080), fixed(8080, address=ANY)):
        assert without([binding, other], [wanted], "c") == (other,)
    assert without([binding, other], [PortRequest(HTTP, LOOPBACK)], "c") == (binding,)
    assert without([binding, other], [PortRequest(HTTP)], "c") == ()
    with pytest.raises(NotFound, match=r"^No public port '127.0.0.1:9:80/tcp' published for c$"):
        without([binding, other], [fixed(9, address=LOOPBACK)], "c")


def test_requests_that_collide() -> None:
    check_apart([fixed(80), fixed(81), fixed(80, ContainerPort(53, HTTP.protocol.UDP)), PortRequest(HTTP)])
    check_apart([fixed(80, address=LOOPBACK), fixed(80, address=IPv4Address("127.0.0.2"))])
    for other in (fixed(80, HTTPS), fixed(80, address=LOOPBACK)):
        with pytest.raises(Conflict, match="80 failed: port is already allocated"):
            check_apart([fixed(80), other])


def test_publish_all_yields_to_a_withdrawal() -> None:
    networking = NetworkingSpec(exposed=(HTTP, HTTPS), publish_all=True)
    kept = asking_for(networking, [PortRequest(HTTP), PortRequest(HTTPS), fixed(8080)])
    assert kept.publish_all
    assert not asking_for(networking, [PortRequest(HTTP)]).publish_all
