"""Plugins as processes of their own in a throw-away host."""

from __future__ import annotations

import sys
from pathlib import Path

from rig.eventually import eventually
from rig.host import Host
from rig.process import Daemon

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


class Plugin:
    """A plugin's program in a host; `arguments` follow its path. It serves `/run/docker/plugins/<name>.sock`."""

    def __init__(self, host: Host, program: Path, *arguments: str | Path, name: str = "") -> None:
        self.host = host
        self.name = name or program.stem
        self.program = program
        self.arguments = arguments
        self.socket = Path(f"/run/docker/plugins/{self.name}.sock")
        self.log = host.directory / f"{self.name}.log"
        self.daemon: Daemon | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait for its socket."""
        self.daemon = self.host.start([sys.executable, self.program, *self.arguments], log=self.log)
        eventually(self.host.path(self.socket).is_socket)

    def stop(self) -> None:
        """SIGTERM: the socket goes too."""
        if self.daemon is not None:
            self.daemon.stop()

    def kill(self) -> None:
        """SIGKILL: the socket stays, and nobody listens."""
        if self.daemon is not None:
            self.daemon.kill()


def written(host: Host, name: str, source: str, *arguments: str) -> Plugin:
    """A plugin of that source, for tests of one kind of answer."""
    program = host.directory / f"{name}.py"
    program.write_text(source)
    return Plugin(host, program, *arguments, name=name)
