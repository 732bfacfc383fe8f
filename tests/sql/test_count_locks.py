"""Counts are locked in job order by whoever counts, so that nobody waits in a circle with an engine's outcomes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from service import db, executions, jobs
from service.executions import Ended
from service.lease import Lease
from service.ticker import Ticker
from tests.conftest import eventually
from tests.factories import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def pair(make):
    """Two jobs, each with an execution that is about to end, in the order in which outcomes are counted."""
    worker = make.worker()
    due = {"anchor_at": NOON - MINUTE, "next_run_at": NOON}
    first, second = sorted((make.job(**due) for _ in "12"), key=lambda job: job["id"])
    return (first, make.running(worker, first)), (second, make.running(worker, second))


def while_outcomes_are_recorded(make, engine_pool, pair, act):
    """Do something between the count of the first outcome and that of the second, as if one batch had both."""
    (_, first), (_, second) = pair
    with engine_pool.connection() as engine, ThreadPoolExecutor() as threads:
        with engine.transaction():
            engine.execute("SELECT FROM execution_queue WHERE status = 'running' FOR UPDATE")
            executions.end(engine, [Ended(first["id"], first["worker_id"], 1, "completed")])
            acting = threads.submit(act)
            eventually(lambda: make.rows("SELECT FROM pg_locks WHERE NOT granted"))
            executions.end(engine, [Ended(second["id"], second["worker_id"], 1, "completed")])
        return acting.result(10)


def counted(make, job):
    return make.row("SELECT completed, cancelled, skipped FROM job_history WHERE job_id = %s", job["id"])


def test_a_tick_that_replaces_and_skips_waits_in_job_order(make, engine_pool, config, pair):
    (skipping, _), (replacing, _) = pair
    make.execution(replacing)
    make.conn.execute("UPDATE jobs SET overlap_policy = 'skip' WHERE id = %s", [skipping["id"]])
    make.conn.execute("UPDATE jobs SET overlap_policy = 'replace' WHERE id = %s", [replacing["id"]])
    ticker = Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)

    assert while_outcomes_are_recorded(make, engine_pool, pair, lambda: ticker.tick(now=NOON)) == 2

    assert counted(make, skipping) == {"completed": 1, "cancelled": 0, "skipped": 1}
    assert counted(make, replacing) == {"completed": 1, "cancelled": 1, "skipped": 0}


def test_a_delete_that_cancels_by_several_statements_waits_in_job_order(make, engine_pool, api_pool, pair, monkeypatch):
    monkeypatch.setattr(executions, "CANCEL_BATCH", 1)
    for place, (job, _) in enumerate(pair):
        make.execution(job, scheduled_at=NOON - place * MINUTE)  # the second job's comes first

    def delete_both():
        with db.transaction(api_pool, tenant="t1") as conn:
            jobs.delete_all(conn, [jobs.get(conn, tenant_id="t1", id=job["id"]) for job, _ in pair])

    while_outcomes_are_recorded(make, engine_pool, pair, delete_both)

    assert [counted(make, job) for job, _ in pair] == [{"completed": 1, "cancelled": 1, "skipped": 0}] * 2
