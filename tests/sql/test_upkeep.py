"""Upkeep: heartbeats, the rescue of lost executions, completion, partitions and retention."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from service import claims, db, executions, upkeep
from service.executions import Ended
from service.upkeep import Registration
from tests.conftest import eventually

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)


@pytest.fixture
def buried():
    """How often a registration said that it was buried."""
    return []


@pytest.fixture
def registration(engine_pool, config, buried):
    return Registration(engine_pool, config, busy=lambda: 3, on_buried=lambda: buried.append(True))


def queue(make):
    return make.row("SELECT * FROM execution_queue")


def partitions(make):
    return [row["day"] for row in make.rows("SELECT day FROM log_partitions ORDER BY day")]


def log_row(make, job, at, finished_at=None):
    """A completed execution in the log."""
    query = (
        "INSERT INTO execution_log (id, job_id, tenant_id, scheduled_at, created_at, finished_at, attempt, priority,"
        " status, origin) VALUES (gen_random_uuid(), %s, 't1', %s, %s, %s, 1, 5, 'completed', 'schedule') RETURNING id"
    )
    return make.row(query, job["id"], at, at, finished_at or at)["id"]


def partition_of(make, execution_id):
    return make.row("SELECT tableoid::regclass::text AS name FROM execution_log WHERE id = %s", execution_id)["name"]


def test_rescue_leaves_a_fresh_worker_alone(make, engine_pool):
    running = make.running(make.worker(heartbeat_at=datetime.now(UTC) - timedelta(seconds=9)))

    assert upkeep.rescue(engine_pool) == 0

    assert ("running", running["worker_id"]) == (queue(make)["status"], queue(make)["worker_id"])
    assert len(make.rows("SELECT FROM workers")) == 1


def test_rescue_takes_back_what_a_dead_worker_was_calling(make, engine_pool):
    dead = make.worker(heartbeat_at=LONG_AGO, host="gone")
    make.running(dead, make.job(max_retries=3), attempt=2)

    assert upkeep.rescue(engine_pool) == 1

    row = queue(make)
    (attempt,) = row["attempts"]
    assert (row["status"], row["attempt"], row["worker_id"]) == ("retrying", 2, None)
    assert ("worker_lost", str(dead), "gone") == (attempt["error_code"], attempt["worker_id"], attempt["host"])
    assert row["retry_at"] <= datetime.now(UTC)
    assert make.rows("SELECT FROM workers") == []


def test_rescue_fails_an_execution_whose_attempts_are_spent(make, engine_pool):
    make.running(make.worker(heartbeat_at=LONG_AGO), make.job(max_retries=2), attempt=3)

    upkeep.rescue(engine_pool)

    row = make.row("SELECT * FROM execution_log")
    assert (row["status"], row["error_code"], row["attempt"]) == ("failed", "worker_lost", 3)
    assert make.row("SELECT failed FROM job_totals")["failed"] == 1


@pytest.mark.parametrize(("attempt", "status"), [(1, "retrying"), (2, "failed")])
def test_without_retries_a_lost_execution_gets_a_second_attempt_but_no_third(make, engine_pool, attempt, status):
    make.running(make.worker(heartbeat_at=LONG_AGO), make.job(max_retries=0), attempt=attempt)

    upkeep.rescue(engine_pool)

    assert status == make.row("SELECT status FROM executions")["status"]


def test_rescue_takes_back_executions_whose_worker_has_no_row(make, engine_pool, registration):
    make.running(registration.id)

    assert upkeep.rescue(engine_pool) == 1

    assert queue(make)["status"] == "retrying"


def test_two_rescuers_at_once_rescue_each_execution_once(make, engine_pool):
    dead = [make.worker(heartbeat_at=LONG_AGO) for _ in range(4)]
    for worker in dead * 10:
        make.running(worker, make.job(max_retries=0), attempt=2)

    with ThreadPoolExecutor(2) as threads:
        rescued = sum(threads.map(lambda _: upkeep.rescue(engine_pool) + upkeep.rescue(engine_pool), range(2)))

    assert 40 == rescued == make.row("SELECT sum(failed) FROM job_totals")["sum"]
    assert make.rows("SELECT FROM execution_queue UNION ALL SELECT FROM workers") == []


def test_a_rescue_larger_than_a_batch_buries_the_worker_last(make, engine_pool, monkeypatch):
    monkeypatch.setattr(upkeep, "RESCUE_BATCH", 2)
    dead, job = make.worker(heartbeat_at=LONG_AGO), make.job()
    for _ in range(3):
        make.running(dead, job)

    first, left = upkeep.rescue(engine_pool), len(make.rows("SELECT FROM workers"))

    assert (first, left, upkeep.rescue(engine_pool)) == (2, 1, 1)
    assert make.rows("SELECT FROM workers") == []


def test_the_late_finish_of_a_thawed_worker_records_nothing(make, engine_pool):
    running = make.running(make.worker(heartbeat_at=LONG_AGO))
    upkeep.rescue(engine_pool)

    with engine_pool.connection() as conn:
        late = Ended(id=running["id"], worker_id=running["worker_id"], attempt=1, status="completed")
        fenced = executions.end(conn, [late])

    assert (fenced, make.rows("SELECT FROM execution_log")) == ([late.id], [])
    assert queue(make)["status"] == "retrying"


def test_the_late_finish_does_not_overwrite_the_attempt_of_a_successor(make, engine_pool, conn):
    running = make.running(make.worker(heartbeat_at=LONG_AGO))
    upkeep.rescue(engine_pool)
    conn.execute("UPDATE execution_queue SET status = 'pending'")

    with engine_pool.connection() as session:
        (again,) = claims.claim(session, worker_id=make.worker(), limit=1)
        executions.end(session, [Ended(running["id"], running["worker_id"], 1, "completed")])

    assert ("running", 2, again.worker_id) == tuple(queue(make)[key] for key in ("status", "attempt", "worker_id"))


def test_a_heartbeat_tells_that_the_worker_lives_and_what_it_does(make, registration):
    registration.run_once()
    before = make.row("SELECT * FROM workers")
    registration.draining = True

    assert registration.run_once() == before["heartbeat_seconds"]

    after = make.row("SELECT * FROM workers")
    assert before["heartbeat_at"] < after["heartbeat_at"]
    assert (registration.id, 0, 3, 4) == (after["id"], before["busy"], after["busy"], after["slots"])
    assert (before["draining_at"], after["draining_at"] is not None) == (None, True)


def test_a_buried_worker_comes_back_under_a_new_id_and_stops_its_calls(make, conn, registration, buried):
    registration.run_once()
    first = registration.id
    conn.execute("DELETE FROM workers")

    registration.run_once()

    assert first != registration.id == make.row("SELECT id FROM workers")["id"]
    assert buried == [True]


def test_a_worker_that_leaves_is_not_in_the_table_any_more(make, registration):
    registration.run_once()

    registration.remove()

    assert make.rows("SELECT FROM workers") == []


def test_jobs_with_nothing_left_to_run_are_completed(make, engine_pool):
    exhausted = make.job()
    make.job(next_run_at=LONG_AGO), make.job(status="paused"), make.execution(make.job())

    upkeep.settle(engine_pool)

    assert [exhausted["id"]] == [row["id"] for row in make.rows("SELECT id FROM jobs WHERE status = 'completed'")]


def test_partitions_are_made_ahead_and_only_once(make, engine_pool):
    upkeep.keep_partitions(engine_pool, 30, 30, today=TODAY)
    first = partitions(make)

    upkeep.keep_partitions(engine_pool, 30, 30, today=TODAY)

    assert [TODAY + n * DAY for n in range(-1, upkeep.DAYS_AHEAD + 1)] == first == partitions(make)


def test_a_new_partition_takes_over_what_the_default_one_holds_of_its_day(make, engine_pool):
    job, day = make.job(), datetime(2026, 5, 5, tzinfo=UTC)
    inside = [log_row(make, job, at) for at in (day, day + DAY - timedelta(microseconds=1))]
    outside = [log_row(make, job, at) for at in (day - 5 * DAY, day + 30 * DAY)]

    upkeep.keep_partitions(engine_pool, 30, 30, today=day.date())

    assert [partition_of(make, row) for row in inside] == ["execution_log_20260505"] * 2
    assert [partition_of(make, row) for row in outside] == ["execution_log_default"] * 2


def test_a_new_partition_waits_for_a_row_of_its_day_that_is_being_written(make, engine_pool, conn):
    job, day = make.job(), datetime(2026, 5, 5, tzinfo=UTC)

    with ThreadPoolExecutor(1) as thread:
        with conn.transaction():
            row = log_row(make, job, day - DAY)  # the first of the days whose partition is made
            made = thread.submit(upkeep.keep_partitions, engine_pool, 30, 30, day.date())
            watching = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
            with psycopg.connect(conn.info.dsn, autocommit=True) as watcher:
                eventually(lambda: watcher.execute(watching, [conn.info.dbname]).fetchone()[0])
        made.result()

    assert partition_of(make, row) == "execution_log_20260504"


def test_retention_drops_exactly_the_partitions_older_than_its_days(make, engine_pool, conn):
    days = [TODAY - n * DAY for n in (29, 30, 31, 32, 400)]
    conn.execute("SELECT make_log_partition(day) FROM unnest(%s::date[]) AS day", [days])

    upkeep.keep_partitions(engine_pool, 30, 30, today=TODAY)

    assert [day for day in partitions(make) if day < TODAY - DAY] == [TODAY - 30 * DAY, TODAY - 29 * DAY]


def test_retention_purges_old_rows_of_the_default_partition(make, engine_pool):
    job, now = make.job(), datetime.now(UTC)
    log_row(make, job, LONG_AGO - 400 * DAY, finished_at=now - 31 * DAY - DAY)
    kept = log_row(make, job, LONG_AGO - 400 * DAY, finished_at=now - 29 * DAY)

    upkeep.keep_partitions(engine_pool, 30, 30)

    assert [kept] == [row["id"] for row in make.rows("SELECT id FROM execution_log")]


def test_retention_comes_back_at_once_while_there_is_more_to_purge(make, engine_pool, monkeypatch):
    monkeypatch.setattr(upkeep, "PURGE_BATCH", 1)
    job = make.job()
    log_row(make, job, LONG_AGO - 400 * DAY), log_row(make, job, LONG_AGO - 400 * DAY)

    delays = [upkeep.keep_partitions(engine_pool, 30, 30) for _ in range(3)]

    assert delays == [0.0, 0.0, upkeep.PARTITION_SECONDS]


def test_partitions_are_left_to_the_process_that_is_at_it(make, engine_pool, conn):
    before = partitions(make)

    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('scheduler.partitions'))")
        upkeep.keep_partitions(engine_pool, 30, 30)

    assert before == partitions(make)


@pytest.mark.parametrize("at", [LONG_AGO - 4000 * DAY, LONG_AGO + 4000 * DAY])
def test_finishing_never_fails_for_want_of_a_partition(make, engine_pool, at):
    running = make.running(make.worker(), scheduled_at=at)

    with db.transaction(engine_pool) as session:
        executions.end(session, [Ended(running["id"], running["worker_id"], 1, "completed")])

    assert partition_of(make, running["id"]) == "execution_log_default"


def test_what_is_held_though_its_job_was_resumed_is_let_go(make, engine_pool):
    resumed, paused = make.job(), make.job(status="paused")
    stranded = make.execution(resumed, status="held")
    held = make.execution(paused, status="held")
    waiting = make.execution(resumed, status="held", held_for="overlap")

    upkeep.look(engine_pool)

    statuses = {row["id"]: row["status"] for row in make.rows("SELECT id, status FROM execution_queue")}
    assert {stranded["id"]: "pending", held["id"]: "held"} == {id: statuses[id] for id in (stranded["id"], held["id"])}
    assert waiting["id"] in statuses


def test_a_retry_that_ends_while_its_job_is_resumed_does_not_stay_held(make, engine_pool, conn):
    worker, job = make.worker(), make.job(status="paused")
    running = make.running(worker, job)
    with db.session(engine_pool) as session:
        executions.end(session, [Ended(running["id"], worker, 1, "failed", retry_delay=3600.0)])
    conn.execute("UPDATE jobs SET status = 'active' WHERE id = %s", [job["id"]])

    upkeep.look(engine_pool)

    assert make.row("SELECT status FROM execution_queue")["status"] == "retrying"
