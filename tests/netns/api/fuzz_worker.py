"""One process that sends requests of schemathesis's making to an engine, and prints what it found as JSON.

python fuzz_worker.py SOCKET SCRATCH REQUESTS SEED
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
import time
import warnings
from collections import Counter
from http.client import HTTPException
from pathlib import Path
from typing import Any

import requests
import schemathesis
from docker.transport import UnixHTTPAdapter
from fuzz_world import World
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

BASE = "http://engine"
_STREAMS = ("/events", "/logs", "/attach", "/wait", "/start", "/stats")  # of some no end comes
_CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
_LONGEST = 40  # seconds after which an answer does not come any more
_TURN, _LONG_TURN, _SHORT_TURN = 12, 40, 1  # requests to one operation in a round
_MANY = ("POST /containers/create", "POST /containers/{name}/start", "POST /networks/create")
_SLOW = ("POST /exec/{name}/resize",)  # waits for the start of one that was not started
_OPTIONS = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
_OF_THE_PLACE = re.compile(r"dial tcp|lookup |the kernel lacks ")  # 500 is right


@schemathesis.serializer("application/x-tar")
def _archive(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class Fuzzer:
    """Sends requests until there were enough.

    `found` is what is wrong, once for each operation and kind; `made` are the ids of containers.
    """

    def __init__(self, socket: str, scratch: Path, enough: int) -> None:
        self._session = requests.Session()
        self._session.mount(BASE, UnixHTTPAdapter(f"http+unix://{socket}", pool_connections=1))
        self._world = World(scratch)
        self._enough = enough
        self.sent = 0
        self.found: dict[str, str] = {}
        self.made: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.slowest: tuple[float, str] = (0.0, "")
        self._impossible: set[tuple[str, GenerationMode]] = set()
        self._strategies: dict[tuple[str, GenerationMode], Any] = {}

    def run(self, first_seed: int) -> None:
        """Go round all operations until enough was sent."""
        document = self._session.get(f"{BASE}/openapi.json", timeout=_LONGEST).json()
        document["servers"] = [{"url": "/v1.51"}]
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        rounds = 0
        while self.sent < self._enough:
            self.furnish()
            mode = GenerationMode.NEGATIVE if rounds % 3 == 2 else GenerationMode.POSITIVE
            for operation in operations:
                if self.sent < self._enough:
                    self._visit(operation, mode, first_seed + rounds)
            rounds += 1

    def furnish(self) -> None:
        """Have the containers, networks and volumes that requests name."""
        self._plain("POST", "/images/create?fromImage=busybox&tag=latest")
        for number in range(2):
            self._plain("POST", "/networks/create", {"Name": f"net{number}"})
            self._plain("POST", "/volumes/create", {"Name": f"vol{number}"})
        for number in range(4):
            body = {"Image": "busybox", "Cmd": ["top"], "StopTimeout": 0, "HostConfig": {"NetworkMode": "net0"}}
            self._plain("POST", f"/containers/create?name=box{number}", body)
            self._plain("POST", f"/containers/box{number}/start")

    def _plain(self, method: str, path: str, body: Any = None) -> None:
        self._session.request(method, BASE + path, json=body, timeout=_LONGEST)

    def _visit(self, operation: Any, mode: GenerationMode, number: int) -> None:
        key = (operation.label, mode)
        if key in self._impossible:
            return
        if key not in self._strategies:
            self._strategies[key] = operation.as_strategy(generation_mode=mode)

        @seed(number)
        @settings(_OPTIONS, max_examples=_turn(operation))
        @given(self._strategies[key], st.integers(0, 2**32))
        def send(case: Any, chance: int) -> None:
            if self.sent < self._enough:
                self._send(case, random.Random(chance))

        try:
            send()
        except Unsatisfiable:  # whatever is sent to it is right
            self._impossible.add(key)

    def _send(self, case: Any, rng: random.Random) -> None:
        path = case.operation.path
        if case.path_parameters and rng.random() < 0.8:
            case.path_parameters = {key: self._world.name(path, rng) for key in case.path_parameters}
        if isinstance(case.query, dict):
            case.query = self._world.query(case.query, rng)
        case.body = self._world.body(path, case.body, rng)
        begun = time.monotonic()
        self.sent += 1
        try:
            response = self._session.request(
                **case.as_transport_kwargs(base_url=f"{BASE}/v1.51"),
                timeout=_LONGEST,
                stream=True,
                allow_redirects=False,
            )
            with contextlib.closing(response):
                self._judge(case, response)
        except (requests.RequestException, HTTPException, ValueError) as error:
            self._wrong(case, type(error).__name__, repr(error))
        self.slowest = max(self.slowest, (time.monotonic() - begun, case.operation.label))

    def _judge(self, case: Any, response: requests.Response) -> None:
        self.statuses[response.status_code] += 1
        if response.status_code < 300 and case.operation.path.endswith(_STREAMS):
            if response.status_code not in (200, 204):
                self._wrong(case, f"status {response.status_code}", "a stream begins with 200")
            return
        if response.status_code == 500 and not _OF_THE_PLACE.search(response.text):
            self._wrong(case, "status 500", response.text)
        try:
            case.validate_response(response, checks=_CHECKS)
        except (Failure, FailureGroup) as error:
            for part in error.exceptions if isinstance(error, FailureGroup) else [error]:
                self._wrong(case, f"{type(part).__name__} {response.status_code}", f"{error}\n{response.text[:500]}")
        if response.status_code == 201 and case.operation.path.endswith("/exec"):
            self._world.execs.append(response.json()["Id"])
        elif response.status_code == 201 and case.operation.path == "/containers/create":
            self.made.append(response.json()["Id"])

    def _wrong(self, case: Any, kind: str, text: str) -> None:
        key = f"{case.operation.label}: {kind}"
        if key not in self.found:
            self.found[key] = f"{text[:1500]}\n{case.as_curl_command()[:1500]}"


def _turn(operation: Any) -> int:
    """How many requests an operation gets a round: few where all it does is to refuse."""
    if operation.label in _MANY:
        return _LONG_TURN
    if operation.label in _SLOW:
        return _SHORT_TURN
    answers = any(int(status) < 300 for status in operation.definition.raw["responses"])
    return _TURN if answers else _SHORT_TURN


def main() -> None:
    """Do what the arguments say."""
    warnings.simplefilter("ignore")
    socket, scratch, enough, first_seed = sys.argv[1:5]
    fuzzer = Fuzzer(socket, Path(scratch), int(enough))
    fuzzer.run(int(first_seed))
    parts = ("sent", "found", "made", "statuses", "slowest")
    print(json.dumps({part: getattr(fuzzer, part) for part in parts}))


if __name__ == "__main__":
    main()
