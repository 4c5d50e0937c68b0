"""An image's history as the API shows it (Engine API 1.51, ImageHistory)."""

from datetime import UTC, datetime

from weft.model.image import ImageRecord


def image_history(record: ImageRecord) -> tuple[dict[str, object], ...]:
    """Return the lines, newest first: Id, Created (seconds since the epoch), CreatedBy, Tags, Size (bytes), Comment."""
    sizes = iter(record.layer_sizes)
    lines: list[dict[str, object]] = []
    for entry in record.history:
        size = 0 if entry.empty_layer else next(sizes, 0)
        lines.append(_line(entry.created, entry.created_by, entry.comment, size))
    # An image without history still has its layers.
    lines.extend(_line(record.created, "", "", size) for size in sizes)
    lines.reverse()
    if lines:
        lines[0] |= {"Id": record.id, "Tags": list(record.tags) or None}
    return tuple(lines)


def seconds(created: str) -> int:
    """Return an RFC 3339 time in seconds since the epoch, 0 if it is none."""
    return nanoseconds(created) // 1_000_000_000


def nanoseconds(created: str) -> int:
    """Return an RFC 3339 time in nanoseconds since the epoch (to the microsecond), 0 if it is none."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return max(0, (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000)


def rfc3339(now: int) -> str:
    """Return nanoseconds since the epoch as Go prints a time."""
    moment = datetime.fromtimestamp(now // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now % 1_000_000_000:09d}Z"


def _line(created: str, created_by: str, comment: str, size: int) -> dict[str, object]:
    return {
        "Id": "<missing>",
        "Created": seconds(created),
        "CreatedBy": created_by,
        "Tags": None,
        "Size": size,
        "Comment": comment,
    }
