"""The real docker CLI, pointed at an engine under test, with a configuration of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

from rig.engine import Engine
from rig.terminal import Terminal

CLIS = list(dict.fromkeys(cli for cli in (shutil.which("docker"), "/usr/bin/docker") if cli and os.path.exists(cli)))


def cli_major() -> int:
    """The major version of the docker CLI that is first on PATH; 0 without one."""
    if not CLIS:
        return 0
    shown = subprocess.run([CLIS[0], "--version"], capture_output=True, text=True, check=True).stdout
    return int(shown.split()[2].split(".")[0])  # Docker version 28.2.2, build …


class Docker:
    """`docker` as a user types it. It runs beside the engine's host, which it reaches through the socket alone."""

    def __init__(self, engine: Engine, cli: str = "docker") -> None:
        self.engine = engine
        self.cli = cli
        self.directory = engine.directory / "cli"
        self.directory.mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment the CLI gets, and nothing else of this process's."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "DOCKER_CONFIG": str(self.directory / "config"),
            "DOCKER_HOST": self.engine.url,
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }

    def raw(
        self, *arguments: str | Path, stdin: bytes = b"", timeout: float = 90
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it with `stdin` piped in and return status and output as bytes."""
        return subprocess.run(
            [self.cli, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=self.environment,
            cwd=self.directory,
            timeout=timeout,
            check=False,
        )

    def __call__(
        self, *arguments: str | Path, stdin: str = "", timeout: float = 90
    ) -> subprocess.CompletedProcess[str]:
        """Run it and return status and output as text."""
        done = self.raw(*arguments, stdin=stdin.encode(), timeout=timeout)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def out(self, *arguments: str | Path, stdin: str = "", timeout: float = 90) -> str:
        """What a command that must succeed printed to standard output, stripped."""
        done = self(*arguments, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"docker {arguments} ended with {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def lines(self, *arguments: str | Path) -> list[str]:
        """The lines a command that must succeed printed."""
        return self.out(*arguments).splitlines()

    def fails(self, *arguments: str | Path, status: int | None = None) -> str:
        """What a command that must fail printed to standard error, stripped."""
        done = self(*arguments)
        assert done.returncode != 0, f"docker {arguments} succeeded: {done.stdout}"
        assert status in (None, done.returncode), f"docker {arguments} ended with {done.returncode}: {done.stderr}"
        return done.stderr.strip()

    def inspect(self, *arguments: str) -> Any:
        """`docker inspect` of one object, or with a noun first: `inspect("network", "bridge")`."""
        noun = arguments[:-1]
        return json.loads(self.out(*noun, "inspect", arguments[-1]))[0]

    @contextmanager
    def popen(self, *arguments: str | Path, limit: float = 60) -> Iterator[subprocess.Popen[bytes]]:
        """Start it with all three streams piped; it is killed on leaving, and after `limit` seconds at the latest."""
        started = subprocess.Popen(
            [self.cli, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.directory,
        )
        # A test that waits for a line that never comes sees the end of the stream instead.
        watchdog = Timer(limit, started.kill)
        watchdog.start()
        try:
            yield started
        finally:
            watchdog.cancel()
            started.kill()
            started.wait()
            for stream in (started.stdin, started.stdout, started.stderr):
                with suppress(OSError):
                    assert stream is not None
                    stream.close()

    def terminal(self, *arguments: str | Path, rows: int = 24, columns: int = 80) -> Terminal:
        """Start it on a terminal of its own."""
        return Terminal([self.cli, *map(str, arguments)], self.environment, self.directory, rows, columns)

    def shell(self, script: str, *, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """Type a line as it stands into a shell in which `docker` is this CLI."""
        function = f'docker() {{ command "{self.cli}" "$@"; }}\n'
        return subprocess.run(
            ["bash", "-c", function + script],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.directory,
            timeout=timeout,
            check=False,
        )
