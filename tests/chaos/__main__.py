"""`python -m tests.chaos --minutes 10 --seed 1`: faults, then the reckoning. Exits with 1 when anything is wrong."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    """Run with the arguments given and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long faults go on (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="decides jobs, acts and faults (default 1)")
    parser.add_argument("--jobs", type=int, default=300, help="how many jobs (default 300)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scheduler-chaos-") as folder:
        report = run(Plan(given.seed, given.minutes * 60, given.jobs), dict(os.environ), Path(folder))
    sys.stdout.write(report.text() + "\n")
    return 0 if report.right() else 1


if __name__ == "__main__":
    sys.exit(main())
