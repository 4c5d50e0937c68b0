"""Compose, as its users run it: Debian's docker-compose 1.29 and the present one, on a project's directory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rig.docker import Docker
from rig.engine import Engine

PROGRAMS = [
    program
    for program in (Path("/usr/bin/docker-compose"), Path(sys.executable).with_name("docker-compose"))
    if program.exists()
]


def generation(program: Path) -> int:
    """The major version."""
    shown = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=True).stdout
    return int(shown.lstrip("v").split(".")[0])


class Compose:
    """One project, copied so that nothing is written beside the sources, on one engine."""

    def __init__(self, engine: Engine, program: Path, project: Path) -> None:
        self.engine = engine
        self.program = program
        self.first = generation(program) == 1
        self.directory = engine.directory / "compose" / project.name
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(project, self.directory)
        self.docker = Docker(engine)

    def __call__(self, *arguments: str, stdin: str = "", timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run it in the project's directory and return status and output."""
        return subprocess.run(
            [self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.docker.environment,
            cwd=self.directory,
            timeout=timeout,
            check=False,
        )

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What a command that must succeed printed, standard error last, stripped."""
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, f"docker-compose {arguments} ended with {done.returncode}: {done.stderr}"
        return (done.stdout + done.stderr).strip()

    def out(self, *arguments: str, stdin: str = "") -> str:
        """What a command that must succeed printed to standard output, stripped."""
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, f"docker-compose {arguments} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def exec(self, service: str, *command: str, index: int = 1) -> str:
        """What a command in a service's container printed."""
        return self.out("exec", "-T", f"--index={index}", service, *command)

    def containers(self, service: str) -> list[str]:
        """Names of a service's containers, stopped ones too."""
        label = f"label=com.docker.compose.service={service}"
        return sorted(self.docker.lines("ps", "-a", "--filter", label, "--format", "{{.Names}}"))

    def inspect(self, service: str) -> Any:
        """The only container of a service."""
        (name,) = self.containers(service)
        return json.loads(self.docker.out("inspect", name))[0]

    def state(self, service: str) -> str:
        """The state of the only container of a service."""
        return str(self.inspect(service)["State"]["Status"])
