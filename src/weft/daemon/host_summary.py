"""What the host is, for /info."""

import os
import platform
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from weft.engine.system import HostSummary

_OS_RELEASE = Path("/etc/os-release")
_CREDENTIALS = re.compile(r"(^[a-z]+://)[^/@]*@", re.IGNORECASE)
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True, slots=True)
class HostObserver:
    """Measures what changes at each call; the nft version and the data root's file system once."""

    nft_version: str
    backing_file_system: str

    def __call__(self) -> HostSummary:
        """Return the host as it is now."""
        release = _os_release()
        return HostSummary(
            hostname=socket.gethostname(),
            cpus=os.cpu_count() or 1,
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            kernel_version=platform.release(),
            operating_system=release.get("PRETTY_NAME", "Linux"),
            os_version=release.get("VERSION_ID", ""),
            architecture=platform.machine(),
            ipv4_forwarding=_FORWARDING.read_text().strip() == "1",
            file_descriptors=len(os.listdir("/proc/self/fd")),
            tasks=len(os.listdir("/proc/self/task")),
            nft_version=self.nft_version,
            backing_file_system=self.backing_file_system,
            proxies=(_proxy("HTTP_PROXY"), _proxy("HTTPS_PROXY"), _proxy("NO_PROXY")),
        )


def nft_version() -> str:
    """Return what `nft --version` says, without its name; "" without the program."""
    try:
        result = subprocess.run(["nft", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip().removeprefix("nftables v").split(" ", 1)[0]


def file_system(path: str) -> str:
    """Return the kind of file system that a path is on, as the kernel names it; "" if it does not say."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == wanted:
            return kind.split()[0]
    return ""


def _proxy(name: str) -> str:
    """Return a proxy of the environment without its password, as docker shows it."""
    return _CREDENTIALS.sub(r"\1xxxxx:xxxxx@", os.environ.get(name) or os.environ.get(name.lower(), ""))


def _os_release() -> dict[str, str]:
    try:
        lines = _OS_RELEASE.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip('"') for key, _, value in pairs}
