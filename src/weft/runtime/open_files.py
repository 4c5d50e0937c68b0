"""The limit of open files: every container and every client's stream costs the daemon some."""

import resource

Limits = tuple[int, int]  # soft, hard


def raise_own() -> Limits:
    """Raise the soft limit of this process to the hard one, as Go's programs do; return what it was.

    Containers get what it was: programs that walk all descriptors up to their limit would take long with another.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard
