"""The throw-away host of each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A throw-away host with the kernel room open."""
    made = Lab(tmp_path / "run")
    made.open()
    try:
        yield made
    finally:
        made.close()
