"""Statements of the engine cost what they deal with, even while statistics know nothing of the rows there are."""

import json
import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from service import claims, sql

JOBS = 2000
BATCH = 200
PARAMETER = re.compile(rb"%\((\w+)\)s")
FILL = """
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries, retry_delay_seconds,
    priority
)
SELECT 't' || n, 'job', 'one_time', '2026-01-01T00:00:00Z', 'UTC', 'http://h/', 'POST', 5, 0, 0, 5
FROM generate_series(1, %s) AS n
RETURNING id
"""
QUEUE = """
INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank, status, retry_at)
SELECT gen_random_uuid(), id, tenant_id, now(), priority, 1, %s, now() FROM jobs
"""
OUTCOME = (
    "response_statuses", "response_bodies", "error_codes", "errors", "trace_ids", "retry_delays", "durations",
)  # fmt: skip


@pytest.fixture
def engine(engine_pool):
    with engine_pool.connection() as conn:
        yield conn


@pytest.fixture
def jobs(conn):
    """Jobs of a tenant each that are exhausted, as statistics of an empty table do not tell."""
    conn.execute("ANALYZE jobs, execution_queue, execution_log")
    return [row["id"] for row in conn.execute(FILL, [JOBS]).fetchall()]


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def work(engine, name, **params):
    """The most rows that any part of a statement's plan gave or threw away, in the plan that serves any values."""
    names = list(dict.fromkeys(PARAMETER.findall(sql.STATEMENTS[name].text)))
    text = PARAMETER.sub(lambda found: b"$%d" % (names.index(found[1]) + 1), sql.STATEMENTS[name].text)
    values = ", ".join(f"%({parameter.decode()})s" for parameter in names)
    with engine.transaction(force_rollback=True):
        engine.execute(b"PREPARE probe AS " + text)
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE probe ({values})"
        (plan,) = psycopg.ClientCursor(engine).execute(explain, params).fetchone()
        engine.execute("DEALLOCATE probe")
    return max((rows(node), json.dumps(node)[:400]) for node in nodes(plan[0]["Plan"]))


def rows(node):
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return (node["Actual Rows"] + thrown) * node["Actual Loops"]


def test_finish_looks_at_no_more_jobs_than_ended(engine, make, conn, jobs):
    conn.execute(QUEUE, ["pending"])
    claimed = claims.claim(engine, worker_id=make.worker(), limit=BATCH)
    given = {
        "ids": [item.id for item in claimed],
        "worker_ids": [item.worker_id for item in claimed],
        "attempts": [item.attempt for item in claimed],
        "statuses": ["completed"] * BATCH,
        "truncated": [False] * BATCH,
        "set_aside": False,
    }

    most = work(engine, "work.finish", **given, **dict.fromkeys(OUTCOME, [None] * BATCH))

    assert most[0] <= 2 * BATCH, most


def test_materialize_looks_at_no_more_than_is_due(engine, jobs):
    at, due = datetime.now(UTC), jobs[:BATCH]
    later = [at + timedelta(hours=1)] * BATCH
    runs = {"run_job_ids": due, "run_ats": [at] * BATCH, "run_waits": [False] * BATCH}

    most = work(
        engine, "tick.materialize", **runs, job_ids=due, next_run_ats=later, next_instant_ats=later, runs=[1] * BATCH
    )

    assert most[0] <= JOBS, most  # jobs may be met in a merge, each once


def test_promoting_retries_looks_at_no_more_than_its_batch(engine, conn, jobs):
    conn.execute(QUEUE, ["retrying"])

    most = work(engine, "tick.promote_retries", limit=BATCH, now=None)

    assert most[0] <= 2 * BATCH, most


def test_letting_go_of_what_a_pause_held_looks_at_nothing_twice(engine, conn, jobs):
    conn.execute(QUEUE, ["held"])

    most = work(engine, "jobs.release_executions", job_ids=jobs[:BATCH])

    assert most[0] <= JOBS, most  # all that is held may be walked, each once
