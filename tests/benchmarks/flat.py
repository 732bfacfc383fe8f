"""Flat cost: deliveries with a million pending, and with ten million in the log, beside a small database."""

import time
from contextlib import ExitStack
from datetime import datetime

from tests.benchmarks import delivery, load
from tests.benchmarks.api import DAYS
from tests.benchmarks.delivery import LIMIT_SECONDS
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target
from tests.benchmarks.stand import Database, Stand, wait_for

WORKERS = 50
JOBS = 10_000  # of each database, at most
FEW_ROUNDS = 5  # pending executions of each job: what is delivered until the counting begins is not counted
KEPT = Target(">=", 0.8, "ratio")


def measure(stand: Stand) -> Report:
    """Each large database in turn with the small one."""
    sizes, rates = stand.sizes, Samples()
    jobs = min(sizes.deliveries, JOBS)
    with ExitStack() as stack:
        small, backlog, grown = (stack.enter_context(stand.database()) for _ in range(3))
        for database in (small, backlog, grown):
            load.jobs(database.conn, jobs, stand.receiver.url)
        load.pending(backlog.conn, _now(backlog), rounds=max(sizes.flat_pending // jobs, 2))
        load.log(grown.conn, sizes.flat_log, DAYS)
        load.history(grown.conn, DAYS)
        for database in (small, backlog, grown):
            database.settle()
        for _ in range(sizes.repeats):
            rates.add("small log", _whole_rate(small, jobs))
            rates.add("large log", _whole_rate(grown, jobs))
            load.pending(small.conn, _now(small), rounds=FEW_ROUNDS)
            small.settle()
            rates.add("few pending", _steady_rate(small, jobs))
            rates.add("many pending", _steady_rate(backlog, jobs))
            _clear(small)
    return _report(stand, jobs, rates)


def _now(database: Database) -> datetime:
    now: datetime = database.value("SELECT now()")
    return now


def _whole_rate(database: Database, jobs: int) -> float:
    with database.service(SCHEDULER_WORKER_COUNT=WORKERS) as engines:
        return delivery.from_queue(database, engines, jobs).rate


def _steady_rate(database: Database, jobs: int) -> float:
    """Deliveries a second while there is a backlog, counted at the receiver from the engine's warm-up on."""
    receiver = database.stand.receiver
    receiver.reset()
    with database.service(SCHEDULER_WORKER_COUNT=WORKERS):
        wait_for(lambda: receiver.count() >= jobs // 10, LIMIT_SECONDS, "calls arrive")
        start, before = time.perf_counter(), receiver.count()
        wait_for(lambda: receiver.count() >= before + jobs, LIMIT_SECONDS, "calls arrive")
        return (receiver.count() - before) / (time.perf_counter() - start)


def _clear(database: Database) -> None:
    database.conn.execute("DELETE FROM execution_queue")
    database.conn.execute("VACUUM execution_queue")


def _report(stand: Stand, jobs: int, rates: Samples) -> Report:
    sizes = stand.sizes
    pending, log = f"{sizes.flat_pending:,} pending", f"{sizes.flat_log:,} rows in the log"
    measures = [
        Measure(f"deliveries with {pending}", "/s", rates["many pending"], "few", rates["few pending"], KEPT),
        Measure(f"deliveries with {log}", "/s", rates["large log"], "none", rates["small log"], KEPT),
    ]
    about = (
        f"Deliveries of one process with {WORKERS} workers, {jobs:,} a run, in a large database and a small one in "
        "turn. With a backlog they are counted while it lasts. What the API takes at such sizes is under reads."
    )
    return Report("Flat cost", about, measures, [Plot("flat", "Deliveries a second", "a second", bars=rates.medians())])
