"""The tick: what is due becomes pending, once, whoever ticks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY

from service import db, notify
from service import ticker as ticking
from service.due import PARK, materialize, settle
from service.lease import Lease
from service.ticker import Ticker
from tests.factories import NOON

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def ticker(engine_pool, config):
    return Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)


def instants(make):
    """The instants of what is in the queue, oldest first."""
    return [row["scheduled_at"] for row in make.rows("SELECT scheduled_at FROM execution_queue ORDER BY 1")]


def next_run_at(make, job):
    return make.row("SELECT next_run_at FROM jobs WHERE id = %s", job["id"])["next_run_at"]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_due_run_is_materialized_once(make, ticker):
    job = make.job(next_run_at=NOON, anchor_at=NOON - MINUTE, priority=7)

    assert [ticker.tick(NOON), ticker.tick(NOON)] == [1, 0]

    row = make.row("SELECT * FROM execution_queue")
    assert (row["status"], row["attempt"], row["origin"], row["tenant_id"]) == ("pending", 0, "schedule", "t1")
    assert (row["job_id"], row["scheduled_at"], row["priority"]) == (job["id"], NOON, 7)
    assert next_run_at(make, job) == NOON + MINUTE


def test_batches_of_a_burst_grow_so_that_its_first_calls_begin_early(make, ticker, monkeypatch):
    monkeypatch.setattr(ticking, "BATCH", 4)
    ticker._batch = 2
    jobs = [make.job(next_run_at=NOON, anchor_at=NOON - MINUTE) for _ in range(12)]

    dealt = [ticker.tick(NOON) for _ in range(4)]

    assert (dealt, len(instants(make))) == ([2, 4, 4, 2], len(jobs))


def test_what_is_not_due_stays(make, ticker):
    make.job(next_run_at=NOON + SECOND)

    assert ticker.tick(NOON) == 0
    assert instants(make) == []


def test_two_tickers_at_once_materialize_each_of_500_jobs_once(make, conn, ticker):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, anchor_at, endpoint, method, timeout_seconds,"
        " max_retries, retry_delay_seconds, priority, next_run_at) SELECT 't1', 'job', 'interval', '60', 'UTC', %s,"
        " 'http://h/', 'POST', 5, 0, 0, 5, %s FROM generate_series(1, 500)",
        [NOON - MINUTE, NOON],
    )

    with ThreadPoolExecutor(2) as threads:
        ticked = list(threads.map(lambda _: [ticker.tick(NOON) for _ in range(3)], range(2)))

    assert sum(map(sum, ticked)) == 500
    assert make.row("SELECT count(DISTINCT job_id) FROM execution_queue WHERE scheduled_at = %s", NOON)["count"] == 500
    assert len(instants(make)) == 500


def test_a_job_another_session_holds_is_taken_next_time(make, conn, ticker):
    held, free = make.job(next_run_at=NOON), make.job(next_run_at=NOON)

    with conn.transaction():
        conn.execute("SELECT FROM jobs WHERE id = %s FOR NO KEY UPDATE", [held["id"]])
        ticker.tick(NOON)
        first = [row["job_id"] for row in make.rows("SELECT job_id FROM execution_queue")]
    ticker.tick(NOON)

    assert [free["id"]] == first
    assert {held["id"], free["id"]} == {row["job_id"] for row in make.rows("SELECT job_id FROM execution_queue")}


def test_intervals_never_drift_however_late_the_tick(make, ticker):
    job = make.job(schedule="10", anchor_at=NOON, next_run_at=NOON + 10 * SECOND)

    for late in (10.9, 23.7, 39.99):
        ticker.tick(NOON + timedelta(seconds=late))

    assert [NOON + n * SECOND for n in (10, 20, 30)] == instants(make)
    assert next_run_at(make, job) == NOON + 40 * SECOND


def test_every_instant_of_a_short_delay_runs(make, ticker):
    make.job(schedule="10", anchor_at=NOON, next_run_at=NOON + 10 * SECOND)

    ticker.tick(NOON + 69 * SECOND)
    ticker.tick(NOON + 69 * SECOND)

    assert [NOON + n * SECOND for n in (10, 20, 30, 40, 50, 60)] == instants(make)


def test_after_a_long_delay_the_newest_runs_and_one_row_tells_of_the_others(make, ticker):
    job = make.job(schedule="10", anchor_at=NOON, next_run_at=NOON + 10 * SECOND)

    ticker.tick(NOON + 3605 * SECOND)

    row = make.row("SELECT * FROM execution_log")
    assert instants(make) == [NOON + 3600 * SECOND]
    assert (row["status"], row["error_code"], row["skipped_count"], row["attempt"]) == ("skipped", "misfire", 359, 0)
    assert (row["scheduled_at"], row["skipped_until"]) == (NOON + 10 * SECOND, NOON + 3590 * SECOND)
    assert make.row("SELECT skipped FROM job_totals WHERE job_id = %s", job["id"])["skipped"] == 1
    assert make.row("SELECT skipped FROM job_history WHERE job_id = %s", job["id"])["skipped"] == 1
    assert next_run_at(make, job) == NOON + 3610 * SECOND


def test_a_range_skipped_before_is_counted_once(make, conn, ticker):
    make.job(schedule="10", anchor_at=NOON, next_run_at=NOON + 10 * SECOND)
    ticker.tick(NOON + 3605 * SECOND)
    conn.execute("UPDATE jobs SET next_run_at = %s, next_instant_at = %s", [NOON + 10 * SECOND] * 2)

    ticker.tick(NOON + 3605 * SECOND)

    assert make.row("SELECT skipped FROM job_totals")["skipped"] == 1
    assert make.row("SELECT skipped FROM job_history")["skipped"] == 1
    assert len(instants(make)) == 1


def test_a_one_time_job_runs_however_late_and_has_no_next_instant(make, ticker):
    job = make.job(type="one_time", schedule="2026-03-10T12:00:00Z", next_run_at=NOON)

    ticker.tick(NOON + timedelta(days=3))

    assert instants(make) == [NOON]
    assert next_run_at(make, job) is None
    assert make.row("SELECT status FROM jobs")["status"] == "active"


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "cron", "schedule": "no cron"},
        {"schedule": "-5"},
        {"timezone": "Mars/Olympus"},
        {"schedule": "9" * 500},
    ],
)
def test_a_job_with_an_unreadable_schedule_stops_nobody_and_is_not_lost(make, ticker, broken):
    bad, good = make.job(next_run_at=NOON - SECOND, **broken), make.job(next_run_at=NOON)

    ticker.tick(NOON)

    assert [good["id"]] == [row["job_id"] for row in make.rows("SELECT job_id FROM execution_queue")]
    assert next_run_at(make, bad) == NOON + PARK


def test_an_instant_in_the_log_is_not_repeated(make, conn, ticker):
    job = make.job(next_run_at=NOON, anchor_at=NOON - MINUTE)
    ticker.tick(NOON)
    conn.execute(
        "WITH gone AS (DELETE FROM execution_queue RETURNING *) INSERT INTO execution_log"
        " (id, job_id, scheduled_at, created_at, attempt, priority, status, origin, tenant_id)"
        " SELECT id, job_id, scheduled_at, created_at, 1, priority, 'completed', origin, tenant_id FROM gone"
    )
    conn.execute("UPDATE jobs SET next_run_at = %s, next_instant_at = %s", [NOON, NOON])

    ticker.tick(NOON)

    assert instants(make) == []
    assert next_run_at(make, job) == NOON + MINUTE


@pytest.fixture
def one_new(make):
    """Three jobs that are due: the execution of the first is in the queue already, that of the second in the log."""
    at = datetime.now(UTC) - SECOND
    jobs = [make.job(type="one_time", schedule=at.isoformat(), next_run_at=at) for _ in range(3)]
    ids = [make.row("SELECT execution_id(%s, %s) AS id", job["id"], at)["id"] for job in jobs]
    make.execution(jobs[0], id=ids[0], scheduled_at=at)
    make.logged(jobs[1], id=ids[1], scheduled_at=at)
    return [job["id"] for job in jobs]


def made_by_a_transaction(ticker, engine, jobs):
    return materialize(engine, ticking._due_jobs(engine, limit=10, now=None), MINUTE)


def metered_of_a_tick(ticker, engine, jobs):
    before = metered()
    assert ticker.tick() == 3
    return metered() - before


def metered_of_edits(ticker, engine, jobs):
    before = metered()
    assert [settle(engine, job, MINUTE) for job in jobs] == [True] * 3
    return metered() - before


def metered():
    return REGISTRY.get_sample_value("scheduler_materialized_executions_total")


@pytest.mark.parametrize("count", [made_by_a_transaction, metered_of_a_tick, metered_of_edits])
def test_an_execution_that_was_there_already_is_not_counted_as_made(make, ticker, engine_pool, one_new, count):
    with engine_pool.connection() as engine:
        made = count(ticker, engine, one_new)

    assert made == 1
    assert {row["job_id"] for row in make.rows("SELECT job_id FROM execution_queue")} == {one_new[0], one_new[2]}
    assert make.rows("SELECT FROM jobs WHERE next_run_at IS NOT NULL") == []


def test_a_retry_whose_time_has_come_is_pending_again(make, ticker):
    ripe = make.execution(status="retrying", retry_at=NOON, attempt=1)
    make.execution(status="retrying", retry_at=NOON + SECOND, attempt=1)

    assert ticker.tick(NOON) == 1

    assert [ripe["id"]] == [row["id"] for row in make.rows("SELECT id FROM execution_queue WHERE status = 'pending'")]


def test_a_crash_before_the_commit_leaves_everything_as_it_was(make, ticker, monkeypatch):
    job = make.job(schedule="10", anchor_at=NOON - 7200 * SECOND, next_run_at=NOON - 3600 * SECOND)
    make.execution(status="retrying", retry_at=NOON, attempt=1)

    def crash(_):
        raise RuntimeError("killed")

    monkeypatch.setattr(notify, "work", crash)
    with pytest.raises(RuntimeError):
        ticker.tick(NOON)

    assert next_run_at(make, job) == NOON - 3600 * SECOND
    assert [row["status"] for row in make.rows("SELECT status FROM executions")] == ["retrying"]
    assert make.rows("SELECT FROM job_totals UNION ALL SELECT FROM job_history") == []


def test_a_tick_wakes_the_workers_and_the_listeners(make, engine_pool, config):
    make.job(next_run_at=NOON)
    woken = []
    with db.connect(config, "engine") as listening:
        listening.execute("LISTEN scheduler_work")
        Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: woken.append(True)).tick(NOON)
        notes = list(listening.notifies(timeout=5, stop_after=1))

    assert (woken, [note.channel for note in notes]) == ([True], ["scheduler_work"])


def test_the_same_job_and_instant_give_the_same_id(make):
    query = "SELECT execution_id(%s, %s) = execution_id(%s, %s) AS same"
    job, other = make.job()["id"], make.job()["id"]

    same = [
        make.row(query, job, NOON, *pair)["same"]
        for pair in [(job, NOON), (job, NOON + timedelta(microseconds=1)), (other, NOON)]
    ]

    assert same == [True, False, False]


@pytest.mark.parametrize("at", [NOON, NOON + timedelta(microseconds=999_999), utc(2038, 1, 19, 3, 14, 8, 1000)])
def test_an_execution_id_is_a_version_7_uuid_of_its_millisecond(make, at):
    row = make.row("SELECT i AS id, execution_instant(i) AS instant FROM execution_id(%s, %s) AS i", UUID(int=7), at)

    cut = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert (f"{row['id'].bytes[8]:08b}"[:2], row["id"].version) == ("10", 7)
    assert int(cut.timestamp() * 1000 + 0.5) == row["id"].int >> 80
    assert cut == row["instant"]


# New York springs forward 2026-03-08 02:00 -> 03:00 (07:00 UTC), falls back 2026-11-01 02:00 -> 01:00 (06:00 UTC).
# Lord Howe springs forward half an hour 2026-10-04 02:00 -> 02:30 (2026-10-03 15:30 UTC),
# falls back half an hour 2026-04-05 02:00 -> 01:30 (2026-04-04 15:00 UTC).
@pytest.mark.parametrize(
    ("zone", "schedule", "runs"),
    [
        # 02:30 is not on the clock that night: it runs at the end of the gap, and once
        ("America/New_York", "30 2 * * *", ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"]),
        ("America/New_York", "30 2 * * *", ["2026-10-31T06:30", "2026-11-01T07:30", "2026-11-02T07:30"]),
        ("America/New_York", "30 1 * * *", ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]),
        ("Australia/Lord_Howe", "30 2 * * *", ["2026-10-02T16:00", "2026-10-03T15:30", "2026-10-04T15:30"]),
        ("Australia/Lord_Howe", "45 1 * * *", ["2026-04-03T14:45", "2026-04-04T14:45", "2026-04-05T15:15"]),
    ],
)
def test_a_daily_job_runs_once_on_the_nights_of_clock_changes(make, ticker, zone, schedule, runs):
    wanted = [datetime.fromisoformat(f"{run}+00:00") for run in runs]
    make.job(type="cron", schedule=schedule, timezone=zone, next_run_at=wanted[0])

    for at in wanted:
        ticker.tick(at - SECOND)
        ticker.tick(at)

    assert instants(make) == wanted


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", utc(2026, 3, 8, 7)),
        ("America/New_York", utc(2026, 11, 1, 6)),
        ("Australia/Lord_Howe", utc(2026, 10, 3, 15, 30)),
        ("Australia/Lord_Howe", utc(2026, 4, 4, 15)),
    ],
)
def test_a_quarter_hourly_job_keeps_its_pace_over_clock_changes(make, ticker, zone, change):
    quarters = [change + n * 15 * MINUTE for n in range(-8, 9)]
    make.job(type="cron", schedule="*/15 * * * *", timezone=zone, next_run_at=quarters[0])

    for at in quarters:
        ticker.tick(at)

    assert quarters == instants(make)


def test_due_queries_walk_their_index_past_20000_jobs_not_due(make, conn, engine_pool):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries,"
        " retry_delay_seconds, priority, next_run_at) SELECT 't1', 'job', 'interval', '60', 'UTC', 'http://h/', 'POST',"
        " 5, 0, 0, 5, now() + n * interval '1 min' FROM generate_series(1, 20000) AS n"
    )
    conn.execute("ANALYZE jobs")

    due = plan(engine_pool, "tick.due_jobs", limit=1000, now=None)
    coming = plan(engine_pool, "tick.next_due")

    assert "Index Scan using jobs_due_idx" in due and "Seq Scan" not in due
    assert "using jobs_due_idx" in coming and "Seq Scan on jobs" not in coming


def test_a_batch_of_jobs_due_at_one_instant_reads_no_more_than_it_takes(make, conn, engine_pool):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries,"
        " retry_delay_seconds, priority, next_run_at) SELECT 't1', 'job', 'interval', '60', 'UTC', 'http://h/', 'POST',"
        " 5, 0, 0, 5, now() FROM generate_series(1, 3000) AS n"
    )

    assert "Sort" not in plan(engine_pool, "tick.due_jobs", limit=100, now=None)


def plan(pool, name, **params):
    with db.transaction(pool) as conn, conn.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute(b"EXPLAIN (ANALYZE, COSTS OFF) " + db.sql.STATEMENTS[name].text, params)
        return "\n".join(row[0] for row in cursor)
