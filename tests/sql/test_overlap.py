"""Policies through the tick and a real attempt: overlap, misfire after an outage, bounds, jitter and retries."""

from datetime import timedelta

import pytest

from service import claims, db, executions, upkeep
from service.executions import Ended
from service.lease import Lease
from service.ticker import Ticker
from tests.factories import NOON
from tests.service.receiver import Caller, answering, receiver, status

__all__ = ["receiver"]  # a fixture

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def ticker(engine_pool, config):
    return Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)


def due_job(make, **given):
    """A job that runs every minute from NOON on."""
    return make.job(**({"schedule": "60", "anchor_at": NOON - MINUTE, "next_run_at": NOON} | given))


def states(make):
    """Every execution, oldest first: its minute after NOON, its status, and what it waits for or why it was skipped."""
    rows = make.rows(
        "SELECT scheduled_at, status, held_for AS why FROM execution_queue UNION ALL"
        " SELECT scheduled_at, status, error_code FROM execution_log ORDER BY 1"
    )
    return [((row["scheduled_at"] - NOON) // MINUTE, row["status"], row["why"]) for row in rows]


def skipped(make):
    """The ranges skipped: why, first and last minute after NOON, how many."""
    rows = make.rows("SELECT * FROM execution_log WHERE status = 'skipped' ORDER BY scheduled_at")
    return [
        (
            row["error_code"],
            (row["scheduled_at"] - NOON) // MINUTE,
            (row["skipped_until"] - NOON) // MINUTE,
            row["skipped_count"],
        )
        for row in rows
    ]


def minutes(make):
    return [minute for minute, status, _ in states(make) if status == "pending"]


def job_row(make):
    return make.row("SELECT * FROM jobs")


def claim(engine_pool, worker, limit=1):
    with db.transaction(engine_pool) as conn:
        return claims.claim(conn, worker_id=worker, limit=limit)


def end(engine_pool, claimed, **given):
    with db.transaction(engine_pool) as conn:
        executions.end(conn, [Ended(claimed.id, claimed.worker_id, claimed.attempt, "completed", **given)])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("allow", [(0, "pending", None), (1, "pending", None), (2, "pending", None)]),
        ("skip", [(0, "pending", None), (1, "skipped", "overlap"), (2, "skipped", "overlap")]),
        ("queue", [(0, "pending", None), (1, "held", "overlap"), (2, "skipped", "overlap")]),
        ("replace", [(0, "cancelled", "cancelled"), (1, "cancelled", "cancelled"), (2, "pending", None)]),
    ],
)
def test_what_comes_due_while_an_earlier_execution_lives(make, ticker, policy, expected):
    due_job(make, overlap_policy=policy)

    for minute in range(3):
        ticker.tick(NOON + minute * MINUTE)

    assert states(make) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("allow", [(0, "pending", None), (1, "pending", None)]),
        ("skip", [(0, "pending", None), (1, "skipped", "overlap")]),
        ("queue", [(0, "pending", None), (1, "held", "overlap")]),
        ("replace", [(0, "skipped", "overlap"), (1, "pending", None)]),
    ],
)
def test_two_instants_due_at_once_overlap_too(make, ticker, policy, expected):
    due_job(make, overlap_policy=policy)

    ticker.tick(NOON + MINUTE)

    assert states(make) == expected


def test_a_queued_run_goes_when_its_predecessor_has_ended(make, ticker, engine_pool):
    due_job(make, overlap_policy="queue")
    ticker.tick(NOON)
    (first,) = claim(engine_pool, make.worker())
    ticker.tick(NOON + MINUTE)

    end(engine_pool, first)

    assert states(make) == [(0, "completed", None), (1, "pending", None)]


def test_a_queued_run_waits_for_the_retries_of_its_predecessor(make, ticker, engine_pool):
    due_job(make, overlap_policy="queue")
    ticker.tick(NOON)
    (first,) = claim(engine_pool, make.worker())
    ticker.tick(NOON + MINUTE)

    end(engine_pool, first, retry_delay=60.0)

    assert states(make) == [(0, "retrying", None), (1, "held", "overlap")]


