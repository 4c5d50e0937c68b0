"""What changes answer with, and every error (Engine API v1.51: IDResponse, ErrorResponse …)."""

from msgspec import UNSET, UnsetType, field

from weft.api.wire.shapes import Answer


class ErrorAnswer(Answer, frozen=True, kw_only=True, rename=None):
    """Why a request failed."""

    message: str


class IdAnswer(Answer, frozen=True, kw_only=True):
    """The id of what was made."""

    id: str


class ContainerCreated(Answer, frozen=True, kw_only=True):
    """POST /containers/create."""

    id: str
    warnings: list[str]


class NetworkCreated(Answer, frozen=True, kw_only=True):
    """POST /networks/create."""

    id: str
    warning: str


class Warned(Answer, frozen=True, kw_only=True):
    """POST /containers/{id}/update."""

    warnings: list[str]


class ContainersPruned(Answer, frozen=True, kw_only=True):
    """Ids, and bytes."""

    containers_deleted: tuple[str, ...] | None
    space_reclaimed: int


class NetworksPruned(Answer, frozen=True, kw_only=True):
    """Names."""

    networks_deleted: tuple[str, ...] | None


class VolumesPruned(Answer, frozen=True, kw_only=True):
    """Names, and bytes."""

    volumes_deleted: tuple[str, ...] | None
    space_reclaimed: int


class CachesPruned(Answer, frozen=True, kw_only=True):
    """POST /build/prune."""

    caches_deleted: tuple[str, ...] | None = None
    space_reclaimed: int = 0


class ImageDeletion(Answer, frozen=True, kw_only=True):
    """One step of removing an image: a reference that went, or an image that did."""

    untagged: str | UnsetType = UNSET
    deleted: str | UnsetType = UNSET


class ImagesPruned(Answer, frozen=True, kw_only=True):
    """Steps in order, and bytes."""

    images_deleted: list[ImageDeletion] | None
    space_reclaimed: int


class TopAnswer(Answer, frozen=True, kw_only=True):
    """Titles and rows of ps."""

    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


class ExitError(Answer, frozen=True, kw_only=True):
    """What kept a container from being waited for."""

    message: str


class ExitAnswer(Answer, frozen=True, kw_only=True):
    """POST /containers/{id}/wait."""

    status_code: int
    error: ExitError | None


class LoginAnswer(Answer, frozen=True, kw_only=True):
    """POST /auth."""

    status: str
    identity_token: str = ""


class HistoryLine(Answer, frozen=True, kw_only=True):
    """One step of an image's making; bytes, and seconds since the epoch."""

    id: str
    created: int
    created_by: str
    tags: list[str] | None
    size: int
    comment: str


class ProgressDetail(Answer, frozen=True, kw_only=True, rename=None):
    """Bytes."""

    current: int | UnsetType = UNSET
    total: int | UnsetType = UNSET


class ErrorDetail(Answer, frozen=True, kw_only=True, rename=None):
    """The error that ended it."""

    message: str


class ProgressLine(Answer, frozen=True, kw_only=True, rename=None):
    """One line of a pull, push, load or import."""

    stream: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    progress_detail: ProgressDetail | UnsetType = field(name="progressDetail", default=UNSET)
    id: str | UnsetType = UNSET
    aux: dict[str, object] | UnsetType = UNSET
    error_detail: ErrorDetail | UnsetType = field(name="errorDetail", default=UNSET)
    error: str | UnsetType = UNSET
