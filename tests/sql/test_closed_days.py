"""Closed days: what history adds up over all jobs is the same, whether its days are summed up already or not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service import executions, history, upkeep
from service.counts import Counts
from service.executions import Ended

DAY = timedelta(days=1)
TODAY = datetime.now(UTC).date()
MONTH = {"start_date": TODAY - 30 * DAY, "end_date": TODAY}


@pytest.fixture
def close(engine_pool):
    """Closes days until there is none left to close, as of an hour past the midnight that begins a day."""

    def until(day: date = TODAY, minutes: int = 61) -> None:
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)
        while upkeep.close_day(engine_pool, now=at) == 0.0:
            pass

    return until


@pytest.fixture
def counted(conn):
    """Counts a job's executions of a day, as finishing does: so many of each outcome."""

    def some(job, days_ago, completed=0, failed=0, skipped=0, took=0.0):
        conn.execute(
            "INSERT INTO job_history (job_id, tenant_id, day, completed, failed, skipped, attempts, duration_ms_sum, "
            "duration_ms_max, lag_ms_sum, lag_ms_max) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [job["id"], job["tenant_id"], TODAY - days_ago * DAY, completed, failed, skipped, completed + failed,
             took, took, took / 2, took / 2],
        )  # fmt: skip

    return some


@pytest.fixture
def month(make, counted):
    """Three jobs of two tenants on several days, today among them, and days on which nothing finished."""
    one, two, other = make.job(), make.job(), make.job(tenant_id="t2")
    for days_ago in (20, 19, 3, 1, 0):
        counted(one, days_ago, completed=days_ago, failed=1, took=100.0 + days_ago)
        counted(two, days_ago, completed=1, took=40.0)
        counted(other, days_ago, failed=2, took=7.0)
    counted(two, 10, skipped=4)


def stats(conn, tenant="t1", job_id=None):
    return history.stats(conn, tenant_id=tenant, job_id=job_id, **MONTH)


def closed(make):
    return [row["day"] for row in make.rows("SELECT day FROM closed_days ORDER BY day")]


@pytest.mark.parametrize("tenant", ["t1", "t2", "t3"])
def test_closing_days_changes_no_sum(conn, month, close, tenant):
    before = stats(conn, tenant)

    close()

    assert before == stats(conn, tenant)


def test_every_day_that_has_ended_is_closed_in_turn(make, month, close):
    close()

    assert [TODAY - n * DAY for n in range(20, 0, -1)] == closed(make)


@pytest.mark.parametrize(("minutes", "newest"), [(59, 2), (60, 1)])
def test_a_day_is_closed_an_hour_after_its_end(make, month, close, minutes, newest):
    close(minutes=minutes)

    assert TODAY - newest * DAY == closed(make)[-1]


def test_a_day_stays_open_while_counts_of_it_are_set_aside(make, conn, month, close):
    conn.execute(
        "INSERT INTO job_counts (job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts, "
        "duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max, last_scheduled_at, last_status) "
        "SELECT id, %s, tenant_id, 1, 0, 0, 0, 1, 0, 0, 0, 0, now(), 'completed' FROM jobs LIMIT 1",
        [TODAY - 3 * DAY],
    )

    close()

    assert closed(make)[-1] == TODAY - 4 * DAY


def test_counts_that_were_set_aside_are_in_the_sums_of_their_day(make, conn, month, close, engine_pool):
    test_a_day_stays_open_while_counts_of_it_are_set_aside(make, conn, month, close)
    before = sum(row.completed for row in (stats(conn)[0], stats(conn, "t2")[0]))

    Counts(engine_pool).sweep()
    close()

    assert before + 1 == sum(row.completed for row in (stats(conn)[0], stats(conn, "t2")[0]))
    assert closed(make)[-1] == TODAY - DAY


def test_what_finishes_is_in_the_sums_at_once(make, conn, month, close):
    close()
    before = stats(conn)[0].completed
    worker = make.worker()
    running = make.running(worker)

    executions.end(conn, [Ended(running["id"], worker, 1, "completed")])

    assert before + 1 == stats(conn)[0].completed


def test_a_job_that_is_deleted_for_good_leaves_the_sums(make, conn, month, close):
    close()
    gone, kept = make.rows("SELECT id FROM jobs WHERE tenant_id = 't1' ORDER BY id")

    conn.execute("DELETE FROM jobs WHERE id = %s", [gone["id"]])

    assert stats(conn) == stats(conn, job_id=kept["id"])


def test_nothing_is_closed_while_nothing_has_finished(make, close):
    close()

    assert closed(make) == []


def test_one_process_closes_days_at_a_time(make, conn, month, engine_pool):
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('scheduler.partitions'))")
        delay = upkeep.close_day(engine_pool)

    assert (delay, closed(make)) == (upkeep.PARTITION_SECONDS, [])
