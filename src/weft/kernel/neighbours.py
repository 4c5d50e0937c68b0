"""How many neighbours the kernel keeps: one limit a family for all namespaces, shown to its first one alone."""

import logging
from pathlib import Path

_LOG = logging.getLogger(__name__)
_SYSCTLS = Path("/proc/sys/net")
# The highest first: each must not lie above the next (Linux Documentation/networking/ip-sysctl.rst; arp(7)).
_ROOM = (("gc_thresh3", 65536), ("gc_thresh2", 49152), ("gc_thresh1", 8192))


def make_room(root: Path = _SYSCTLS) -> int:
    """Raise limits that are lower than what thousands of containers need; return the lowest in force, 0 for unknown."""
    found = [_make_room(root / family / "neigh/default") for family in ("ipv4", "ipv6")]
    return min((limit for limit in found if limit), default=0)


def _make_room(directory: Path) -> int:
    for name, wanted in _ROOM:
        path = directory / name
        try:
            if int(path.read_text()) < wanted:
                path.write_text(str(wanted))
        except FileNotFoundError:
            return 0  # not the kernel's first network namespace, or no such family
        except OSError as error:
            _LOG.info("the limit of neighbours %s stays as it is: %s", path, error)
    return int((directory / _ROOM[0][0]).read_text())
