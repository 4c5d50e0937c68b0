"""Where the runtime keeps a container's files."""

import os
from dataclasses import dataclass
from pathlib import Path

from weft.model.errors import InvalidParameter
from weft.model.ids import is_full_id


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below `data_root` (what stays) and `exec_root` (what a reboot may take)."""

    data_root: Path
    exec_root: Path

    def __post_init__(self) -> None:
        # conmon splits its log path at colons, mount options are split at commas
        for root in (self.data_root, self.exec_root):
            if not root.is_absolute() or set(":,\n") & set(str(root)):
                raise InvalidParameter(f"{root}: the root directory must be absolute and without colons and commas")

    @property
    def containers(self) -> Path:
        """What containers keep over restarts."""
        return self.data_root / "containers"

    @property
    def skeleton(self) -> Path:
        """The layer below every image."""
        return self.data_root / "skeleton"

    @property
    def roots(self) -> Path:
        """A shared mount point; root file systems are mounted below."""
        return self.exec_root / "roots"

    @property
    def exits(self) -> Path:
        """Where supervisors write exit codes, one file a container."""
        return self.exec_root / "exits"

    @property
    def runs(self) -> Path:
        """One directory for each container that was created and not released."""
        return self.exec_root / "run"

    def runtime_state(self, runtime: str) -> Path:
        """Return the directory for the OCI runtime's `--root`."""
        return self.exec_root / "oci" / runtime

    def runtime_states(self) -> tuple[Path, ...]:
        """Return the state directories of all OCI runtimes that were used."""
        return tuple((self.exec_root / "oci").iterdir())

    def known(self) -> frozenset[str]:
        """Return the ids of all containers with a directory of their own or a run."""
        names = {path.name for root in (self.containers, self.runs, self.roots) for path in root.iterdir()}
        return frozenset(name for name in names if is_full_id(name))

    def container(self, container_id: str) -> Path:
        """Return a container's own directory."""
        return self.containers / container_id

    def upper(self, container_id: str) -> Path:
        """Return the writable layer."""
        return self.container(container_id) / "upper"

    def work(self, container_id: str) -> Path:
        """Return overlayfs' work directory."""
        return self.container(container_id) / "work"

    def log(self, container_id: str) -> Path:
        """Return the log's newest file; older ones have `.1`, `.2` … appended."""
        return self.container(container_id) / "container.log"

    def root(self, container_id: str) -> Path:
        """Return where the root file system is mounted while there is a run."""
        return self.roots / container_id

    def shm(self, container_id: str) -> Path:
        """Return where the shared memory of a container that shares it is mounted while there is a run."""
        return self.roots / f"shm-{container_id}"

    def run(self, container_id: str) -> Path:
        """Return the bundle directory: config.json, pid, sockets."""
        return self.runs / container_id

    def exec(self, container_id: str, exec_id: str) -> Path:
        """Return the directory of one exec."""
        return self.run(container_id) / "exec" / exec_id

    def exit_file(self, container_id: str) -> Path:
        """Return the file that the supervisor writes the exit code to."""
        return self.exits / container_id

    def make(self) -> None:
        """Make the directories that all containers share."""
        for path in (self.data_root, self.exec_root):
            path.mkdir(mode=0o711, parents=True, exist_ok=True)
        for path in (self.containers, self.roots, self.exits, self.runs, self.exec_root / "oci"):
            path.mkdir(mode=0o710, exist_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader sees the old content or the new, never a part."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    os.replace(temporary, path)
