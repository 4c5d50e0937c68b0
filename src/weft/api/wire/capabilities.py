"""Names of Linux capabilities (capabilities(7), kernel 5.9 and later), as Docker writes them."""

from collections.abc import Iterable

from weft.model.errors import InvalidParameter

ALL = "ALL"
_NAMES = frozenset(
    f"CAP_{name}"
    for line in (
        "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE",
        "DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD",
        "NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN",
        "SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME",
        "SYS_TTY_CONFIG WAKE_ALARM",
    )
    for name in line.split()
)


def normalize(option: str, names: Iterable[str] | None) -> tuple[str, ...]:
    """Return names in upper case with CAP_ before them, ALL as it is; InvalidParameter for one that does not exist."""
    return tuple(_normal(option, name) for name in names or ())


def _normal(option: str, name: str) -> str:
    upper = name.upper()
    if upper == ALL:
        return upper
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in _NAMES:
        raise InvalidParameter(f'invalid {option}: unknown capability: "{full}"')
    return full
