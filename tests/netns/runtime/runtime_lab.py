"""A throw-away runtime: its own roots, a layer of busybox, containers made from a few words, all of it removed."""

import asyncio
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from weft.engine.contract.runtime import Bundle, ExecSpec, Exit, LogQuery, Stdio
from weft.model.container import (
    ContainerRecord,
    ContainerSpec,
    LogConfig,
    Mount,
    ProcessSpec,
    Resources,
    Security,
)
from weft.runtime.oci import OciRuntime
from weft.runtime.tree_size import TreeSizes

PATIENCE = 20.0  # seconds until something that should have happened is given up


def busybox_layer(directory: Path) -> None:
    """Unpack a root file system made of the machine's busybox."""
    for name in ("bin", "etc", "tmp", "root", "home/ann", "data"):
        (directory / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", directory / "bin/busybox")
    subprocess.run(
        ["chroot", str(directory), "/bin/busybox", "--install", "-s", "/bin"], check=True, capture_output=True
    )
    (directory / "tmp").chmod(0o1777)
    (directory / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\nbob:x:1002:1002::/home/bob:/bin/sh\n"
    )
    (directory / "etc/group").write_text("root:x:0:\nwheel:x:10:root,ann\nstaff:x:1001:\nextra:x:2000:ann\n")
    (directory / "data/seed").write_text("from the image\n")
    os.chown(directory / "data", 1000, 1001)


@dataclass
class Ran:
    """What a container run to its end gave."""

    exit: Exit
    stdout: str
    stderr: str

    @property
    def code(self) -> int:
        return self.exit.code


@dataclass
class Exits:
    """Exits by container, as the runtime reports them."""

    seen: dict[str, Exit] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, container_id: str, exit_: Exit) -> None:
        self.seen[container_id] = exit_
        self.news.set()

    async def of(self, container_id: str) -> Exit:
        async with asyncio.timeout(PATIENCE):
            while container_id not in self.seen:
                self.news.clear()
                await self.news.wait()
        return self.seen[container_id]


