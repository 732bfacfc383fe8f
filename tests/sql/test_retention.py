"""Retention: days of the log go when nothing of them is needed, and failures may stay longer than the rest."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from service import db, executions, occurrences, reruns, upkeep
from service.executions import Ended
from tests.conftest import eventually

FIRST = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 10
DAY = timedelta(days=1)
RAN = ("completed", "failed", "timeout", "cancelled")


def day(n):
    return (FIRST + n * DAY).date()


@pytest.fixture
def job(make):
    return make.job()


@pytest.fixture
def past(make, conn, job):
    """Ten days of executions, finished and counted as the engine does; day n has n + 1 of each outcome that ran.

    What takes moments is put back to the day on which it belongs, before the next day begins.
    """
    for n in range(DAYS):
        conn.execute("SELECT make_log_partition(%s)", [day(n)])
        worker, noon = make.worker(), FIRST + n * DAY + timedelta(hours=12)
        wanted = [status for status in RAN for _ in range(n + 1)]
        rows = [make.running(worker, job, scheduled_at=noon) for _ in wanted]
        ended = [Ended(row["id"], worker, 1, status) for row, status in zip(rows, wanted, strict=True)]
        executions.end(conn, ended)
        conn.execute("UPDATE execution_log SET finished_at = scheduled_at WHERE scheduled_at = %s", [noon])
        conn.execute("UPDATE job_history SET day = %s WHERE day > %s", [day(n), day(DAYS)])


def logged(make):
    """How many executions of each outcome the log has of each day."""
    query = "SELECT scheduled_at::date AS day, status, count(*) FROM executions GROUP BY 1, 2"
    found = {}
    for row in make.rows(query):
        found.setdefault(row["day"], {})[row["status"]] = row["count"]
    return found


def keep(engine_pool, days, failed_days, today):
    """Upkeep of a day, until it says that there is no more to do."""
    while not upkeep.keep_partitions(engine_pool, days, failed_days, today):
        pass


def waiting(conn):
    """Whether a session waits for a lock, as another sees it than the one within a transaction."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    with psycopg.connect(conn.info.dsn, autocommit=True) as watcher:
        return watcher.execute(query, [conn.info.dbname]).fetchone()[0]


def every(n):
    return dict.fromkeys(RAN, n + 1)


def failures(n):
    return dict.fromkeys(("failed", "timeout"), n + 1)


def counted(make):
    """The same of each day by job_history."""
    rows = make.rows("SELECT * FROM job_history ORDER BY day")
    return {row["day"]: {status: row[status] for status in RAN} for row in rows}


def test_a_week_and_more_of_retention_keeps_exactly_its_days_and_every_sum(make, engine_pool, past):
    sums, kept = counted(make), []

    for today in range(DAYS):
        keep(engine_pool, 3, 3, day(today))
        kept.append({d for d in logged(make) if d <= day(today)})

    assert kept == [{day(n) for n in range(max(0, today - 3), today + 1)} for today in range(DAYS)]
    assert sums == counted(make) == {day(n): every(n) for n in range(DAYS)}
    assert {d: sums[d] for d in kept[-1]} == logged(make)


def test_between_the_two_limits_a_day_has_its_failures_and_no_more(make, engine_pool, past):
    sums, found = counted(make), []

    for today in range(DAYS):
        keep(engine_pool, 2, 5, day(today))
        found.append({d: rows for d, rows in logged(make).items() if d <= day(today)})

    assert found == [
        {day(n): every(n) if today - n <= 2 else failures(n) for n in range(max(0, today - 5), today + 1)}
        for today in range(DAYS)
    ]
    assert sums == counted(make)


def test_a_day_is_thinned_once_and_then_dropped(make, engine_pool, past):
    keep(engine_pool, 2, 5, day(9))
    before = make.rows("SELECT name FROM log_partitions_thinned ORDER BY day")

    keep(engine_pool, 2, 5, day(9))

    assert [f"execution_log_{day(n):%Y%m%d}_failed" for n in (4, 5, 6)] == [row["name"] for row in before]
    assert before == make.rows("SELECT name FROM log_partitions_thinned ORDER BY day")
    keep(engine_pool, 2, 2, day(9))
    assert make.rows("SELECT name FROM log_partitions_thinned") == []


def test_a_thinned_day_has_the_indexes_and_rules_of_a_whole_one(make, engine_pool, past):
    keep(engine_pool, 2, 5, day(9))

    query = (
        "SELECT (SELECT count(*) FROM pg_inherits AS i JOIN pg_index AS x ON x.indexrelid = i.inhrelid"
        " WHERE x.indrelid = %s::regclass) AS indexes, array(SELECT conname::text FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY 1) AS rules"
    )
    names = [f"execution_log_{day(4):%Y%m%d}_failed", f"execution_log_{day(9):%Y%m%d}"]
    thinned, whole = (make.row(query, name, name) for name in names)

    assert thinned == whole
    assert whole["indexes"] >= 4


