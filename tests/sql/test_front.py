"""The front: claims stay cheap while somebody holds a snapshot, and no execution is left behind."""

import json
from uuid import uuid4

import psycopg
import pytest

from service import claims, executions, sql
from service.claims import BOTTOM
from service.executions import Ended
from service.front import IDLE_SECONDS, LAG_SECONDS, SWEEP_SECONDS, Front
from tests.factories import NOON


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def engine(engine_pool):
    with engine_pool.connection() as conn:
        yield conn


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def front(clock):
    return Front(clock)


@pytest.fixture
def worker(make):
    return make.worker()


@pytest.fixture
def queue(make, conn):
    """Fills the queue with executions of a tenant, in its line."""

    def fill(count, tenant="t1", priority=5):
        conn.execute(
            "INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank)"
            " SELECT gen_random_uuid(), %(job)s, %(tenant)s, %(at)s, %(priority)s,"
            " last_rank(%(tenant)s, %(priority)s) + n FROM generate_series(1, %(count)s) AS n",
            {"job": make.job()["id"], "tenant": tenant, "at": NOON, "priority": priority, "count": count},
        )

    return fill


@pytest.fixture
def work(engine, front, clock, worker):
    """Claims and finishes batches, a tenth of a second each."""

    def run(batches, size=100):
        for _ in range(batches):
            clock.now += 0.1
            claimed = front.claim(engine, worker, size)
            executions.end(engine, [Ended(item.id, worker, item.attempt, "completed") for item in claimed])

    return run


@pytest.fixture
def snapshot(config):
    """Somebody's open transaction, which keeps vacuum from removing anything."""
    with psycopg.connect(config.database_conninfo) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SELECT count(*) FROM jobs")
        yield conn


def pages(engine, worker, floors, passed=(), limit=10):
    """Pages of the claim index and the queue that a claim reads before it takes anything."""
    params = {"worker_id": worker, "limit": limit, "floors": floors, "passed_tenants": list(passed), "look": 1000}
    with engine.transaction(force_rollback=True):
        text = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.STATEMENTS["work.claim"].text
        (plan,) = engine.execute(text, params).fetchone()
    scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Index Name") == "execution_queue_front_idx"]
    assert scans, json.dumps(plan, indent=1)
    return sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in scans)


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("waiting", [20, 20000])
def test_a_claim_reads_what_it_takes_however_much_is_waiting(engine, queue, worker, waiting):
    queue(waiting)

    assert pages(engine, worker, list(BOTTOM)) < 60


def test_the_plan_made_for_a_small_queue_serves_a_large_one(engine, queue, worker, front, clock, conn):
    queue(10)
    for _ in range(10):
        front.claim(engine, worker, 1)
    queue(20000)
    before = conn.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'execution_queue'").fetchone()

    front.claim(engine, worker, 10)

    engine.execute("SELECT pg_stat_force_next_flush()")
    after = conn.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'execution_queue'").fetchone()
    assert before == after


def test_a_claim_does_not_walk_past_what_was_claimed_under_a_snapshot(engine, queue, work, front, worker, snapshot):
    queue(6000)
    work(50)

    assert pages(engine, worker, list(BOTTOM)) > 100
    assert pages(engine, worker, list(front._floors)) < 60


def test_floors_follow_an_empty_queue_too(engine, queue, work, front, worker, snapshot):
    queue(5000)
    work(60)

    assert pages(engine, worker, list(front._floors)) < 60


def test_the_end_of_a_tenants_line_is_found_without_what_was_claimed(engine, queue, work, conn, snapshot):
    queue(6000)
    work(50)
    conn.execute("SELECT last_rank('t1', 5::smallint)")  # reads the catalog, which is not what is counted

    plan = conn.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT last_rank('t1', 5::smallint)").fetchone()

    assert plan["QUERY PLAN"][0]["Plan"]["Shared Hit Blocks"] < 100


def test_all_is_claimed_once_whatever_the_floors(make, queue, work):
    for priority in (1, 5, 10):
        queue(300, priority=priority)
        queue(100, tenant="t2", priority=priority)
    work(14)

    assert make.row("SELECT sum(completed) FROM job_totals")["sum"] == 1200


def test_what_was_ranked_long_before_it_was_committed_is_found_by_a_sweep(make, queue, work, front, clock, engine):
    queue(2000)
    work(15)
    late = make.execution(rank=3)
    clock.now += SWEEP_SECONDS

    claimed = front.claim(engine, make.worker(), 5)

    assert str(late["id"]) == claimed[0].id


def test_what_was_ranked_a_moment_before_it_was_committed_needs_no_sweep(make, queue, work, front, clock, engine):
    queue(1000)
    work(5)
    reached = make.row("SELECT claimed_rank(5::smallint) AS at")["at"]
    clock.now += 0.1
    front.claim(engine, make.worker(), 100)
    late = make.execution(rank=reached + 1)
    clock.now += LAG_SECONDS / 2

    assert str(late["id"]) == front.claim(engine, make.worker(), 5)[0].id


def test_sweeps_are_as_rare_as_they_are_slow(front, clock, engine, worker, queue, monkeypatch):
    floors = []
    claim = claims.claim

    def slow(conn, **params):
        floors.append(params["floors"])
        clock.now += 0.5 if params["floors"] is BOTTOM else 0.0
        return claim(conn, **params)

    monkeypatch.setattr(claims, "claim", slow)
    queue(2000)
    for _ in range(300):
        clock.now += 0.1
        front.claim(engine, worker, 5)

    assert sum(item is BOTTOM for item in floors) == 3


def test_claims_far_apart_ask_for_nothing_but_the_claim(front, clock, engine, worker, monkeypatch):
    asked = []
    monkeypatch.setattr(claims, "claimed_ranks", lambda conn: asked.append(conn) or BOTTOM)
    for _ in range(5):
        clock.now += 2 * IDLE_SECONDS
        front.claim(engine, worker, 5)

    assert asked == []


def test_the_executions_of_passed_tenants_are_claimed_later(make, queue, front, clock, engine, worker):
    queue(50)
    queue(50, tenant="t2")
    for _ in range(30):
        clock.now += 0.1
        front.claim(engine, worker, 10, ["t1"])

    left = [len(front.claim(engine, worker, 10)) for _ in range(6)]

    assert left == [10, 10, 10, 10, 10, 0]


def test_passing_over_a_flood_looks_at_a_bounded_part_of_it(make, queue, engine, worker):
    queue(20000)

    assert pages(engine, worker, list(BOTTOM), passed=["t1"]) < 1000
    assert claims.claim(engine, worker_id=worker, limit=5, passed_tenants=["t1"]) == []


def test_a_tenant_is_found_behind_what_another_left_at_a_low_rank(make, queue, front, clock, engine, worker):
    queue(3000)
    queue(1500, tenant="t2")
    for _ in range(100):
        clock.now += 0.1
        front.claim(engine, worker, 15, ["t1", str(uuid4())])
    queue(1, tenant="t3")
    clock.now += 0.01

    claimed = front.claim(engine, worker, 1, ["t1"])

    assert [item.tenant_id for item in claimed] == ["t3"]


@pytest.mark.parametrize(("name", "params"), [("needed", {}), ("lost_executions", {"dead_ids": [], "limit": 500})])
def test_a_look_for_lost_executions_does_not_walk_what_has_ended(engine, queue, work, snapshot, name, params):
    queue(6000)
    work(50)

    (plan,) = engine.execute(
        b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.STATEMENTS[f"upkeep.{name}"].text, params
    ).fetchone()

    read = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert read < 60, json.dumps(plan, indent=1)
