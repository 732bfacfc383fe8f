"""Statements of the engine cost what they deal with, even while statistics know nothing of the rows there are."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import tuple_row

from service import claims, db, history, sql

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


def text_of(name):
    names = list(dict.fromkeys(PARAMETER.findall(sql.STATEMENTS[name].text)))
    values = ", ".join(f"%({parameter.decode()})s" for parameter in names)
    return PARAMETER.sub(lambda found: b"$%d" % (names.index(found[1]) + 1), sql.STATEMENTS[name].text), values


def plan_of(session, name, given, options="FORMAT JSON"):
    """The plan of a statement that serves any values, as such an EXPLAIN gives it: its root."""
    text, values = text_of(name)
    with session.transaction(force_rollback=True):
        session.execute(b"PREPARE probe AS " + text)
        explain = f"EXPLAIN ({options}) EXECUTE probe ({values})"
        (plan,) = psycopg.ClientCursor(session, row_factory=tuple_row).execute(explain, given).fetchone()
        session.execute("DEALLOCATE probe")
    return plan[0]["Plan"]


def work(engine, name, **params):
    """The most rows that any part of a statement's plan gave or threw away, in the plan that serves any values."""
    return max(
        (rows(node), json.dumps(node)[:400]) for node in nodes(plan_of(engine, name, params, "ANALYZE, FORMAT JSON"))
    )


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


# What each statement is given: first while there is nothing, and then a batch.
NOTHING = {
    "work.claim": lambda: {"worker_id": WORKER, "limit": 0, "floors": [0] * 10, "passed_tenants": [], "look": 1},
    "work.finish": lambda: ended([]),
    "work.hand_back": lambda: {"worker_id": WORKER, "ids": [], "attempts": []},
    "work.kept_claims": lambda: {"worker_id": WORKER, "ids": []},
    "tick.due_jobs": lambda: {"limit": 0, "now": None},
    "tick.materialize": lambda: due_now([]),
    "tick.promote_retries": lambda: {"limit": 0, "now": None},
}
WORKER = UUID(int=1)


def ended(items):
    given = {
        "ids": [id for id, _ in items],
        "worker_ids": [WORKER] * len(items),
        "attempts": [1] * len(items),
        "statuses": ["completed"] * len(items),
        "truncated": [False] * len(items),
        "set_aside": False,
    }
    return given | dict.fromkeys(OUTCOME, [None] * len(items))


def due_now(ids):
    at = datetime.now(UTC)
    later = [at + timedelta(hours=1)] * len(ids)
    return {
        "run_job_ids": ids, "run_ats": [at] * len(ids), "run_waits": [False] * len(ids), "job_ids": ids,
        "next_run_ats": later, "next_instant_ats": later, "runs": [1] * len(ids),
    }  # fmt: skip


@pytest.fixture
def planned(engine, conn):
    """Makes a session keep its plan of a statement, as of a moment at which all tables are empty."""
    conn.execute("VACUUM (ANALYZE) jobs, execution_queue, execution_log, workers, signing_secrets")
    engine.execute("SET plan_cache_mode = force_generic_plan")  # which keeps the plan that is made first

    def plan(name):
        text, values = text_of(name)
        engine.execute(b"PREPARE early AS " + text)
        psycopg.ClientCursor(engine).execute(f"EXECUTE early ({values})", NOTHING[name]())

    return plan


def work_by_early_plan(engine, name, given):
    """The most rows that any part of the plan made before gives or throws away now."""
    with engine.transaction(force_rollback=True):
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE early ({text_of(name)[1]})"
        (plan,) = psycopg.ClientCursor(engine).execute(explain, given).fetchone()
    return max((rows(node), json.dumps(node)[:400]) for node in nodes(plan[0]["Plan"]))


def filled(conn, status):
    """Jobs and an execution of each in the queue; gives the first batch of both."""
    conn.execute(FILL, [JOBS])
    conn.execute(QUEUE, [status])
    return conn.execute(f"SELECT id, job_id FROM execution_queue ORDER BY id LIMIT {BATCH}").fetchall()


def test_claim_by_an_early_plan_looks_at_no_more_than_it_takes(engine, conn, make, planned):
    planned("work.claim")
    filled(conn, "pending")

    most = work_by_early_plan(engine, "work.claim", NOTHING["work.claim"]() | {"limit": BATCH})

    assert most[0] <= 2 * BATCH, most


def test_finish_by_an_early_plan_looks_at_no_more_than_ended(engine, conn, planned):
    planned("work.finish")
    batch = running(conn)

    most = work_by_early_plan(engine, "work.finish", ended([(row["id"], row["job_id"]) for row in batch]))

    assert most[0] <= 2 * BATCH, most


@pytest.mark.parametrize("name", ["work.hand_back", "work.kept_claims"])
def test_claims_by_an_early_plan_are_looked_up(engine, conn, planned, name):
    planned(name)
    ids = [row["id"] for row in running(conn)]

    most = work_by_early_plan(engine, name, NOTHING[name]() | {"ids": ids} | ATTEMPTS.get(name, {}))

    assert most[0] <= BATCH * BATCH, most  # a batch may meet itself, but never the queue


def test_materialize_by_an_early_plan_looks_at_no_more_than_is_due(engine, conn, planned):
    planned("tick.materialize")
    due = [row["id"] for row in conn.execute(FILL, [JOBS]).fetchall()][:BATCH]

    most = work_by_early_plan(engine, "tick.materialize", due_now(due))

    assert most[0] <= 2 * BATCH, most


