"""Plugins run as programs: what they are told, what comes of their answers, and of those that fail or hang."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rig.eventually import eventually
from weft.model.errors import NotFound, SystemFailure, Unavailable
from weft.plugins.cni.chain import Chain
from weft.plugins.cni.conflist import parse_conflist
from weft.plugins.cni.execution import Call, Executor

CALL = Call("abc", "/run/netns/abc", "eth0", {"IgnoreUnknown": "1", "IP": "10.1.0.5"})


class Plugins:
    """Shell scripts in a directory; each call is written down: command, plugin and configuration."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"

    def add(self, name: str, script: str = 'echo "{}"') -> None:
        path = self.directory / name
        note = f"""printf '%s %s ' "$CNI_COMMAND" {name} >>{self.log}; cat >>{self.log}; echo >>{self.log}"""
        version = """[ "$CNI_COMMAND" = VERSION ] && echo '{"supportedVersions": ["0.3.1", "1.0.0"]}' && exit"""
        path.write_text(f"#!/bin/sh\n{note}\n{version}\n{script}\n")
        path.chmod(0o755)

    def calls(self) -> list[tuple[str, str, dict[str, Any]]]:
        words = [line.split(" ", 2) for line in self.log.read_text().splitlines()]
        return [(command, name, json.loads(config)) for command, name, config in words]

    def chain(self, *names: str, version: str = "1.0.0", patience: float = 10.0) -> Chain:
        plugins = [{"type": name, "capabilities": {name: True}} for name in names]
        text = json.dumps({"cniVersion": version, "name": "blue", "plugins": plugins})
        return Chain(parse_conflist(text, "blue.conflist"), [str(self.directory)], Executor(patience))


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    return Plugins(tmp_path)


async def test_results_are_handed_on_and_back(plugins: Plugins) -> None:
    plugins.add("one", """echo '{"ips": []}'""")
    plugins.add("two", """env | grep ^CNI_ | sort >>"$0.env"; echo '{"ips": [], "routes": []}'""")
    chain = plugins.chain("one", "two")
    result = await chain.add(CALL, {"two": [1], "other": 2})
    assert result == {"ips": [], "routes": []}
    await chain.check(CALL, {}, result)
    await chain.delete(CALL, {"two": [1]}, result)
    told = plugins.calls()
    assert [(command, name) for command, name, _ in told] == [
        ("ADD", "one"), ("ADD", "two"), ("CHECK", "one"), ("CHECK", "two"), ("DEL", "two"), ("DEL", "one"),
    ]  # fmt: skip
    assert told[0][2] == {"type": "one", "cniVersion": "1.0.0", "name": "blue"}
    assert told[1][2]["prevResult"] == {"ips": []}
    assert told[1][2]["runtimeConfig"] == {"two": [1]}, "its own capability alone"
    assert told[4][2]["prevResult"] == told[5][2]["prevResult"] == result
    shown = (plugins.directory / "two.env").read_text().splitlines()[:6]
    assert shown == [
        "CNI_ARGS=IgnoreUnknown=1;IP=10.1.0.5", "CNI_COMMAND=ADD", "CNI_CONTAINERID=abc", "CNI_IFNAME=eth0",
        "CNI_NETNS=/run/netns/abc", f"CNI_PATH={plugins.directory}",
    ]  # fmt: skip


async def test_old_versions_are_not_told_the_result_on_delete(plugins: Plugins) -> None:
    plugins.add("one")
    await plugins.chain("one", version="0.3.1").delete(CALL, {}, {"ips": []})
    assert "prevResult" not in plugins.calls()[0][2]


async def test_one_that_fails_has_all_deleted(plugins: Plugins) -> None:
    plugins.add("one")
    plugins.add(
        "two",
        """[ $CNI_COMMAND = ADD ] || exit 0
        echo '{"code": 11, "msg": "no address", "details": "the range is full"}'; echo noise >&2; exit 1""",
    )
    with pytest.raises(SystemFailure) as caught:
        await plugins.chain("one", "two").add(CALL, {})
    assert caught.value.message == "CNI plugin two (ADD) failed: no address; the range is full (code 11)"
    assert [(command, name) for command, name, _ in plugins.calls()][2:] == [("DEL", "two"), ("DEL", "one")]


async def test_deletion_goes_on_and_tells_everything(plugins: Plugins) -> None:
    plugins.add("one", "echo first >&2; exit 3")
    plugins.add("two", "exit 4")
    with pytest.raises(SystemFailure) as caught:
        await plugins.chain("one", "two").delete(CALL, {}, None)
    assert "two (DEL) failed: it ended with status 4" in caught.value.message
    assert "one (DEL) failed: first" in caught.value.message


async def test_one_that_hangs_is_ended_with_its_children(plugins: Plugins) -> None:
    plugins.add("one", f"[ $CNI_COMMAND = ADD ] || exit 0; sleep 300 & echo $! >{plugins.directory}/pid; wait")
    with pytest.raises(Unavailable, match=r"CNI plugin one \(ADD\) did not end within 0.5 s"):
        await plugins.chain("one", patience=0.5).add(CALL, {})
    child = (plugins.directory / "pid").read_text().strip()
    eventually(lambda: not os.path.exists(f"/proc/{child}") or _is_dead(child))


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("script", ["true", "echo hello", "head -c 3000000 /dev/zero", "kill -9 $$"])
async def test_nonsense_names_the_plugin(plugins: Plugins, script: str) -> None:
    plugins.add("one", f"[ $CNI_COMMAND = ADD ] || exit 0\n{script}")
    with pytest.raises(SystemFailure, match="CNI plugin one"):
        await plugins.chain("one").add(CALL, {})


async def test_probe(plugins: Plugins) -> None:
    plugins.add("one")
    await plugins.chain("one").probe()
    with pytest.raises(SystemFailure, match=r"does not speak version 0\.4\.0.*it speaks 0\.3\.1, 1\.0\.0"):
        await plugins.chain("one", version="0.4.0").probe()
    with pytest.raises(NotFound, match=r"blue\.conflist: CNI plugin two is not in"):
        await plugins.chain("one", "two").probe()