def test_room_in_the_queue_is_free_again_after_a_release(make, ticker, engine_pool):
    due_job(make, overlap_policy="queue")
    ticker.tick(NOON)
    (first,) = claim(engine_pool, make.worker())
    ticker.tick(NOON + MINUTE)
    end(engine_pool, first)

    ticker.tick(NOON + 2 * MINUTE)

    assert states(make) == [(0, "completed", None), (1, "pending", None), (2, "held", "overlap")]


def test_a_replaced_execution_is_cancelled_and_its_worker_told(make, ticker, engine_pool, config):
    due_job(make, overlap_policy="replace")
    ticker.tick(NOON)
    (first,) = claim(engine_pool, make.worker())
    with db.connect(config, "engine") as listening:
        listening.execute("LISTEN scheduler_cancel")
        ticker.tick(NOON + MINUTE)
        notes = [note.payload for note in listening.notifies(timeout=5, stop_after=1)]

    end(engine_pool, first)  # too late

    assert notes == [str(first.id)]
    assert states(make) == [(0, "cancelled", "cancelled"), (1, "pending", None)]
    assert make.row("SELECT completed, cancelled FROM job_totals") == {"completed": 0, "cancelled": 1}


# Down from 12:00 to 12:10, so eleven instants are due, minute 0 to minute 10.
@pytest.mark.parametrize(
    ("given", "runs", "skips"),
    [
        ({}, [10], [("misfire", 0, 9, 10)]),
        ({"misfire_policy": "skip"}, [], [("misfire", 0, 10, 11)]),
        ({"misfire_policy": "fire_all"}, list(range(11)), []),
        ({"misfire_policy": "fire_all", "misfire_limit": 4}, [7, 8, 9, 10], [("misfire", 0, 6, 7)]),
        ({"misfire_policy": "fire_all", "start_deadline_seconds": 150}, [8, 9, 10], [("deadline", 0, 7, 8)]),
        (
            {"misfire_policy": "fire_all", "misfire_limit": 2, "start_deadline_seconds": 330},
            [9, 10],
            [("deadline", 0, 4, 5), ("misfire", 5, 8, 4)],
        ),
        ({"start_deadline_seconds": 150}, [10], [("deadline", 0, 7, 8), ("misfire", 8, 9, 2)]),
        ({"misfire_policy": "fire_all", "max_runs": 3}, [0, 1, 2], []),
        ({"misfire_policy": "fire_all", "end_at": NOON + 5 * MINUTE}, list(range(6)), []),
        ({"misfire_policy": "fire_all", "overlap_policy": "skip"}, [0], [("overlap", 1, 10, 10)]),
        ({"misfire_policy": "fire_all", "overlap_policy": "replace"}, [10], [("overlap", 0, 9, 10)]),
    ],
)
def test_after_ten_minutes_without_a_tick(make, ticker, given, runs, skips):
    due_job(make, **given)

    while ticker.tick(NOON + 10 * MINUTE + 5 * SECOND):
        pass

    assert (minutes(make), skipped(make)) == (runs, skips)


def test_after_an_outage_the_grid_goes_on(make, ticker):
    due_job(make, misfire_policy="skip")
    ticker.tick(NOON + 10 * MINUTE + 5 * SECOND)

    ticker.tick(NOON + 11 * MINUTE)

    assert minutes(make) == [11]
    assert job_row(make)["next_run_at"] == NOON + 12 * MINUTE


@pytest.mark.parametrize("bound", [{"max_runs": 2}, {"end_at": NOON + MINUTE}, {"end_at": NOON + 90 * SECOND}])
def test_a_bound_completes_the_job_when_its_last_run_has_ended(make, ticker, engine_pool, bound):
    due_job(make, **bound)
    for minute in range(4):
        ticker.tick(NOON + minute * MINUTE)

    before = job_row(make)
    for claimed in claim(engine_pool, make.worker(), limit=9):
        end(engine_pool, claimed)

    assert (before["status"], before["next_run_at"], before["runs"]) == ("active", None, 2)
    assert [status for _, status, _ in states(make)] == ["completed", "completed"]
    assert job_row(make)["status"] == "completed"


