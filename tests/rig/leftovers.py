"""What an engine has made on its host, so that before and after can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rig.engine import Engine


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
        # Elements of sets and maps come in no order.
        ruleset="\n".join(sorted(host.output("nft", "-s", "list", "ruleset").splitlines())),
        mounts=tuple(sorted(mounts(engine))),
        directories=tuple(sorted(_directories(engine))),
        programs=tuple(sorted(_programs(engine))),
    )


def mounts(engine: Engine) -> list[str]:
    """The mount points below the engine's data root and exec root."""
    listed = Path(f"/proc/{engine.host.pid}/mounts").read_text().splitlines()
    points = [line.split()[1] for line in listed]
    return [point for point in points if point.startswith((f"{engine.data_root}/", f"{engine.exec_root}/"))]


def pins(engine: Engine) -> list[str]:
    """The mount points that keep a network namespace."""
    listed = Path(f"/proc/{engine.host.pid}/mounts").read_text().splitlines()
    return [line.split()[1] for line in listed if line.split()[2] == "nsfs"]


def _directories(engine: Engine) -> list[str]:
    roots = [engine.data_root / name for name in _KEPT]
    return [str(path) for root in roots if root.is_dir() for path in root.iterdir() if path.is_dir()]


def _programs(engine: Engine) -> list[str]:
    lines = engine.host.processes().values()
    return [Path(line[0]).name for line in lines if line and Path(line[0]).name.startswith(_PROGRAMS)]
