"""Start lag: from the instant an execution is scheduled for until its call reaches the receiver."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pycurl

from tests.benchmarks import bare, load
from tests.benchmarks.delivery import LIMIT_SECONDS
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target, percentile
from tests.benchmarks.stand import Database, Stand, check, wait_for

IDLE, STEADY = "one job, idle service", "100 a second"
IDLE_APART = 0.25  # seconds
WORKERS = 50
TARGETS = {(IDLE, "p99"): 20.0, (STEADY, "p99"): 50.0, ("500 at one instant", "max"): 300.0}
FLOOR = "bare insert, claim, call"

Lags = list[float]  # milliseconds


def measure(stand: Stand) -> Report:
    """Each load in turn, as often as asked; curves show the last round."""
    loads: dict[str, Callable[[Stand], Lags]] = {FLOOR: _floor, IDLE: _idle, STEADY: _steady}
    for count in stand.sizes.lag_bursts:
        loads[f"{count:,} at one instant"] = _burst_of(count)
    samples = Samples()
    curves: dict[str, Lags] = {}
    for turn in range(stand.sizes.repeats):
        for name, run in loads.items():
            if turn and name == "100,000 at one instant":
                continue  # one run says enough, and takes as long as all others together
            lags = curves[name] = run(stand)
            for what, value in _figures(lags).items():
                samples.add(f"{name}: {what}", value)
    measures = [_row(samples, name, what) for name in loads if name != FLOOR for what in ("p50", "p99", "max")]
    return Report("Start lag", _about(), measures, [Plot("start_lag", "Start lag", "ms", curves=curves)])


def _figures(lags: Lags) -> dict[str, float]:
    return {"p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99), "max": max(lags)}


def _row(samples: Samples, name: str, what: str) -> Measure:
    bound = TARGETS.get((name, what))
    return Measure(
        f"{name}: {what}",
        "ms",
        samples[f"{name}: {what}"],
        FLOOR if name == IDLE else "",
        samples[f"{FLOOR}: {what}"] if name == IDLE else [],
        Target("<=", bound) if bound else None,
    )


def _idle(stand: Stand) -> Lags:
    count = stand.sizes.lag_idle
    return _run(stand, count, lambda database, at: _one_time(database, count, at, IDLE_APART), count)


def _steady(stand: Stand) -> Lags:
    """100 jobs that run every second, a hundredth of a second apart."""
    count = 100 * stand.sizes.lag_steady_seconds

    def make(database: Database, at: datetime) -> None:
        load.jobs(database.conn, 100, stand.receiver.url, at=at, apart=0.01, schedule="1")

    return _run(stand, count, make, 100)[:count]


def _burst_of(count: int) -> Callable[[Stand], Lags]:
    return lambda stand: _run(stand, count, lambda database, at: _one_time(database, count, at, 0.0), count)


def _one_time(database: Database, count: int, at: datetime, apart: float) -> None:
    url = database.stand.receiver.url
    load.jobs(database.conn, count, url, at=at, apart=apart, kind="one_time", schedule=at.isoformat())


def _run(stand: Stand, count: int, make: Callable[[Database, datetime], None], jobs: int) -> Lags:
    """Make jobs that come due from some seconds on, and see when their calls arrive."""
    with stand.database() as database:
        database.settle()
        with database.service(SCHEDULER_WORKER_COUNT=WORKERS):
            lead = 2.0 + jobs / 10_000
            at: datetime = database.value("SELECT now() + make_interval(secs => %s)", (lead,))
            stand.receiver.reset(record=1)
            with database.conn.transaction():
                make(database, at)
                database.conn.execute("SELECT pg_notify('scheduler_jobs', '')")
            check(database.value("SELECT clock_timestamp() < %s", (at,)), "the jobs were due before they were there")
            wait_for(lambda: stand.receiver.count() >= count, LIMIT_SECONDS, "calls arrive", 0.1)
        return [_lag(arrived, instant) for arrived, instant, _ in stand.receiver.calls()]


def _lag(arrived: float, instant: str) -> float:
    return (arrived - datetime.fromisoformat(instant).timestamp()) * 1000


def _floor(stand: Stand) -> Lags:
    """What three round trips cost without a service: insert a row, claim it, make the call."""
    lags: Lags = []
    with stand.database(template=None) as database:
        database.conn.execute(bare.QUEUE)
        easy = pycurl.Curl()
        for number in range(stand.sizes.lag_idle):
            threading.Event().wait(0.02)
            lags.append(_floor_once(database.conn, easy, stand, number))
        easy.close()
    return lags


def _floor_once(conn: psycopg.Connection[Any], easy: Any, stand: Stand, number: int) -> float:
    start = time.perf_counter()
    conn.execute("INSERT INTO bare_queue VALUES (%s, '{}')", (number,))
    conn.execute(bare.CLAIM, (50,))
    bare.prepared(easy, stand.receiver).perform()
    return (time.perf_counter() - start) * 1000


def _about() -> str:
    return (
        f"From X-Scheduler-Scheduled-At to the call's arrival, {WORKERS} workers in one process, by the clock that the "
        "receiver and the database share. One-time jobs, a quarter of a second apart (idle) or all at one instant; "
        "interval jobs, a hundredth of a second apart (100 a second). The baseline makes three plain round trips: "
        "insert, claim, call. A burst of 100,000 is run once."
    )
