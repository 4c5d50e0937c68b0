"""A reader of the documentation, who types a page's commands in its order into a shell of a throw-away host."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from rig.docker import CLIS
from rig.engine import Engine
from rig.pages import Command, commands
from rig.process import Daemon

CHECKOUT = Path(__file__).parents[2]


class Reader:
    """Use as a context manager: leaving it fails where a command of the page was not typed.

    `docker` and `weft` are this machine's newest CLI and this checkout's, pointed at the engine; the directory is the
    checkout. A command that ends with `&` stays until the reader leaves; its output goes to a log.
    """

    def __init__(self, engine: Engine, page: Path) -> None:
        self.engine = engine
        self.host = engine.host
        self.left: list[Command] = commands(page)
        self.daemons: list[Daemon] = []
        self.directory = engine.directory / "reader"
        shutil.rmtree(self.directory, ignore_errors=True)
        programs = self.directory / "bin"
        programs.mkdir(parents=True)
        (programs / "docker").symlink_to(CLIS[0])
        (programs / "weft").symlink_to(Path(sys.executable).with_name("weft"))
        self.environment = {
            "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.directory),
            "DOCKER_HOST": engine.url,
            "LC_ALL": "C.UTF-8",
        }

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for daemon in self.daemons:
            daemon.stop()
        assert kind or not self.left, "not tried: " + "; ".join(map(str, self.left))

    def next(self, start: str) -> Command:
        """The page's next command, which must begin with these words."""
        assert self.left, f"the page has no command left, and {start!r} was to come"
        command = self.left.pop(0)
        assert (command.text + " ").startswith(start + " ") or command.text.startswith(start + "\n"), (
            f"{start!r} was to come, the page has {command}"
        )
        return command

    def fails(self, start: str) -> str:
        """Type the next command, which must begin so and must fail; returns its complaint."""
        command = self.next(start)
        done = self.shell(command.text)
        assert done.returncode != 0, f"{command} succeeded: {done.stdout}"
        return done.stderr.strip()

    def type(self, start: str) -> str:
        """Type the next command, which must begin so, succeed, and print what the page shows; returns what it printed.

        Of what the page shows, `…` stands for anything.
        """
        command = self.next(start)
        if command.text.endswith("&"):
            self._stay(command)
            return ""
        done = self.shell(command.text)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        if command.output:
            shown = ".*".join(map(re.escape, "\n".join(command.output).split("…")))
            assert re.fullmatch(shown, done.stdout.strip("\n")), f"{command} printed {done.stdout}"
        return done.stdout.strip()

    def shell(self, text: str) -> subprocess.CompletedProcess[str]:
        """What a line does that is not the page's."""
        return self.host.run([*self._env(), "bash", "-c", f"cd {CHECKOUT}\n{text}"], check=False)

    def does(self, text: str) -> str:
        """What a line prints that is not the page's and must succeed."""
        done = self.shell(text)
        assert done.returncode == 0, f"{text}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def inspect(self, name: str) -> dict[str, dict[str, str]]:
        """A container's endpoints by network, as `docker inspect` shows them."""
        shown = self.shell(f"docker inspect --format '{{{{json .NetworkSettings.Networks}}}}' {name}")
        assert shown.returncode == 0, shown.stderr
        networks: dict[str, dict[str, str]] = json.loads(shown.stdout)
        return networks

    def _stay(self, command: Command) -> None:
        log = self.directory / f"{command.line}.log"
        line = f"cd {CHECKOUT}\nexec {command.text.removesuffix('&')}"
        self.daemons.append(self.host.start([*self._env(), "bash", "-c", line], log=log))

    def _env(self) -> list[str]:
        return ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
