"""Whatever sequence of requests: afterwards the records and the kernel say the same."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import pins, roots, settled

NETWORKS = st.sampled_from(["red", "green", "blue"])
BOXES = st.sampled_from(["box1", "box2", "box3", "box4"])


class Machine(RuleBasedStateMachine):
    """Requests at random; refusals are as good as successes, only the state afterwards counts."""

    engine: Engine

    def post(self, path: str, body: Any = None) -> None:
        """A request that may be refused, but not with a failure of the engine's own."""
        answer = (
            self.engine.api.request("POST", path, body) if body is not None else self.engine.api.request("POST", path)
        )
        assert answer.status < 500 or self.engine.reference, (path, body, answer)

    @rule(network=NETWORKS, ipv6=st.booleans())
    def create_network(self, network: str, ipv6: bool) -> None:
        body: dict[str, Any] = {"Name": network, "CheckDuplicate": True}
        if ipv6:
            body |= {"EnableIPv6": True, "IPAM": {"Config": [{"Subnet": f"fd00:{network.encode().hex()[:4]}::/64"}]}}
        self.post("/networks/create", body)

    @rule(network=NETWORKS)
    def remove_network(self, network: str) -> None:
        assert self.engine.api.delete(f"/networks/{network}").status < 500

    @rule(box=BOXES, network=st.one_of(st.just("bridge"), st.just("none"), NETWORKS), port=st.booleans())
    def create(self, box: str, network: str, port: bool) -> None:
        number = 8000 + int(box[-1])
        settings_ = {"NetworkMode": network, "PortBindings": {"80/tcp": [{"HostPort": str(number)}]} if port else {}}
        body = {"Image": "busybox", "Cmd": ["top"], "HostConfig": settings_, "ExposedPorts": {"80/tcp": {}}}
        self.post(f"/containers/create?name={box}", body)

    @rule(box=BOXES)
    def start(self, box: str) -> None:
        self.post(f"/containers/{box}/start")

    @rule(box=BOXES, how=st.sampled_from(["stop?t=0", "kill", "restart?t=0", "pause", "unpause"]))
    def change(self, box: str, how: str) -> None:
        self.post(f"/containers/{box}/{how}")

    @rule(box=BOXES, network=NETWORKS)
    def connect(self, box: str, network: str) -> None:
        self.post(f"/networks/{network}/connect", {"Container": box})

    @rule(box=BOXES, network=st.one_of(st.just("bridge"), NETWORKS))
    def disconnect(self, box: str, network: str) -> None:
        self.post(f"/networks/{network}/disconnect", {"Container": box})

    @rule(box=BOXES)
    def remove(self, box: str) -> None:
        answer = self.engine.api.delete(f"/containers/{box}?force=1")
        assert answer.status in (204, 404, 409), answer

    @invariant()
    def records_and_kernel_agree(self) -> None:
        eventually(lambda: _agree(self.engine), timeout=5)

    def teardown(self) -> None:
        self.engine.sweep()
        eventually(lambda: not roots(self.engine), timeout=5)


def _agree(engine: Engine) -> bool:
    networks = [one for one in engine.api.need("GET", "/networks") if one["Driver"] == "bridge"]
    boxes = [
        engine.api.need("GET", f"/containers/{one['Id']}/json") for one in engine.api.need("GET", "/containers/json")
    ]
    links = {one["ifname"]: one for one in json.loads(engine.host.output("ip", "-j", "-d", "addr"))}

    bridges = {one["Options"].get("com.docker.network.bridge.name", f"br-{one['Id'][:12]}"): one for one in networks}
    assert {
        name for name, link in links.items() if link.get("linkinfo", {}).get("info_kind") == "bridge"
    } == bridges.keys()
    for name, network in bridges.items():
        held = {one["local"] for one in links[name]["addr_info"]}
        gateways = [config["Gateway"] for config in network["IPAM"]["Config"] if config.get("Gateway")]
        assert {gateway.split("/")[0] for gateway in gateways} <= held, (name, held)

    ends = [
        name
        for name, link in links.items()
        if link.get("linkinfo", {}).get("info_kind") == "veth" and name.startswith("veth")
    ]
    plugged = [
        network for box in boxes for name, network in box["NetworkSettings"]["Networks"].items() if name != "none"
    ]
    assert len(ends) == len(plugged), (ends, plugged)
    for box in boxes:
        _check_box(engine, box)
    if not engine.reference:
        _check_published(engine, boxes)
    assert len(roots(engine)) == len(boxes)
    return True


def _check_box(engine: Engine, box: dict[str, Any]) -> None:
    """Each recorded address is on an interface with the recorded MAC address, and there is no other."""
    listed = json.loads(engine.host.output("nsenter", f"--net=/proc/{box['State']['Pid']}/ns/net", "ip", "-j", "addr"))
    found = {
        (link["address"], address["local"])
        for link in listed
        for address in link["addr_info"]
        if link["ifname"] != "lo" and address["scope"] != "link"
    }
    recorded = {
        (one["MacAddress"], one[field])
        for one in box["NetworkSettings"]["Networks"].values()
        for field in ("IPAddress", "GlobalIPv6Address")
        if one[field]
    }
    assert found == recorded, box["Name"]


def _check_published(engine: Engine, boxes: list[dict[str, Any]]) -> None:
    """The ruleset holds the ports of running containers and of no others; pins are theirs or spare."""
    bound = {
        int(one["HostPort"])
        for box in boxes
        for ports in (box["NetworkSettings"]["Ports"] or {}).values()
        for one in ports or []
    }
    ruleset = engine.host.output("nft", "list", "ruleset")
    in_kernel = {port for port in range(8001, 8005) if re.search(rf"\b{port}\b", ruleset)}
    assert in_kernel == {port for port in bound if 8001 <= port < 8005}
    assert len(pins(engine)) >= len(boxes)


def test_random_sequences(shared_engine: Engine) -> None:
    shared_engine.sweep()
    Machine.engine = shared_engine
    before = settled(shared_engine)
    Machine.TestCase.settings = settings(
        max_examples=5 if shared_engine.reference else 20,
        stateful_step_count=15 if shared_engine.reference else 30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        # Each step is a request to a daemon: what failed is told by its steps, not shrunk for minutes.
        phases=[Phase.explicit, Phase.generate],
    )
    Machine.TestCase("runTest").runTest()
    assert settled(shared_engine) == before
