"""Whatever sequence of requests: each is answered as a model says, and afterwards records and kernel say the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from agreement import addresses_are_unique, agree
from box_model import Model

from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import roots, settled

pytestmark = pytest.mark.weft_only("the kernel is compared with Weft's own layout")

NETWORKS = ("red", "green", "blue")
BOXES = ("box1", "box2", "box3", "box4", "box5")
SUBNETS = {"red": "fd00:aa::/64", "green": "fd00:bb::/64", "blue": ""}
STEPS, LOOK_EVERY = 90, 6
# How often each request is made, beside the others.
WEIGHTS = {
    "create_network": 6,
    "remove_network": 6,
    "create": 8,
    "start": 14,
    "stop": 3,
    "kill": 3,
    "restart": 4,
    "pause": 4,
    "unpause": 4,
    "rename": 3,
    "remove": 3,
    "connect": 12,
    "disconnect": 7,
}


class Walk:
    """The model and the engine get the same requests, chosen by chance, most of them for what exists."""

    def __init__(self, engine: Engine, seed: int, answered: Counter[str]) -> None:
        self.engine = engine
        self.model = Model()
        self.told: list[str] = []
        self._chance = random.Random(seed)
        self._answered = answered

    def step(self) -> None:
        """One request, and whether the lists are the model's afterwards."""
        (what,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        getattr(self, what, lambda: self._act(what))()
        self._check_lists()

    def _pick(self, existing: Sequence[str], all_: Sequence[str]) -> str:
        usual = [one for one in all_ if one in existing]
        return self._chance.choice(usual if usual and self._chance.random() < 0.85 else all_)

    def _box(self) -> str:
        return self._pick(tuple(self.model.boxes), BOXES)

    def _new_box(self) -> str:
        return self._pick([name for name in BOXES if name not in self.model.boxes], BOXES)

    def _network(self) -> str:
        return self._pick(tuple(self.model.nets), NETWORKS)

    def _alias(self) -> str:
        return self._chance.choice(["", "web", "db"])

    def _send(self, expected: bool, method: str, path: str, body: Any = None) -> None:
        api = self.engine.api
        answer = api.request(method, path, body) if body is not None else api.request(method, path)
        self.told.append(f"{method} {path} {body or ''} -> {answer.status} {answer.body.decode().strip()}")
        assert (answer.status < 400) == expected, f"the model says {'yes' if expected else 'no'}"
        # A failure of the engine's own is none of the refusals; a taken port is Docker's 500.
        assert answer.status < 500 or "port is already allocated" in answer.message
        if expected:
            self._answered[path.partition("?")[0].rpartition("/")[2] if method == "POST" else method] += 1

    def create_network(self) -> None:
        name, internal = self._chance.choice(NETWORKS), self._chance.random() < 0.25
        body: dict[str, Any] = {"Name": name, "CheckDuplicate": True, "Internal": internal}
        if SUBNETS[name]:
            body |= {"EnableIPv6": True, "IPAM": {"Config": [{"Subnet": SUBNETS[name]}]}}
        self._send(self.model.create_network(name, internal=internal), "POST", "/networks/create", body)

    def remove_network(self) -> None:
        name = self._network()
        self._send(self.model.remove_network(name), "DELETE", f"/networks/{name}")

    def create(self) -> None:
        box, mode = self._new_box(), self._chance.choice(["bridge", "none", self._network(), self._network()])
        port, alias = self._chance.choice([0, 8001, 8002]), "" if mode in ("bridge", "none") else self._alias()
        host: dict[str, Any] = {"NetworkMode": mode}
        if port:
            host["PortBindings"] = {"80/tcp": [{"HostPort": str(port)}]}
        body = {"Image": "busybox", "Cmd": ["top"], "HostConfig": host, "ExposedPorts": {"80/tcp": {}}}
        body["NetworkingConfig"] = {"EndpointsConfig": {mode: {"Aliases": [alias] if alias else []}}}
        self._send(self.model.create(box, mode, port, alias), "POST", f"/containers/create?name={box}", body)

    def _act(self, how: str) -> None:
        """start, stop, kill, restart, pause, unpause."""
        box, query = self._box(), "?t=0" if how in ("stop", "restart") else ""
        self._send(getattr(self.model, how)(box), "POST", f"/containers/{box}/{how}{query}")

    def rename(self) -> None:
        box, new = self._box(), self._new_box()
        self._send(self.model.rename(box, new), "POST", f"/containers/{box}/rename?name={new}")

    def connect(self) -> None:
        box, network, alias = self._box(), self._network(), self._alias()
        body = {"Container": box, "EndpointConfig": {"Aliases": [alias] if alias else []}}
        self._send(self.model.connect(box, network, alias), "POST", f"/networks/{network}/connect", body)

    def disconnect(self) -> None:
        box = self._box()
        network = self._pick(list(getattr(self.model.boxes.get(box), "nets", ())), ("bridge", *NETWORKS))
        path = f"/networks/{network}/disconnect"
        self._send(self.model.disconnect(box, network), "POST", path, {"Container": box})

    def remove(self) -> None:
        box = self._box()
        self._send(self.model.remove(box), "DELETE", f"/containers/{box}?force=1")

    def restart_the_daemon(self) -> None:
        """Not a request, but records and kernel must go through it."""
        self.told.append("the daemon is killed and started")
        self.engine.kill()
        self.engine.start()
        self._check_lists()

    def _check_lists(self) -> None:
        listed = self.engine.api.need("GET", "/containers/json?all=1")
        boxes = {one["Names"][0][1:]: (one["State"], sorted(one["NetworkSettings"]["Networks"])) for one in listed}
        assert boxes == {name: (box.status, sorted(box.nets)) for name, box in self.model.boxes.items()}
        networks = {one["Name"]: one["Internal"] for one in self.engine.api.need("GET", "/networks")}
        del networks["host"], networks["none"]
        assert networks == {name: net.internal for name, net in self.model.nets.items() if name != "none"}

    def look(self) -> None:
        """Records and kernel, and the aliases of the model."""
        agree(self.engine)
        addresses_are_unique(self.engine)
        for name, box in self.model.boxes.items():
            if box.runs:
                networks = self.engine.api.need("GET", f"/containers/{name}/json")["NetworkSettings"]["Networks"]
                for network, alias in box.nets.items():
                    assert not alias or alias in networks[network]["Aliases"], (name, network, networks[network])


@pytest.fixture(scope="module")
def walked(shared_engine: Engine) -> Engine:
    """The shared engine, empty; the built-in image is made at its first use, and stays."""
    shared_engine.api.need("POST", "/containers/create?name=first", {"Image": "busybox"})
    shared_engine.sweep()
    return shared_engine


def test_random_sequences(walked: Engine) -> None:
    before = settled(walked)
    answered: Counter[str] = Counter()
    for seed in (*range(6), 107, 112):  # the last two once found a network made again under its old name
        walk = Walk(walked, seed, answered)
        try:
            for number in range(1, STEPS + 1):
                walk.step()
                if number % LOOK_EVERY == 0:
                    walk.look()
                if number == STEPS // 2:
                    walk.restart_the_daemon()
                    walk.look()
        except AssertionError as error:
            raise AssertionError(f"with seed {seed}:\n" + "\n".join(walk.told)) from error
        finally:
            walked.sweep()
        eventually(lambda: not roots(walked))
    assert settled(walked) == before
    # The sequences would mean little if most of what they met were refusals.
    rare = {what: answered[what] for what in (*WEIGHTS, "DELETE") if what in answered and answered[what] < 3}
    assert not rare
    assert answered["start"] > 50


def test_a_network_made_again_under_its_name(walked: Engine) -> None:
    """What a stopped container is attached to counts by name."""
    api = walked.api
    box = {"Container": "box"}
    api.need("POST", "/networks/create", {"Name": "red"})
    api.need("POST", "/containers/create?name=box", {"Image": "busybox", "Cmd": ["top"]})
    api.need("POST", "/networks/red/connect", box)
    api.need("DELETE", "/networks/red")
    assert api.post("/containers/box/start").status == 404
    api.need("POST", "/networks/create", {"Name": "red"})
    again = api.post("/networks/red/connect", box)
    assert (again.status, again.message) == (403, "endpoint with name box already exists in network red")
    api.need("POST", "/containers/box/start")
    agree(walked)
    api.need("POST", "/containers/box/stop?t=0")
    api.need("DELETE", "/networks/red")
    api.need("POST", "/networks/create", {"Name": "red"})
    api.need("POST", "/networks/red/disconnect", box)
    api.need("POST", "/containers/box/start")
    agree(walked)
    walked.sweep()
