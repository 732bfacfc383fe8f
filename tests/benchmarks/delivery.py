"""One run of deliveries: what it costs the service to bring a batch of executions to the receiver and record it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.benchmarks import cpu, load
from tests.benchmarks.stand import Database, check, wait_for

LIMIT_SECONDS = 600.0
FOLD_SECONDS = 60.0
LEAD_SECONDS = 1.5  # from the preparation of due jobs to the instant at which they are due

# The comment keeps the harness's own looks out of the statements that are counted.
RECORDED = "SELECT count(*) /* benchmark */ FROM execution_log WHERE tenant_id = ANY(%s) AND scheduled_at = %s"
COMPLETED = f"{RECORDED} AND status = 'completed'"
ROLLED_UP = """
SELECT
    (SELECT coalesce(sum(completed), 0) FROM job_history WHERE tenant_id = ANY(%(tenants)s))::int,
    (SELECT coalesce(sum(completed), 0) FROM job_totals WHERE tenant_id = ANY(%(tenants)s))::int
"""
STATEMENTS = """
SELECT coalesce(sum(calls), 0)::int
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE '%benchmark%'
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one run took."""

    count: int
    seconds: float
    cpu_seconds: Mapping[str, float]  # by group of processes
    statements: int  # BEGIN and COMMIT count too
    wal_bytes: int

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.count / self.seconds

    def cpu_us(self, group: str) -> float:
        """Microseconds of CPU a delivery."""
        return self.cpu_seconds[group] / self.count * 1e6


@dataclass(frozen=True, slots=True)
class Batch:
    """Executions that are to be delivered."""

    count: int
    at: datetime  # the instant all are scheduled for
    tenants: list[str]
    counted_before: tuple[int, int]  # completed executions in the days, and in the totals


class Meter:
    """Counts CPU, statements and WAL from its making on."""

    def __init__(self, database: Database, trees: cpu.Trees) -> None:
        self._database = database
        database.conn.execute("SELECT pg_stat_statements_reset() /* benchmark */")
        self._wal = self._wal_now()
        self._cpu = cpu.metered(trees)

    def read(self, count: int, seconds: float) -> Delivery:
        """What so many deliveries in so many seconds have taken."""
        used = self._cpu()
        statements = self._database.value(STATEMENTS)
        return Delivery(count, seconds, used, statements, self._wal_now() - self._wal)

    def _wal_now(self) -> int:
        return int(self._database.value("SELECT pg_current_wal_insert_lsn() - '0/0' /* benchmark */"))


def from_queue(database: Database, engines: list[int], count: int, tenants: Sequence[str] = (load.TENANT,)) -> Delivery:
    """Deliver one pending execution of each job: the engines are idle, then all of it is there at once."""
    stand = database.stand
    stand.receiver.reset()
    with database.conn.transaction():
        at: datetime = database.value("SELECT now()")
        load.pending(database.conn, at, tenants=tenants)
        database.conn.execute("SELECT pg_notify('scheduler_work', '')")
        batch = Batch(count, at, list(tenants), _rolled_up(database, tenants))
        meter = Meter(database, trees(database, engines))
        start = time.perf_counter()
    return _recorded(database, meter, start, batch)


def from_due_jobs(database: Database, engines: list[int], count: int) -> Delivery:
    """Deliver one run of each of so many new jobs that are due at one instant: the tick is part of it."""
    stand = database.stand
    stand.receiver.reset()
    with database.conn.transaction():
        at: datetime = database.value(
            "SELECT clock_timestamp() + make_interval(secs => %s)", (LEAD_SECONDS + count / 20_000,)
        )
        load.jobs(database.conn, count, stand.receiver.url, at=at, kind="one_time", schedule=at.isoformat())
        database.conn.execute("SELECT pg_notify('scheduler_jobs', '')")
    late = database.value("SELECT extract(EPOCH FROM clock_timestamp() - %s)::float8", (at,))
    check(late < 0, "the jobs were due before they were there")
    batch = Batch(count, at, [load.TENANT], _rolled_up(database, [load.TENANT]))
    meter = Meter(database, trees(database, engines))
    return _recorded(database, meter, time.perf_counter() - late, batch)


def trees(database: Database, engines: list[int]) -> cpu.Trees:
    """The groups of processes whose CPU is told apart."""
    stand = database.stand
    return {"engine": engines, "postgresql": [stand.postmaster], "receiver": [stand.receiver.pid]}


def _recorded(database: Database, meter: Meter, start: float, batch: Batch) -> Delivery:
    """Wait for the end: every call made, every outcome committed; then make sure that it all adds up."""
    receiver, count = database.stand.receiver, batch.count
    those = (batch.tenants, batch.at)
    wait_for(lambda: receiver.count() >= count, LIMIT_SECONDS, "calls arrive")
    wait_for(lambda: database.value(RECORDED, those) >= count, LIMIT_SECONDS, "outcomes are recorded", 0.005)
    delivery = meter.read(count, time.perf_counter() - start)
    completed = database.value(COMPLETED, those)
    check(completed == count, f"{completed} of {count} executions completed")
    expected = tuple(number + count for number in batch.counted_before)
    # While a transaction is held open, counts are set aside and folded in a moment later.
    wait_for(lambda: _rolled_up(database, batch.tenants) == expected, FOLD_SECONDS, f"days and totals are {expected}")
    check(receiver.count() == count, f"{receiver.count()} calls for {count} executions")
    return delivery


def _rolled_up(database: Database, tenants: Sequence[str]) -> tuple[int, int]:
    """Completed executions in the days, and in the totals."""
    row = database.conn.execute(ROLLED_UP, {"tenants": list(tenants)}).fetchone()
    assert row is not None
    return row[0], row[1]