def test_a_failure_of_a_thinned_day_is_found_and_run_again(make, conn, engine_pool, past, job):
    keep(engine_pool, 2, 5, day(9))
    old = make.row("SELECT id FROM executions WHERE status = 'failed' ORDER BY scheduled_at LIMIT 1")["id"]

    again = reruns.rerun(conn, "t1", old)

    assert executions.get(conn, tenant_id="t1", id=old).reruns == [again.id]
    assert executions.get(conn, tenant_id="t1", id=old).scheduled_at.date() == day(4)


def test_what_finishes_late_is_recorded_in_a_thinned_day(make, conn, engine_pool, past, job):
    keep(engine_pool, 2, 5, day(9))
    late = make.running(make.worker(), job, scheduled_at=FIRST + 4 * DAY)

    executions.end(conn, [Ended(late["id"], late["worker_id"], 1, "completed")])

    assert executions.get(conn, tenant_id="t1", id=late["id"]).status == "completed"


def test_a_thinned_day_counts_neither_as_known_nor_in_percentiles(make, conn, engine_pool, past, job):
    keep(engine_pool, 2, 5, day(9))

    known = occurrences.subject(conn, tenant_id="t1", id=job["id"]).log_since
    whole = executions.percentiles(conn, tenant_id="t1", job_id=None, start_date=None, end_date=None, limit=1000)

    assert known == FIRST + 7 * DAY
    assert whole.sampled == 3 * (8 + 9 + 10)


def test_the_default_partition_keeps_failures_longer_too(make, engine_pool, job):
    for n, status in ((1, "failed"), (4, "failed"), (4, "cancelled"), (8, "failed"), (8, "completed")):
        at = FIRST + n * DAY
        make.logged(job, status, scheduled_at=at - 90 * DAY, finished_at=at)

    keep(engine_pool, 2, 5, day(9))

    left = make.rows("SELECT status, finished_at FROM execution_log_default ORDER BY finished_at, status")
    assert left == [
        {"status": status, "finished_at": FIRST + n * DAY}
        for n, status in ((4, "failed"), (8, "completed"), (8, "failed"))
    ]


def test_a_row_being_written_to_a_day_is_not_lost_when_the_day_is_thinned(make, conn, engine_pool, past, job):
    with ThreadPoolExecutor(1) as thread:
        with conn.transaction():
            row = make.logged(job, scheduled_at=FIRST + 4 * DAY + timedelta(hours=1))
            thinned = thread.submit(upkeep._thin, engine_pool, 2, day(7))
            eventually(lambda: waiting(conn))
        assert thinned.result() == 0.0

    assert executions.get(conn, tenant_id="t1", id=row["id"]).status == "failed"


def test_a_copy_may_take_longer_than_other_statements_and_only_within_its_transaction(engine_pool):
    with db.patient_transaction(engine_pool, 600) as conn:
        within = (conn.execute("SHOW statement_timeout").fetchone()[0], conn.answer_seconds)

    with engine_pool.connection() as conn:
        after = (conn.execute("SHOW statement_timeout").fetchone()[0], conn.answer_seconds)
    assert (within, after) == (("10min", 605.0), ("30s", 35.0))


def indexed(make):
    """The days of the log that have their part of the index of what did not complete, by job."""
    query = (
        "SELECT to_date(right(i.indrelid::regclass::text, 8), 'YYYYMMDD') AS day FROM pg_inherits AS h"
        " JOIN pg_index AS i ON i.indexrelid = h.inhrelid"
        " WHERE h.inhparent = 'execution_log_job_ended_idx'::regclass"
        " AND i.indrelid <> 'execution_log_default'::regclass ORDER BY 1"
    )
    return [row["day"] for row in make.rows(query)]


def test_days_from_before_an_index_get_their_part_of_it_save_today(make, conn, engine_pool):
    today = datetime.now(UTC).date()
    conn.execute("DROP INDEX execution_log_job_ended_idx")
    conn.execute(
        "CREATE INDEX execution_log_job_ended_idx ON ONLY execution_log (job_id, status, scheduled_at DESC, id DESC)"
        " WHERE status <> 'completed'"
    )

    while not upkeep.index_partition(engine_pool):
        pass

    assert indexed(make) == [today + n * DAY for n in (-1, 1, 2)]
