"""Events: what happened to an object (Engine API v1.51 EventMessage)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`type` is container, image, network, volume or daemon; `time` in nanoseconds since the epoch."""

    type: str
    action: str
    actor_id: str
    time: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    scope: str = "local"
