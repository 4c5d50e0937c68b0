"""Finds the programs that run containers here, and tries them."""

import contextlib
import os
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from weft.model.errors import InvalidParameter, Unavailable
from weft.runtime.cgroup import Cgroups
from weft.runtime.conmon import Program
from weft.runtime.layout import Layout
from weft.runtime.processes import run
from weft.runtime.sealed_program import SealedProgram
from weft.runtime.spawner import Spawner

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/podman"
_RUNTIMES: Final = ("crun", "runc")  # in order of preference: crun starts in a third of the time
_ALIASES: Final = {"io.containerd.runc.v2": "runc"}  # dockerd's own name of its default
_SEALED: Final = "crun"
_INITS: Final = ("catatonit", "tini-static", "docker-init", "tini")
_NO_PROGRAM: Final = "/weft-probe"
_INTERPRETER: Final = 3  # ELF's PT_INTERP
_ID: Final = f"weft-probe-{os.getpid()}"  # two daemons may look at once


@dataclass(frozen=True, slots=True)
class Programs:
    """What was found. `init` is "" without a static init program; `runtimes` are those that work, best first."""

    conmon: str
    conmon_version: str
    runtimes: tuple[Program, ...]
    versions: tuple[str, ...]
    init: str
    init_version: str
    sealed: SealedProgram | None

    def close(self) -> None:
        """Drop the sealed copy."""
        if self.sealed is not None:
            self.sealed.close()

    def runtime(self, name: str) -> Program:
        """Return the runtime of that name, the best one for ""; InvalidParameter names one that is not there."""
        if not name:
            return self.runtimes[0]
        for program in self.runtimes:
            if program.name in (name, _ALIASES.get(name)):
                return program
        raise InvalidParameter(f"unknown or invalid runtime name: {name} (here: {', '.join(self.names)})")

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that `runtime` takes, the best one's first."""
        own = [program.name for program in self.runtimes]
        return (*own, *(alias for alias, name in _ALIASES.items() if name in own))


async def probe(spawner: Spawner, layout: Layout, cgroups: Cgroups) -> Programs:
    """Find conmon, an init program and the OCI runtimes that can create a container here.

    Unavailable says what is missing, or why each runtime refused.
    """
    conmon = shutil.which("conmon", path=_PATH)
    if conmon is None:
        raise Unavailable("conmon is missing: install the package conmon")
    working: list[Program] = []
    reasons: list[str] = []
    sealed = _sealed(_SEALED)
    for name, path in (*([(_SEALED, sealed.path)] if sealed else []), *_installed()):
        if any(program.name == name for program in working):
            continue
        program = Program(name, path, layout.runtime_state(name))
        if reason := await _refusal(spawner, program, layout, cgroups):
            reasons.append(f"{name}: {reason}")
        else:
            working.append(program)
    if not working:
        raise Unavailable(f"no OCI runtime works here: {'; '.join(reasons) or 'install the package crun or runc'}")
    versions = [await _version(spawner, [program.path]) for program in working]
    init = _find_init()
    init_version = await _version(spawner, [init]) if init else ""
    return Programs(
        conmon, await _version(spawner, [conmon]), tuple(working), tuple(versions), init, init_version, sealed
    )


async def _refusal(spawner: Spawner, program: Program, layout: Layout, cgroups: Cgroups) -> str:
    """Return why a runtime cannot create a container, "" when all it lacks is the program to run."""
    directory = layout.run(f".probe-{program.name}")
    cgroup = cgroups.path_of("", f"{_ID}-{program.name}")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "rootfs/dev").mkdir(parents=True)
    program.state.mkdir(exist_ok=True)
    shutil.rmtree(program.state / _ID, ignore_errors=True)
    (directory / "config.json").write_bytes(msgspec.json.encode(_trivial_config(cgroup)))
    try:
        outcome = await run(spawner, program.arguments("create", "--bundle", str(directory), _ID), directory)
        text = outcome.output.decode(errors="replace").strip()
        return "" if _NO_PROGRAM in text and "o such file" in text else text or "it gave no reason"
    finally:
        shutil.rmtree(program.state / _ID, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
        cgroups.remove(cgroup)


def _trivial_config(cgroup: str) -> dict[str, object]:
    return {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": [_NO_PROGRAM], "cwd": "/", "env": ["PATH=/"]},
        "root": {"path": "rootfs"},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            # systemd mounts /run, where this root file system is, without devices, and runc opens one of them
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        ],
        "linux": {
            "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}],
            "cgroupsPath": cgroup,
        },
    }


async def _version(spawner: Spawner, argv: Sequence[str]) -> str:
    """Return the last word of the first line of `--version`."""
    outcome = await run(spawner, [*argv, "--version"], Path("/"))
    words = outcome.output.decode(errors="replace").splitlines()[:1]
    return words[0].split()[-1] if words and words[0].split() else ""


def _installed() -> list[tuple[str, str]]:
    """Return the OCI runtimes' names and paths, in order of preference."""
    found = [(name, shutil.which(name, path=_PATH)) for name in _RUNTIMES]
    return [(name, path) for name, path in found if path is not None]


def _sealed(name: str) -> SealedProgram | None:
    """Return a sealed copy of a runtime; None without it, or where such memory may not be made."""
    path = shutil.which(name, path=_PATH)
    with contextlib.suppress(OSError):
        return SealedProgram(Path(path)) if path is not None else None
    return None


def _find_init() -> str:
    for name in _INITS:
        path = shutil.which(name, path=_PATH)
        if path is not None and is_static(Path(path)):
            return path
    return ""


def is_static(path: Path) -> bool:
    """Whether an ELF program runs without the image's libraries (it names no interpreter)."""
    with path.open("rb") as file:
        header = file.read(64)
        if header[:4] != b"\x7fELF" or header[4] != 2:
            return False
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        entries = file.read(size * count)
    return all(struct.unpack_from("<I", entries, size * number)[0] != _INTERPRETER for number in range(count))
