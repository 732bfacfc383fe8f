"""Start lag: from the instant an execution is scheduled for until its call reaches the receiver."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pycurl

from tests.benchmarks import bare, load, peer
from tests.benchmarks.delivery import LIMIT_SECONDS
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target, percentile
from tests.benchmarks.stand import Database, Stand, check, wait_for

IDLE_APART = 0.25  # seconds
WORKERS = 50
ONCE = 50_000  # calls from which on a load is run once: it says enough, and takes as long as all others together
TARGETS = {"one job, idle service: p99": 20.0, "100 a second: p99": 50.0, "500 at one instant: max": 300.0}

Lags = list[float]  # milliseconds


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of the service, and of a baseline."""

    name: str
    run: Callable[[Stand], Lags]
    baseline: str = ""
    baseline_run: Callable[[Stand], Lags] | None = None
    once: bool = False


def measure(stand: Stand) -> Report:
    """Each load and its baseline in turn, as often as asked; curves show the last round."""
    samples, curves = Samples(), dict[str, Lags]()
    loads = _loads(stand)
    for turn in range(stand.sizes.repeats):
        for one in loads:
            if turn == 0 or not one.once:
                _add(samples, curves, one.name, one.run(stand))
                if one.baseline_run is not None:
                    _add(samples, curves, f"{one.baseline} ({one.name})", one.baseline_run(stand))
    measures = [_row(samples, one, what) for one in loads for what in ("p50", "p99", "max")]
    return Report("Start lag", _about(), measures, [Plot("start_lag", "Start lag", "ms", curves=curves)])


def _loads(stand: Stand) -> list[Load]:
    steady = [Load("one job, idle service", _idle, "bare round trips", _floor), Load("100 a second", _steady)]
    bursts = [
        Load(f"{count:,} at one instant", _burst_of(count), "PgQueuer", _peer_burst_of(count), once=count >= ONCE)
        for count in stand.sizes.lag_bursts
    ]
    return steady + bursts


def _add(samples: Samples, curves: dict[str, Lags], name: str, lags: Lags) -> None:
    curves[name] = lags
    for what, value in (("p50", percentile(lags, 0.5)), ("p99", percentile(lags, 0.99)), ("max", max(lags))):
        samples.add(f"{name}: {what}", value)


def _row(samples: Samples, one: Load, what: str) -> Measure:
    name = f"{one.name}: {what}"
    bound = TARGETS.get(name)
    base = samples[f"{one.baseline} ({one.name}): {what}"]
    return Measure(name, "ms", samples[name], one.baseline, base, Target("<=", bound) if bound else None)


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


def _peer_burst_of(count: int) -> Callable[[Stand], Lags]:
    def run(stand: Stand) -> Lags:
        with stand.database() as database:
            return peer.burst(database, count)

    return run


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
        "interval jobs, a hundredth of a second apart (100 a second). Bare round trips are three: "
        "insert, claim, call. PgQueuer's lag counts from the commit that puts its jobs into the queue: they have no "
        "instant of their own. A burst of 100,000 is run once."
    )
