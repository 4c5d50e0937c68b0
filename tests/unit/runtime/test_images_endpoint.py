"""Mirrors, insecure registries, and what skopeo's complaints become."""

import pytest

from weft.model.errors import InvalidParameter, NotFound, SystemFailure, Unauthorized
from weft.runtime.images.endpoint import Endpoint, Endpoints
from weft.runtime.images.failure import Unreachable, complaint, pull_failure
from weft.runtime.images.reference import parse


async def test_mirrors_come_first_and_for_docker_hub_only() -> None:
    endpoints = Endpoints(("https://mirror.invalid", "http://10.0.0.9:5000/"), ())
    assert await endpoints.pull(parse("alpine")) == (
        Endpoint("mirror.invalid", secure=True, mirror=True),
        Endpoint("10.0.0.9:5000", secure=False, mirror=True),
        Endpoint("docker.io"),
    )
    assert await endpoints.pull(parse("quay.invalid/x/y")) == (Endpoint("quay.invalid"),)
    assert Endpoint("10.0.0.9:5000").locate(parse("alpine")) == "docker://10.0.0.9:5000/library/alpine"


@pytest.mark.parametrize(
    ("host", "secure"),
    [
        ("127.0.0.1:5000", False),
        ("127.8.9.1", False),
        ("localhost:5000", False),
        ("[::1]:5000", False),
        ("10.1.2.3:5000", False),
        ("10.2.0.1:5000", True),
        ("registry.invalid:5000", False),
        ("registry.invalid", True),
    ],
)
async def test_insecure_registries(host: str, secure: bool) -> None:
    endpoints = Endpoints((), ("10.1.0.0/16", "registry.invalid:5000"))
    assert (await endpoints.push(parse(f"{host}/x"))).secure is secure


async def test_a_wrong_list_changes_neither() -> None:
    endpoints = Endpoints(("https://mirror.invalid",), ())
    for mirrors, insecure in ((("wrong",), ("10.0.0.1",)), ((), ("a/b",))):
        with pytest.raises(InvalidParameter):
            endpoints.configure(mirrors, insecure)
    assert [endpoint.host for endpoint in await endpoints.pull(parse("alpine"))] == ["mirror.invalid", "docker.io"]
    assert (await endpoints.push(parse("10.0.0.1/x"))).secure


@pytest.mark.parametrize(
    "mirror",
    ["mirror:5000", "ftp://x", "http://", "http://x/y", "https://u:p@x", "http://x?y", "http://[::1", "http://x:port"],
)
def test_mirrors_that_are_none(mirror: str) -> None:
    with pytest.raises(InvalidParameter, match="mirror"):
        Endpoints((mirror,), ())


@pytest.mark.parametrize("registry", ["", "a/b", "u@h", "10.0.0.0/33", "[::1", "h:port"])
def test_insecure_registries_that_are_none(registry: str) -> None:
    with pytest.raises(InvalidParameter, match="insecure registry"):
        Endpoints((), (registry,))


@pytest.mark.parametrize(
    ("reason", "kind", "message"),
    [
        (
            "reading manifest x in docker.io/library/alpine: manifest unknown: manifest unknown",
            NotFound,
            "manifest for alpine:x not found: manifest unknown: manifest unknown",
        ),
        (
            "reading manifest x in docker.io/library/alpine: errors:\ndenied: requested access to the resource is "
            "denied\nunauthorized: authentication required",
            NotFound,
            "pull access denied for alpine, repository does not exist or may require 'docker login': denied: requested "
            "access to the resource is denied",
        ),
        (
            'pinging container registry x: Get "https://registry-1.docker.io/v2/": dial tcp: lookup x',
            Unreachable,
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup x',
        ),
        ("reading: unauthorized: authentication required", Unauthorized, "unauthorized: authentication required"),
        ("reading manifest: toomanyrequests: slow down", SystemFailure, "reading manifest: toomanyrequests: slow down"),
        ("x: name unknown: repository name not known to registry", NotFound,
         "repository alpine not found: name unknown: repository name not known to registry"),
    ],
)  # fmt: skip
def test_complaints_in_dockers_words(reason: str, kind: type[Exception], message: str) -> None:
    failure = pull_failure(parse("alpine:x"), reason)
    assert type(failure) is kind
    assert failure.message == message


def test_the_reason_is_found_in_skopeos_log() -> None:
    log = b'time="x" level=debug msg="no"\ntime="x" level=fatal msg="reading \\"a\\": b\\nc"\n'
    assert complaint(log) == 'reading "a": b\nc'
    assert complaint(b"") == "skopeo failed without a word"
