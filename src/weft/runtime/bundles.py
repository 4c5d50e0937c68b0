"""What a run of a container needs on disk: its root mounted, its configuration written."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from weft.engine.contract.runtime import Bundle
from weft.model.container import ContainerRecord, MountType
from weft.model.errors import InvalidParameter, Unavailable
from weft.runtime import staging, syscalls
from weft.runtime.conmon import Program
from weft.runtime.files.view import Views
from weft.runtime.layout import Layout
from weft.runtime.overlay import LayerPaths, mount_root, mount_shared_memory, unmount_root
from weft.runtime.rotation import policy_of
from weft.runtime.run_record import RunRecord
from weft.runtime.spec import users
from weft.runtime.spec.config import ConfigWriter, Placement


class Bundles:
    """Makes and clears bundles. All of it is file work, for a thread."""

    def __init__(
        self, layout: Layout, configs: ConfigWriter, layer_paths: LayerPaths, views: Views, *, init: str
    ) -> None:
        self._layout: Final = layout
        self._configs: Final = configs
        self._layer_paths: Final = layer_paths
        self._views: Final = views
        self._init: Final = init

    def prepare(self, record: ContainerRecord) -> None:
        """Make a new container's directory, writable layer and empty log; raises for what could never start."""
        self._configs.check(record.spec)
        policy = policy_of(record.spec.log)
        self._init_for(record)
        directory = self._layout.container(record.id)
        directory.mkdir(mode=0o710)
        for path in (self._layout.upper(record.id), self._layout.work(record.id)):
            path.mkdir()
        if policy.kept:
            self._layout.log(record.id).touch(mode=0o640)

    def make(
        self, bundle: Bundle, program: Program, cgroup: str, network: str, pid_of: Callable[[str], int]
    ) -> RunRecord:
        """Mount the root and write the configuration and the run's record, which is returned."""
        record, spec = bundle.record, bundle.record.spec
        _check_sources(bundle)
        run = RunRecord(
            runtime=program.name,
            cgroup=cgroup,
            hostname=bundle.hostname,
            tty=spec.process.tty,
            open_stdin=spec.process.open_stdin,
            stdin_once=spec.process.stdin_once,
            log=policy_of(spec.log),
        )
        directory, target = self._layout.run(record.id), self._layout.root(record.id)
        directory.mkdir()
        run.save(directory)
        self._mount(record)
        root = os.open(target, os.O_PATH | os.O_CLOEXEC)
        try:
            user = users.resolve(root, spec.process.user, spec.security.group_add)
        finally:
            os.close(root)
        bundle = replace(bundle, mounts=staging.stage(self._layout, record.id, bundle.mounts, self._layer_paths))
        placement = Placement(
            root=str(target),
            cgroup=cgroup,
            user=user,
            init=self._init_for(record),
            network_namespace=network,
            shared_memory=self._share_memory(bundle),
            runtime=program.name,
            pid_of=pid_of,
        )
        (directory / "config.json").write_bytes(msgspec.json.encode(self._configs.config(bundle, placement)))
        run.log.make_room(self._layout.log(record.id))
        return run

    def _mount(self, record: ContainerRecord) -> None:
        target = self._layout.root(record.id)
        spare = self._views.take_spare(record.id)
        if spare == -1:
            layers = self._layer_paths(record.layers)
            mount_root(layers, self._layout.upper(record.id), self._layout.work(record.id), target)
            return
        target.mkdir(exist_ok=True)
        try:
            syscalls.attach_mount(spare, target)
        finally:
            os.close(spare)

    def mounted(self, bundle: Bundle) -> tuple[Path, ...]:
        """Return the mount points of the engine's, besides the root, that the container is made from."""
        shm = self._layout.shm(bundle.shm_of)
        shared = (shm,) if shm.is_dir() else ()
        return (*shared, *staging.places(self._layout, bundle.record.id))

    def _share_memory(self, bundle: Bundle) -> str:
        """Return the host's path of the /dev/shm that the container has in common with others, "" for its own alone.

        InvalidParameter where the container whose it is does not share it.
        """
        mode = bundle.record.spec.ipc_mode
        if mode == "host" or bundle.shm_of == "host":
            return "/dev/shm"  # noqa: S108 - the host's, on request
        if any(mount.target == "/dev/shm" for mount in bundle.mounts):  # noqa: S108 - in the container
            return ""
        shm = self._layout.shm(bundle.shm_of or bundle.record.id)
        if mode == "shareable":
            mount_shared_memory(shm, bundle.record.spec.shm_size)
        elif not mode.startswith("container:"):
            return ""
        elif not shm.is_dir():
            raise InvalidParameter(
                f"failed to join IPC namespace: container {bundle.shm_of}: "
                "non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
            )
        return str(shm)

    def clear(self, container_id: str) -> None:
        """Remove what `make` and the runtimes left of a run; nothing there is no error."""
        self._views.keep_spare(container_id)
        unmount_root(self._layout.root(container_id))
        unmount_root(self._layout.shm(container_id))
        staging.unstage(self._layout, container_id)
        states = self._layout.runtime_states()
        for directory in (*(state / container_id for state in states), self._layout.run(container_id)):
            shutil.rmtree(directory, ignore_errors=True)
        self._layout.exit_file(container_id).unlink(missing_ok=True)

    def remove(self, container_id: str) -> None:
        """Remove the container's own directory."""
        directory = self._layout.container(container_id)
        if directory.is_dir():
            shutil.rmtree(directory)

    def _init_for(self, record: ContainerRecord) -> str:
        if not record.spec.process.init:
            return ""
        if not self._init:
            raise Unavailable("--init needs a static init program: install the package catatonit")
        return self._init


def _check_sources(bundle: Bundle) -> None:
    for mount in bundle.mounts:
        if mount.type in (MountType.BIND, MountType.VOLUME) and not os.path.exists(mount.source):
            raise InvalidParameter(
                f'invalid mount config for type "{mount.type}": bind source path does not exist: {mount.source}'
            )
