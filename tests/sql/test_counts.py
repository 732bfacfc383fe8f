"""Counting aside while old row versions pile up: as many are counted, and once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from service import counts, executions
from service.counts import Counts
from service.errors import Unavailable
from service.executions import Ended
from service.recorder import Recorder
from tests.conftest import eventually

SUMS = """
SELECT
    (SELECT coalesce(sum(completed), 0) FROM job_totals)::int AS totals,
    (SELECT coalesce(sum(completed), 0) FROM job_history)::int AS days,
    (SELECT count(*) FROM job_counts)::int AS aside
"""


@pytest.fixture
def aside(engine_pool):
    """Counts of a process that has found old versions."""
    one = Counts(engine_pool)
    one._look_at = float("inf")
    one.aside = True
    return one


@pytest.fixture
def end(make, engine_pool):
    """Ends new executions of a job, counted aside, and gives their outcomes."""
    worker = make.worker()

    def some(job, count=1, status="completed", set_aside=True):
        rows = [make.running(worker, job) for _ in range(count)]
        outcomes = [Ended(row["id"], worker, 1, status, duration_ms=5.0) for row in rows]
        with engine_pool.connection() as conn:
            executions.end(conn, outcomes, set_aside=set_aside)
        return outcomes

    return some


def test_what_is_set_aside_is_in_the_log_and_counted_by_the_next_fold(make, end, aside):
    job = make.job()
    end(job, 3)
    before = make.row(SUMS)

    aside.sweep()

    assert before == {"totals": 0, "days": 0, "aside": 1}
    assert make.row(SUMS) == {"totals": 3, "days": 3, "aside": 0}


def test_a_fold_gives_the_rows_that_counting_in_place_gives(make, end, aside):
    one, other = make.job(), make.job()
    for job, set_aside in ((one, True), (other, False)):
        end(job, 2, set_aside=set_aside)
        end(job, 1, "failed", set_aside=set_aside)
        end(job, 1, "timeout", set_aside=set_aside)

    aside.sweep()

    totals = "SELECT completed, failed, timeout, cancelled, skipped, last_status FROM job_totals WHERE job_id = %s"
    days = "SELECT day, completed, failed, timeout, attempts, duration_ms_sum, duration_ms_max FROM job_history"
    assert make.rows(totals, one["id"]) == make.rows(totals, other["id"])
    assert make.rows(f"{days} WHERE job_id = %s", one["id"]) == make.rows(f"{days} WHERE job_id = %s", other["id"])


def test_folds_at_once_count_each_outcome_once(make, end, engine_pool):
    jobs = [make.job() for _ in range(5)]
    for _ in range(4):
        [end(job, 2) for job in jobs]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: Counts(engine_pool).sweep(), range(8)))

    assert make.row(SUMS) == {"totals": 40, "days": 40, "aside": 0}


def test_a_fold_finds_what_was_committed_behind_others_only_by_a_sweep(make, end, aside, conn):
    job = make.job()
    end(job)
    conn.execute("SELECT setval('job_counts_folded', 100000)")
    aside.choose()

    aside.fold_own(idle=lambda: True)
    left = make.row(SUMS)["aside"]
    aside.sweep()

    assert (left, make.row(SUMS)["aside"]) == (1, 0)


def test_what_a_recorder_has_counted_aside_is_folded_until_nothing_is_left(make, engine_pool, aside):
    running, recorder = make.running(make.worker()), Recorder(engine_pool)
    recorder.counts, woken = aside, []
    aside.start(lambda: woken.append(True))
    recorder.put(Ended(running["id"], running["worker_id"], 1, "completed"))
    recorder.run_once()
    before = make.row(SUMS)

    assert eventually(lambda: aside.fold_own(idle=lambda: recorder.behind == 0) == counts.IDLE_SECONDS)
    assert (before, woken) == ({"totals": 0, "days": 0, "aside": 1}, [True])
    assert make.row(SUMS) == {"totals": 1, "days": 1, "aside": 0}


def test_a_fold_while_outcomes_are_written_is_followed_by_another(make, end, aside):
    aside.choose()
    aside.fold_own(idle=lambda: False)
    end(make.job())

    eventually(lambda: aside.fold_own(idle=lambda: True) == counts.IDLE_SECONDS)

    assert make.row(SUMS) == {"totals": 1, "days": 1, "aside": 0}


def test_what_a_fold_could_not_reach_is_folded_when_the_database_is_back(make, end, aside, monkeypatch):
    end(make.job())
    aside.choose()
    with monkeypatch.context() as away, pytest.raises(Unavailable):
        away.setattr(counts, "_fold_counts", refused)
        aside.fold_own(idle=lambda: True)

    aside.fold_own(idle=lambda: True)

    assert make.row(SUMS) == {"totals": 1, "days": 1, "aside": 0}


def refused(conn, **params):
    raise Unavailable("the database is away")


def test_a_snapshot_that_keeps_old_versions_makes_a_process_count_aside(make, end, engine_pool, config, monkeypatch):
    monkeypatch.setattr(counts, "LOOK_SECONDS", 0.0)
    job, one = make.job(), Counts(engine_pool)
    end(job, set_aside=False)
    with psycopg.connect(config.database_conninfo) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT FROM jobs")
        usual = one.choose()
        for _ in range(2100):
            make.conn.execute("UPDATE job_totals SET completed = completed + 1")
        make.conn.execute("SELECT pg_stat_force_next_flush()")

        assert eventually(one.choose) and not usual


def test_deleting_jobs_for_good_takes_their_counts_along(make, conn, end):
    gone, kept = make.job(), make.job()
    end(gone, set_aside=False)
    end(kept, 2, set_aside=False)

    conn.execute("DELETE FROM jobs WHERE id = %s", [gone["id"]])

    assert make.row(SUMS) == {"totals": 2, "days": 2, "aside": 0}


def test_finishing_does_not_touch_the_job(make, end):
    job = make.job(next_run_at=datetime.now(UTC) + timedelta(hours=1))
    before = make.row("SELECT ctid, xmax FROM jobs")

    end(job, set_aside=False)

    assert make.row("SELECT ctid, xmax FROM jobs") == before
