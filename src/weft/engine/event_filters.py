"""Filters of /events (Engine API v1.51 SystemEvents)."""

from collections.abc import Callable, Mapping

from weft.engine.label_filters import labels_match
from weft.model.errors import InvalidParameter
from weft.model.event import Event

Filters = Mapping[str, tuple[str, ...]]
Test = Callable[[Event, str], bool]


def _actor(kind: str) -> Test:
    def test(event: Event, value: str) -> bool:
        if event.type == kind:
            return event.actor_id.startswith(value) or event.attributes.get("name") == value
        return event.attributes.get(kind, "") == value and value != ""

    return test


def _image(event: Event, value: str) -> bool:
    names = {event.attributes.get("name", ""), event.attributes.get("image", ""), event.actor_id}
    return value in names or value in {name.rsplit(":", 1)[0] for name in names}


def _action(event: Event, value: str) -> bool:
    return event.action == value or event.action.split(":", 1)[0] == value


_TESTS: Mapping[str, Test] = {
    "container": _actor("container"),
    "network": _actor("network"),
    "volume": _actor("volume"),
    "daemon": _actor("daemon"),
    "image": _image,
    "event": _action,
    "type": lambda event, value: event.type == value,
    "scope": lambda event, value: event.scope == value,
}
_SWARM_ONLY = ("config", "node", "plugin", "secret", "service")


def matcher(filters: Filters) -> Callable[[Event], bool]:
    """Return a test for events: values of one key are alternatives, keys must all hold; labels must all hold."""
    for key in filters:
        if key not in _TESTS and key not in _SWARM_ONLY and key != "label":
            raise InvalidParameter(f"invalid filter '{key}'")

    def wanted(event: Event) -> bool:
        for key, values in filters.items():
            if key == "label":
                if not labels_match(event.attributes, values):
                    return False
            elif key in _SWARM_ONLY:
                if event.type != key:
                    return False
            elif not any(_TESTS[key](event, value) for value in values):
                return False
        return True

    return wanted
