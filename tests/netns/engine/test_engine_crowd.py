"""Sixty-four clients at a time that do what comes to their minds: no failure of the engine's own, records and kernel
agree afterwards, nothing is left when all is removed, and the engine has not grown."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agreement import addresses_are_unique, agree

from rig.api import Answer, RawApi
from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import roots, settled

pytestmark = pytest.mark.weft_only("the kernel is compared with Weft's own layout")

CLIENTS, REQUESTS = 64, 14  # requests a client and round
NETWORKS = tuple(f"net{number}" for number in range(12))
BOXES = tuple(f"box{number}" for number in range(40))
# How often each request is made, beside the others.
WEIGHTS = {
    "create": 10,
    "start": 12,
    "stop": 5,
    "kill": 3,
    "restart": 2,
    "pause": 1,
    "unpause": 2,
    "remove": 4,
    "connect": 8,
    "disconnect": 6,
    "execute": 3,
    "rename": 1,
    "create_network": 8,
    "remove_network": 9,
    "look": 6,
}
# What Docker answers with 500 too: a taken port, and an exec whose container was killed meanwhile.
AS_DOCKER = ("port is already allocated", "OCI runtime exec failed")
SECONDS = float(os.environ.get("WEFT_CROWD_SECONDS", "0"))  # how long a round goes on, instead of REQUESTS
GROWTH = {"weftd": 12, "dns_process.py": 4}  # MiB that one round may leave behind it


class Client:
    """One of the crowd, with a connection of its own."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._api = RawApi(engine.socket, timeout=120)
        self._chance = random.Random(seed)
        self.done: Counter[str] = Counter()

    def act(self, until: float) -> Counter[str]:
        """Make requests until then, or as many as a round has; return how many of each kind succeeded."""
        with self._api:
            made = 0
            while time.monotonic() < until if until else made < REQUESTS:
                (what,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
                answer = getattr(self, what, lambda what=what: self._change(what))()
                assert answer.status < 500 or any(words in answer.message for words in AS_DOCKER), (
                    f"{what}: {answer.body!r}\n{self._engine.log.read_text()[-6000:]}"
                )
                self.done[what] += answer.status < 400
                made += 1
        return self.done

    def _box(self) -> str:
        return self._chance.choice(BOXES)

    def _network(self) -> str:
        return self._chance.choice(NETWORKS)

    def _change(self, how: str) -> Answer:
        """start, stop, kill, restart, pause, unpause."""
        return self._api.post(f"/containers/{self._box()}/{how}" + ("?t=0" if how in ("stop", "restart") else ""))

    def create(self) -> Answer:
        mode = self._chance.choice(("bridge", "none", *NETWORKS))
        host: dict[str, Any] = {"NetworkMode": mode, "RestartPolicy": {"Name": self._chance.choice(("no", "always"))}}
        if self._chance.random() < 0.4:
            host["PortBindings"] = {"80/tcp": [{"HostPort": str(self._chance.randrange(9000, 9040))}]}
        if self._chance.random() < 0.2:
            host["Binds"] = [f"{self._chance.choice(('red', 'green'))}:/data"]
        body = {"Image": "busybox", "Cmd": ["sleep", "600"], "HostConfig": host}
        return self._api.post(f"/containers/create?name={self._box()}", body)

    def remove(self) -> Answer:
        return self._api.delete(f"/containers/{self._box()}?force=1&v=1")

    def rename(self) -> Answer:
        return self._api.post(f"/containers/{self._box()}/rename?name={self._box()}")

    def connect(self) -> Answer:
        body = {"Container": self._box(), "EndpointConfig": {"Aliases": [self._chance.choice(("web", "db"))]}}
        return self._api.post(f"/networks/{self._network()}/connect", body)

    def disconnect(self) -> Answer:
        body = {"Container": self._box(), "Force": self._chance.random() < 0.3}
        return self._api.post(f"/networks/{self._network()}/disconnect", body)

    def create_network(self) -> Answer:
        name = self._network()
        body: dict[str, Any] = {"Name": name, "Internal": name == "net0", "EnableIPv6": name == "net1"}
        return self._api.post("/networks/create", body)

    def remove_network(self) -> Answer:
        return self._api.delete(f"/networks/{self._network()}")

    def execute(self) -> Answer:
        body = {"Cmd": ["true"], "AttachStdout": True}
        made = self._api.post(f"/containers/{self._box()}/exec", body)
        if made.status >= 400:
            return made
        return self._api.post(f"/exec/{made.json['Id']}/start", {"Detach": True})

    def look(self) -> Answer:
        path = self._chance.choice(
            ("/containers/json?all=1", "/networks", "/volumes", f"/containers/{self._box()}/json")
        )
        return self._api.get(path)


@pytest.fixture
def crowded(engine: Engine) -> Iterator[Engine]:
    """The shared engine, which forgets its containers' restarts before they are swept away."""
    engine.sweep()
    yield engine
    engine.sweep()


def a_round(engine: Engine, seed: int, seconds: float) -> Counter[str]:
    """Let all clients act at a time; return how many requests of each kind succeeded."""
    until = time.monotonic() + seconds if seconds else 0
    with ThreadPoolExecutor(CLIENTS) as pool:
        rounds = [pool.submit(Client(engine, seed + number).act, until) for number in range(CLIENTS)]
        return sum((each.result() for each in rounds), Counter())


def resident(engine: Engine) -> dict[str, float]:
    """MiB in memory of the engine's own processes, by name."""
    found = {}
    for pid, line in engine.host.processes().items():
        for name in GROWTH:
            if any(Path(word).name == name for word in line[:4]):
                status = Path(f"/proc/{pid}/status").read_text().splitlines()
                (pages,) = (entry.split()[1] for entry in status if entry.startswith("VmRSS:"))
                found[name] = int(pages) / 1024
    return found


def test_a_crowd(crowded: Engine) -> None:
    before = settled(crowded)
    a_round(crowded, 1000, seconds=min(SECONDS, 30))  # what is kept for the next time is kept now
    agree(crowded)
    crowded.sweep()
    eventually(lambda: not roots(crowded))
    memory = resident(crowded)
    assert memory.keys() == GROWTH.keys()

    succeeded = a_round(crowded, 2000, seconds=SECONDS)
    agree(crowded)
    addresses_are_unique(crowded)
    crowded.sweep()
    eventually(lambda: not roots(crowded))
    assert settled(crowded) == before
    grown = {name: round(size - memory[name], 1) for name, size in resident(crowded).items()}
    print(f"{sum(succeeded.values())} requests succeeded: {dict(succeeded)}; MiB before {memory}, grown {grown}")
    assert all(grown[name] <= GROWTH[name] for name in GROWTH), (memory, grown)
    # It would mean little if most of it were refused.
    assert min(succeeded[what] for what in ("create", "start", "stop", "connect", "disconnect", "create_network")) > 3
