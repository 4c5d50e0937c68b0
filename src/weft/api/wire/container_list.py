"""ContainerRecords -> GET /containers/json (Engine API v1.51 ContainerSummary)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from msgspec import UNSET, Raw, UnsetType, field, json

from weft.api.version import Version
from weft.api.wire.container_inspect import MountPoint, mount_points
from weft.api.wire.endpoint import EndpointAnswer, listed_endpoints
from weft.api.wire.ports import PortSummary, port_summaries
from weft.api.wire.shapes import Answer
from weft.api.wire.times import human_duration
from weft.model.container import ContainerRecord, ContainerState, Status
from weft.model.health import HealthStatus

_ENCODER = json.Encoder()
_T = TypeVar("_T")


class HostConfigSummary(Answer, frozen=True, kw_only=True):
    """HostConfig, as far as ps has it."""

    network_mode: str
    annotations: dict[str, str] | UnsetType = UNSET


class NetworkSettingsSummary(Answer, frozen=True, kw_only=True):
    """NetworkSettings, as far as ps has them."""

    networks: dict[str, EndpointAnswer]


class ContainerSummary(Answer, frozen=True, kw_only=True):
    """One line of ps."""

    id: str
    names: list[str]
    image: str
    image_id: str = field(name="ImageID")
    command: str
    created: int
    ports: list[PortSummary]
    size_rw: int | UnsetType = UNSET
    size_root_fs: int | UnsetType = UNSET
    labels: Mapping[str, str]
    state: str
    status: str
    host_config: HostConfigSummary
    network_settings: NetworkSettingsSummary
    mounts: list[MountPoint]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The dear part of a line, encoded; true for as long as the record is the same object."""

    record: ContainerRecord
    version: Version
    ports: list[PortSummary]
    network_settings: NetworkSettingsSummary
    mounts: list[MountPoint]


class Summaries:
    """Makes lines of ps of records, and keeps their dear parts: a record that did not change is not encoded again."""

    def __init__(self) -> None:
        self._kept: dict[str, _Pieces] = {}

    def line(
        self,
        record: ContainerRecord,
        version: Version,
        now: int,
        *,
        image: str,
        links: Sequence[str] = (),
        sizes: tuple[int, int] | None = None,
    ) -> ContainerSummary:
        """Return one line; `image` is the name to show, `links` are names that other containers gave it."""
        spec = record.spec
        pieces = self._pieces(record, version)
        return ContainerSummary(
            id=record.id,
            names=[f"/{record.name}", *links],
            image=image,
            image_id=record.image_id,
            command=command_text(spec.process.argv),
            created=record.created // 1_000_000_000,
            ports=pieces.ports,
            size_rw=(sizes[0] or UNSET) if sizes else UNSET,
            size_root_fs=(sizes[1] or UNSET) if sizes else UNSET,
            labels=spec.labels,
            state=record.state.status.value,
            status=status_text(record.state, now),
            host_config=HostConfigSummary(
                network_mode=spec.networking.mode, annotations=dict(spec.annotations) or UNSET
            ),
            network_settings=pieces.network_settings,
            mounts=pieces.mounts,
        )

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget containers that no longer exist."""
        if len(self._kept) > len(ids):
            self._kept = {key: pieces for key, pieces in self._kept.items() if key in ids}

    def _pieces(self, record: ContainerRecord, version: Version) -> _Pieces:
        kept = self._kept.get(record.id)
        if kept is None or kept.record is not record or kept.version != version:
            kept = self._kept[record.id] = _encode_pieces(record, version)
        return kept


def _encode_pieces(record: ContainerRecord, version: Version) -> _Pieces:
    ports = port_summaries(record.spec.networking.exposed, record.published) if record.state.is_running else []
    networks = listed_endpoints(record.attachments, record.id, version)
    return _Pieces(
        record,
        version,
        ports=_encoded(ports),
        network_settings=_encoded(NetworkSettingsSummary(networks=networks)),
        mounts=_encoded(mount_points(record) if record.mounts else []),
    )


def _encoded(value: _T) -> _T:
    """Return what goes out as `value` does: an encoder sends a Raw as it is."""
    return cast("_T", Raw(_ENCODER.encode(value)))


def command_text(argv: Sequence[str]) -> str:
    """Return the command in one line, arguments with blanks in quotes."""
    quoted = (f"'{argument}'" if " " in argument else argument for argument in argv[1:])
    return " ".join((*argv[:1], *quoted))


def status_text(state: ContainerState, now: int) -> str:
    """Return the state in words: `Up 3 seconds`, `Exited (0) 2 minutes ago`, `Created` …"""
    match state.status:
        case Status.RUNNING:
            health = f" ({health_text(state.health.status)})" if state.health is not None else ""
            return f"Up {human_duration(now - state.started)}{health}"
        case Status.PAUSED:
            return f"Up {human_duration(now - state.started)} (Paused)"
        case Status.RESTARTING:
            return f"Restarting ({state.exit_code}) {human_duration(now - state.finished)} ago"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
        case _ if not state.started or not state.finished:
            return "Created"
        case _:
            return f"Exited ({state.exit_code}) {human_duration(now - state.finished)} ago"


def health_text(status: HealthStatus) -> str:
    """Return the health as ps words it."""
    return "health: starting" if status is HealthStatus.STARTING else status.value


def link_names(records: Iterable[ContainerRecord]) -> Mapping[str, list[str]]:
    """Return, by container id, the further names that --link gives: `/other/alias`."""
    names: dict[str, list[str]] = {}
    for record in records:
        for link in record.spec.networking.links:
            target, _, alias = link.partition(":")
            names.setdefault(target, []).append(f"/{record.name}/{alias}")
    return names
