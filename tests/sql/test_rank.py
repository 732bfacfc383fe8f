"""The order of claims: tenants take turns, each in its own order, wherever an execution becomes pending."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from service import backfill, claims, due, executions, jobs, reruns, sql, ticker, upkeep
from service.executions import Ended
from tests.factories import NOON

PENDING = re.compile(r"INSERT INTO execution_queue|SET\s+status = (?:CASE[^,;]*)?'pending'")


@pytest.fixture
def engine(engine_pool):
    with engine_pool.connection() as conn:
        yield conn


@pytest.fixture
def flood(make, conn):
    """Lets a thousand executions of tenant t1 wait at a priority; gives how many."""

    def fill(priority):
        conn.execute(
            "INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank)"
            " SELECT gen_random_uuid(), %s, 't1', %s, %s, last_rank('t1', %s) + n FROM generate_series(1, 1000) AS n",
            [make.job()["id"], NOON, priority, priority],
        )
        return 1000

    return fill


def materialize(make, engine, job):
    make.conn.execute("UPDATE jobs SET next_run_at = now() WHERE id = %s", [job["id"]])
    with engine.transaction():
        due.materialize(engine, ticker._due_jobs(engine, limit=10, now=None), timedelta(minutes=1))


def promote(make, engine, job):
    make.execution(job, status="retrying", retry_at=NOON)
    ticker._promote_retries(engine, limit=10, now=None)


def trigger(make, engine, job):
    jobs.trigger(make.conn, job["tenant_id"], job["id"])


def fill_back(make, engine, job):
    params = {"tenant_id": job["tenant_id"], "id": job["id"], "ats": [NOON], "dry_run": False}
    backfill._backfill(make.conn, **params)


def resume(make, engine, job):
    jobs.pause(make.conn, job["tenant_id"], job["id"])
    make.execution(job, status="held")
    jobs.resume(make.conn, job["tenant_id"], job["id"])


def rerun(make, engine, job):
    reruns.rerun(make.conn, job["tenant_id"], make.logged(job)["id"])


def release(make, engine, job):
    make.execution(job, status="held", held_for="overlap")
    executions.let_go(engine)


def rescue(make, engine, job):
    running = make.running(make.worker(), job)
    lost = upkeep.LostExecution(running["id"], running["worker_id"], 1, 1)
    executions.end(engine, [upkeep._ended(lost)])
    ticker._promote_retries(engine, limit=10, now=None)


WAYS = [materialize, promote, trigger, fill_back, resume, rerun, release, rescue]


@pytest.mark.parametrize("way", WAYS)
def test_what_becomes_pending_goes_to_the_end_of_its_tenants_line(make, engine, flood, way):
    priority = 1 if way is fill_back else 5
    waiting = flood(priority)

    way(make, engine, make.job())

    (newest,) = make.rows("SELECT status, rank FROM execution_queue ORDER BY rank DESC LIMIT 1")
    assert ("pending", waiting + 1) == (newest["status"], newest["rank"])


@pytest.mark.parametrize("way", WAYS)
def test_a_flood_of_one_tenant_does_not_delay_another(make, engine, flood, way):
    flood(1 if way is fill_back else 5)
    way(make, engine, make.job(tenant_id="t2"))

    claimed = claims.claim(engine, worker_id=make.worker(), limit=2)

    assert {"t1", "t2"} == {item.tenant_id for item in claimed}


@pytest.mark.parametrize("way", WAYS)
def test_the_line_begins_after_what_was_claimed_last(make, engine, flood, way):
    priority = 1 if way is fill_back else 5
    flood(priority)
    claims.claim(engine, worker_id=make.worker(), limit=300)

    way(make, engine, make.job(tenant_id="t2"))

    assert make.row("SELECT rank FROM execution_queue WHERE tenant_id = 't2'")["rank"] == 301


def test_every_statement_and_function_that_makes_executions_pending_ranks_them(make):
    statements = {name: item.text.decode() for name, item in sql.STATEMENTS.items()}
    functions = make.rows(
        "SELECT proname AS name, pg_get_functiondef(oid) AS text FROM pg_proc WHERE pronamespace = ANY(ARRAY["
        "'public', 'ops', 'report']::regnamespace[]) AND prokind = 'f'"
    )
    written = statements | {row["name"]: row["text"] for row in functions}
    pending = {name for name, text in written.items() if PENDING.search(text)}

    assert {name for name in pending if "rank" not in written[name]} == set()
    assert {"tick.materialize", "tick.promote_retries", "trigger_job", "work.hand_back", "release_executions"} < pending
    assert {"release_overlapped", "rerun_executions"} < pending


def test_a_batch_of_one_tenant_is_claimed_in_the_order_of_its_instants(make, engine):
    ats = [NOON + timedelta(seconds=n) for n in (3, 1, 2)]
    rows = [make.execution(make.job(), status="retrying", retry_at=at, scheduled_at=at) for at in ats]

    ticker._promote_retries(engine, limit=10, now=None)

    claimed = claims.claim(engine, worker_id=make.worker(), limit=3)
    assert [str(rows[n]["id"]) for n in (1, 2, 0)] == [item.id for item in claimed]


def test_what_is_handed_back_is_next(make, engine, flood):
    flood(5)
    worker = make.worker()
    claimed = claims.claim(engine, worker_id=worker, limit=100)

    claims.hand_back(engine, worker, claimed[40:50])

    again = claims.claim(engine, worker_id=worker, limit=11)
    assert {item.id for item in claimed[40:50]} < {item.id for item in again}


def test_strays_are_next(make, engine, flood):
    flood(5)
    worker = make.worker()
    claimed = claims.claim(engine, worker_id=worker, limit=100)

    claims.return_strays(engine, worker_id=worker, known_ids=[item.id for item in claimed[10:]])

    again = claims.claim(engine, worker_id=worker, limit=11)
    assert {item.id for item in claimed[:10]} < {item.id for item in again}


def test_tenants_share_what_is_claimed(make, engine, flood, conn):
    flood(5)
    for tenant in ("t2", "t3"):
        job = make.job(tenant_id=tenant)
        for _ in range(20):
            jobs.trigger(conn, tenant, job["id"])

    claimed = claims.claim(engine, worker_id=make.worker(), limit=30)

    assert {tenant: sum(item.tenant_id == tenant for item in claimed) for tenant in ("t1", "t2", "t3")} == {
        "t1": 10,
        "t2": 10,
        "t3": 10,
    }


def test_an_execution_that_nobody_ranked_is_first(make, engine, flood):
    flood(5)
    claims.claim(engine, worker_id=make.worker(), limit=10)
    unranked = make.execution()

    (claimed,) = claims.claim(engine, worker_id=make.worker(), limit=1)

    assert str(unranked["id"]) == claimed.id


def test_a_claim_that_rolls_back_leaves_what_it_took_in_reach(make, engine, flood):
    flood(5)
    with engine.transaction(force_rollback=True):
        taken = claims.claim(engine, worker_id=make.worker(), limit=100)

    again = claims.claim(engine, worker_id=make.worker(), limit=100)

    assert [item.id for item in taken] == [item.id for item in again]


def test_finished_executions_do_not_count_in_a_tenants_line(make, engine, flood, conn):
    flood(5)
    worker = make.worker()
    claimed = claims.claim(engine, worker_id=worker, limit=1000)
    executions.end(engine, [Ended(item.id, worker, item.attempt, "completed") for item in claimed])

    jobs.trigger(conn, "t1", make.job()["id"])

    assert make.row("SELECT rank FROM execution_queue")["rank"] == 1001


def test_a_claim_passes_over_tenants_it_is_told_to(make, engine, flood, conn):
    flood(10)
    jobs.trigger(conn, "t2", make.job(tenant_id="t2")["id"])

    claimed = claims.claim(engine, worker_id=make.worker(), limit=5, passed_tenants=["t1", str(uuid4())])

    assert [item.tenant_id for item in claimed] == ["t2"]
