"""How CNI plugins are run: what they are given and what becomes of those that do not take it."""

from pathlib import Path

import uvloop

from weft.plugins.cni.execution import Call, Executor


def test_a_plugin_gets_its_configuration(tmp_path: Path) -> None:
    plugin = _program(tmp_path, "exec cat")
    given = {"name": "blue", "more": "x" * 200_000}  # more than a pipe holds
    printed = uvloop.run(Executor().run(plugin, "ADD", Call(), given, [str(tmp_path)]))
    assert printed.startswith(b'{"name": "blue"')
    assert len(printed) > 200_000


def test_a_plugin_that_reads_nothing_and_ends_at_once_is_no_failure(tmp_path: Path) -> None:
    plugin = _program(tmp_path, "exit 0")

    async def often() -> None:
        for _ in range(100):
            assert await Executor().run(plugin, "DEL", Call(), {"more": "x" * 200_000}, [str(tmp_path)]) == b""

    uvloop.run(often())


def _program(directory: Path, body: str) -> str:
    path = directory / "plugin"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)
