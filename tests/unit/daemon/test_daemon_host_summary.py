"""What the host says of itself for /info."""

import os
from pathlib import Path

import pytest

from weft.daemon.host_summary import HostObserver, file_system


def test_the_file_system_is_named_as_the_kernel_does(tmp_path: Path) -> None:
    assert file_system("/proc") == "proc"
    assert file_system("/sys") == "sysfs"
    kinds = Path("/proc/filesystems").read_text().split()
    assert file_system(str(tmp_path)) in kinds


def test_proxies_come_without_their_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@proxy:3128")
    monkeypatch.setenv("https_proxy", "http://proxy:3129")
    monkeypatch.setenv("NO_PROXY", "localhost,10.0.0.0/8")
    summary = HostObserver("1.0.6", "ext4")()
    assert summary.proxies == ("http://xxxxx:xxxxx@proxy:3128", "http://proxy:3129", "localhost,10.0.0.0/8")
    assert (summary.nft_version, summary.backing_file_system) == ("1.0.6", "ext4")
    assert summary.cpus == os.cpu_count()
