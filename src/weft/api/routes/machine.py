"""What of the engine's machine does not change while the daemon runs, asked once."""

from weft.api.backend import System
from weft.api.wire.machine import Machine


class MachineFacts:
    """Reads the system's state at first use: it is too dear to be read at every inspect."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._machine: Machine | None = None

    @property
    def machine(self) -> Machine:
        """What bounds a container's creation, and what inspect shows of it."""
        if self._machine is None:
            state = self._system.state()
            self._machine = Machine(
                cpus=state.cpus,
                runtime=state.runtime.name,
                runtimes=frozenset({state.runtime.name, *state.runtime.others}),
                limits=state.runtime.limits,
                log_driver=state.log_driver,
                cgroup_version=state.runtime.cgroup_version,
                exec_root=state.exec_root,
            )
        return self._machine