def test_skips_do_not_count_towards_max_runs(make, ticker):
    due_job(make, overlap_policy="skip", max_runs=2)

    for minute in range(3):
        ticker.tick(NOON + minute * MINUTE)

    row = job_row(make)
    assert (row["runs"], row["next_run_at"]) == (1, NOON + 3 * MINUTE)


def test_upkeep_completes_a_job_whose_last_instant_was_skipped(make, ticker, engine_pool):
    due_job(make, misfire_policy="skip", end_at=NOON)
    ticker.tick(NOON + 10 * MINUTE)

    upkeep.settle(engine_pool)

    assert job_row(make)["status"] == "completed"


def test_jitter_moves_the_run_and_not_the_grid(make, ticker):
    due_job(make, jitter_seconds=30)

    for second in range(0, 300, 5):
        ticker.tick(NOON + second * SECOND)

    rows = make.rows("SELECT scheduled_at FROM execution_queue ORDER BY 1")
    late = [row["scheduled_at"] - NOON - n * MINUTE for n, row in enumerate(rows)]
    assert len(late) >= 4
    assert min(late) >= timedelta() and max(late) < 30 * SECOND
    assert (job_row(make)["next_instant_at"] - NOON) % MINUTE == timedelta()


# A real attempt: claimed, called, recorded.


@pytest.fixture
def attempt(engine_pool, make):
    """Makes the next attempt of the one execution there is, whenever its retry is due; gives how it ended."""
    caller, worker = Caller(), make.worker()

    def run():
        make.conn.execute("UPDATE execution_queue SET status = 'pending', retry_at = NULL WHERE status = 'retrying'")
        (claimed,) = claim(engine_pool, worker)
        ended = caller.perform(claimed)
        with db.transaction(engine_pool) as conn:
            executions.end(conn, [ended])
        return ended

    yield run
    caller.close()


def pending(make, target, **given):
    job = make.job(endpoint=f"http://127.0.0.1:{target.port}/", **({"max_retries": 3} | given))
    return make.execution(job)


@pytest.mark.parametrize(
    ("retry_on", "answer", "state"),
    [
        (None, 503, "retrying"),
        (None, 404, "failed"),
        (["4xx"], 404, "retrying"),
        (["404"], 404, "retrying"),
        (["404"], 503, "failed"),
        (["timeout", "connection"], 503, "failed"),
        ([], 503, "failed"),
    ],
)
def test_retry_on_says_what_is_retried(make, attempt, receiver, retry_on, answer, state):
    execution = pending(make, receiver(answering(status(answer))), retry_on=retry_on)

    attempt()

    row = make.row("SELECT status FROM executions WHERE id = %s", execution["id"])
    assert row["status"] == state


def test_a_refused_connection_is_retried_where_retry_on_names_it(make, attempt):
    job = make.job(endpoint="http://127.0.0.1:9/", max_retries=3, retry_on=["connection"])
    make.execution(job)

    assert attempt().retry_delay == 0.0


def test_exponential_backoff_doubles_up_to_its_cap(make, attempt, receiver):
    target = receiver(answering(status(503, "Connection: close")))
    policy = {"retry_delay_seconds": 60, "retry_backoff": "exponential", "retry_max_delay_seconds": 200}
    pending(make, target, max_retries=4, **policy)

    delays = [attempt().retry_delay for _ in range(4)]

    assert all(cap / 2 <= delay <= cap for delay, cap in zip(delays, (60, 120, 200, 200), strict=True))
    assert attempt().retry_delay is None
    assert [row["status"] for row in make.rows("SELECT status FROM executions")] == ["failed"]


def test_retry_after_is_heeded_where_it_is_longer(make, attempt, receiver):
    target = receiver(answering(status(503, "Retry-After: 90", "Connection: close")))
    pending(make, target, retry_delay_seconds=60)

    attempt()

    row = make.row("SELECT status, retry_at - now() AS left FROM execution_queue")
    assert row["status"] == "retrying"
    assert 80 * SECOND < row["left"] <= 90 * SECOND
