"""Every golden ruleset is one that nft and the kernel take, and the kernel gives its elements back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

RULESETS = sorted((Path(__file__).parents[2] / "golden" / "rulesets").glob("*.nft"))


@pytest.mark.parametrize("ruleset", RULESETS, ids=lambda path: path.stem)
def test_a_ruleset_loads(ruleset: Path) -> None:
    script = 'nft -c -f "$0" && nft -f "$0" && nft -s list table inet weft'
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script, str(ruleset)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert _elements(done.stdout) == _elements(ruleset.read_text())


def _elements(text: str) -> list[str]:
    """The elements in order of the alphabet; the kernel has an order of its own."""
    inside, found = False, []
    for line in text.splitlines():
        inside = inside or "elements = {" in line
        if inside:
            words = line.replace("elements = {", "").replace("}", "").split(",")
            found += [word.strip() for word in words if word.strip()]
        inside = inside and "}" not in line
    return sorted(found)


def test_there_are_rulesets() -> None:
    assert len(RULESETS) > 10
