"""The first root of a booting virtual machine: busybox, a few kernel modules, one script, as a cpio archive."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rig.image import busybox_program

# What a kernel needs before it can mount a file system that QEMU shares with it.
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

_REGULAR, _DIRECTORY, _DEVICE = 0o100755, 0o040755, 0o020600


def initramfs(tree: Path, version: str, init: str) -> bytes:
    """An uncompressed archive with `init` as /init and the modules of kernel `version` below `tree`.

    They lie in /lib, in the order in which they can be loaded. Raises `CalledProcessError` if one is missing.
    """
    shown = subprocess.run(
        ["modprobe", f"--dirname={tree}", f"--set-version={version}", "--show-depends", "--all", *_MODULES],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # a module that is built in is shown as `builtin NAME`
    paths = dict.fromkeys(words[1] for words in map(str.split, shown.splitlines()) if words[0] == "insmod")
    modules = {f"{number:02}-{Path(path).name}": Path(path) for number, path in enumerate(paths)}
    entries = [_entry(name, _DIRECTORY) for name in ("bin", "dev", "lib")]
    # the kernel opens the console before anything is mounted
    entries.append(_entry("dev/console", _DEVICE, device=(5, 1)))
    entries.append(_entry("bin/busybox", _REGULAR, busybox_program().read_bytes()))
    entries += [_entry(f"lib/{name}", _REGULAR, path.read_bytes()) for name, path in modules.items()]
    entries.append(_entry("init", _REGULAR, init.encode()))
    return b"".join(entries) + _entry("TRAILER!!!", 0)


def _entry(name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """One member in the newc format (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    encoded = name.encode() + b"\0"
    numbers = [0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0]
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
