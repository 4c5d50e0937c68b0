"""Root file systems: the image's layers with a writable one above (Linux filesystems/overlayfs)."""

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from weft.model.errors import SystemFailure
from weft.runtime import syscalls

LayerPaths = Callable[[tuple[str, ...]], tuple[str, ...]]  # diff ids, lowest first, to directories

_MOST_OPTION_BYTES: Final = 4000  # mount(2) takes a page
_MOUNT_POINT_FIELD: Final = 4  # proc(5), mountinfo


def mount_root(layers: Sequence[str], upper: Path, work: Path, target: Path) -> None:
    """Mount `layers` (lowest first) under `upper` at `target`, making directories; SystemFailure with the reason."""
    for path in (upper, work, target):
        path.mkdir(parents=True, exist_ok=True)
    unmount_root(target, keep=True)
    mount_layers(layers, target, f",upperdir={upper},workdir={work}")


def mount_layers(layers: Sequence[str], target: Path, above: str = "") -> None:
    """Mount `layers` (lowest first) at `target`, over what is there; `above` are the options of a writable layer.

    Raises SystemFailure with the reason.
    """
    if not above and len(layers) == 1:  # an overlay has two layers at least
        syscalls.mount(layers[0], target, flags=syscalls.MS_BIND)
        return
    lower = list(reversed(layers))
    with contextlib.ExitStack() as opened:
        options = _options(lower, above)
        if len(os.fsencode(options)) > _MOST_OPTION_BYTES or any(set(":,\\") & set(path) for path in lower):
            # descriptors are short, and need no escaping
            options = _options([f"/proc/self/fd/{_open_path(opened, path)}" for path in lower], above)
        try:
            syscalls.mount("overlay", target, "overlay", 0, options)
        except OSError as error:
            raise SystemFailure(
                f"mounting the root file system at {target} failed: {error.strerror} "
                f"(overlayfs of {len(lower)} layers{above})"
            ) from error


def mount_shared_memory(target: Path, size: int) -> None:
    """Mount memory of at most `size` bytes at `target`, for the /dev/shm of several containers; OSError."""
    target.mkdir()
    flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC | syscalls.MS_NODEV
    syscalls.mount("shm", target, "tmpfs", flags, f"mode=1777,size={size}")


def unmount_root(target: Path, *, keep: bool = False) -> None:
    """Unmount what is at `target` and remove the directory unless `keep`; nothing there is no error."""
    if not target.is_dir():
        return
    try:
        syscalls.unmount(target)
    except OSError as error:
        if error.errno == errno.EBUSY:
            syscalls.unmount(target, syscalls.MNT_DETACH)
        elif error.errno != errno.EINVAL:  # not a mount point
            raise
    if not keep:
        with contextlib.suppress(OSError):
            target.rmdir()


def ensure_shared(path: Path) -> None:
    """Make a directory a shared mount point of its own, so that mounts below it show in other namespaces."""
    fields = _mount_fields(path)
    if fields is None:
        syscalls.mount(str(path), path, flags=syscalls.MS_BIND)
        # a peer group of its own: as a peer of what it lies on, each root would be mounted twice
        syscalls.mount("", path, flags=syscalls.MS_PRIVATE)
    if fields is None or not any(field.startswith("shared:") for field in fields):
        syscalls.mount("", path, flags=syscalls.MS_SHARED)


def mounts_below(directory: Path) -> list[Path]:
    """Return the mount points below a directory, itself left out, as the calling thread sees them, in their order."""
    points = (Path(_unescape(fields[_MOUNT_POINT_FIELD])) for fields in _mountinfo())
    return [point for point in points if point != directory and point.is_relative_to(directory)]


def mount_points() -> frozenset[Path]:
    """Return where something is mounted, as the calling thread sees it."""
    return frozenset(Path(_unescape(fields[_MOUNT_POINT_FIELD])) for fields in _mountinfo())


def propagation_of(path: Path) -> tuple[Path, frozenset[str]]:
    """Return the mount point that `path` lies on, and its propagation: "shared", "slave", both or none."""
    best, kinds = Path("/"), frozenset[str]()
    for fields in _mountinfo():
        point = Path(_unescape(fields[_MOUNT_POINT_FIELD]))
        if path.is_relative_to(point) and len(point.parts) >= len(best.parts):
            optional = fields[6 : fields.index("-")]
            best = point
            kinds = frozenset({"shared:": "shared", "master:": "slave"}.get(f[:7], "") for f in optional) - {""}
    return best, kinds


def _options(lower: Sequence[str], above: str) -> str:
    # Off, whatever the kernel's default: a renamed directory would lie in the writable layer as a reference, and a
    # changed file without its content, which neither a commit nor another machine could read.
    return f"lowerdir={':'.join(lower)}{above},redirect_dir=off,metacopy=off"


def _open_path(opened: contextlib.ExitStack, path: str) -> int:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor


def _mountinfo() -> list[list[str]]:
    return [line.split(" ") for line in Path("/proc/thread-self/mountinfo").read_text().splitlines()]


def _mount_fields(path: Path) -> list[str] | None:
    found = [fields for fields in _mountinfo() if _unescape(fields[_MOUNT_POINT_FIELD]) == str(path)]
    return found[-1][6 : found[-1].index("-")] if found else None


def _unescape(text: str) -> str:
    return text.encode().decode("unicode_escape") if "\\" in text else text
