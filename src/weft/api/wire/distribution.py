"""GET /distribution/{name}/json (Engine API v1.51 DistributionInspect)."""

from msgspec import UNSET, UnsetType

from weft.api.wire.shapes import Answer
from weft.engine.contract.images import Distribution


class OciDescriptor(Answer, frozen=True, kw_only=True, rename="camel"):
    """The manifest, or list of manifests; bytes."""

    media_type: str
    digest: str
    size: int


class OciPlatform(Answer, frozen=True, kw_only=True, rename="camel"):
    """A platform that the image is for."""

    architecture: str
    os: str
    variant: str | UnsetType = UNSET


class DistributionInspect(Answer, frozen=True, kw_only=True):
    """The whole answer."""

    descriptor: OciDescriptor
    platforms: list[OciPlatform]


def distribution_inspect(found: Distribution) -> DistributionInspect:
    """Return the answer."""
    return DistributionInspect(
        descriptor=OciDescriptor(media_type=found.media_type, digest=found.digest, size=found.size),
        platforms=[
            OciPlatform(architecture=architecture, os=os, variant=variant or UNSET)
            for os, architecture, variant in found.platforms
        ],
    )
