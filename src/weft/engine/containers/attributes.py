"""What container events carry."""

from weft.model.container import ContainerRecord


def event_attributes(record: ContainerRecord, **more: str) -> dict[str, str]:
    """Return image, name and labels, as Docker's container events have them, and what belongs to one action."""
    return {**record.spec.labels, "image": record.spec.image, "name": record.name, **more}
