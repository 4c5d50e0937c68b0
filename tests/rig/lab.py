"""Where hosts with engines come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rig.engine import ENGINES, Engine, Kind
from rig.host import Host
from rig.internet import Internet
from rig.registry import Registry, fill


class Lab:
    """A small internet and a filled registry; each engine gets a host of its own that is attached to both."""

    def __init__(self, storage: Path, busybox_archive: Path) -> None:
        fill(storage)
        self.storage = storage
        self.busybox_archive = busybox_archive
        self.internet = Internet()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.internet.close()

    def host(self, name: str = "rig") -> Host:
        """A host with a cable to the internet and a registry on its loopback."""
        host = Host(name)
        self.wire(host)
        return host

    def wire(self, host: Host) -> None:
        """What a host has beyond its own: the cable and the registry. Again after a reboot."""
        host.outer = self.internet.attach(host)
        Registry(host, self.storage)

    def engine(self, kind: Kind, config: Mapping[str, Any] | None = None, *, start: bool = True) -> Engine:
        """An engine in a new host that pulls through the registry; started ones have `busybox`."""
        settings = {"registry-mirrors": ["http://127.0.0.1:5000"], **(config or {})}
        engine = ENGINES[kind](self.host(), settings)
        if start:
            engine.start()
            self.load(engine)
        return engine

    def load(self, engine: Engine) -> None:
        """Give the reference engine the `busybox` that Weft has built in; Weft makes it when it is asked for."""
        if engine.reference:
            engine.load(self.busybox_archive)
        else:
            answer = engine.api.post("/images/create?fromImage=busybox&tag=latest")
            assert answer.status == 200, answer.body
            assert b"errorDetail" not in answer.body, answer.body
