"""Claim, finish and hand-back, as rows see them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from service import claims, executions
from service.executions import Ended
from tests.factories import NOON


def claim(conn, worker_id, limit=10):
    return claims.claim(conn, worker_id=worker_id, limit=limit)


def ended(row, **given):
    values = {"status": "completed", "duration_ms": 12.0, "response_status": 200} | given
    return Ended(id=row["id"], worker_id=row["worker_id"], attempt=row["attempt"], **values)


@pytest.fixture
def engine(engine_pool):
    with engine_pool.connection() as conn:
        yield conn


def test_claim_takes_priority_ten_first_then_the_oldest_of_a_rank(make, engine):
    low = make.execution(priority=1, scheduled_at=NOON)
    late = make.execution(priority=10, scheduled_at=NOON.replace(hour=13))
    early = make.execution(priority=10, scheduled_at=NOON)

    claimed = claim(engine, make.worker())

    assert [str(row["id"]) for row in (early, late, low)] == [item.id for item in claimed]


def test_claim_takes_no_more_than_its_limit(make, engine):
    for _ in range(5):
        make.execution()

    assert len(claim(engine, make.worker(), limit=2)) == 2
    assert make.row("SELECT count(*) FROM execution_queue WHERE status = 'pending'")["count"] == 3


def test_claim_leaves_waiting_and_held_executions(make, engine):
    make.execution(status="held")
    make.execution(status="retrying", retry_at=NOON)

    assert claim(engine, make.worker()) == []


def test_claim_skips_rows_another_session_holds(make, engine, conn):
    held, free = make.execution(scheduled_at=NOON), make.execution()

    with conn.transaction():
        conn.execute("SELECT FROM execution_queue WHERE id = %s FOR UPDATE", [held["id"]])
        claimed = claim(engine, make.worker())

    assert [str(free["id"])] == [item.id for item in claimed]


def test_claim_counts_the_attempt_and_notes_who_and_when(make, engine):
    execution, worker = make.execution(attempt=2), make.worker()

    (claimed,) = claim(engine, worker)

    row = make.row("SELECT * FROM execution_queue WHERE id = %s", execution["id"])
    assert (3, 3, worker, "running") == (claimed.attempt, row["attempt"], row["worker_id"], row["status"])
    assert row["claimed_at"] == row["started_at"]


def test_claims_of_many_sessions_at_once_never_share_a_row(make, engine_pool):
    wanted = {str(make.execution()["id"]) for _ in range(200)}
    workers = [make.worker() for _ in range(4)]

    def take(worker):
        with engine_pool.connection() as conn:
            return [item.id for _ in range(50) for item in claim(conn, worker, limit=3)]

    with ThreadPoolExecutor(4) as threads:
        taken = [item for items in threads.map(take, workers) for item in items]

    assert sorted(wanted) == sorted(taken)


def test_executions_that_change_while_they_are_claimed_are_each_claimed_once(make, engine_pool, conn):
    ids = {str(make.execution()["id"]) for _ in range(200)}
    worker, claimed, changes = make.worker(), [], 0

    def claim():
        with engine_pool.connection() as one:
            while True:
                got = claims.claim(one, worker_id=worker, limit=3)
                claimed.extend((item.id, item.attempt) for item in got)
                if len(claimed) >= len(ids):
                    return

    with ThreadPoolExecutor(3) as threads:
        ended = [threads.submit(claim) for _ in range(3)]
        while not all(future.done() for future in ended):
            changes += conn.execute(
                "UPDATE execution_queue SET trace_id = 'x' WHERE id = "
                "(SELECT id FROM execution_queue WHERE status = 'pending' ORDER BY rank LIMIT 1 FOR UPDATE SKIP LOCKED)"
            ).rowcount
        [future.result(60) for future in ended]

    assert sorted(claimed) == sorted((id, 1) for id in ids)
    assert changes


def test_finish_moves_the_execution_and_counts_it_once(make, engine):
    running = make.running(make.worker())

    executions.end(engine, [ended(running)])

    log = make.row("SELECT * FROM execution_log WHERE id = %s", running["id"])
    history = make.row("SELECT * FROM job_history WHERE job_id = %s", running["job_id"])
    totals = make.row("SELECT * FROM job_totals WHERE job_id = %s", running["job_id"])
    assert make.rows("SELECT FROM execution_queue") == []
    assert (log["status"], log["response_status"], log["duration_ms"]) == ("completed", 200, 12.0)
    assert (1, 0, log["finished_at"].date()) == (history["completed"], history["failed"], history["day"])
    assert (totals["completed"], totals["last_status"]) == (1, "completed")


def test_finish_adds_to_the_day_that_is_there(make, engine):
    job, worker = make.job(), make.worker()
    statuses = ["completed", "failed", "timeout", "completed"]
    for status in statuses:
        executions.end(engine, [ended(make.running(worker, job), status=status)])

    row = make.row("SELECT * FROM job_history")
    assert (
        row["completed"], row["failed"], row["timeout"], row["attempts"], row["duration_ms_sum"],
    ) == (2, 1, 1, 4, 48.0)  # fmt: skip


def test_finish_in_one_batch_counts_each_job_and_status(make, engine):
    job, other, worker = make.job(), make.job(), make.worker()
    batch = [ended(make.running(worker, job)) for _ in range(3)] + [ended(make.running(worker, other), status="failed")]

    fenced = executions.end(engine, batch)

    assert fenced == []
    counts = make.rows("SELECT job_id, completed, failed FROM job_totals")
    assert {(job["id"], 3, 0), (other["id"], 0, 1)} == {tuple(row.values()) for row in counts}


def test_finish_of_a_worker_presumed_dead_changes_nothing(make, engine):
    running = make.running(make.worker())
    late = Ended(id=running["id"], worker_id=uuid4(), attempt=1, status="completed")

    assert executions.end(engine, [late]) == [late.id]
    assert make.row("SELECT status FROM execution_queue")["status"] == "running"


def test_finish_of_an_earlier_attempt_changes_nothing(make, engine):
    running = make.running(make.worker(), attempt=2)
    late = Ended(id=running["id"], worker_id=running["worker_id"], attempt=1, status="completed")

    assert executions.end(engine, [late]) == [late.id]
    assert make.rows("SELECT FROM execution_log") == []


def test_finish_names_those_of_a_batch_that_were_not_the_callers(make, engine):
    mine, others = [make.running(make.worker()) for _ in range(3)], [make.running(make.worker()) for _ in range(2)]
    late = [Ended(row["id"], uuid4(), 1, "completed") for row in others]

    fenced = executions.end(engine, [late[0], *map(ended, mine), late[1]])

    assert sorted(fenced) == sorted(row["id"] for row in others)
    assert [row["id"] for row in make.rows("SELECT id FROM execution_log ORDER BY id")] == sorted(
        row["id"] for row in mine
    )


def test_finish_twice_counts_once(make, engine):
    outcome = ended(make.running(make.worker()))

    executions.end(engine, [outcome])
    executions.end(engine, [outcome])

    assert (make.row("SELECT completed FROM job_totals")["completed"], len(make.rows("SELECT FROM executions"))) == (
        1,
        1,
    )


def test_two_sessions_finishing_one_execution_count_it_once(make, engine_pool):
    outcomes = [ended(make.running(make.worker())) for _ in range(50)]

    def finish(batch):
        with engine_pool.connection() as conn:
            return len(batch) - len(executions.end(conn, batch))

    with ThreadPoolExecutor(2) as threads:
        recorded = sum(threads.map(finish, [outcomes, outcomes[::-1]]))

    assert 50 == recorded == make.row("SELECT sum(completed) FROM job_history")["sum"]


def test_the_only_attempt_of_an_execution_stands_in_its_columns(make, engine):
    worker = make.worker(host="h1")
    running = make.running(worker)
    how = {"status": "failed", "response_status": 500, "error_code": "http_status", "error": "e"}
    outcome = ended(running, duration_ms=1.23456, **how)

    executions.end(engine, [outcome])

    assert make.row("SELECT attempts, host FROM execution_log") == {"attempts": [], "host": "h1"}
    (attempt,) = make.row("SELECT attempts FROM executions")["attempts"]
    assert datetime.fromisoformat(attempt.pop("started_at")) == running["claimed_at"]
    assert attempt == {
        "attempt": 1,
        "duration_ms": 1.235,
        "worker_id": str(worker),
        "host": "h1",
        **how,
    }


@pytest.mark.parametrize(
    "given",
    [
        {"attempt": 2, "attempts": '[{"attempt": 1}]'},
        {"started_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"worker_id": UUID(int=1)},  # of which no row is left to name the host
    ],
)
def test_other_attempts_are_listed(make, engine, given):
    running = make.running(**{"worker_id": make.worker()} | given)

    executions.end(engine, [ended(running)])

    row = make.row("SELECT l.attempts AS kept, e.attempts FROM execution_log AS l JOIN executions AS e ON e.id = l.id")
    assert row["kept"] == row["attempts"]
    assert [entry["attempt"] for entry in row["kept"]] == list(range(1, running["attempt"] + 1))


def test_finish_with_a_retry_keeps_the_execution_and_its_attempt(make, engine):
    running = make.running(make.worker())

    executions.end(engine, [ended(running, status="failed", error_code="http_status", error="500", retry_delay=60.0)])

    row = make.row("SELECT *, retry_at - now() AS wait FROM execution_queue")
    (attempt,) = row["attempts"]
    assert (row["status"], row["worker_id"], row["attempt"], 59 < row["wait"].total_seconds() <= 60) == (
        "retrying",
        None,
        1,
        True,
    )
    assert tuple(attempt[key] for key in ("attempt", "status", "error_code", "error")) == (
        1,
        "failed",
        "http_status",
        "500",
    )
    assert make.rows("SELECT FROM job_history") == []


def test_a_retry_of_a_paused_job_is_held(make, engine):
    running = make.running(make.worker(), make.job(status="paused"))

    executions.end(engine, [ended(running, status="failed", retry_delay=0.0)])

    assert make.row("SELECT status FROM execution_queue")["status"] == "held"


def test_a_deleted_job_is_not_retried(make, engine):
    running = make.running(make.worker(), make.job(status="deleted"))

    executions.end(engine, [ended(running, status="failed", retry_delay=0.0)])

    assert make.row("SELECT status FROM execution_log")["status"] == "failed"


def test_the_last_run_completes_its_job(make, engine):
    job = make.job(type="one_time", schedule="2026-01-01T00:00:00Z")

    executions.end(engine, [ended(make.running(make.worker(), job), status="failed")])

    assert make.row("SELECT status FROM jobs")["status"] == "completed"


def test_a_job_with_another_live_execution_is_not_completed_yet(make, engine):
    job = make.job(type="one_time", schedule="2026-01-01T00:00:00Z")
    make.execution(job)

    executions.end(engine, [ended(make.running(make.worker(), job))])

    assert make.row("SELECT status FROM jobs")["status"] == "active"


def test_hand_back_returns_the_attempt_unspent(make, engine):
    make.execution()
    worker = make.worker()
    claimed = claim(engine, worker)

    assert claims.hand_back(engine, worker, claimed) == 1

    row = make.row("SELECT * FROM execution_queue")
    assert (row["status"], row["attempt"], row["worker_id"], row["started_at"]) == ("pending", 0, None, None)


def test_lost_names_claims_that_were_cancelled_or_taken_back(make, engine):
    make.execution(), make.execution()
    worker = make.worker()
    kept, lost = claim(engine, worker)
    make.rows("DELETE FROM execution_queue WHERE id = %s RETURNING id", lost.id)

    assert [lost] == claims.lost(engine, worker, [kept, lost])


def test_claims_whose_answer_was_lost_go_back_unspent(make, engine):
    worker = make.worker()
    known, stray, other = make.running(worker), make.running(worker), make.running(make.worker())

    claims.return_strays(engine, worker_id=worker, known_ids=[known["id"]])

    rows = make.rows("SELECT id, status, attempt FROM execution_queue")
    assert {(row["id"], row["status"], row["attempt"]) for row in rows} == {
        (known["id"], "running", 1),
        (stray["id"], "pending", 0),
        (other["id"], "running", 1),
    }
