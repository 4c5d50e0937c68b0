"""The daemon is killed while macvlan networks and their containers are made and removed: nothing is left behind."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException

import pytest

from rig.api import RawApi
from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import settled

pytestmark = pytest.mark.weft_only("host_access")

ACCESS = {"parent": "eth0", "host_access": "true"}
ALONE = {"host_access": "true"}


@pytest.fixture(scope="module")
def engine(lab) -> Iterator[Engine]:  # type: ignore[no-untyped-def]
    """An engine that was used once, so that what it keeps is there."""
    made: Engine = lab.engine("weft")
    churn(made, threading.Event(), turns=1)
    made.sweep()
    yield made
    made.host.close()


def churn(engine: Engine, over: threading.Event, *, turns: int = 1000) -> None:
    """Make two networks with the host's own way in, a container on both in turn, and remove all of it."""
    with suppress(OSError, HTTPException, ValueError), RawApi(engine.socket) as api:
        for _ in range(turns):
            if over.is_set():
                return
            for name, options, subnet in (("lan", ACCESS, "10.7.0.0/24"), ("alone", ALONE, "10.8.0.0/24")):
                ipam = {"Config": [{"Subnet": subnet}]}
                api.post("/networks/create", {"Name": name, "Driver": "macvlan", "Options": options, "IPAM": ipam})
            body = {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "lan"}}
            api.post("/containers/create?name=box", body)
            api.post("/containers/box/start")
            api.post("/networks/alone/connect", {"Container": "box"})
            api.post("/networks/lan/disconnect", {"Container": "box"})
            api.delete("/containers/box?force=1")
            for name in ("lan", "alone"):
                api.delete(f"/networks/{name}")


def test_whenever_it_is_killed(engine: Engine) -> None:
    before, routes = settled(engine), _routes(engine)
    random.seed(7)
    for _ in range(12):
        over = threading.Event()
        worker = threading.Thread(target=churn, args=(engine, over))
        worker.start()
        time.sleep(random.uniform(0.02, 0.5))
        engine.kill()
        over.set()
        worker.join()
        engine.start()
        networks = {each["Name"]: each["Id"][:12] for each in engine.api.need("GET", "/networks")}
        links = settled(engine).links
        for name, prefix in (("lan", "mv-"), ("alone", "mv-"), ("alone", "dm-")):
            if name in networks:
                assert f"{prefix}{networks[name]}" in links  # what is recorded is there, whole
        engine.sweep()
        assert eventually(lambda: settled(engine) == before)
        assert _routes(engine) == routes
        assert engine.host.output("cat", "/sys/class/net/eth0/flags") == "0x1003"  # no promiscuity is left either


def _routes(engine: Engine) -> set[str]:
    listed = engine.host.output("ip", "route") + "\n" + engine.host.output("ip", "-6", "route")
    return {line.replace("linkdown", "").strip() for line in listed.splitlines()}
