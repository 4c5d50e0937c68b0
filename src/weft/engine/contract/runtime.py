"""What the engine needs of the runtime room to run processes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from weft.engine.contract.usage import Usage
from weft.model.container import ContainerRecord, Mount, Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that a container's process is started from; paths are absolute host paths."""

    record: ContainerRecord
    network_namespace: str  # path; "" is the host's
    hostname: str
    hosts_path: str  # bind-mounted to /etc/hosts; "" leaves the image's
    resolv_conf_path: str
    hostname_path: str
    mounts: tuple[Mount, ...]
    shm_of: str = ""  # the container whose /dev/shm is used, its own or one that shares it; "host" for the host's
    sysctls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `finished` in nanoseconds since the epoch."""

    code: int
    finished: int
    oom_killed: bool = False


class Stdio(Protocol):
    """A connection to a container's standard streams."""

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield (1 stdout or 2 stderr, data) until the process has ended and all is read. With a TTY all is 1."""
        ...

    async def write(self, data: bytes) -> None:
        """Send to standard input, with back-pressure."""
        ...

    async def close_input(self) -> None:
        """Half-close: the process reads end of file."""
        ...

    def close(self) -> None:
        """Drop the connection; the process goes on."""
        ...


@dataclass(frozen=True, slots=True)
class LogLine:
    """One piece of output: `stream` 1 or 2, `time` in nanoseconds since the epoch, `data` with its newline."""

    stream: int
    time: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """`tail` None is all; `since` and `until` in nanoseconds since the epoch, 0 for open."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    tail: int | None = None
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSpec:
    """A further process in a running container. `user` "" and `working_dir` "" are the container's."""

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    tty: bool = False
    privileged: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    detach_keys: str = ""
    console_size: tuple[int, int] = (0, 0)
    longest: int = 0  # seconds after which it is killed, whether the daemon lives or not; 0 never


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSupport:
    """What the machine's control groups can hold containers to.

    `fields` are those of Resources that have an effect; `cpus` and `mems` are lists as cpuset(7) writes them.
    """

    fields: frozenset[str] = frozenset()
    cpus: str = ""
    mems: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeInfo:
    """What runs containers here: names, versions, and the cgroup facts for /info."""

    name: str
    version: str
    supervisor_version: str
    cgroup_version: int
    controllers: frozenset[str]
    seccomp: bool
    limits: LimitSupport = LimitSupport()
    init: str = ""  # the program of --init, "" without one
    init_version: str = ""
    others: tuple[str, ...] = ()  # further runtimes that a container may ask for by name


OnExit = Callable[[str, Exit], None]


class Runtime(Protocol):
    """Runs containers and execs. Errors carry the runtime's reason.

    A missing or non-executable program is InvalidParameter with the OCI runtime's words (`executable file not found
    in $PATH`, `permission denied`), so that clients exit 127 or 126.
    """

    def info(self) -> RuntimeInfo: ...

    async def create(self, bundle: Bundle) -> int:
        """Mount the root, create the container under its supervisor, process not yet started; return its pid."""
        ...

    async def start(self, container_id: str) -> None:
        """Let the created process run."""
        ...

    async def attach(self, container_id: str) -> Stdio:
        """Connect to the standard streams of a created or running container."""
        ...

    async def kill(self, container_id: str, signal: int) -> None:
        """Signal the container's first process. NotFound if it has ended."""
        ...

    async def pause(self, container_id: str) -> None: ...

    async def unpause(self, container_id: str) -> None: ...

    async def limit(self, container_id: str, resources: Resources, former: Resources) -> None:
        """Hold a running container to these limits from now on; SystemFailure if refused: `former` ones hold still."""
        ...

    async def resize(self, container_id: str, rows: int, columns: int) -> None: ...

    async def processes(self, container_id: str) -> tuple[int, ...]:
        """Return the host pids of all processes of a container."""
        ...

    async def usage(self, container_id: str) -> Usage:
        """Return what a container uses now; Conflict when it does not run."""
        ...

    async def top(
        self, container_id: str, ps_args: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Return ps' titles and rows for the container's processes."""
        ...

    async def release(self, container_id: str) -> None:
        """Remove what a stopped container's run left: runtime state, cgroup, mounted root. Idempotent."""
        ...

    async def remove(self, container_id: str) -> None:
        """Remove the container's writable layer, logs and files. Idempotent."""
        ...

    async def prepare(self, record: ContainerRecord) -> None:
        """Make a new container's directories and writable layer, and fill its empty volumes from the image."""
        ...

    async def size(self, container_id: str) -> int:
        """Return the bytes of the writable layer."""
        ...

    def directory(self, container_id: str) -> str:
        """Return the container's own directory, where its hosts, hostname and resolv.conf live."""
        ...

    def log_path(self, container_id: str) -> str: ...

    def logs(self, container_id: str, query: LogQuery) -> AsyncIterator[LogLine]:
        """Yield log lines, oldest first; with follow until the container ends."""
        ...

    async def recover(self, container_id: str) -> int | Exit:
        """After a daemon restart: the pid if the process still runs (and watch it again), else how it ended."""
        ...

    async def known(self) -> frozenset[str]:
        """Return the ids of containers that have files or runtime state here."""
        ...

    def on_exit(self, callback: OnExit) -> None:
        """Call back on the event loop when a started container's process has ended."""
        ...

    async def exec_start(
        self, container: ContainerRecord, exec_id: str, spec: ExecSpec, ended: Callable[[Exit], Awaitable[None]]
    ) -> tuple[int, Stdio | None]:
        """Start a further process; return its pid and its streams (None when detached)."""
        ...

    def exec_kill(self, exec_id: str) -> None:
        """Kill an exec's process and its process group; nothing to do when it has ended."""
        ...

    async def exec_resize(self, exec_id: str, rows: int, columns: int) -> None: ...
