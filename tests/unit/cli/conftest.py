"""A fake daemon, and the command as its users run it: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon, engine_answers


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(tmp_path)
    engine_answers(fake)
    yield fake
    fake.close()


class Weft:
    """Runs `weft` against one daemon."""

    def __init__(self, host: str, home: Path) -> None:
        self.environment = {**os.environ, "WEFT_HOST": host, "HOME": str(home), "TZ": "UTC"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "import sys; from weft.cli.main import main; sys.exit(main())", *arguments]

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, input=stdin, capture_output=True, check=False, timeout=60
        )

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*arguments), env=self.environment, **options)


@pytest.fixture
def weft(daemon: FakeDaemon, tmp_path: Path) -> Weft:
    return Weft(daemon.host, tmp_path)
