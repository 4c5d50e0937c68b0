"""Filters that prune endpoints share: label, label!, until."""

from collections.abc import Callable, Mapping

from weft.engine.label_filters import labels_excluded, labels_match
from weft.engine.times import moment
from weft.model.errors import InvalidParameter

Filters = Mapping[str, tuple[str, ...]]


def prune_test(
    filters: Filters, now: int, *, also: frozenset[str] = frozenset()
) -> Callable[[Mapping[str, str], int], bool]:
    """Return a test of (labels, created): whether prune may take it. `also` are keys that the caller handles itself."""
    for key in filters:
        if key not in {"label", "label!", "until"} | also:
            raise InvalidParameter(f"invalid filter '{key}'")
    untils = filters.get("until", ())
    if len(untils) > 1:
        raise InvalidParameter("more than one until filter specified")
    until = moment(untils[0], now) if untils else 0

    def may_go(labels: Mapping[str, str], created: int) -> bool:
        if until and created > until:
            return False
        if not labels_match(labels, filters.get("label", ())):
            return False
        return not labels_excluded(labels, filters.get("label!", ()))

    return may_go
