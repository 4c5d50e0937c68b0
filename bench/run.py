"""Runs the benchmarks: `python bench/run.py --help`."""

import sys
from pathlib import Path

# The throw-away hosts and the engines in them are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.main import main

if __name__ == "__main__":
    sys.exit(main())
