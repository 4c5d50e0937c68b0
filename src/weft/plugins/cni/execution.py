"""Running one plugin (CNI specification 1.0.0, sections 2 and 4)."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from weft.model.errors import SystemFailure, Unavailable
from weft.plugins.cni.conflist import Json
from weft.plugins.cni.result import parse_json

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # plugins run iptables and other programs
_MOST_OUTPUT = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a plugin is told of the endpoint by its environment. `namespace` "" is one that is gone."""

    container_id: str = ""
    namespace: str = ""
    link: str = ""
    arguments: Mapping[str, str] | None = None

    def environment(self, command: str, directories: Sequence[str]) -> dict[str, str]:
        """Return the whole environment of a plugin."""
        given = {
            "CNI_CONTAINERID": self.container_id,
            "CNI_NETNS": self.namespace,
            "CNI_IFNAME": self.link,
            "CNI_ARGS": ";".join(f"{key}={value}" for key, value in (self.arguments or {}).items()),
        }
        present = {key: value for key, value in given.items() if value}
        return {"PATH": _PATH, "CNI_COMMAND": command, "CNI_PATH": ":".join(directories), **present}


class Executor:
    """Runs plugins, each for `patience` seconds at most."""

    def __init__(self, patience: float = 60.0) -> None:
        self._patience = patience

    async def run(self, program: str, command: str, call: Call, config: Json, directories: Sequence[str]) -> bytes:
        """Return what the plugin printed.

        SystemFailure, naming the plugin, in the words of its error object or of its standard error; Unavailable where
        it did not end in time, for which it is killed with all that it started.
        """
        plugin = os.path.basename(program)
        process = await _start(program, plugin, call.environment(command, directories), json.dumps(config).encode())
        try:
            async with asyncio.timeout(self._patience):
                output, errors = await _listen(process)
                status = await process.wait()
        except TimeoutError:
            raise Unavailable(
                f"CNI plugin {plugin} ({command}) did not end within {self._patience:g} s and was stopped: "
                "look for what it waits for"
            ) from None
        finally:
            await _end(process)
        if len(output) > _MOST_OUTPUT:
            raise SystemFailure(f"CNI plugin {plugin} ({command}) printed more than {_MOST_OUTPUT} bytes")
        if status != 0:
            raise SystemFailure(f"CNI plugin {plugin} ({command}) failed: {_reason(output, errors, status)}")
        return output

    async def versions(self, program: str, version: str, directories: Sequence[str]) -> tuple[str, ...]:
        """Return the versions of the specification that a plugin speaks; errors as in `run`."""
        plugin = os.path.basename(program)
        output = await self.run(program, "VERSION", Call(), {"cniVersion": version}, directories)
        found = parse_json(output, plugin).get("supportedVersions")
        if not isinstance(found, list):
            raise SystemFailure(f"CNI plugin {plugin} (VERSION) names no supportedVersions: it may not be a CNI plugin")
        return tuple(str(each) for each in found)


async def _start(
    program: str, plugin: str, environment: Mapping[str, str], config: bytes
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    # A file, not a pipe: a plugin may end before it has read what it does not need.
    with _file_of(config) as given:
        try:
            # A session of its own: what it started can be ended with it.
            return await asyncio.create_subprocess_exec(
                program, stdin=given, stdout=pipe, stderr=pipe, env=environment, cwd="/", start_new_session=True
            )
        except OSError as error:
            raise SystemFailure(f"CNI plugin {plugin} cannot be started: {program}: {error.strerror}") from error


def _file_of(content: bytes) -> BinaryIO:
    """Return an unnamed file in memory, open at its beginning."""
    file = open(os.memfd_create("cni"), "r+b")  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.seek(0)
    return file


async def _listen(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    output, errors = asyncio.create_task(_read(process.stdout)), asyncio.create_task(_read(process.stderr))
    try:
        return await output, await errors
    finally:
        for task in (output, errors):
            task.cancel()


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Return what comes until the end, of too much only the beginning."""
    kept = bytearray()
    while data := await stream.read(65536):
        if len(kept) <= _MOST_OUTPUT:
            kept += data
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):  # its group bears its pid: it leads a session
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _reason(output: bytes, errors: bytes, status: int) -> str:
    """Return why it failed: its error object (section 5), else its last words."""
    with suppress(ValueError, RecursionError):
        found: Any = json.loads(output)
        if isinstance(found, dict) and (found.get("msg") or found.get("details")):
            parts = [str(found.get(key, "")).strip() for key in ("msg", "details")]
            return f"{'; '.join(part for part in parts if part)} (code {found.get('code')})"
    words = (errors or output)[-2000:].decode(errors="replace").strip()
    return words or (f"it ended with status {status}" if status > 0 else f"signal {-status} ended it")
