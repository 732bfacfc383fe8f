"""`python -m tests.benchmarks [name ...]`: run the benchmarks named, or all, and write tests/benchmarks/results.

QUICK=1 shrinks everything, to see that it works; its numbers go to .data/benchmark-results instead.
"""

import argparse
import time
from collections.abc import Callable
from importlib import import_module

from tests.benchmarks.report import Report, table
from tests.benchmarks.results import write
from tests.benchmarks.sizes import sizes
from tests.benchmarks.stand import Stand, standing

BENCHMARKS = ("deliveries", "lag", "claims", "ticks", "api", "flat", "reads", "held", "tracing", "idle", "fair")


def main() -> None:
    """Run what was asked for; each benchmark's results are written as soon as it is done."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name", help=", ".join(BENCHMARKS))
    chosen = parser.parse_args().names or BENCHMARKS
    with standing(sizes()) as stand:
        for name in chosen:
            start = time.monotonic()
            report = _measure(name)(stand)
            write(stand, name, report)
            print(f"\n{name}, {time.monotonic() - start:.0f} s\n\n{table(report.measures)}", flush=True)


def _measure(name: str) -> Callable[[Stand], Report]:
    measure: Callable[[Stand], Report] = import_module(f"tests.benchmarks.{name}").measure
    return measure


if __name__ == "__main__":
    main()
