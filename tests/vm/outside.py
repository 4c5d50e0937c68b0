"""The machine that runs the tests of this directory, seen from outside: what it reports of each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from rig.machine import Machine

# The variable that names the file of reports; set inside the machine alone.
REPORTS = "RIG_REPORTS"
# A boot with the imports takes half a minute where the processor is emulated, the slowest test less than that.
_SILENCE = 180.0


class Guest:
    """A machine with pytest on `names`, booted at once."""

    def __init__(self, names: Sequence[str]) -> None:
        self._machine = Machine()
        self._file = self._machine.shared / "reports"
        self._file.touch()
        self._taken = 0
        self._heard = time.monotonic()
        self._waiting: dict[str, list[pytest.TestReport]] = {}
        (self._machine.shared / "names").write_text("\n".join(names))
        self._machine.boot(
            [
                *("env", f"{REPORTS}={self._file}", sys.executable, "-m", "pytest"),
                *(
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    "no:hypothesispytest",
                    "--basetemp=/rig/pytest",
                    "-q",
                    f"@{self._machine.shared}/names",
                ),
            ]
        )

    def close(self) -> None:
        """End the machine."""
        self._machine.close()

    def reports(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """The reports of a test (set-up, call, teardown) as they come, or one that says why there are none."""
        while True:
            gone = not self._machine.running
            self._read(item.config)
            for report in self._waiting.pop(item.nodeid, []):
                yield report
                if report.when == "teardown":
                    return
            if gone:
                yield self._missing(item, "the virtual machine went without a word on this test")
                return
            if time.monotonic() - self._heard > _SILENCE:
                self._machine.stop()
                yield self._missing(item, f"the virtual machine was silent for {_SILENCE:.0f} seconds and was ended")
                return
            time.sleep(0.05)

    def _read(self, config: pytest.Config) -> None:
        with self._file.open() as source:
            source.seek(self._taken)
            for line in iter(source.readline, ""):
                if not line.endswith("\n"):
                    break
                self._taken += len(line.encode())
                self._heard = time.monotonic()
                report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
                self._waiting.setdefault(report.nodeid, []).append(report)

    def _missing(self, item: pytest.Item, reason: str) -> pytest.TestReport:
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=f"{reason}; the end of its console:\n{self._machine.console[-6000:]}",
            when="call",
        )
