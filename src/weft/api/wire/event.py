"""Event -> a line of GET /events (Engine API v1.51 EventMessage)."""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType, field

from weft.api.wire.shapes import Answer
from weft.model.event import Event


class ActorAnswer(Answer, frozen=True, kw_only=True):
    """Actor."""

    id: str = field(name="ID")
    attributes: Mapping[str, str]


class EventAnswer(Answer, frozen=True, kw_only=True):
    """One event; `status`, `id` and `from` are how clients before 1.52 read containers' and images' events."""

    status: str | UnsetType = field(name="status", default=UNSET)
    id: str | UnsetType = field(name="id", default=UNSET)
    from_: str | UnsetType = field(name="from", default=UNSET)
    type: str
    action: str
    actor: ActorAnswer
    scope: str = field(name="scope")
    time: int = field(name="time")
    time_nano: int = field(name="timeNano")


def event_answer(event: Event) -> EventAnswer:
    """Return one event."""
    legacy = event.type in ("container", "image")
    image = event.attributes.get("image") if event.type == "container" else None
    return EventAnswer(
        status=event.action if legacy else UNSET,
        id=event.actor_id if legacy else UNSET,
        from_=image or UNSET,
        type=event.type,
        action=event.action,
        actor=ActorAnswer(id=event.actor_id, attributes=event.attributes),
        scope=event.scope,
        time=event.time // 1_000_000_000,
        time_nano=event.time,
    )
