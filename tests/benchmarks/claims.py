"""Claim and finish without HTTP: what the database side of the engine can do from one process."""

import threading
import time
from uuid import UUID, uuid4

from service import db, executions
from service.claims import ClaimedExecution
from service.config import Config
from service.executions import Ended
from service.front import Front
from tests.benchmarks import bare, load
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target
from tests.benchmarks.stand import Database, Stand, check

SHAPES = ((1, 50), (1, 200), (2, 100), (2, 200), (4, 100))  # threads, and executions a statement
BARE = "bare SKIP LOCKED loop"
TARGET = Target(">=", 10_000)
REGISTER = """
INSERT INTO workers (id, host, pid, version, slots, heartbeat_seconds) VALUES (%s, 'host', 1, '1', 50, 300)
"""


def measure(stand: Stand) -> Report:
    """Every shape and the bare loop, interleaved."""
    rates = Samples()
    for _ in range(stand.sizes.repeats):
        for threads, batch in SHAPES:
            rates.add(_name(threads, batch), _rate(stand, threads, batch))
        with stand.database(template=None) as database:
            rates.add(BARE, bare.queue_rate(database.conn, stand.sizes.claims))
    medians = rates.medians()
    best = max((_name(*shape) for shape in SHAPES), key=lambda name: medians[name])
    measures = [
        Measure(name, "/s", rates[name], BARE, rates[BARE], TARGET if name == best else None)
        for name in (_name(*shape) for shape in SHAPES)
    ]
    return Report(
        "Claim and finish without HTTP",
        f"{stand.sizes.claims:,} pending executions of as many jobs, claimed and recorded as completed by the engine's "
        "own statements, from one process. The bare loop claims and deletes rows of a table of three columns, 50 at a "
        "time.",
        measures,
        [Plot("claims", "Claim and finish without HTTP", "a second", bars=medians)],
    )


def _name(threads: int, batch: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}, batches of {batch}"


def _rate(stand: Stand, threads: int, batch: int) -> float:
    count = stand.sizes.claims
    with stand.database() as database:
        load.jobs(database.conn, count, stand.receiver.url)
        load.pending(database.conn, database.value("SELECT now()"))
        database.settle()
        worker = uuid4()
        database.conn.execute(REGISTER, (worker,))
        seconds = _empty(database, worker, threads, batch)
        done = database.value("SELECT sum(completed) FROM job_history")
        check(done == count, f"{done} of {count} executions in the days")
        return count / seconds


def _empty(database: Database, worker: UUID, threads: int, batch: int) -> float:
    """Seconds until that many threads have emptied the queue."""
    pool = db.open_pool(Config.from_env({"DATABASE_URL": database.url}), "engine", size=threads)
    pool.wait()
    team = [threading.Thread(target=_work, args=(pool, worker, batch)) for _ in range(threads)]
    start = time.perf_counter()
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    seconds = time.perf_counter() - start
    pool.close()
    return seconds


def _work(pool: db.Pool, worker: UUID, batch: int) -> None:
    front = Front()
    with db.session(pool) as conn:
        while claimed := front.claim(conn, worker, batch):
            executions.end(conn, [_ended(item) for item in claimed])


def _ended(claimed: ClaimedExecution) -> Ended:
    return Ended(
        id=claimed.id,
        worker_id=claimed.worker_id,
        attempt=claimed.attempt,
        status="completed",
        duration_ms=1.5,
        response_status=200,
        response_body="ok",
        trace_id=claimed.id.replace("-", ""),
    )
