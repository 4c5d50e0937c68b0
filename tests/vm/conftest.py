"""Tests of this directory run in a virtual machine with Debian's own kernel; here they are listed and reported.

One machine serves all tests that were selected. pytest runs in it on the same files and hands every report out as it
comes; what the machine does not report fails with the end of its console.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vm.outside import REPORTS, Guest

_GUEST = pytest.StashKey[Guest]()


def _is_ours(item: pytest.Item) -> bool:
    return item.path.is_relative_to(Path(__file__).parent)


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.weft_only("the machine has Weft's engine"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Outside the machine: wait for the test's reports from inside and pass them on."""
    # pytest asks this hook for the tests of other directories too
    if REPORTS in os.environ or not _is_ours(item):
        return None
    session = item.session
    if _GUEST not in session.stash:
        names = [other.nodeid for other in session.items if _is_ours(other)]
        session.stash[_GUEST] = guest = Guest(names)
        session.config.add_cleanup(guest.close)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in session.stash[_GUEST].reports(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Inside the machine: a line for every report."""
    report = yield
    if path := os.environ.get(REPORTS):
        line = json.dumps(item.config.hook.pytest_report_to_serializable(config=item.config, report=report))
        with Path(path).open("a") as sink:
            sink.write(line + "\n")
    return report
