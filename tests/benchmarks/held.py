"""A transaction held open: what it keeps from being vacuumed must not slow claims down."""

import time

import psycopg

from tests.benchmarks import delivery, load
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target
from tests.benchmarks.stand import Database, Stand

WORKERS = 50
KEPT = Target(">=", 0.8, "ratio")


def measure(stand: Stand) -> Report:
    """Hold one in a database while work goes on there, then measure there and in another one in turn."""
    rates = Samples()
    with stand.database() as free, stand.database() as held:
        _fill(free)
        _fill(held)
        with (
            free.service(SCHEDULER_WORKER_COUNT=WORKERS, REDIS_DB=1) as free_engines,
            held.service(SCHEDULER_WORKER_COUNT=WORKERS) as held_engines,
            psycopg.connect(held.url) as holder,
        ):
            holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            holder.execute("SELECT count(*) FROM execution_queue")
            course = _churn(held, held_engines)
            for _ in range(stand.sizes.repeats):
                rates.add("free", _rate(free, free_engines))
                rates.add("held", _rate(held, held_engines))
    return _report(stand, rates, course)


def _fill(database: Database) -> None:
    load.jobs(database.conn, database.stand.sizes.deliveries, database.stand.receiver.url)
    database.settle()


def _rate(database: Database, engines: list[int]) -> float:
    return delivery.from_queue(database, engines, database.stand.sizes.deliveries).rate


def _churn(database: Database, engines: list[int]) -> list[tuple[float, float]]:
    """Deliver all the time; gives the rate over the time (seconds, deliveries a second)."""
    start = time.monotonic()
    course = []
    while (elapsed := time.monotonic() - start) < database.stand.sizes.held_seconds:
        course.append((elapsed, _rate(database, engines)))
    return course


def _report(stand: Stand, rates: Samples, course: list[tuple[float, float]]) -> Report:
    sizes = stand.sizes
    name = f"deliveries, a transaction open for {sizes.held_seconds:,.0f} s"
    about = (
        f"One process with {WORKERS} workers delivers {sizes.deliveries:,} at a time, over and over, while another "
        "session holds a snapshot of the same database; after that time it is measured there and in an undisturbed "
        "database of the same server in turn."
    )
    plot = Plot("held", "While a transaction is held open", "seconds", lines={"deliveries a second": course})
    return Report(
        "Held transaction", about, [Measure(name, "/s", rates["held"], "none open", rates["free"], KEPT)], [plot]
    )
