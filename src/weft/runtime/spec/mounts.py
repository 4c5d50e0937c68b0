"""What is mounted inside a container."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from weft.engine.contract.runtime import Bundle
from weft.model.container import ContainerSpec, Mount, MountType, ReadOnly
from weft.model.errors import InvalidParameter
from weft.runtime.overlay import propagation_of
from weft.runtime.spec import security

INIT_TARGET: Final = "/sbin/docker-init"
_PROPAGATIONS: Final = frozenset({"private", "rprivate", "slave", "rslave", "shared", "rshared"})
_QUIET: Final = ("nosuid", "noexec", "nodev")
_RESTRICTIONS: Final = (
    (os.ST_RDONLY, "ro"),
    (os.ST_NOSUID, "nosuid"),
    (os.ST_NODEV, "nodev"),
    (os.ST_NOEXEC, "noexec"),
)
_OPPOSITES: Final[Mapping[str, str]] = {"exec": "noexec", "suid": "nosuid", "dev": "nodev", "rw": "ro"}
_TMPFS_FLAGS: Final = frozenset(
    [
        "exec",
        "noexec",
        "suid",
        "nosuid",
        "dev",
        "nodev",
        "rw",
        "ro",
        "sync",
        "async",
        "dirsync",
        "remount",
        "mand",
        "nomand",
        "atime",
        "noatime",
        "diratime",
        "nodiratime",
        "bind",
        "rbind",
        "unbindable",
        "runbindable",
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "relatime",
        "norelatime",
        "strictatime",
        "nostrictatime",
    ]
)
_TMPFS_VALUES: Final = frozenset({"mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "size"})

OciMount = dict[str, object]


def all_mounts(bundle: Bundle, *, init: str, shared_memory: str = "") -> list[OciMount]:
    """Return the OCI `mounts`, in the order of mounting.

    `init` is the host path of the init program or "", `shared_memory` that of a /dev/shm in common with others or "".
    """
    spec = bundle.record.spec
    users = {str(PurePosixPath(mount.target)): mount for mount in bundle.mounts}
    system = [mount for mount in _system(spec, shared_memory) if not _replaced(str(mount["destination"]), users)]
    files = [_bind(source, target) for source, target in _network_files(bundle) if source and target not in users]
    given = [_user_mount(mount) for mount in sorted(users.values(), key=lambda m: len(PurePosixPath(m.target).parts))]
    helper = [_bind(init, INIT_TARGET, read_only=True)] if init else []
    return [*system, *given, *files, *helper]


def root_propagation(mounts: Sequence[Mount]) -> str:
    """Return the OCI `rootfsPropagation` that the mounts' own propagation asks for, "" for the default.

    InvalidParameter when a source is not on a mount that can be shared that way.
    """
    wanted = {mount.propagation for mount in mounts if mount.type is MountType.BIND}
    for mount in mounts:
        _check_source(mount)
    if wanted & {"shared", "rshared"}:
        return "shared"
    return "rslave" if wanted & {"slave", "rslave"} else ""


def tmpfs_options(text: str) -> list[str]:
    """Return tmpfs options with Docker's defaults under them; InvalidParameter names an unknown one."""
    chosen = dict.fromkeys(_QUIET)
    for option in filter(None, text.split(",")):
        key, separator, _ = option.partition("=")
        if (key not in _TMPFS_VALUES) if separator else (key not in _TMPFS_FLAGS):
            raise InvalidParameter(f'invalid tmpfs option ["{option}"]')
        for old in [old for old in chosen if _contradicts(old, option)]:
            del chosen[old]
        chosen[option] = None
    return list(chosen)


def _contradicts(old: str, new: str) -> bool:
    if "=" in new:
        return old.startswith(new.partition("=")[0] + "=")
    return _OPPOSITES.get(new) == old or _OPPOSITES.get(old) == new


def _system(spec: ContainerSpec, shared_memory: str) -> Iterator[OciMount]:
    writable = [] if spec.security.privileged else ["ro"]
    yield _mount("/proc", "proc", "proc", _QUIET)
    yield _mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k"))
    pts = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
    yield _mount("/dev/pts", "devpts", "devpts", pts)
    yield _mount("/sys", "sysfs", "sysfs", (*_QUIET, *writable))
    wanted = security.parse(spec.security.security_opt).writable_cgroups
    groups_writable = spec.security.privileged if wanted is None else wanted
    yield _mount("/sys/fs/cgroup", "cgroup", "cgroup", (*(() if groups_writable else ("ro",)), *_QUIET))
    yield _mount("/dev/mqueue", "mqueue", "mqueue", _QUIET)  # those of the IPC namespace, whichever it is
    if shared_memory:
        yield _bind(shared_memory, "/dev/shm")  # noqa: S108 - in the container
    elif spec.ipc_mode != "none":
        yield _mount("/dev/shm", "tmpfs", "shm", (*_QUIET, "mode=1777", f"size={spec.shm_size}"))  # noqa: S108


def _network_files(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    return (
        (bundle.resolv_conf_path, "/etc/resolv.conf"),
        (bundle.hostname_path, "/etc/hostname"),
        (bundle.hosts_path, "/etc/hosts"),
    )


def _replaced(destination: str, users: Mapping[str, Mount]) -> bool:
    """Whether a mount of the user's stands at `destination`, or over all of /dev or /sys above it."""
    parents = [str(parent) for parent in PurePosixPath(destination).parents if str(parent) != "/"]
    return destination in users or any(parent in users for parent in parents)


def _user_mount(mount: Mount) -> OciMount:
    target = PurePosixPath(mount.target)
    if not target.is_absolute() or ".." in target.parts:
        raise InvalidParameter(f"invalid mount target {mount.target}: it must be an absolute path without ..")
    if mount.type is MountType.TMPFS:
        options = [*tmpfs_options(mount.tmpfs_options), *(["ro"] if mount.read_only else [])]
        return _mount(str(target), "tmpfs", "tmpfs", options)
    propagation = mount.propagation
    if propagation and propagation not in _PROPAGATIONS:
        raise InvalidParameter(f"invalid propagation mode: {propagation}")
    # nothing can be mounted below a file, and crun 1.8 takes the recursive option for directories alone
    deep = mount.recursive and mount.read_only_depth is not ReadOnly.TOP and os.path.isdir(mount.source)
    access = ("rro" if deep else "ro") if mount.read_only else "rw"
    bind = "rbind" if mount.recursive else "bind"
    return _mount(str(target), "bind", mount.source, (bind, propagation or "rprivate", access, *_kept(mount.source)))


def _kept(source: str) -> Iterator[str]:
    """Yield the restrictions that the source's own mount has, which crun would take off."""
    with contextlib.suppress(OSError):
        flags = os.statvfs(source).f_flag
        yield from (option for flag, option in _RESTRICTIONS if flags & flag)


def _bind(source: str, target: str, *, read_only: bool = False) -> OciMount:
    return _mount(target, "bind", source, ("rbind", "rprivate", "ro" if read_only else "rw"))


def _mount(destination: str, kind: str, source: str, options: Sequence[str]) -> OciMount:
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def _check_source(mount: Mount) -> None:
    if mount.type is not MountType.BIND or mount.propagation.removeprefix("r") not in ("shared", "slave"):
        return
    point, kinds = propagation_of(Path(mount.source).resolve())
    if mount.propagation in ("shared", "rshared") and "shared" not in kinds:
        raise InvalidParameter(f"path {mount.source} is mounted on {point} but it is not a shared mount")
    if not kinds:
        raise InvalidParameter(f"path {mount.source} is mounted on {point} but it is not a shared or slave mount")
