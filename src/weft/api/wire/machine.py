"""The engine's machine, as far as requests are bounded by it and inspect shows it."""

from dataclasses import dataclass

from weft.engine.contract.runtime import LimitSupport


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What of the machine bounds a request; `exec_root` is where the engine mounts root file systems."""

    cpus: int
    runtime: str
    cgroup_version: int
    exec_root: str
    limits: LimitSupport
    runtimes: frozenset[str] = frozenset()  # the names that a container may ask for
    log_driver: str = "json-file"

    @property
    def cgroupns(self) -> str:
        """The cgroup namespace mode of containers for which nobody said any."""
        return "private" if self.cgroup_version == 2 else "host"
