"""What an engine has made on its host, so that before and after can be compared."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from rig.engine import Engine
from rig.eventually import eventually


@dataclass(frozen=True)
class Traces:
    """Names of links, the ruleset without counters, mount points, directories of the engine's, its helper programs."""

    links: tuple[str, ...]
    ruleset: str
    mounts: tuple[str, ...]
    directories: tuple[str, ...]
    programs: tuple[str, ...]


_KEPT = ("containers", "volumes", "networks", "layers")
_PROGRAMS = ("conmon", "runc", "crun", "containerd-shim", "docker-proxy", "busybox", "sh", "top", "sleep", "httpd")


def traces(engine: Engine) -> Traces:
    """What is there now."""
    host = engine.host
    links = re.findall(r"^\d+: ([^:@]+)", host.output("ip", "-o", "link"), re.MULTILINE)
    return Traces(
        links=tuple(sorted(links)),
        ruleset=ruleset(engine),
        mounts=tuple(sorted(mounts(engine))),
        directories=tuple(sorted(_directories(engine))),
        programs=tuple(sorted(_programs(engine))),
    )


def ruleset(engine: Engine, *what: str) -> str:
    """The ruleset, or `what` of it, without counters, a part a line, sorted: elements come in no order.

    Where weft-relay listens is left out: it goes a while after the last port that it carries.
    """
    listed = engine.host.output("nft", "-s", "list", *(what or ("ruleset",)))
    listed = re.sub(r"(map relay \{[^{}]*?)elements = \{[^{}]*\}", r"\1", listed)
    parts = re.split(r"[,{}\n]", listed)
    return "\n".join(sorted(part.strip() for part in parts if part.strip()))


def settled(engine: Engine) -> Traces:
    """What is there once nothing changes any more: links of what was removed last go a moment later."""

    def quiet() -> Traces | None:
        first = traces(engine)
        time.sleep(0.15)
        return first if traces(engine) == first else None

    found = eventually(quiet)
    assert found is not None
    return found


def _mounted(engine: Engine, kind: str = "") -> set[str]:
    """The mount points of the host's with this file system, of all when it is empty."""
    listed = Path(f"/proc/{engine.host.pid}/mounts").read_text().splitlines()
    return {line.split()[1] for line in listed if kind in ("", line.split()[2])}


def mounts(engine: Engine) -> set[str]:
    """The mount points below the engine's data root and exec root."""
    return {point for point in _mounted(engine) if point.startswith((f"{engine.data_root}/", f"{engine.exec_root}/"))}


def roots(engine: Engine) -> set[str]:
    """The mounted root file systems of containers."""
    return mounts(engine) & _mounted(engine, "overlay")


def pins(engine: Engine) -> set[str]:
    """The mount points that keep a network namespace."""
    return _mounted(engine, "nsfs")


def _directories(engine: Engine) -> list[str]:
    roots = [engine.data_root / name for name in _KEPT]
    return [str(path) for root in roots if root.is_dir() for path in root.iterdir() if path.is_dir()]


def _programs(engine: Engine) -> list[str]:
    lines = engine.host.processes().values()
    return [Path(line[0]).name for line in lines if line and Path(line[0]).name.startswith(_PROGRAMS)]
