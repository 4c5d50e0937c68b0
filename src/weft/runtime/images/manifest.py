"""Image manifests as registries and archives carry them (OCI image-spec 1.1; Docker manifest v2 schema 2)."""

from dataclasses import dataclass

import msgspec

from weft.model.errors import InvalidParameter, NotFound, Unimplemented
from weft.runtime.images.platform import Platform
from weft.runtime.images.reference import is_digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_CONFIG_TYPES = {DOCKER_CONFIG, OCI_CONFIG}
_CONFIG_LIMIT = 4 * 1024 * 1024  # bytes; what registries and skopeo hold manifests and configurations to


class _Platform(msgspec.Struct):
    architecture: str = ""
    os: str = ""
    variant: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int = 0
    media_type: str = ""
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None


class _Document(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One blob: its digest, its size in bytes and what it is."""

    digest: str
    size: int
    media_type: str = ""
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image: its configuration and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class ManifestList:
    """One image for several platforms, or the index of an archive."""

    manifests: tuple[Descriptor, ...]

    def choose(self, platform: Platform) -> Descriptor:
        """Return the manifest for a platform; raises NotFound with Docker's text."""
        for entry in self.manifests:
            if entry.platform is not None and platform.accepts(entry.platform):
                return entry
        raise NotFound(f"no matching manifest for {platform} in the manifest list entries")


def parse_manifest(raw: bytes) -> Manifest | ManifestList:
    """Return the manifest or list; raises InvalidParameter if it is malformed, Unimplemented for schema 1."""
    try:
        document = msgspec.json.decode(raw, type=_Document)
    except msgspec.MsgspecError as error:
        raise InvalidParameter(f"invalid manifest: {error}") from error
    if document.schema_version == 1:
        raise Unimplemented("Docker Image manifest version 2, schema 1 is not supported: push the image again")
    if document.media_type in (_DOCKER_LIST, OCI_INDEX) or document.manifests is not None:
        return ManifestList(tuple(_descriptor(entry) for entry in document.manifests or ()))
    if document.config is None or document.layers is None:
        raise InvalidParameter("invalid manifest: it names no configuration or no layers")
    config = _descriptor(document.config)
    if config.media_type and config.media_type not in _CONFIG_TYPES:
        raise InvalidParameter(f"{config.media_type} is not a container image: its manifest describes something else")
    if config.size > _CONFIG_LIMIT:
        raise InvalidParameter(f"invalid manifest: a configuration of {config.size} bytes is too large")
    return Manifest(config, tuple(_descriptor(layer) for layer in document.layers))


def encode_manifest(media_type: str, config: Descriptor, layers: tuple[Descriptor, ...]) -> bytes:
    """Return the JSON of a manifest, indented as Docker writes it, so that equal images get equal digests."""
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "config": encode_descriptor(config),
                "layers": [encode_descriptor(layer) for layer in layers],
            }
        ),
        indent=3,
    )


def encode_descriptor(descriptor: Descriptor) -> dict[str, object]:
    """Return the descriptor's JSON object, keys in Docker's order."""
    fields: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
        "digest": descriptor.digest,
    }
    if descriptor.annotations:
        fields["annotations"] = dict(descriptor.annotations)
    if descriptor.platform is not None:
        platform = {"architecture": descriptor.platform.architecture, "os": descriptor.platform.os}
        fields["platform"] = platform | (
            {"variant": descriptor.platform.variant} if descriptor.platform.variant else {}
        )
    return fields


def _descriptor(entry: _Descriptor) -> Descriptor:
    if not is_digest(entry.digest):
        raise InvalidParameter(f"invalid manifest: {entry.digest!r} is not a sha256 digest")
    if entry.size < 0:
        raise InvalidParameter(f"invalid manifest: {entry.digest} has a negative size")
    given = entry.platform
    platform = Platform(given.os, given.architecture, given.variant) if given is not None else None
    return Descriptor(entry.digest, entry.size, entry.media_type, platform, tuple((entry.annotations or {}).items()))
