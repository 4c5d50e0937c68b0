"""Filters of `ps` (Engine API v1.51 ContainerList)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from weft.engine.inventory import Inventory
from weft.engine.label_filters import labels_match
from weft.model.container import ContainerRecord, Status
from weft.model.errors import InvalidParameter, NotFound
from weft.model.image import ImageRecord
from weft.model.port import Protocol

Filters = Mapping[str, tuple[str, ...]]
Test = Callable[[ContainerRecord], bool]
FindImage = Callable[[str], ImageRecord]

_HEALTHS = ("starting", "healthy", "unhealthy", "none")


@dataclass(frozen=True, slots=True)
class ContainerListing:
    """Lists containers, newest first."""

    inventory: Inventory
    find_image: FindImage

    def list(self, *, all: bool, limit: int, filters: Filters) -> tuple[ContainerRecord, ...]:
        """Return what matches; with a limit or a status, stopped ones count too, as in Docker."""
        tests = [self._test(key, values) for key, values in filters.items() if values]
        if not all and limit <= 0 and "status" not in filters:
            tests.append(lambda record: record.state.is_running or record.state.status is Status.RESTARTING)
        found = sorted(self.inventory.containers.values(), key=lambda record: record.created, reverse=True)
        matching = [record for record in found if all_hold(tests, record)]
        return tuple(matching[:limit] if limit > 0 else matching)

    def _test(self, key: str, values: tuple[str, ...]) -> Test:
        match key:
            case "id":
                return lambda record: any(re.search(value, record.id) for value in values)
            case "name":
                patterns = [_pattern(value) for value in values]
                return lambda record: any(p.search(record.name) or p.search(f"/{record.name}") for p in patterns)
            case "label":
                return lambda record: labels_match(record.spec.labels, values)
            case "status":
                return _status(values)
            case "exited":
                return _exited(values)
            case "ancestor":
                return self._ancestor(values)
            case "before":
                limit = self.inventory.find_container(values[0]).created
                return lambda record: record.created < limit
            case "since":
                start = self.inventory.find_container(values[0]).created
                return lambda record: record.created > start
            case "volume":
                wanted = frozenset(values)
                return lambda record: any({m.name, m.source, m.target} & wanted for m in record.mounts)
            case "network":
                return _network(values)
            case "publish":
                return _published(values)
            case "expose":
                return _exposed(values)
            case "health":
                return _health(values)
            case "is-task":
                return _is_task(values)
        raise InvalidParameter(f"invalid filter '{key}'")

    def _ancestor(self, values: tuple[str, ...]) -> Test:
        images: dict[str, tuple[str, ...]] = {}
        for value in values:
            try:
                image = self.find_image(value)
            except (NotFound, InvalidParameter):
                continue
            images[image.id] = image.layers
        layers = [chain for chain in images.values() if chain]

        def descends(record: ContainerRecord) -> bool:
            return record.image_id in images or any(record.layers[: len(chain)] == chain for chain in layers)

        return descends


def all_hold(tests: list[Test], record: ContainerRecord) -> bool:
    """Whether every test holds for the record."""
    return all(test(record) for test in tests)


def _pattern(value: str) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except re.error:
        return re.compile(re.escape(value))


def _status(values: tuple[str, ...]) -> Test:
    for value in values:
        if value not in tuple(Status):
            raise InvalidParameter(f"invalid filter 'status={value}'")
    return lambda record: record.state.status.value in values


def _exited(values: tuple[str, ...]) -> Test:
    try:
        codes = {int(value) for value in values}
    except ValueError:
        raise InvalidParameter(f"invalid filter 'exited={values[0]}': it takes an exit code") from None
    return lambda record: (
        record.state.status is Status.EXITED and record.state.finished > 0 and record.state.exit_code in codes
    )


def _network(values: tuple[str, ...]) -> Test:
    def attached(record: ContainerRecord) -> bool:
        return any(
            attachment.network_name == value or (value != "" and attachment.network_id.startswith(value))
            for attachment in record.attachments
            for value in values
        )

    return attached


def _ports(value: str) -> tuple[range, Protocol | None]:
    text, _, protocol = value.partition("/")
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last or first) + 1), Protocol(protocol or "tcp")
    except ValueError:
        raise InvalidParameter(
            f"invalid filter '{value}': it takes a port or a range, with /tcp, /udp or /sctp"
        ) from None


def _published(values: tuple[str, ...]) -> Test:
    wanted = [_ports(value) for value in values]
    return lambda record: any(
        (port.host_port in numbers or port.container_port.number in numbers)
        and port.container_port.protocol is protocol
        for port in record.ports
        for numbers, protocol in wanted
    )


def _exposed(values: tuple[str, ...]) -> Test:
    wanted = [_ports(value) for value in values]
    return lambda record: any(
        port.number in numbers and port.protocol is protocol
        for port in record.spec.networking.exposed
        for numbers, protocol in wanted
    )


def _health(values: tuple[str, ...]) -> Test:
    for value in values:
        if value not in _HEALTHS:
            raise InvalidParameter(f"invalid filter 'health={value}'")
    return lambda record: (record.state.health.status.value if record.state.health is not None else "none") in values


def _is_task(values: tuple[str, ...]) -> Test:
    for value in values:
        if value.lower() not in ("true", "false", "1", "0"):
            raise InvalidParameter(f"invalid filter 'is-task={value}'")
    return lambda _: values[0].lower() in ("false", "0")
