"""-v and --tmpfs."""

from __future__ import annotations

import os.path


def split(values: list[str]) -> tuple[list[str], list[str]]:
    """Return (binds, targets of anonymous volumes); raises ValueError with docker's texts."""
    binds, anonymous = [], []
    for value in values:
        if not value:
            raise ValueError("invalid empty volume spec")
        source, colon, rest = value.partition(":")
        if not colon:
            anonymous.append(value)
            continue
        if not source or not rest:
            raise ValueError(f"invalid spec: {value}: empty section between colons")
        # a path that begins with a dot is this process's business: the daemon has another working directory
        binds.append(f"{os.path.abspath(source) if source.startswith('.') else source}:{rest}")
    return binds, anonymous


def tmpfs(values: list[str]) -> dict[str, str]:
    """Return mount options by target."""
    return {target: mount_options for target, _, mount_options in (value.partition(":") for value in values)}
