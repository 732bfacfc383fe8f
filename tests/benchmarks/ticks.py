"""The tick: its cost should follow what is due, not how many jobs exist."""

import time
from datetime import timedelta
from typing import Any

from service import db
from service.config import Config
from service.lease import Lease
from service.ticker import Ticker
from tests.benchmarks import load
from tests.benchmarks.report import Measure, Plot, Report, Samples
from tests.benchmarks.stand import Database, Stand, check

MAKE_DUE = """
UPDATE jobs SET next_run_at = now(), next_instant_at = now()
WHERE id IN (SELECT id FROM jobs WHERE next_run_at > now() ORDER BY md5(id::text) LIMIT %s)
"""
CRON = "*/5 * * * *"
BATCHES = 1000


def measure(stand: Stand) -> Report:
    """Tick over few jobs and over many, the same number due in both, in turn."""
    sizes = stand.sizes
    few, many = (
        f"{sizes.tick_due:,} due of {sizes.tick_due:,} jobs",
        f"{sizes.tick_due:,} due of {sizes.tick_jobs:,} jobs",
    )
    samples = Samples()
    with stand.database() as small, stand.database() as large:
        _fill(small, sizes.tick_due)
        _fill(large, sizes.tick_jobs)
        for _ in range(sizes.repeats):
            samples.add(few, _tick(small, sizes.tick_due))
            samples.add(many, _tick(large, sizes.tick_due))
    return Report(
        "Tick",
        f"Milliseconds until {sizes.tick_due:,} due cron jobs are pending executions and have their next instant, by "
        "the engine's own ticker in one process.",
        [Measure(few, "ms", samples[few]), Measure(many, "ms", samples[many], few, samples[few])],
        [Plot("tick", f"A tick of {sizes.tick_due:,} due jobs", "ms", bars=samples.medians())],
    )


def _fill(database: Database, count: int) -> None:
    at = database.value("SELECT now() + interval '1 day'")
    load.jobs(database.conn, count, database.stand.receiver.url, at=at, kind="cron", schedule=CRON)
    database.settle()


def _tick(database: Database, due: int) -> float:
    """Milliseconds of ticking until nothing is due."""
    database.conn.execute("DELETE FROM execution_queue")
    database.conn.execute(MAKE_DUE, (due,))
    database.conn.execute("VACUUM (ANALYZE) execution_queue")
    database.conn.execute("VACUUM jobs")
    database.conn.execute("CHECKPOINT")
    ticker, pool = _ticker(database)
    start = time.perf_counter()
    ticked = 0
    for _ in range(BATCHES):
        ticked += (done := ticker.tick())
        if not done:
            break
    milliseconds = (time.perf_counter() - start) * 1000
    pool.close()
    queued = database.value("SELECT count(*) FROM execution_queue")
    check(ticked == queued == due, f"{due} jobs due, {ticked} ticked, {queued} queued")
    return milliseconds


def _ticker(database: Database) -> tuple[Ticker, db.Pool]:
    servers = database.stand.servers
    environment: dict[str, Any] = {
        "DATABASE_URL": database.url,
        "REDIS_HOST": servers.redis_host,
        "REDIS_PORT": str(servers.redis_port),
    }
    config = Config.from_env(environment)
    pool = db.open_pool(config, "engine", size=2)
    pool.wait()
    return Ticker(pool, Lease(config, "benchmark"), timedelta(seconds=config.misfire_after), lambda: None), pool
