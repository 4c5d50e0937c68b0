"""`weft` has docker's commands with docker's flags, word for word; what it has not is refused by name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rig.docker import CLIS
from weft.cli import catalog
from weft.cli.main import load

pytestmark = [pytest.mark.newer_cli, pytest.mark.weft_only("the command is Weft's")]

WEFT = str(Path(sys.executable).with_name("weft"))
OWN = {"completion", "port add", "port rm"}
_FLAG = re.compile(r"^ {2}(?:(-\w), | {4})(--[\w-]+)(?: (\w[\w-]*))?(?: {2,}|$)(.*)$")
_CLUSTER_VOLUMES = {
    *("--availability", "--group", "--limit-bytes", "--required-bytes", "--scope", "--secret", "--sharing"),
    *("--topology-preferred", "--topology-required", "--type", "--cluster"),
}


def shown(*arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=True)
    return done.stdout.replace("docker", "weft").replace("Docker", "Weft")


def flags(text: str) -> dict[str, str]:
    """Flag -> its short name, kind and description in one line."""
    found: dict[str, str] = {}
    last = ""
    for line in text.partition("Options:\n")[2].splitlines():
        if match := _FLAG.match(line):
            last = match[2]
            found[last] = f"{match[1] or ''} {match[3] or ''} {match[4]}"
        elif last and line.startswith("      "):
            found[last] += " " + line.strip()
    # docker 28 has a slip of the pen there
    return {name: " ".join(words.split()).replace('"|missing"', '"missing"') for name, words in found.items()}


def commands(text: str) -> set[str]:
    sections = re.findall(r"^[\w ]*Commands:\n((?:  .*\n)+)", text, re.MULTILINE)
    return {line.split()[0].rstrip("*") for section in sections for line in section.splitlines()}


def paths() -> list[str]:
    nested = [f"{group} {name}" for group, names in catalog.GROUPS.items() for name in names]
    return sorted({*nested, *catalog.TOP_LEVEL} - OWN)


@pytest.mark.parametrize("path", paths())
def test_flags(path: str) -> None:
    theirs, ours = (flags(shown(command, *path.split(), "--help")) for command in (CLIS[0], WEFT))
    found = catalog.find(path.split())
    assert found is not None
    refused = {f"--{flag.name}" for flag in load(*found[1:]).flags if flag.unsupported}
    missing = theirs.keys() - ours.keys()
    assert missing <= refused
    assert ours == {name: words for name, words in theirs.items() if name not in missing}


def test_commands() -> None:
    theirs, ours = (commands(shown(command, "--help")) for command in (CLIS[0], WEFT))
    assert ours - theirs == {"completion"}
    known = ours | catalog.ELSEWHERE.keys()
    assert theirs - known == set()
    assert ours & catalog.ELSEWHERE.keys() == set()
    for group in ("container", "image", "network", "system", "volume"):
        missing = commands(shown(CLIS[0], group, "--help")) - commands(shown(WEFT, group, "--help"))
        assert missing <= catalog.ELSEWHERE.keys() | {"dial-stdio", "update"}


def test_global_flags() -> None:
    theirs, ours = (flags(shown(command, "--help")) for command in (CLIS[0], WEFT))
    assert ours.keys() == theirs.keys()
    assert [words[:2] for words in ours.values()] == [words[:2] for words in theirs.values()]
