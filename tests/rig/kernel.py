"""What the kernel that the tests run on has."""

from __future__ import annotations

import subprocess
from functools import cache


@cache
def has_links(kind: str) -> bool:
    """Whether it can make links of that kind (ipvlan, vlan …); tried in a namespace of its own."""
    command = ["unshare", "--net", "ip", "link", "add", "probe", "type", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "Unknown device type" not in done.stderr
