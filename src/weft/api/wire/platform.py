"""The platform that a request wants an image to have (Engine API v1.51, OCI Platform as JSON)."""

import msgspec

from weft.api.body import decode
from weft.model.errors import NotFound
from weft.model.image import ImageRecord


class PlatformRequest(msgspec.Struct, frozen=True):
    """Operating system, architecture and variant in Go's words."""

    os: str = ""
    architecture: str = ""
    variant: str = ""


_DECODER = msgspec.json.Decoder(PlatformRequest)


def check_platform(text: str, reference: str, record: ImageRecord) -> None:
    """Raise NotFound in Docker's words where the image has another platform than `text` names; "" is any."""
    if not text:
        return
    wanted = decode(text.encode(), _DECODER)
    variants = {wanted.variant, record.variant} - {""}
    if (wanted.os, wanted.architecture) != (record.os, record.architecture) or len(variants) > 1:
        name = "/".join(part for part in (wanted.os, wanted.architecture, wanted.variant) if part)
        raise NotFound(
            f"image with reference {reference} was found but does not provide the specified platform ({name})"
        )
