"""A virtual machine with Debian's own kernel over this machine's root file system, which it cannot change."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shlex import join, quote

from rig.initramfs import initramfs
from rig.namespace import die_with_parent

_CHECKOUT = Path(__file__).resolve().parents[2]
# scripts/setup --test puts it there
_KERNEL = _CHECKOUT / ".cache" / "kernel"
_INIT = Path(__file__).with_name("machine_init.sh")

_BOOT = """
ip link set lo up
hostname machine
mount --make-rshared /
cd {directory}
{command} </dev/null
echo $? >{shared}/status
exec busybox poweroff -f
"""


class Machine:
    """A machine that boots, runs one command as root with its output on the console, and goes.

    `shared` is a directory that machine and test see at the same path and both write to. What the machine writes
    elsewhere is in its memory. Use as a context manager, or call `close`.
    """

    def __init__(self, *, memory: str = "2G") -> None:
        self.shared = Path(tempfile.mkdtemp(prefix="machine-", dir=os.environ.get("RIG_TMP", "/var/tmp")))
        self._console = self.shared / "console"
        self._memory = memory
        self._qemu: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def boot(self, command: Sequence[str | Path]) -> None:
        """Start it; `command` runs in the checkout. Raises `FileNotFoundError` where there is no kernel to boot."""
        modules = _modules()
        script = _BOOT.format(directory=quote(str(_CHECKOUT)), command=join(map(str, command)), shared=self.shared)
        (self.shared / "boot").write_text(script)
        (self.shared / "initramfs").write_bytes(initramfs(_KERNEL, modules.name, _INIT.read_text()))
        with (self.shared / "qemu").open("wb") as log:
            self._qemu = subprocess.Popen(
                self._command(_KERNEL / "boot" / f"vmlinuz-{modules.name}", modules),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def _command(self, kernel: Path, modules: Path) -> list[str]:
        line = [
            *("console=ttyS0", "loglevel=4", "panic=-1", "oops=panic"),
            # emulated, what guards against a processor's faults costs several times what it does on a real one
            *("mitigations=off", "nokaslr", "no_timer_check", "tsc=reliable", "random.trust_cpu=on"),
            *(f"shared={self.shared}", f"modules={modules}"),
        ]
        return [
            # the plainest processor: what newer ones have is dear to emulate
            *("qemu-system-x86_64", "-cpu", "qemu64", "-machine", "q35", "-accel", "tcg,thread=multi", "-smp", "2"),
            *("-m", self._memory, "-no-reboot", "-nodefaults", "-display", "none", "-serial", f"file:{self._console}"),
            *("-kernel", str(kernel), "-initrd", str(self.shared / "initramfs"), "-append", " ".join(line)),
            *_share("root", Path("/"), "readonly=on"),
            *_share("shared", self.shared, "readonly=off"),
        ]

    @property
    def running(self) -> bool:
        """Whether it has been booted and has not gone."""
        return self._qemu is not None and self._qemu.poll() is None

    @property
    def console(self) -> str:
        """What kernel and command have printed so far, and what QEMU complained of."""
        logs = (self._console, self.shared / "qemu")
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def stop(self) -> None:
        """Pull the plug; `console` can still be read."""
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()

    def close(self) -> None:
        """End it and remove its directory. Safe to call again."""
        atexit.unregister(self.close)
        self.stop()
        shutil.rmtree(self.shared, ignore_errors=True)


def _modules() -> Path:
    found = list((_KERNEL / "lib" / "modules").glob("*"))
    if len(found) != 1:
        raise FileNotFoundError(f"no kernel in {_KERNEL}: run scripts/setup --test")
    return found[0]


def _share(tag: str, path: Path, mode: str) -> list[str]:
    return [
        *("-fsdev", f"local,id={tag},path={path},security_model=none,{mode},multidevs=remap"),
        *("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
    ]
