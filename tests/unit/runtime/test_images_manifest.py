"""Manifests, configurations and platforms, well and badly formed."""

import json

import pytest

from weft.model.errors import InvalidParameter, NotFound, Unimplemented
from weft.model.image import ImageConfig, ImageHistory, ImageRecord
from weft.runtime.images.configuration import encode_configuration, image_id, parse_configuration
from weft.runtime.images.manifest import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    Descriptor,
    Manifest,
    ManifestList,
    encode_manifest,
    parse_manifest,
)
from weft.runtime.images.platform import Platform, parse_platform

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def test_a_manifest_survives_the_round_trip_in_dockers_own_bytes() -> None:
    config = Descriptor(DIGEST, 7, DOCKER_CONFIG)
    raw = encode_manifest(DOCKER_MANIFEST, config, (Descriptor(OTHER, 9, DOCKER_LAYER),))
    assert parse_manifest(raw) == Manifest(config, (Descriptor(OTHER, 9, DOCKER_LAYER),))
    assert raw.startswith(
        b'{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.docker.distribution.manifest.v2'
    )


@pytest.mark.parametrize(
    ("document", "kind", "words"),
    [
        ("{", InvalidParameter, "invalid manifest"),
        ("[]", InvalidParameter, "invalid manifest"),
        ({"schemaVersion": 2}, InvalidParameter, "names no configuration"),
        ({"schemaVersion": 1, "fsLayers": []}, Unimplemented, "schema 1 is not supported"),
        ({"config": {"digest": "sha256:../../x", "size": 1}, "layers": []}, InvalidParameter, "not a sha256 digest"),
        ({"config": {"digest": DIGEST, "size": -1}, "layers": []}, InvalidParameter, "negative size"),
        ({"config": {"digest": DIGEST, "size": 1 << 40}, "layers": []}, InvalidParameter, "too large"),
        (
            {"config": {"digest": DIGEST, "mediaType": "text/x"}, "layers": []},
            InvalidParameter,
            "not a container image",
        ),
    ],
)
def test_malformed_manifests_are_refused(document: object, kind: type[Exception], words: str) -> None:
    raw = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    with pytest.raises(kind, match=words):
        parse_manifest(raw)


def test_a_list_is_chosen_from_by_platform() -> None:
    manifests = [
        {"digest": DIGEST, "size": 1, "platform": {"architecture": "arm", "os": "linux", "variant": "v6"}},
        {"digest": OTHER, "size": 1, "platform": {"architecture": "arm", "os": "linux", "variant": "v7"}},
        {"digest": DIGEST, "size": 1},
    ]
    several = parse_manifest(json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
    assert isinstance(several, ManifestList)
    assert several.choose(Platform("linux", "arm", "v7")).digest == OTHER
    with pytest.raises(NotFound, match=r"^no matching manifest for linux/s390x in the manifest list entries$"):
        several.choose(Platform("linux", "s390x"))


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/arm64/v8", Platform("linux", "arm64")),
        ("linux/x86_64", Platform("linux", "amd64")),
        ("arm64", Platform("linux", "arm64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
    ],
)
def test_platforms(text: str, platform: Platform) -> None:
    assert parse_platform(text) == platform


@pytest.mark.parametrize("text", ["a/b/c/d", "linux/", "/", "linux/am d64", "../x"])
def test_platforms_that_are_none(text: str) -> None:
    with pytest.raises(InvalidParameter, match="unknown platform"):
        parse_platform(text)


def test_a_configuration_survives_the_round_trip() -> None:
    record = ImageRecord(
        id="",
        created="2024-01-01T00:00:00Z",
        architecture="amd64",
        comment="c",
        config=ImageConfig(
            entrypoint=("/e",),
            cmd=("a", "b"),
            env=("A=1",),
            user="u",
            working_dir="/w",
            exposed_ports=("80/tcp",),
            volumes=("/v",),
            labels={"k": "v"},
            stop_signal="TERM",
        ),
        layers=(DIGEST, OTHER),
        history=(ImageHistory(created="2024-01-01T00:00:00Z", comment="c"),),
    )
    raw = encode_configuration(record)
    parsed = parse_configuration(raw)
    assert parsed.id == image_id(raw)
    assert (parsed.config, parsed.layers, parsed.history) == (record.config, record.layers, record.history)


def test_nulls_of_go_stand_for_empty() -> None:
    raw = b'{"architecture":"amd64","config":{"Cmd":null,"Env":null,"Labels":null,"User":null},"rootfs":null}'
    with pytest.raises(InvalidParameter):
        parse_configuration(raw)
    fine = raw.replace(b'"rootfs":null', b'"rootfs":{"type":"layers","diff_ids":null},"history":null')
    assert parse_configuration(fine).config == ImageConfig()


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"rootfs":{"diff_ids":["sha256:../../../etc"]}}', b'{"config":{"Env":"x"}}']
)
def test_malformed_configurations_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidParameter, match="invalid image configuration"):
        parse_configuration(raw)
