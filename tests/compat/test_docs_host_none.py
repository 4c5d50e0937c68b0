"""docs/drivers/host.md and none.md, typed as they stand, and that each driver's page has a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.engine import Engine
from rig.eventually import eventually
from rig.pages import DOCS, pictures
from rig.reader import Reader

pytestmark = pytest.mark.weft_only("Weft's own pages")


def test_host(engine: Engine) -> None:
    with Reader(engine, DOCS / "drivers" / "host.md") as reader:
        reader.type("docker run -d --name web --network host")
        eventually(lambda: ":8090" in reader.does("ss -Hltn"))
        assert reader.type("docker run --rm --network host") == reader.does("docker exec web cat /etc/hostname")


def test_none(engine: Engine) -> None:
    with Reader(engine, DOCS / "drivers" / "none.md") as reader:
        shown = reader.type("docker run --rm --network none")
        assert [line.split()[1] for line in shown.splitlines() if line[:1].isdigit()] == ["lo:"]


@pytest.mark.parametrize("page", sorted((DOCS / "drivers").glob("*.md")), ids=lambda page: page.stem)
def test_each_page_has_a_picture(page: Path) -> None:
    assert pictures(page)
