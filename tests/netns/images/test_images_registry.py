"""Pull and push against Debian's docker-registry on loopback, in a namespace of its own."""

import asyncio
import hashlib
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from image_lab import (
    Place,
    alpine_layers,
    chunks,
    configuration,
    diff_id,
    docker_archive,
    fill,
    in_namespace,
    layer,
    lines,
    registry,
    statuses,
    tree,
)

from weft.engine.contract.images import Credentials
from weft.model.errors import NotFound, SystemFailure, Unauthorized
from weft.runtime.images.failure import Unreachable

HASHED = "$2b$05$cJlJ18BQQHBS1HlB/0ikF.Qa42mFrC7Y.wIaWKMc4GZ8k0DLgfhz6"  # bcrypt of the password below
PASSWORD = "s3cret-of-weft"


@pytest.fixture
def alpine(tmp_path: Path) -> Path:
    layers = alpine_layers()
    return docker_archive(tmp_path / "alpine.tar", ["alpine:latest"], layers, configuration(layers))


def skopeo(*arguments: str) -> bytes:
    return subprocess.run(["skopeo", *arguments], check=True, capture_output=True).stdout


def test_pull_through_a_mirror_shows_what_docker_shows(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            fill(alpine, f"{host}/library/alpine:latest")
            raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/library/alpine")
            blobs = [entry["digest"][7:19] for entry in json.loads(raw)["layers"]]
            digest = "sha256:" + hashlib.sha256(raw).hexdigest()
            place = Place(tmp_path / "data")
            images = place.open(mirrors=(f"http://{host}",), downloads=1)

            first = await lines(images.pull("alpine", None, ""))

            assert statuses(first) == [
                "latest: Pulling from library/alpine",
                f"{blobs[0]}: Pulling fs layer",
                f"{blobs[1]}: Pulling fs layer",
                f"{blobs[1]}: Waiting",
                *(f"{blobs[0]}: {what}" for what in ("Verifying Checksum", "Download complete", "Pull complete")),
                *(f"{blobs[1]}: {what}" for what in ("Verifying Checksum", "Download complete", "Pull complete")),
                f"Digest: {digest}",
                "Status: Downloaded newer image for alpine:latest",
            ]
            sized = [line for line in first if line.status in ("Downloading", "Extracting")]
            assert all(line.row and 0 <= line.current <= line.total for line in sized)
            assert {(line.id, line.status) for line in sized} == {
                (blob, status) for blob in blobs for status in ("Downloading", "Extracting")
            }
            record = images.find("alpine")
            assert record.tags == ("alpine:latest",)
            assert record.digests == (f"alpine@{digest}",)
            assert record.id == diff_id(configuration(alpine_layers()))
            lower, upper = map(Path, images.layer_paths(record.id))
            assert tree(lower)["etc/lost"] == b"x"
            assert tree(upper) == {"etc": "directory", "etc/lost": "device 0", "etc/alpine-release": b"3.20\n"}

            assert statuses(await lines(images.pull("docker.io/library/alpine:latest", None, ""))) == [
                "latest: Pulling from library/alpine",
                f"Digest: {digest}",
                "Status: Image is up to date for alpine:latest",
            ]
            by_digest = await lines(images.pull(f"alpine@{digest}", None, ""))
            assert by_digest[-1].status == f"Status: Image is up to date for alpine@{digest}"
            assert images.find(f"alpine@{digest}").id == record.id
            assert place.leftovers() == []
            images.close()

    in_namespace(scenario)


def test_stored_layers_are_not_fetched_again(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            below = alpine_layers()[0]
            other = [below, layer([("etc", None), ("etc/other", b"o")])]
            fill(alpine, f"{host}/alpine:1")
            archive = docker_archive(tmp_path / "other.tar", ["other:1"], other, configuration(other))
            fill(archive, f"{host}/other:1")
            place = Place(tmp_path / "data")
            images = place.open()
            await lines(images.pull(f"{host}/alpine:1", None, ""))
            seen = statuses(await lines(images.pull(f"{host}/other:1", None, "")))
            assert [line.partition(": ")[2] for line in seen[1:3]] == ["Already exists", "Pulling fs layer"]
            assert len(list((tmp_path / "data" / "layers").iterdir())) == 3
            images.close()

    in_namespace(scenario)


def test_all_tags_of_a_repository(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            for tag in ("one", "two"):
                fill(alpine, f"{host}/many:{tag}")
            images = Place(tmp_path / "data").open()
            first = statuses(await lines(images.pull(f"{host}/many", None, "", all_tags=True)))
            assert [line for line in first if "Pulling from" in line] == [
                "one: Pulling from many",
                "two: Pulling from many",
            ]
            assert first[-1] == f"Status: Downloaded newer image for {host}/many"
            (record,) = images.list()
            assert sorted(record.tags) == [f"{host}/many:one", f"{host}/many:two"]
            again = statuses(await lines(images.pull(f"{host}/many", None, "", all_tags=True)))
            assert again[-1] == f"Status: Image is up to date for {host}/many"
            with pytest.raises(NotFound, match=f"repository {host}/none not found"):
                await lines(images.pull(f"{host}/none", None, "", all_tags=True))
            images.close()

    in_namespace(scenario)


def test_errors_are_dockers(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            fill(alpine, f"{host}/library/alpine:latest")
            place = Place(tmp_path / "data")
            images = place.open(insecure=("127.0.0.1:9",))
            with pytest.raises(NotFound) as missing:
                await lines(images.pull(f"{host}/library/alpine:none", None, ""))
            assert missing.value.message == (
                f"manifest for {host}/library/alpine:none not found: manifest unknown: manifest unknown"
            )
            with pytest.raises(Unreachable) as refused:
                await lines(images.pull("127.0.0.1:9/a/b", None, ""))
            assert "127.0.0.1:9/v2/" in refused.value.message
            assert "connection refused" in refused.value.message
            with pytest.raises(SystemFailure) as unknown:
                await lines(images.pull("registry.invalid/a/b", None, ""))
            assert unknown.value.message.startswith('Get "https://registry.invalid/v2/": dial tcp')
            with pytest.raises(NotFound) as platform:
                await lines(images.pull(f"{host}/library/alpine", None, "linux/arm64"))
            assert "does not match the specified platform (linux/arm64)" in platform.value.message
            with pytest.raises(NotFound) as unstored:
                await lines(images.push(f"{host}/nothing:1", None))
            assert unstored.value.message == f"An image does not exist locally with the tag: {host}/nothing"
            assert images.list() == ()
            assert list((tmp_path / "data" / "layers").iterdir()) == []
            assert place.leftovers() == []
            images.close()

    in_namespace(scenario)


def test_a_mirror_that_fails_gives_way_to_the_next(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            fill(alpine, f"{host}/library/alpine:latest")
            images = Place(tmp_path / "data").open(mirrors=("http://127.0.0.1:9", f"http://{host}"))
            await lines(images.pull("alpine", None, ""))
            assert images.find("alpine:latest").tags == ("alpine:latest",)
            images.close()

    in_namespace(scenario)


def test_a_list_is_resolved_by_platform(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            for architecture in ("amd64", "arm64"):
                layers = alpine_layers()
                config = configuration(layers, architecture=architecture)
                fill(docker_archive(tmp_path / "one.tar", ["one:1"], layers, config), f"{host}/multi:{architecture}")
            put_list(tmp_path, host, "multi", ("amd64", "arm64"))
            images = Place(tmp_path / "data").open()
            await lines(images.pull(f"{host}/multi:all", None, "linux/arm64"))
            assert images.find(f"{host}/multi:all").architecture == "arm64"
            await lines(images.pull(f"{host}/multi:all", None, "linux/amd64"))
            assert images.find(f"{host}/multi:all").architecture == "amd64"
            with pytest.raises(NotFound, match="no matching manifest for linux/riscv64 in the manifest list entries"):
                await lines(images.pull(f"{host}/multi:all", None, "linux/riscv64"))
            images.close()

    in_namespace(scenario)


def put_list(tmp_path: Path, host: str, name: str, architectures: tuple[str, ...]) -> None:
    """Send a manifest list by hand: skopeo makes none."""
    import urllib.request

    entries = []
    for architecture in architectures:
        raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/{name}:{architecture}")
        entries.append(
            {
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "size": len(raw),
                "digest": "sha256:" + hashlib.sha256(raw).hexdigest(),
                "platform": {"architecture": architecture, "os": "linux"},
            }
        )
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
    request = urllib.request.Request(
        f"http://{host}/v2/{name}/manifests/all", body, {"Content-Type": kind}, method="PUT"
    )
    urllib.request.urlopen(request).close()


def test_push_then_pull_elsewhere_keeps_id_and_digest(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            here = Place(tmp_path / "here").open()
            await lines(here.load(chunks(alpine), quiet=True))
            record = await here.tag("alpine", f"{host}/mine/alpine", "v1")
            short = [layer[7:19] for layer in record.layers]

            first = await lines(here.push(f"{host}/mine/alpine:v1", None))

            seen = statuses(first)
            assert seen[0] == f"The push refers to repository [{host}/mine/alpine]"
            assert seen[1:3] == [f"{one}: Preparing" for one in short]
            assert sorted(seen[3:5]) == sorted(f"{one}: Pushed" for one in short)
            aux = first[-1].aux
            assert seen[5] == f"v1: digest: {aux['Digest']} size: {aux['Size']}"
            raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/mine/alpine:v1")
            assert "sha256:" + hashlib.sha256(raw).hexdigest() == aux["Digest"]
            assert len(raw) == aux["Size"]

            again = statuses(await lines(here.push(f"{host}/mine/alpine:v1", None)))
            assert sorted(again[3:5]) == sorted(f"{one}: Layer already exists" for one in short)

            there = Place(tmp_path / "there").open()
            await lines(there.pull(f"{host}/mine/alpine:v1", None, ""))
            copied = there.find(f"{host}/mine/alpine:v1")
            assert (copied.id, copied.digests) == (record.id, (f"{host}/mine/alpine@{aux['Digest']}",))
            await there.tag(copied.id, f"{host}/mine/alpine", "v2")
            sent = await lines(there.push(f"{host}/mine/alpine:v2", None))
            assert sent[-1].aux["Digest"] == aux["Digest"]
            here.close()
            there.close()

    in_namespace(scenario)


def test_concurrent_pulls_fetch_each_layer_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            layers = [layer([("large", os.urandom(20_000_000))]), *alpine_layers()]
            archive = docker_archive(tmp_path / "large.tar", ["large:1"], layers, configuration(layers))
            repositories = [f"{host}/{name}:1" for name in ("one", "two", "three")]
            for repository in repositories:
                fill(archive, repository)
            place = Place(tmp_path / "data")
            images = place.open()
            pulls = (images.pull(name, None, "") for name in (*repositories, *repositories))
            results = await asyncio.gather(*(lines(pull) for pull in pulls))
            everything = [line for result in results for line in statuses(result)]
            assert sum("Pull complete" in line for line in everything) == 3
            assert sum("Already exists" in line for line in everything) == 6
            assert sum("Downloaded newer image" in line for line in everything) == 3
            assert sum("Image is up to date" in line for line in everything) == 3
            assert [record.tags for record in images.list()] == [tuple(images.list()[0].tags)]
            assert sorted(images.list()[0].tags) == sorted(repositories)
            assert place.leftovers() == []
            images.close()

    in_namespace(scenario)


def test_a_pull_that_is_closed_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            noise = bytes(range(256)) * 4096 * 40  # long enough to be caught in the middle
            layers = [layer([("small", b"s")]), layer([("large", noise)])]
            archive = docker_archive(tmp_path / "a.tar", ["a:1"], layers, configuration(layers))
            fill(archive, f"{host}/large:1")
            place = Place(tmp_path / "data")
            images = place.open()
            stopped_at = set()
            for wanted in ("Pulling from large", "Downloading", "Download complete", "Extracting"):
                pull = images.pull(f"{host}/large:1", None, "")
                async for line in pull:
                    if line.status == wanted:
                        stopped_at.add(wanted)
                        break
                await pull.aclose()  # type: ignore[attr-defined]
                children = Path(f"/proc/self/task/{threading_id()}/children").read_text().split()
                running = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in children]
                assert "skopeo" not in running
                assert "tar" not in running
                assert place.leftovers() == []
                assert images.list() == ()
                assert list((tmp_path / "data" / "layers").iterdir()) == []
                assert list((tmp_path / "data" / "images" / "blobs").iterdir()) == []
            assert len(stopped_at) == 4
            await lines(images.pull(f"{host}/large:1", None, ""))
            assert images.find(f"{host}/large:1").size == 1 + len(noise)
            images.close()

    in_namespace(scenario)


def threading_id() -> int:
    import threading

    return threading.get_native_id()


def test_damaged_blobs_are_refused(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            fill(alpine, f"{host}/alpine:1")
            raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/alpine:1"))
            hexadecimal = raw["layers"][1]["digest"][7:]
            blob = next((tmp_path / "registry").rglob(f"{hexadecimal}/data"))
            blob.write_bytes(bytes(len(blob.read_bytes())))
            place = Place(tmp_path / "data")
            images = place.open()
            with pytest.raises(SystemFailure, match="corrupted blob"):
                await lines(images.pull(f"{host}/alpine:1", None, ""))
            assert images.list() == ()
            assert place.leftovers() == []
            images.close()

    in_namespace(scenario)


def test_credentials_are_used_and_kept_off_command_lines(tmp_path: Path, alpine: Path) -> None:
    async def scenario() -> None:
        passwords = tmp_path / "htpasswd"
        passwords.write_text(f"weft:{HASHED}\n")
        auth = {"auth": {"htpasswd": {"realm": "test", "path": str(passwords)}}}
        with registry(tmp_path / "registry", **auth) as host:
            good = Credentials("weft", PASSWORD, server=host)
            images = Place(tmp_path / "data").open()
            await lines(images.load(chunks(alpine), quiet=True))
            await images.tag("alpine", f"{host}/alpine", "1")
            with pytest.raises(Unauthorized):
                await lines(images.push(f"{host}/alpine:1", None))
            await lines(images.push(f"{host}/alpine:1", good))
            with pytest.raises(Unauthorized, match="unauthorized: authentication required"):
                await lines(images.pull(f"{host}/alpine:1", None, ""))
            seen: list[bytes] = []

            async def spy() -> None:
                while True:
                    for path in Path("/proc").glob("[0-9]*/cmdline"):
                        try:
                            seen.append(path.read_bytes())
                        except OSError:
                            continue
                    await asyncio.sleep(0.002)

            spying = asyncio.create_task(spy())
            await lines(images.pull(f"{host}/alpine:1", good, ""))
            spying.cancel()
            assert any(b"skopeo" in line for line in seen)
            assert not any(PASSWORD.encode() in line for line in seen)
            assert await images.verify_credentials(good) == "Login Succeeded"
            with pytest.raises(Unauthorized):
                await images.verify_credentials(replace(good, password="wrong"))
            images.close()

    in_namespace(scenario)


def test_busybox_without_any_registry_is_the_built_in_image(tmp_path: Path) -> None:
    async def scenario() -> None:
        place = Place(tmp_path / "data")
        images = place.open()
        first = statuses(await lines(images.pull("busybox", None, "")))
        assert first[-1] == "Status: Downloaded newer image for busybox:latest"
        assert "Using the built-in image made of busybox-static" in first[-2]
        again = statuses(await lines(images.pull("busybox", None, "")))
        assert again[-1] == "Status: Image is up to date for busybox:latest"
        with pytest.raises(Unreachable):
            await lines(images.pull("alpine", None, ""))
        images.close()

    in_namespace(scenario)


def test_busybox_of_a_mirror_comes_before_the_built_in_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        with registry(tmp_path / "registry") as host:
            layers = [layer([("mine", b"m")])]
            archive = docker_archive(tmp_path / "b.tar", ["busybox:latest"], layers, configuration(layers))
            fill(archive, f"{host}/library/busybox:latest")
            images = Place(tmp_path / "data").open(mirrors=(f"http://{host}",))
            await lines(images.pull("busybox", None, ""))
            assert images.find("busybox").id == diff_id(configuration(layers))
            assert await images.ensure_builtin("busybox")
            assert images.find("busybox").id == diff_id(configuration(layers))
            images.close()

    in_namespace(scenario)
