"""Network sysctls: files below /proc/sys/net, which shows the namespace of the thread that opens them."""

import os
from pathlib import Path

from weft.kernel.procfs import Procfs
from weft.model.errors import InvalidParameter

_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

# New namespaces inherit the values of the machine's first one, which need not be ours: what containers rely on is said.
SANDBOX_DEFAULTS = (
    ("net/ipv4/ip_unprivileged_port_start", "0"),
    ("net/ipv4/ping_group_range", "0 2147483647"),
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
)


def path_of(key: str) -> str:
    """Return the path below /proc/sys of a key with dots or slashes, as sysctl(8) reads it.

    The first separator decides: in `net.ipv4.conf.eth0/1.mtu` a slash stands for a dot. Raises InvalidParameter for
    a key outside `net`.
    """
    dotted = "." in key and ("/" not in key or key.index(".") < key.index("/"))
    path = key.translate(_DOTS_TO_SLASHES) if dotted else key
    parts = path.split("/")
    if len(parts) < 2 or parts[0] != "net" or any(part in ("", ".", "..") for part in parts):
        raise InvalidParameter(f"sysctl {key} is not one of the network's: its name must begin with net.")
    return path


def write(procfs: Procfs, path: str, value: str, *, optional: bool = False) -> None:
    """Write a sysctl in the calling thread's namespace; `path` is below /proc/sys. Raises OSError.

    Where `optional`, a kernel that does not have it is no error.
    """
    try:
        descriptor = procfs.open(f"sys/{path}", os.O_WRONLY)
    except FileNotFoundError:
        if optional:
            return
        raise
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def ephemeral_ports() -> range:
    """Return net.ipv4.ip_local_port_range of the calling thread's namespace."""
    first, last = _PORT_RANGE.read_text().split()
    return range(int(first), int(last) + 1)


_DOTS_TO_SLASHES = str.maketrans("./", "/.")
