"""Which capabilities a container's process has (capabilities(7))."""

from pathlib import Path
from typing import Final

from weft.model.container import Security
from weft.model.errors import InvalidParameter

# in the kernel's numbering, from 0
_NAMES: Final = tuple(
    f"CAP_{name}"
    for name in [
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "MKNOD",
        "LEASE",
        "AUDIT_WRITE",
        "AUDIT_CONTROL",
        "SETFCAP",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "SYSLOG",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "AUDIT_READ",
        "PERFMON",
        "BPF",
        "CHECKPOINT_RESTORE",
    ]
)
DEFAULT: Final = frozenset(
    f"CAP_{name}"
    for name in [
        "CHOWN",
        "DAC_OVERRIDE",
        "FSETID",
        "FOWNER",
        "MKNOD",
        "NET_RAW",
        "SETGID",
        "SETUID",
        "SETFCAP",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "SYS_CHROOT",
        "KILL",
        "AUDIT_WRITE",
    ]
)
_ALL: Final = "ALL"


def supported(status: Path = Path("/proc/self/status")) -> tuple[str, ...]:
    """Return the names of the capabilities that there are to give: those in the daemon's own bounding set."""
    line = next(line for line in status.read_text().splitlines() if line.startswith("CapBnd:"))
    bits = int(line.split()[1], 16)
    return tuple(name for number, name in enumerate(_NAMES) if bits >> number & 1)


def granted(security: Security, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the process is given, in the kernel's order; InvalidParameter names an unknown capability."""
    add = {_normal(name, "CapAdd", known) for name in security.cap_add}
    drop = {_normal(name, "CapDrop", known) for name in security.cap_drop}
    if security.privileged:
        return known
    if _ALL in add:
        chosen = set(known) - drop
    elif _ALL in drop:
        chosen = add
    else:
        chosen = set(DEFAULT - drop) | add
    return tuple(name for name in known if name in chosen)


def _normal(name: str, field: str, known: tuple[str, ...]) -> str:
    upper = name.strip().upper()
    if upper == _ALL:
        return _ALL
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in known:
        raise InvalidParameter(f'invalid {field}: unknown capability: "{full}"')
    return full