def test_due_jobs_by_an_early_plan_are_no_more_than_its_batch(engine, conn, planned):
    planned("tick.due_jobs")
    conn.execute(FILL, [JOBS])
    conn.execute("UPDATE jobs SET tenant_id = 'one', next_run_at = now(), next_instant_at = now()")

    most = work_by_early_plan(engine, "tick.due_jobs", {"limit": BATCH, "now": None})

    assert most[0] <= 2 * BATCH, most


def test_what_becomes_pending_by_an_early_plan_is_looked_up(engine, conn, planned):
    planned("tick.promote_retries")
    filled(conn, "retrying")

    most = work_by_early_plan(engine, "tick.promote_retries", {"limit": BATCH, "now": None})

    assert most[0] <= BATCH * BATCH, most


@pytest.fixture
def pinned(conn, config):
    """A queue without a live row and full of dead ones, which a snapshot keeps from being vacuumed."""
    with psycopg.connect(config.database_conninfo) as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        filled(conn, "pending")
        holder.execute("SELECT FROM execution_queue LIMIT 1")
        conn.execute("DELETE FROM execution_queue")
        conn.execute("VACUUM (ANALYZE) execution_queue")
        yield


@pytest.mark.parametrize("name", ["work.finish", "work.hand_back", "work.kept_claims"])
def test_an_execution_is_looked_up_by_its_primary_key_in_an_empty_queue_full_of_dead_rows(engine, pinned, name):
    looked_up = {
        node["Index Name"]
        for node in nodes(plan_of(engine, name, NOTHING[name]()))
        if node.get("Relation Name") == "execution_queue" and "(id = " in node.get("Index Cond", "")
    }
    assert looked_up == {"execution_queue_pkey"}


def test_a_claim_walks_no_index_of_tenants_whatever_the_statistics(conn):
    filled(conn, "pending")
    conn.execute("UPDATE execution_queue SET tenant_id = 'the only one'")
    conn.execute("VACUUM (ANALYZE) execution_queue")
    with conn.transaction(force_rollback=True):
        conn.execute("DROP INDEX execution_queue_front_idx")  # so the planner takes the best of the others
        conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        conn.execute("SET LOCAL enable_seqscan = off")
        conn.execute("SET LOCAL enable_bitmapscan = off")
        plan = plan_of(conn, "work.claim", NOTHING["work.claim"]())

    walked = {node.get("Index Name") for node in nodes(plan)}
    assert walked and not walked & {"execution_queue_of_line_idx", "execution_queue_of_tenant_idx"}


# Functions of the database, whose plans EXPLAIN does not show: what they act on, by its column of the queue.
ACTS = [
    ("jobs.pause", "ids", "job_id", "pending", "active"),
    ("jobs.resume", "ids", "job_id", "held", "paused"),
    ("jobs.release_executions", "job_ids", "job_id", "held", "active"),
    ("executions.cancel_all", "ids", "id", "pending", "active"),
]
READ = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int
FROM pg_stat_xact_user_tables
WHERE relname = ANY('{jobs,execution_queue,job_totals,job_history}')
"""


@pytest.mark.parametrize(("name", "parameter", "column", "executions", "jobs"), ACTS)
def test_a_function_that_ran_on_empty_tables_looks_rows_up(conn, planned, name, parameter, column, executions, jobs):
    planned("work.kept_claims")  # of empty tables
    conn.execute("SET plan_cache_mode = force_generic_plan")
    statement = sql.STATEMENTS[name]
    given = {"tenant_id": None, parameter: []}
    act = {key: given[key] for key in statement.parameters}
    conn.execute(statement.text, act)
    batch = filled(conn, executions)
    conn.execute("UPDATE jobs SET status = %s", [jobs])

    with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
        (before,) = cursor.execute(READ).fetchone()
        cursor.execute(statement.text, act | {parameter: [row[column] for row in batch]})
        (after,) = cursor.execute(READ).fetchone()

    assert BATCH <= after - before <= 15 * BATCH  # a tenth of what there is, and each row some times


ATTEMPTS = {"work.hand_back": {"attempts": [1] * BATCH}}


def running(conn):
    batch = filled(conn, "pending")
    conn.execute(
        "UPDATE execution_queue SET status = 'running', worker_id = %s, attempt = 1, claimed_at = now()", [WORKER]
    )
    return batch


@pytest.fixture
def one_session(config):
    with db.open_pool(config, "engine", size=1) as pool:
        yield pool


def use(pool, times):
    for _ in range(times):
        with db.session(pool) as conn:
            claims.lost(conn, WORKER, [SimpleNamespace(id=WORKER, attempt=1)])


def test_a_session_keeps_the_plans_of_statements_on_the_way_of_a_run_and_of_no_others(one_session):
    use(one_session, 3)
    with db.session(one_session) as conn:
        for _ in range(10):
            history.count(conn, tenant_id="t1", start_date=None, end_date=None, job_id=None, limit=1)
        statements = conn.execute("SELECT statement FROM pg_prepared_statements", prepare=False)
        kept = [text.split()[1] for (text,) in statements]

    assert kept == ["work.kept_claims"]


def test_plans_are_made_anew_after_many_uses_once_in_a_while(one_session, monkeypatch):
    renewed = []
    monkeypatch.setattr(db, "_discard_plans", renewed.append)
    monkeypatch.setattr(db, "PLAN_USES", 10)
    use(one_session, 10)
    few = len(renewed)
    use(one_session, 50)  # within PLAN_SECONDS of the first time

    assert (few, len(renewed)) == (0, 1)
    monkeypatch.setattr(db, "PLAN_SECONDS", 0.0)
    use(one_session, 1)
    assert len(renewed) == 2
