"""Outcomes on their way into the database."""

from collections import deque

import pytest

from service import db, executions, recorder
from service.errors import Unavailable
from service.executions import Ended
from service.recorder import Recorder
from tests.conftest import eventually


@pytest.fixture
def recording(engine_pool):
    return Recorder(engine_pool)


@pytest.fixture
def outcomes(make):
    """Makes outcomes of running executions of one job."""
    job, worker = make.job(), make.worker()

    def some(count):
        return [Ended(make.running(worker, job)["id"], worker, 1, "completed", duration_ms=1.0) for _ in range(count)]

    return some


def statuses(make):
    return [row["status"] for row in make.rows("SELECT status FROM execution_log ORDER BY status")]


def test_outcomes_that_come_together_are_written_together(make, recording, outcomes, monkeypatch):
    sizes, end = [], executions.end
    monkeypatch.setattr(
        executions, "end", lambda conn, batch, **how: sizes.append(len(batch)) or end(conn, batch, **how)
    )
    [recording.put(outcome) for outcome in outcomes(7)]

    recording.run_once()

    assert sizes == [7]
    assert (statuses(make), len(recording.unwritten)) == (["completed"] * 7, 0)


def test_what_has_ended_is_told_of_while_the_database_is_away_as_well(engine_pool, outcomes, monkeypatch):
    told = []
    recording = Recorder(engine_pool, lambda: told.append(recording.behind))
    [recording.put(outcome) for outcome in outcomes(2)]

    def away(*_, **__):
        raise Unavailable

    monkeypatch.setattr(executions, "end", away)
    with pytest.raises(Unavailable):
        recording.run_once()

    assert (told, recording.behind) == ([2], 2)


def test_an_outcome_waits_for_no_company_when_none_can_come(make, recording, outcomes, monkeypatch):
    monkeypatch.setattr(recorder, "GATHER_SECONDS", 3600.0)
    recording.put(*outcomes(1))
    recording.hurry()

    recording.run_once()

    assert statuses(make) == ["completed"]


def test_an_outcome_waits_no_longer_than_a_moment_for_company(make, recording, outcomes):
    recording.put(*outcomes(1))  # and no other comes, as all other calls hang

    recording.run_once()

    assert statuses(make) == ["completed"]
    assert recorder.GATHER_SECONDS <= 0.01


def test_enough_outcomes_for_a_batch_do_not_wait(make, recording, outcomes, monkeypatch):
    monkeypatch.setattr(recorder, "GATHER_SECONDS", 3600.0)
    assert recorder.ENOUGH <= 200
    monkeypatch.setattr(recorder, "ENOUGH", 3)
    [recording.put(outcome) for outcome in outcomes(3)]

    recording.run_once()

    assert statuses(make) == ["completed"] * 3


def test_a_recorder_is_idle_a_while_after_the_last_outcome(recording, outcomes, monkeypatch):
    before = recording.idle
    [recording.put(outcome) for outcome in outcomes(1)]
    waits = recording.idle
    monkeypatch.setattr(recorder, "QUIET_SECONDS", 3600.0)
    recording.run_once()
    just_now = recording.idle
    monkeypatch.setattr(recorder, "QUIET_SECONDS", 0.0)

    assert (before, waits, just_now, recording.idle) == (True, False, False, True)


def test_a_batch_has_a_largest_size(make, recording, outcomes, monkeypatch):
    monkeypatch.setattr(recorder, "BATCH", 3)
    [recording.put(outcome) for outcome in outcomes(5)]

    recording.run_once()
    left = len(recording.unwritten)
    recording.run_once()

    assert (left, len(recording.unwritten), len(statuses(make))) == (2, 0, 5)


def test_an_outcome_is_never_missed_on_its_way_from_those_that_wait_to_the_batch(recording, outcomes):
    missed, some = [], outcomes(3)
    ids = {outcome.id for outcome in some}

    class Watched(deque):
        def popleft(self):
            missed.append(ids.difference(recording.unwritten))
            first = super().popleft()
            missed.append(ids.difference(recording.unwritten))
            return first

    recording._outcomes = Watched()
    [recording.put(outcome) for outcome in some]

    recording._gather()

    assert missed == [set()] * 6


def test_an_outcome_is_never_missed_that_goes_to_the_batch_during_the_look(recording, outcomes):
    (outcome,) = outcomes(1)

    class Leaving(deque):
        def copy(self):
            recording._gather()
            return super().copy()

    recording._outcomes = Leaving()
    recording.put(outcome)

    assert recording.unwritten == [outcome.id]


def test_without_outcomes_nothing_is_written(recording, monkeypatch):
    monkeypatch.setattr(recorder, "IDLE_SECONDS", 0.0)

    assert recording.run_once() == 0.0


def test_an_unreachable_database_keeps_the_batch(make, recording, outcomes, monkeypatch):
    away = lambda *_, **__: (_ for _ in ()).throw(Unavailable())  # noqa: E731
    [recording.put(outcome) for outcome in outcomes(3)]
    with monkeypatch.context() as broken:
        broken.setattr(executions, "end", away)
        with pytest.raises(Unavailable):
            recording.run_once()
    left = len(recording.unwritten)

    recording.run_once()

    assert (left, len(recording.unwritten), statuses(make)) == (3, 0, ["completed"] * 3)


def test_a_lost_session_keeps_the_batch(make, conn, config, outcomes):
    pool = db.open_pool(config, "engine", size=1)
    recording = Recorder(pool)
    [recording.put(outcome) for outcome in outcomes(2)]
    with db.session(pool) as session:
        conn.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])

    with pytest.raises(Unavailable):
        recording.run_once()
    eventually(lambda: written(recording))

    assert statuses(make) == ["completed"] * 2
    pool.close()


def written(recording):
    try:
        recording.run_once()
    except Unavailable:
        return False
    return len(recording.unwritten) == 0


@pytest.mark.parametrize("refused", [{"response_body": "a\0b"}, {"error": "a\0b"}, {"error_code": "a\0b"}])
def test_an_outcome_the_database_refuses_does_not_keep_the_others(make, recording, outcomes, refused):
    batch = outcomes(5)
    batch[2] = batch[2]._replace(**refused)
    [recording.put(outcome) for outcome in batch]

    recording.run_once()

    row = make.row("SELECT * FROM execution_log WHERE error_code = 'unrecordable'")
    assert (row["id"], row["response_body"], row["duration_ms"]) == (batch[2].id, None, 1.0)
    assert (statuses(make), len(recording.unwritten)) == (["completed"] * 5, 0)


def test_a_body_beyond_the_limit_of_the_log_does_not_keep_the_others(make, recording, outcomes):
    batch = outcomes(2)
    [recording.put(outcome) for outcome in (batch[0], batch[1]._replace(response_body="x" * 300_000))]

    recording.run_once()

    assert statuses(make) == ["completed"] * 2


def test_an_outcome_that_comes_too_late_is_dropped(make, recording, outcomes, conn):
    (late,) = outcomes(1)
    conn.execute("UPDATE execution_queue SET attempt = 2")
    recording.put(late)

    recording.run_once()

    assert (statuses(make), len(recording.unwritten)) == ([], 0)


def test_a_later_attempts_outcome_that_waits_still_counts_as_unwritten(recording, outcomes, monkeypatch):
    monkeypatch.setattr(recorder, "BATCH", 1)
    (first,) = outcomes(1)
    recording.put(first)
    recording.put(first._replace(attempt=2))

    recording.run_once()

    assert recording.unwritten == [first.id]
