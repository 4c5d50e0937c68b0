"""Runs containers with an OCI runtime under conmon. Implements weft.engine.contract.runtime.Runtime.

The daemon holds nothing that a successor cannot find again: exit codes are files that supervisors write, root file
systems are mounted in the daemon's own mount namespace below a shared mount point, a run's record lies in its bundle.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from signal import SIGKILL
from typing import Final

from weft.engine.contract.runtime import (
    Bundle,
    ExecSpec,
    Exit,
    LogLine,
    LogQuery,
    OnExit,
    RuntimeInfo,
    Stdio,
)
from weft.engine.contract.usage import Usage
from weft.model.container import ContainerRecord, MountType, Resources
from weft.model.errors import Conflict, NotFound, SystemFailure, Unimplemented
from weft.model.ids import short_id
from weft.runtime import ending, faults, starting, syscalls, terminal
from weft.runtime.bundles import Bundles
from weft.runtime.cgroup import MOUNT, Cgroups, RealTime
from weft.runtime.conmon import Conmon, reason_in
from weft.runtime.copy_up import fill_volumes
from weft.runtime.exec import Execs
from weft.runtime.files.service import Files
from weft.runtime.files.view import Views
from weft.runtime.inotify import Inotify
from weft.runtime.layout import Layout, write_atomically
from weft.runtime.limit_support import limit_support
from weft.runtime.live import Live
from weft.runtime.log_files import rotated
from weft.runtime.logs import LogReader
from weft.runtime.open_files import raise_own
from weft.runtime.overlay import LayerPaths, ensure_shared, unmount_root
from weft.runtime.probe import probe
from weft.runtime.processes import ProcessWatch, ended, run
from weft.runtime.rotation import Rotator
from weft.runtime.run_record import RunRecord, exit_in, pid_in
from weft.runtime.seccomp.filters import SeccompFilters
from weft.runtime.skeleton import make_skeleton
from weft.runtime.spawner import Spawner
from weft.runtime.spec import capabilities
from weft.runtime.spec.config import ConfigWriter
from weft.runtime.spec.resources import cgroup_limits
from weft.runtime.sync_pipe import Report
from weft.runtime.top import Table, top
from weft.runtime.tree_size import TreeSizes

_LOST: Final = 137  # the exit code when the supervisor was killed, and the container with it
_VANISHED: Final = 255  # … when nothing is known, as after a reboot of the host
_ALL_PROCESSES: Final = 4_194_304  # that a kernel can have (PID_MAX_LIMIT): crun cannot lift a limit (1.8)
_SUPERVISOR_WRITES: Final = 2.0  # seconds that it may take from the process's end to the exit file


class OciRuntime:
    """Containers of one pair of root directories."""

    def __init__(
        self,
        data_root: Path,
        exec_root: Path,
        layer_paths: LayerPaths,
        *,
        clock: Callable[[], int],
        sizes: TreeSizes,
        realtime: RealTime = RealTime(),  # noqa: B008 - frozen
    ) -> None:
        """`layer_paths` maps diff ids to unpacked layers, lowest first; `clock` gives nanoseconds since the epoch.

        `realtime` is what the containers' parent cgroups are lent.
        """
        self._layout = Layout(data_root, exec_root)
        skeleton = str(self._layout.skeleton)
        self._layer_paths: LayerPaths = lambda diff_ids: (skeleton, *layer_paths(diff_ids))
        self._views = Views(self._layout, self._layer_paths)
        self.files = Files(self._layout, self._views)
        self._clock = clock
        self._sizes = sizes
        self._filters = SeccompFilters()
        self._spawner = Spawner(self._layout)
        self._cgroups = Cgroups(realtime=realtime)
        self._lives: dict[str, Live] = {}
        self._callbacks: list[OnExit] = []

    async def open(self) -> None:
        """Find the programs and take up what is there; Unavailable says what this host lacks."""
        self._layout.make()
        make_skeleton(self._layout.skeleton)
        ensure_shared(self._layout.roots)
        await self._spawner.open()
        open_files = raise_own()
        configs = ConfigWriter(self._cgroups, self._filters, open_files)
        asyncio.get_running_loop().run_in_executor(None, self._filters.compile_default, capabilities.DEFAULT)
        self._programs = await probe(self._spawner, self._layout, self._cgroups)
        self._bundles = Bundles(self._layout, configs, self._layer_paths, self._views, init=self._programs.init)
        self._conmon = Conmon(self._programs.conmon, self._spawner, self._layout.exec_root)
        self._execs = Execs(self._conmon, self._layout, configs.known_capabilities, self._clock, open_files)
        self._inotify = Inotify()
        self._rotator = Rotator(self._inotify)
        self._inotify.watch(self._layout.exits, syscalls.IN_MOVED_TO, self._exit_written)

    async def close(self) -> None:
        """Let go of everything; containers and execs go on."""
        await self._execs.close()
        self._rotator.close()
        self._inotify.close()
        for live in self._lives.values():
            live.close()
        self._lives.clear()
        await self._spawner.close()
        self._programs.close()
        self._cgroups.remove_default_parent()
        if not any(self._layout.roots.iterdir()):
            unmount_root(self._layout.roots, keep=True)

    def info(self) -> RuntimeInfo:
        """Return what runs containers here."""
        return RuntimeInfo(
            name=self._programs.runtimes[0].name,
            version=self._programs.versions[0],
            supervisor_version=self._programs.conmon_version,
            init=Path(self._programs.init).name,
            init_version=self._programs.init_version,
            cgroup_version=self._cgroups.version,
            controllers=self._cgroups.controllers,
            seccomp=self._filters.available,
            limits=limit_support(
                MOUNT,
                version=self._cgroups.version,
                controllers=self._cgroups.controllers,
                swap=self._cgroups.limits_swap,
            ),
            others=self._programs.names[1:],
        )

    def on_exit(self, callback: OnExit) -> None:
        """Call back on the event loop when a started container's process has ended."""
        self._callbacks.append(callback)

    # ── files ──

    def directory(self, container_id: str) -> str:
        """Return the container's own directory."""
        return str(self._layout.container(container_id))

    def log_path(self, container_id: str) -> str:
        """Return the log's newest file."""
        return str(self._layout.log(container_id))

    async def prepare(self, record: ContainerRecord) -> None:
        """Make a new container's directories and fill its empty volumes with what the image has at their places.

        Raises InvalidParameter or Unimplemented for what could never start, SystemFailure for what cannot be copied.
        """
        self._programs.runtime(record.spec.runtime)
        await asyncio.to_thread(self._bundles.prepare, record)
        if any(mount.copy_up for mount in record.mounts):
            async with self._views.below(record) as root:
                await asyncio.to_thread(fill_volumes, root, record.mounts)

    async def remove(self, container_id: str) -> None:
        """Remove the container's writable layer, logs and files. Idempotent."""
        await self._rotator.settled(self._layout.log(container_id))
        await asyncio.to_thread(self._bundles.remove, container_id)

    async def size(self, container_id: str) -> int:
        """Return the bytes of the writable layer."""
        return await self._sizes.of(str(self._layout.upper(container_id)))

    async def known(self) -> frozenset[str]:
        """Return the ids of containers that have files or runtime state here."""
        return await asyncio.to_thread(self._layout.known)

    def logs(self, container_id: str, query: LogQuery) -> AsyncIterator[LogLine]:
        """Yield log lines, oldest first; Unimplemented when no log is kept, NotFound without the container."""
        newest = self._layout.log(container_id)
        if not newest.parent.is_dir():
            raise NotFound(f"No such container: {container_id}")
        if not rotated(newest):
            raise Unimplemented("configured logging driver does not support reading")
        return LogReader(newest, query, self._clock).lines(self._inotify, self._lives.get(container_id))

    # ── life ──

    async def create(self, bundle: Bundle) -> int:
        """Mount the root, create the container under its supervisor; return its pid. Nothing stays after an error."""
        if bundle.record.id in self._lives:
            raise Conflict(f"container {short_id(bundle.record.id)} has a process already")
        task = asyncio.ensure_future(self._create(bundle))
        try:
            return await asyncio.shield(task)
        except BaseException:
            # a supervisor that is being started cannot be called back: let it come, then clear it away
            await asyncio.wait((task,))
            task.exception()  # seen: it is this error, or a cancelled request's
            await self.release(bundle.record.id)
            raise

    async def _create(self, bundle: Bundle) -> int:
        record = bundle.record
        program = self._programs.runtime(record.spec.runtime)
        program.state.mkdir(exist_ok=True)
        cgroup = self._cgroups.path_of(record.spec.cgroup_parent, record.id)
        if self._layout.run(record.id).exists():
            await self.release(record.id)
        self._cgroups.lend_realtime(cgroup)
        asyncio.get_running_loop().run_in_executor(None, self._cgroups.expedite)
        sources = [mount.source for mount in bundle.mounts if mount.type in (MountType.BIND, MountType.VOLUME)]
        with starting.namespace_by_descriptor(bundle.network_namespace) as network:
            run_record = await asyncio.to_thread(self._bundles.make, bundle, program, cgroup, network, self._pid_of)
            await self._spawner.ensure_same_view(sources)
            async with self._spawner.showing(self._layout.root(record.id), self._bundles.mounted(bundle)):
                supervisor, report = await self._conmon.create(
                    record.id,
                    program,
                    run_record.streams,
                    directory=self._layout.run(record.id),
                    exits=self._layout.exits,
                    log=run_record.log.conmon_options(self._layout.log(record.id)),
                )
        if not isinstance(report, Report) or report.data <= 0:
            await ended(supervisor)
            message = reason_in(report, self._layout.run(record.id))
            raise faults.create_failed(program.name, message, record.spec.process.argv[0])
        self._adopt(record.id, run_record, report.data, supervisor)
        return report.data

    def _adopt(self, container_id: str, record: RunRecord, pid: int, supervisor: int) -> Live:
        directory = self._layout.run(container_id)
        try:
            live = Live(container_id, record, pid, directory)
        except ProcessLookupError:
            raise SystemFailure(f"container {short_id(container_id)} ended before it was started") from None
        with contextlib.suppress(ProcessLookupError):
            live.supervisor = ProcessWatch(supervisor, lambda: self._settle(live))
        self._lives[container_id] = live
        self._rotator.watch(self._layout.log(container_id), record.log, directory / "ctl")
        if live.supervisor is None or self._layout.exit_file(container_id).exists():
            self._settle(live)  # it was killed meanwhile
        return live

    async def start(self, container_id: str) -> None:
        """Let the created process run; SystemFailure when it is not there any more."""
        live = self._live(container_id)
        program = self._programs.runtime(live.record.runtime)
        live.started = True  # first: it may end before this returns
        try:
            await starting.start(self._spawner, program, container_id)
        except BaseException:
            live.started = False
            raise

    async def attach(self, container_id: str) -> Stdio:
        """Connect to the standard streams of a created or running container; Conflict when it is not."""
        return await self._live(container_id).attach()

    async def kill(self, container_id: str, signal: int) -> None:
        """Signal the container's first process. NotFound if it has ended."""
        live = self._lives.get(container_id)
        try:
            if live is None:
                raise ProcessLookupError
            live.process.kill(signal)
        except ProcessLookupError:
            raise NotFound(f"container {short_id(container_id)} is not running") from None
        if signal == SIGKILL:
            self._cgroups.thaw(live.record.cgroup)

    async def pause(self, container_id: str) -> None:
        """Freeze all processes of a container."""
        await self._command(container_id, "pause")

    async def unpause(self, container_id: str) -> None:
        """Let them go on."""
        await self._command(container_id, "resume")

    async def _command(self, container_id: str, command: str, *flags: str) -> None:
        live = self._live(container_id)
        program = self._programs.runtime(live.record.runtime)
        outcome = await run(self._spawner, program.arguments(command, *flags, container_id), self._layout.exec_root)
        if outcome.status != 0:
            if live.process.ended:
                raise Conflict(f"container {short_id(container_id)} is not running")
            reason = outcome.output.decode(errors="replace").strip()
            raise SystemFailure(f"{program.name} {command} of container {short_id(container_id)} failed: {reason}")

    async def limit(self, container_id: str, resources: Resources, former: Resources) -> None:
        """Hold a running container to these limits from now on; SystemFailure if refused: `former` ones hold still."""
        try:
            await self._limit(container_id, resources, former)
        except SystemFailure:
            with contextlib.suppress(SystemFailure):
                await self._limit(container_id, former, resources)
            raise

    async def _limit(self, container_id: str, resources: Resources, former: Resources) -> None:
        limits = cgroup_limits(resources, limits_swap=self._cgroups.limits_swap)
        if former.pids_limit and not resources.pids_limit:
            limits["pids"] = {"limit": _ALL_PROCESSES}
        file = self._layout.run(container_id) / "limits.json"
        write_atomically(file, json.dumps(limits).encode())
        try:
            await self._command(container_id, "update", "--resources", str(file))
        finally:
            file.unlink()

    async def resize(self, container_id: str, rows: int, columns: int) -> None:
        """Set the terminal's size; NotFound when it has none."""
        supervisor = self._live(container_id).supervisor
        if supervisor is None or not supervisor.alive:
            raise Conflict(f"container {short_id(container_id)} is not running")
        terminal.resize(supervisor.pid, supervisor.descriptor, rows, columns)

    async def processes(self, container_id: str) -> tuple[int, ...]:
        """Return the host pids of all processes of a container."""
        return self._cgroups.processes(self._live(container_id).record.cgroup)

    async def usage(self, container_id: str) -> Usage:
        """Return what a container uses now; Conflict when it does not run."""
        return await asyncio.to_thread(self._cgroups.usage, self._live(container_id).record.cgroup)

    async def top(self, container_id: str, ps_args: tuple[str, ...]) -> Table:
        """Return ps' titles and rows for the container's processes."""
        return await top(self._spawner, frozenset(await self.processes(container_id)), ps_args)

    async def release(self, container_id: str) -> None:
        """Remove what a container's run left; kill what still runs. Idempotent."""
        live = self._lives.pop(container_id, None)
        record = live.record if live is not None else RunRecord.load(self._layout.run(container_id))
        self._rotator.forget(self._layout.log(container_id))
        if record is not None:
            supervisor = self._supervisor(container_id, live)
            await ending.empty(self._cgroups, record.cgroup, live)
            await ending.supervisor_gone(supervisor)  # or it would write an exit file after all is cleared
        if live is not None:
            live.close()
        await asyncio.to_thread(self._bundles.clear, container_id)

    async def recover(self, container_id: str) -> int | Exit:
        """Find a container that a former daemon started: the pid, and watch it; or how it ended."""
        directory = self._layout.run(container_id)
        record = RunRecord.load(directory)
        pid = pid_in(directory)
        lost = Exit(_VANISHED, self._clock())
        if record is None:
            return lost
        if (exit_ := self._exit_of(container_id, record)) is not None:
            return exit_
        if not pid or starting.is_waiting(self._programs.runtime(record.runtime), container_id):
            return lost  # it was never started; release ends it
        if self._cgroups.contains(record.cgroup, pid):
            if supervisor := ending.supervisor_of(pid, container_id):
                with contextlib.suppress(SystemFailure):
                    self._adopt(container_id, record, pid, supervisor).started = True
                    return pid
            self._cgroups.kill(record.cgroup)  # nobody could tell how it ends
        return await self._exit_soon(container_id, record) or lost

    # ── execs ──

    async def exec_start(
        self, container: ContainerRecord, exec_id: str, spec: ExecSpec, ended: Callable[[Exit], Awaitable[None]]
    ) -> tuple[int, Stdio | None]:
        """Start a further process; return its pid and its streams (None when detached)."""
        live = self._live(container.id)
        program = self._programs.runtime(live.record.runtime)
        task = asyncio.ensure_future(self._execs.start(live, program, container, exec_id, spec, ended))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # it may be half-way: let it come, then end it
            await asyncio.wait((task,))
            if task.exception() is None:
                self._execs.kill(exec_id)
            raise

    async def exec_resize(self, exec_id: str, rows: int, columns: int) -> None:
        """Set the size of an exec's terminal; NotFound when it has ended or has none."""
        self._execs.resize(exec_id, rows, columns)

    def exec_kill(self, exec_id: str) -> None:
        """Kill an exec's process and its process group; nothing to do when it has ended."""
        self._execs.kill(exec_id)

    def exec_exit(self, container_id: str, exec_id: str) -> Exit | None:
        """Return how an exec that a former daemon started has ended; None while it runs, or when nothing is known."""
        return self._execs.exit_of(container_id, exec_id)

    # ── exits ──

    def _exit_written(self, name: str) -> None:
        live = self._lives.get(name)
        if live is not None:
            self._settle(live)

    def _settle(self, live: Live) -> None:
        """The exit file was written, or the supervisor is gone: whichever is seen first."""
        if not live.running:
            return
        exit_ = self._exit_of(live.id, live.record)
        if exit_ is None:  # the supervisor was killed: what it supervised cannot be waited for any more
            self._cgroups.kill(live.record.cgroup)
            exit_ = Exit(_LOST, self._clock())
        live.finish(exit_)
        self._rotator.forget(self._layout.log(live.id))
        if live.started:
            for callback in self._callbacks:
                callback(live.id, exit_)

    def _exit_of(self, container_id: str, record: RunRecord) -> Exit | None:
        """conmon notes a lack of memory beside the bundle, the kernel in the cgroup."""
        noted = (self._layout.run(container_id) / "oom").exists()
        return exit_in(
            self._layout.exit_file(container_id), oom_killed=noted or self._cgroups.oom_kills(record.cgroup) > 0
        )

    async def _exit_soon(self, container_id: str, record: RunRecord) -> Exit | None:
        written = asyncio.Event()
        stop = self._inotify.watch(self._layout.exits, syscalls.IN_MOVED_TO, lambda _: written.set())
        try:
            async with asyncio.timeout(_SUPERVISOR_WRITES):
                while (exit_ := self._exit_of(container_id, record)) is None:
                    written.clear()
                    await written.wait()
                return exit_
        except TimeoutError:
            return None
        finally:
            stop()

    def _supervisor(self, container_id: str, live: Live | None) -> int:
        """Return the pid of the supervisor that still has an exit to write, 0 for none."""
        if live is None:
            pid = pid_in(self._layout.run(container_id))
            return ending.supervisor_of(pid, container_id) if pid else 0
        live.started = False  # its end is no news any more
        waiting = live.running and live.supervisor is not None and live.supervisor.alive
        return live.supervisor.pid if waiting and live.supervisor is not None else 0

    def _live(self, container_id: str) -> Live:
        live = self._lives.get(container_id)
        if live is None or not live.running:
            raise Conflict(f"container {short_id(container_id)} is not running")
        return live

    def _pid_of(self, container_id: str) -> int:
        live = self._lives.get(container_id)
        return live.pid if live is not None and live.running else 0
