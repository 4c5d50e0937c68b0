"""Golden files: what code renders must be what a file holds. UPDATE_GOLDEN=1 writes them; read the difference then."""

from __future__ import annotations

import os
from pathlib import Path

DIRECTORY = Path(__file__).parent


def check(name: str, text: str) -> None:
    """Compare `text` with the golden file `name`."""
    path = DIRECTORY / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{path} is missing: run with UPDATE_GOLDEN=1 and read what it writes"
    assert text == path.read_text()
