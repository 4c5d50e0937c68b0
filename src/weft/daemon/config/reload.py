"""What a SIGHUP takes over from a file that was changed, as dockerd has it."""

from dataclasses import dataclass, fields, replace

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.options import OPTIONS

_RELOADS = tuple(option.field for option in OPTIONS if option.reloads)
_FOLLOWS = "without_effect"  # says what was given, and has no effect itself


@dataclass(frozen=True, slots=True)
class Changes:
    """`config` goes on from here; `taken` are the keys that changed in it, `left` those that need a restart."""

    config: DaemonConfig
    taken: tuple[str, ...]
    left: tuple[str, ...]


def reloadable(old: DaemonConfig, new: DaemonConfig) -> Changes:
    """Return what changes now and what only a restart changes."""
    differing = [f.name for f in fields(DaemonConfig) if getattr(old, f.name) != getattr(new, f.name)]
    taken = [name for name in differing if name in _RELOADS]
    left = [name for name in differing if name not in _RELOADS and name != _FOLLOWS]
    config = replace(old, **{name: getattr(new, name) for name in (*taken, _FOLLOWS)})
    return Changes(config, tuple(map(_key, taken)), tuple(map(_key, left)))


def _key(field: str) -> str:
    return "log-driver, log-opts" if field == "log" else field.replace("_", "-")
