"""A throw-away host: network, mount, process-id and UTS namespaces of its own, no uplink, gone when closed."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rig.namespace import die_with_parent, in_network_namespace
from rig.process import Daemon

# Runs as process 1 of the new namespaces. Everything below is private until the last step, when the tree becomes
# shared as systemd makes it on a real machine.
_BOOT = """
set -e
mount -t proc proc /proc
mkdir -p "$RIG/cgroup"
mount --rbind /sys/fs/cgroup "$RIG/cgroup"
mount -t sysfs sysfs /sys
mount --move "$RIG/cgroup" /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
mount --bind "$RIG/resolv.conf" /etc/resolv.conf
hostname "$RIG_HOSTNAME"
ip link set lo up
mount --make-rshared /
echo ready
exec 1>&2
exec catatonit -P
"""


class Host:
    """A host of its own on this machine. Use as a context manager, or call `close`; both may follow any failure.

    `directory` is seen at the same path inside and outside; `/run` inside is empty and its own. `links` counts its
    cables, `outer` holds its addresses (4, 6) on the cable to the internet, where it has one.
    """

    def __init__(self, hostname: str = "rig", *, resolv_conf: str = "# no name server\n") -> None:
        self.hostname = hostname
        self.directory = Path(tempfile.mkdtemp(prefix="rig-", dir=os.environ.get("RIG_TMP", "/tmp")))
        self.directory.chmod(0o755)
        self.links = 0
        self.outer = "", ""
        self._closers: list[Callable[[], None]] = []
        self._daemons: list[Daemon] = []
        self._unshare: subprocess.Popen[str] | None = None
        self.pid = 0
        (self.directory / "resolv.conf").write_text(resolv_conf)
        atexit.register(self.close)
        self._boot()

    def _boot(self) -> None:
        environment = {"PATH": os.environ["PATH"], "RIG": str(self.directory), "RIG_HOSTNAME": self.hostname}
        self._unshare = subprocess.Popen(
            ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--uts", "--", "sh", "-c", _BOOT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "ready\n":
            assert self._unshare.stderr is not None
            trouble = self._unshare.stderr.read()
            self.close()
            raise RuntimeError(f"the throw-away host did not come up: {trouble}")
        self.pid = _only_child(self._unshare.pid)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def on_close(self, closer: Callable[[], None]) -> None:
        """Have `closer` called after every process of this host is gone and before its directory is."""
        self._closers.append(closer)

    def path(self, inside: str | Path) -> Path:
        """The path by which this test process reaches `inside` (absolute) of the host's own mounts."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        """The argument list that runs `arguments` inside this host."""
        enter = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--uts", "--pid", "--"]
        return [*enter, *map(str, arguments)]

    def run(
        self, arguments: Sequence[str | Path], *, check: bool = True, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return what it printed; raises `AssertionError` with its words if it failed."""
        done = subprocess.run(
            self.command(arguments), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, (
            f"{arguments} ended with {done.returncode}: {done.stderr}{done.stdout}"
        )
        return done

    def output(self, *arguments: str | Path) -> str:
        """What a command that must succeed printed, without the last newline."""
        return self.run(arguments).stdout.rstrip("\n")

    def start(self, arguments: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] = {}) -> Daemon:
        """Start a command that stays; its output goes to `log`. It ends with the host at the latest."""
        daemon = Daemon(self.command(arguments), log, {**os.environ, **environment})
        self._daemons.append(daemon)
        return daemon

    def sysctl(self, **values: int | str) -> None:
        """Set kernel settings of this host; the name's `__` stand for dots: `net__ipv4__ip_forward=1`."""
        for name, value in values.items():
            # /proc/sys/net shows a thread the namespace that the thread is in, through whichever path
            self.within(partial(self.path("/proc/sys/" + name.replace("__", "/")).write_text, str(value)))

    def within(self, work: Callable[[], Any]) -> Any:
        """Call `work` in a thread that lives in this host's network namespace and return what it returned."""
        return in_network_namespace(self.path("/proc/1/ns/net"), work)

    def connect(self, address: str, port: int, *, timeout: float = 5) -> socket.socket:
        """A TCP connection made from inside this host. Raises `OSError`."""
        return self.within(lambda: socket.create_connection((address, port), timeout=timeout))  # type: ignore[no-any-return]

    def udp(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """A UDP socket of this host, with a time limit of five seconds."""
        made: socket.socket = self.within(lambda: socket.socket(family, socket.SOCK_DGRAM))
        made.settimeout(5)
        return made

    def fetch(self, address: str, port: int, path: str = "/", *, timeout: float = 5) -> bytes:
        """The body of `http://address:port/path`, asked for from inside. Raises `OSError`, also when nothing came."""
        with self.connect(address, port, timeout=timeout) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, separator, body = answer.partition(b"\r\n\r\n")
        if not separator:
            raise OSError(f"no HTTP answer from {address} port {port}: {head!r}")
        return body

    def reaches(self, address: str, port: int, *, timeout: float = 1) -> bool:
        """Whether an HTTP server answers at that address and port, asked from inside."""
        try:
            self.fetch(address, port, timeout=timeout)
        except OSError:
            return False
        return True

    def processes(self) -> dict[int, list[str]]:
        """Process id as this machine counts -> command line, of everything that runs in this host."""
        mine = os.readlink(f"/proc/{self.pid}/ns/pid")
        found: dict[int, list[str]] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if os.readlink(entry / "ns" / "pid") == mine:
                    found[int(entry.name)] = (entry / "cmdline").read_text().split("\0")[:-1]
        return found

    def reboot(self) -> None:
        """End every process, drop every namespace and mount, and come up again with the same directory."""
        self._end()
        self.links = 0
        self._boot()

    def _end(self) -> None:
        if self._unshare is None:
            return
        with contextlib.suppress(ProcessLookupError):
            # The first process of a namespace takes all others with it, and the kernel waits until they are gone.
            os.kill(self.pid or self._unshare.pid, signal.SIGKILL)
        self._unshare.wait()
        while self._daemons:
            self._daemons.pop().wait()
        for stream in (self._unshare.stdout, self._unshare.stderr):
            if stream is not None:
                stream.close()
        self._unshare = None
        self.pid = 0

    def close(self) -> None:
        """End and remove everything of this host. Safe to call again."""
        atexit.unregister(self.close)
        self._end()
        while self._closers:
            self._closers.pop()()
        shutil.rmtree(self.directory, ignore_errors=True)


def _only_child(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(children[0])
