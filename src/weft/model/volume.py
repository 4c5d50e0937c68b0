"""Named and anonymous volumes of the local driver."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRecord:
    """A volume that exists; `created` in nanoseconds since the epoch, `anonymous` if the engine named it.

    `leaving`: its container's removal takes it along.
    """

    name: str
    created: int
    mountpoint: str
    driver: str = "local"
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False
    leaving: bool = False