class RuntimeLab:
    """A runtime over `base`, whose containers live in a cgroup of this test's own."""

    def __init__(self, base: Path, layer: Path) -> None:
        self.base = base
        self.layer = layer
        self.cgroup_parent = f"/weft-test-{secrets.token_hex(6)}"
        self.exits = Exits()
        self.runtime_name = ""
        self.runtime = self.new_runtime()
        self._ids: list[str] = []

    def new_runtime(self) -> OciRuntime:
        """Another runtime over the same roots, as a successor of the daemon has it."""
        runtime = OciRuntime(
            self.base / "data", self.base / "exec", lambda _: (str(self.layer),), clock=time.time_ns, sizes=TreeSizes()
        )
        runtime.on_exit(self.exits.note)
        return runtime

    def record(self, *argv: str, **changes: object) -> ContainerRecord:
        """A record; `changes` are fields of ContainerSpec, or of its process, resources and security."""
        parts = {"process": ProcessSpec(cmd=argv), "resources": Resources(), "security": Security()}
        top: dict[str, object] = {}
        for name, value in changes.items():
            for part, default in parts.items():
                if hasattr(default, name):
                    parts[part] = replace(default, **{name: value})
                    break
            else:
                top[name] = value
        spec = ContainerSpec(
            image="busybox", cgroup_parent=self.cgroup_parent, runtime=self.runtime_name, **{**parts, **top}
        )
        container_id = secrets.token_hex(32)
        self._ids.append(container_id)
        return ContainerRecord(
            id=container_id, name="c", created=0, image_id="sha256:0", spec=spec, layers=("sha256:1",)
        )

    def bundle(
        self,
        record: ContainerRecord,
        *,
        mounts: tuple[Mount, ...] = (),
        network_namespace: str = "",
        sysctls: Mapping[str, str] | None = None,
        shm_of: str = "",
    ) -> Bundle:
        """A bundle with the record's network files."""
        directory = Path(self.runtime.directory(record.id))
        for name in ("hosts", "hostname", "resolv.conf"):
            (directory / name).write_text(f"{name} of the test\n")
        return Bundle(
            record=record,
            network_namespace=network_namespace,
            hostname="box",
            hosts_path=str(directory / "hosts"),
            resolv_conf_path=str(directory / "resolv.conf"),
            hostname_path=str(directory / "hostname"),
            mounts=mounts,
            sysctls=sysctls or {},
            shm_of=shm_of or record.id,
        )

    async def created(self, *argv: str, **changes: object) -> ContainerRecord:
        """A container, created and not started."""
        own = ("mounts", "network_namespace", "sysctls", "shm_of")
        options = {key: changes.pop(key) for key in own if key in changes}
        record = replace(self.record(*argv, **changes), mounts=options.get("mounts", ()))
        await self.runtime.prepare(record)
        await self.runtime.create(self.bundle(record, **options))  # type: ignore[arg-type]
        return record

    async def started(self, *argv: str, **changes: object) -> ContainerRecord:
        """A container that runs."""
        record = await self.created(*argv, **changes)
        await self.runtime.start(record.id)
        return record

    async def run(self, *argv: str, **changes: object) -> Ran:
        """Run a container to its end, attached, and remove it."""
        record = await self.created(*argv, **changes)
        stdio = await self.runtime.attach(record.id)
        await self.runtime.start(record.id)
        out, err = await collect(stdio)
        exit_ = await self.exits.of(record.id)
        stdio.close()
        await self.runtime.release(record.id)
        await self.runtime.remove(record.id)
        return Ran(exit_, out.decode(), err.decode())

    async def sh(self, script: str, **changes: object) -> Ran:
        """Run a shell script in a container."""
        return await self.run("sh", "-c", script, **changes)

    async def logged(self, record: ContainerRecord, **query: object) -> list[str]:
        """The log's lines as text."""
        lines = self.runtime.logs(record.id, LogQuery(**query))  # type: ignore[arg-type]
        return [line.data.decode() async for line in lines]

    async def execute(self, record: ContainerRecord, *argv: str, stdin: bytes = b"", **spec: object) -> Ran:
        """Run an exec to its end, attached."""
        ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

        async def note(exit_: Exit) -> None:
            ended.set_result(exit_)

        wanted = ExecSpec(argv=argv, attach_stdin=bool(stdin), attach_stdout=True, attach_stderr=True, **spec)  # type: ignore[arg-type]
        _, stdio = await self.runtime.exec_start(record, secrets.token_hex(32), wanted, note)
        assert stdio is not None
        if stdin:
            await stdio.write(stdin)
            await stdio.close_input()
        out, err = await collect(stdio)
        assert ended.done(), "the output's end was seen before the exit"
        stdio.close()
        return Ran(await ended, out.decode(), err.decode())

    def pids(self, record: ContainerRecord) -> list[int]:
        """The pids in a container's cgroup."""
        directories = cgroup_directories(f"{self.cgroup_parent}/{record.id}")
        return sorted({int(pid) for path in directories for pid in (path / "cgroup.procs").read_text().split()})

    def left_behind(self) -> list[str]:
        """What is left of runs: mounts, runtime state, cgroups, exit files."""
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        below = f"{self.base}/exec/roots/"
        found = [point for point in mounts if point.startswith(below)]
        found += [str(path) for name in ("run", "exits", "roots") for path in (self.base / "exec" / name).glob("*")]
        found += [str(path) for path in (self.base / "exec/oci").glob("*/*") if path.name != ".cache"]
        return found + [str(path) for path in cgroup_directories(self.cgroup_parent) if any(path.glob("*/"))]

    async def clean(self) -> None:
        """Remove every container and all that the test made outside its directory."""
        for container_id in self._ids:
            await self.runtime.release(container_id)
            await self.runtime.remove(container_id)
        await self.runtime.close()
        for directory in cgroup_directories(self.cgroup_parent):
            directory.rmdir()
        assert not (self.base / "exec/roots").is_mount()


def cgroup_directories(path: str) -> list[Path]:
    """A cgroup's directories in all hierarchies."""
    mounts = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")]
    return [mount / path.lstrip("/") for mount in mounts if (mount / path.lstrip("/")).is_dir()]


async def collect(stdio: Stdio) -> tuple[bytes, bytes]:
    """Read both streams to their end."""
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    async with asyncio.timeout(PATIENCE):
        async for stream, data in stdio.output():
            parts[stream].append(data)
    return b"".join(parts[1]), b"".join(parts[2])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that nothing announces."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


__all__ = ["PATIENCE", "LogConfig", "RuntimeLab", "busybox_layer", "collect", "until"]
