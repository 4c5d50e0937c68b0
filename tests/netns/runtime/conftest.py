"""Fixtures: a layer of busybox, a runtime of one's own, a pinned network namespace."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, busybox_layer


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("layer")
    busybox_layer(directory)
    return directory


@pytest.fixture
async def lab(tmp_path: Path, layer: Path) -> AsyncIterator[RuntimeLab]:
    made = RuntimeLab(tmp_path, layer)
    await made.runtime.open()
    yield made
    await made.clean()


@pytest.fixture
def network_namespace(tmp_path: Path) -> Iterator[str]:
    """A network namespace, pinned where a private mount keeps it from other mount namespaces."""
    pin = tmp_path / "netns"
    pin.touch()
    subprocess.run(["unshare", f"--net={pin}", "true"], check=True)
    yield str(pin)
    subprocess.run(["umount", str(pin)], check=True)
