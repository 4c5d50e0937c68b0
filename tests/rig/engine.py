"""An engine under test: a daemon in a throw-away host, Weft's or the reference one, driven the same way."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rig.api import RawApi
from rig.host import Host
from rig.process import Daemon

Kind = Literal["weft", "docker"]


class Engine(ABC):
    """A running daemon. The socket and the data root lie in the host's directory, the exec root in its own /run."""

    kind: Kind

    def __init__(self, host: Host, config: Mapping[str, Any] | None = None, *, name: str = "engine") -> None:
        self.host = host
        self.name = name
        self.config: dict[str, Any] = dict(config or {})
        self.flags: list[str] = []
        self.directory = host.directory / name
        self.directory.mkdir(exist_ok=True)
        self.socket = self.directory / "api.sock"
        self.data_root = self.directory / "data"
        self.log = self.directory / "daemon.log"
        self.exec_root = Path(f"/run/{name}")
        self.daemon: Daemon | None = None
        self._api: RawApi | None = None
        host.on_close(self._remove_cgroups)
        host.on_close(self._drop_connection)

    @property
    def url(self) -> str:
        """The value for DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def reference(self) -> bool:
        """Whether this is the reference engine."""
        return self.kind == "docker"

    @property
    def api(self) -> RawApi:
        """A kept connection at API 1.41, which both engines speak."""
        if self._api is None:
            self._api = RawApi(self.socket)
        return self._api

    @abstractmethod
    def _command(self, config_file: Path) -> list[str | Path]:
        """The daemon's argument list."""

    def launch(self) -> Daemon:
        """Start the daemon without waiting for it."""
        config_file = self.directory / "daemon.json"
        config_file.write_text(json.dumps(self.config))
        self.daemon = self.host.start(
            self._command(config_file), log=self.log, environment={"HOME": str(self.directory)}
        )
        return self.daemon

    def start(self) -> None:
        """Start the daemon and wait until it answers; raises `RuntimeError` with the end of its log if it ends."""
        daemon = self.launch()
        deadline = time.monotonic() + 60
        while not self._answers():
            if not daemon.running or time.monotonic() > deadline:
                raise RuntimeError(f"the {self.kind} engine did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), RawApi(self.socket, version="", timeout=60) as api:
            return api.get("/_ping").status == 200
        return False

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._drop_connection()
        if self.daemon is not None:
            self.daemon.stop()

    def kill(self) -> None:
        """SIGKILL to the daemon alone."""
        self._drop_connection()
        if self.daemon is not None:
            self.daemon.kill()

    def reload(self) -> None:
        """Write the configuration anew and send SIGHUP."""
        (self.directory / "daemon.json").write_text(json.dumps(self.config))
        assert self.daemon is not None
        self.daemon.signal(signal.SIGHUP)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def _drop_connection(self) -> None:
        if self._api is not None:
            self._api.close()

    def load(self, archive: Path) -> None:
        """Load a docker-archive."""
        answer = self.api.request(
            "POST", "/images/load?quiet=1", raw=archive.read_bytes(), headers={"Content-Type": "application/x-tar"}
        )
        assert answer.status == 200, answer.body
        assert b"errorDetail" not in answer.body, answer.body

    def sweep(self) -> None:
        """Remove all containers, volumes and networks that a test made; images stay."""
        for container in self.api.need("GET", "/containers/json?all=1"):
            answer = self.api.delete(f"/containers/{container['Id']}?force=1&v=1")
            assert answer.status in (204, 404, 409), answer.body
        # A configuration network goes after those that were made from it.
        for network in sorted(self.api.need("GET", "/networks"), key=lambda each: bool(each["ConfigOnly"])):
            if network["Name"] not in ("bridge", "host", "none"):
                answer = self.api.delete(f"/networks/{network['Id']}")
                assert answer.status in (204, 404), answer.body
        for volume in self.api.need("GET", "/volumes")["Volumes"] or []:
            answer = self.api.delete(f"/volumes/{volume['Name']}?force=1")
            assert answer.status in (204, 404), answer.body

    @property
    @abstractmethod
    def cgroup(self) -> str:
        """The name of the cgroup directory in which this engine keeps its containers'."""

    def _remove_cgroups(self) -> None:
        ids = {entry.name for entry in (self.data_root / "containers").glob("*")}
        for parent in Path("/sys/fs/cgroup").glob(f"*/{self.cgroup}"):
            for entry in _deepest_first(parent, ids):
                with contextlib.suppress(OSError):
                    entry.rmdir()


def _deepest_first(parent: Path, ids: set[str]) -> Iterator[Path]:
    for entry in parent.iterdir():
        if any(known in entry.name for known in ids):
            yield from sorted((path for path in entry.rglob("*") if path.is_dir()), reverse=True)
            yield entry


class WeftEngine(Engine):
    """This checkout's `weftd`."""

    kind = "weft"
    cgroup = "weft"

    def _command(self, config_file: Path) -> list[str | Path]:
        return [
            Path(sys.executable).with_name("weftd"),
            *("-H", self.url),
            *("--config-file", config_file),
            *("--data-root", self.data_root),
            *("--exec-root", self.exec_root),
            *("-p", self.exec_root.with_suffix(".pid")),
            *self.flags,
        ]


class DockerEngine(Engine):
    """Debian's dockerd, which starts a containerd of its own."""

    kind = "docker"
    cgroup = "docker"

    def _command(self, config_file: Path) -> list[str | Path]:
        return [
            "/usr/sbin/dockerd",
            *("-H", self.url),
            *("--config-file", config_file),
            *("--data-root", self.data_root),
            *("--exec-root", self.exec_root),
            *("-p", self.exec_root.with_suffix(".pid")),
            *self.flags,
        ]


MakeEngine = Callable[..., Engine]
ENGINES: dict[Kind, type[Engine]] = {"weft": WeftEngine, "docker": DockerEngine}
