"""What a new container may ask for, and what it gets where it asked for nothing."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from fakes import World

from weft.engine.settings import Settings
from weft.model.container import ContainerSpec, LogConfig, NetworkingSpec, ProcessSpec
from weft.model.endpoint import EndpointSpec
from weft.model.errors import InvalidParameter

SPEC = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)), networking=NetworkingSpec(mode="host"))


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (EndpointSpec(ipv4=IPv4Address("10.0.0.9")), "user-specified IP address is supported on user-defined networks"),
        (EndpointSpec(mac_address="02:42:ac:11:00:09"), "conflicting options: mac-address and the network mode"),
        (EndpointSpec(aliases=("also",)), "network-scoped aliases are only supported for user-defined networks"),
        (EndpointSpec(links=("one:two",)), "host type networking can't be used with links"),
        (EndpointSpec(driver_options={"a": "b"}), "driver options of an endpoint are not supported"),
    ],
)
async def test_host_mode_has_no_endpoint_settings(endpoint: EndpointSpec, text: str) -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    with pytest.raises(InvalidParameter, match=text):
        await engine.containers.create("one", SPEC, {"host": endpoint}, "")
    assert not world.runtime.prepared
    await engine.containers.create("one", SPEC, {"host": EndpointSpec()}, "")
    await engine.stop()


@pytest.mark.parametrize(
    ("wanted", "logged"),
    [
        (LogConfig(driver="json-file"), LogConfig(driver="json-file")),
        (LogConfig(driver="local"), LogConfig(driver="local", options={"max-size": "1m", "max-file": "2"})),
        (
            LogConfig(driver="local", options={"max-size": "9m"}),
            LogConfig(driver="local", options={"max-size": "9m", "max-file": "2"}),
        ),
    ],
)
async def test_the_daemons_defaults(wanted: LogConfig, logged: LogConfig) -> None:
    log = LogConfig(driver="local", options={"max-size": "1m", "max-file": "2"})
    engine = World(settings=Settings(data_root="/d", exec_root="/x", host_id="host", log=log, shm_size=4096)).engine()
    await engine.start()
    for size, given in ((0, 4096), (8192, 8192)):
        created = await engine.containers.create("", replace(SPEC, log=wanted, shm_size=size), {}, "")
        spec = engine.containers.find(created.id).spec
        assert (spec.log, spec.shm_size) == (logged, given)
    await engine.stop()
