"""Runs skopeo: manifests, blobs and pushes (skopeo(1), 1.9 or later)."""

import asyncio
import base64
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from weft.engine.contract.images import Credentials
from weft.model.errors import SystemFailure, Unavailable
from weft.runtime.images.endpoint import Endpoint
from weft.runtime.images.failure import complaint
from weft.runtime.images.proxy import BlobProxy
from weft.runtime.images.reference import DEFAULT_DOMAIN

_PROGRAM = "skopeo"


class SkopeoError(Exception):
    """skopeo failed; the text is its reason, to be put in Docker's words."""


class Skopeo:
    """Starts skopeo with our own configuration: this machine's mirrors, policies and logins are not ours to use."""

    def __init__(self, directory: Path) -> None:
        """`directory` is private to the daemon; credentials lie there, 0600, while a program needs them."""
        self._directory = directory
        self._signatures = directory / "registries.d"
        self._registries = directory / "registries.conf"

    def prepare(self) -> None:
        """Write the configuration."""
        self._signatures.mkdir(exist_ok=True)
        self._registries.write_text("unqualified-search-registries = []\n")

    @contextmanager
    def logged_in(self, endpoint: Endpoint, credentials: Credentials | None) -> Iterator[Path]:
        """Make an auth file (containers-auth.json(5)) for one registry; without credentials, and for mirrors, empty."""
        auths: dict[str, dict[str, str]] = {}
        if credentials is not None and not endpoint.mirror:
            pair = f"{credentials.username or '<token>'}:{credentials.password}"
            auths[endpoint.host] = {"auth": base64.b64encode(pair.encode()).decode()}
            if credentials.identity_token:
                auths[endpoint.host]["identitytoken"] = credentials.identity_token
        descriptor, name = tempfile.mkstemp(
            prefix="auth-", suffix=".json", dir=self._directory
        )  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump({"auths": auths}, file)
            yield Path(name)
        finally:
            os.unlink(name)

    async def manifest(self, endpoint: Endpoint, place: str, auth: Path, patience: float | None = None) -> bytes:
        """Return the manifest or list as the registry has it; waits `patience` seconds at most. Raises SkopeoError."""
        return await self._answer(endpoint, auth, ("inspect", "--raw"), place, patience)

    async def configuration(self, endpoint: Endpoint, place: str, auth: Path) -> bytes:
        """Return an image's configuration as the registry has it. Raises SkopeoError."""
        return await self._answer(endpoint, auth, ("inspect", "--config", "--raw"), place, None)

    async def tags(self, endpoint: Endpoint, place: str, auth: Path, patience: float | None = None) -> list[str]:
        """Return a repository's tags in the registry's order; waits `patience` seconds at most. Raises SkopeoError."""
        answer = await self._answer(endpoint, auth, ("list-tags",), place, patience)
        return [str(tag) for tag in json.loads(answer)["Tags"]]

    async def _answer(
        self, endpoint: Endpoint, auth: Path, question: Sequence[str], place: str, patience: float | None
    ) -> bytes:
        process = await self._start(*question, *_options(endpoint, auth), place)
        try:
            async with asyncio.timeout(patience):
                output, errors = await process.communicate()
        except TimeoutError:
            raise SkopeoError(f'Get "https://{endpoint.host}/v2/": no answer: i/o timeout') from None
        finally:
            await end(process)
        if process.returncode != 0:
            raise SkopeoError(complaint(errors))
        return output

    @asynccontextmanager
    async def blobs(self, endpoint: Endpoint, place: str, auth: Path) -> AsyncIterator[BlobProxy]:
        """Open an image for fetching its blobs one after another."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                options = [*_options(endpoint, auth), "--sockfd", str(theirs.fileno())]
                process = await self._start("experimental-image-proxy", *options, passed=(theirs.fileno(),), quiet=True)
            try:
                yield BlobProxy(ours, process.kill, place)
            finally:
                await end(process)

    async def push(self, source: Path, endpoint: Endpoint, place: str, auth: Path) -> asyncio.subprocess.Process:
        """Start sending a `dir:` image; its standard error tells, in debug words, what it is at."""
        options = [option.replace("--", "--dest-", 1) for option in _options(endpoint, auth)]
        # Whatever the registry prefers, the image keeps its digest: we print it, and it is what a pull will ask for.
        return await self._start("--debug", "copy", "--preserve-digests", *options, f"dir:{source}", place)

    async def login(self, endpoint: Endpoint, credentials: Credentials, auth: Path) -> None:
        """Try credentials at a registry; raises SkopeoError. The password goes by standard input."""
        verify = f"--tls-verify={str(endpoint.secure).lower()}"
        process = await self._start(
            "login", verify, "--authfile", str(auth), "--username", credentials.username, "--password-stdin",
            endpoint.host, piped=True,
        )  # fmt: skip
        try:
            _, errors = await process.communicate(credentials.password.encode())
        finally:
            await end(process)
        if process.returncode != 0:
            raise SkopeoError(complaint(errors))

    async def _start(
        self, *arguments: str, passed: tuple[int, ...] = (), quiet: bool = False, piped: bool = False
    ) -> asyncio.subprocess.Process:
        nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        # No signature checks: Docker has none either, and a strict policy of this machine is for its own tools.
        ours = (
            "--insecure-policy",
            "--registries.d",
            str(self._signatures),
            "--registries-conf",
            str(self._registries),
        )
        try:
            return await asyncio.create_subprocess_exec(
                _PROGRAM,
                *ours,
                *arguments,
                stdin=pipe if piped else nothing,
                stdout=nothing if quiet else pipe,
                stderr=nothing if quiet else pipe,
                pass_fds=passed,
            )
        except FileNotFoundError as error:
            raise Unavailable("the program skopeo is missing: install it to use registries") from error
        except OSError as error:
            raise SystemFailure(f"skopeo cannot be started: {error.strerror}") from error


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a program that still runs, by its pid, and wait for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await asyncio.shield(process.wait())


def registry_host(server: str) -> str:
    """Return the host that a client's `serveraddress` means; Docker Hub has several names."""
    host = server.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DEFAULT_DOMAIN if host in ("", "index.docker.io", "registry-1.docker.io", DEFAULT_DOMAIN) else host


def _options(endpoint: Endpoint, auth: Path) -> list[str]:
    return [f"--tls-verify={str(endpoint.secure).lower()}", "--authfile", str(auth)]
