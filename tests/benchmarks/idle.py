"""An idle service: the statements and the CPU it uses while nothing is due."""

import threading

from tests.benchmarks import load
from tests.benchmarks.delivery import Meter, trees
from tests.benchmarks.report import Measure, Report, Samples, Target
from tests.benchmarks.stand import Stand

JOBS = 1000


def measure(stand: Stand) -> Report:
    """Leave an engine alone for a while, as often as asked."""
    seconds, samples = stand.sizes.idle_seconds, Samples()
    with stand.database() as database:
        tomorrow = database.value("SELECT now() + interval '1 day'")
        load.jobs(database.conn, JOBS, stand.receiver.url, at=tomorrow)
        database.settle()
        with database.service() as engines:
            threading.Event().wait(min(seconds, 3.0))  # its start is over by then
            for _ in range(stand.sizes.repeats):
                meter = Meter(database, trees(database, engines))
                threading.Event().wait(seconds)
                used = meter.read(1, seconds)
                samples.add("statements", used.statements / seconds)
                for group in ("engine", "postgresql"):
                    samples.add(group, used.cpu_seconds[group] / seconds * 100)
    return Report("Idle", _about(seconds), _rows(samples))


def _rows(samples: Samples) -> list[Measure]:
    return [
        Measure("statements", "/s", samples["statements"], target=Target("<=", 5)),
        Measure("CPU of the engine", "% of a core", samples["engine"]),
        Measure("CPU of PostgreSQL", "% of a core", samples["postgresql"]),
    ]


def _about(seconds: float) -> str:
    return f"One engine process with {JOBS:,} jobs of which none is due, watched for {seconds:g} s a run."
