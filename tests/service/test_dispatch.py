"""Claiming for idle threads, stopping calls, and the end of a process, against a real receiver."""

import threading
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from service import dispatch, worker
from service.dispatch import PREFETCH_LIMIT, PREFETCH_SECONDS, SHORTEST_SECONDS, Dispatcher
from service.loop import Loop
from service.recorder import Recorder
from service.vault import Vault
from tests.conftest import eventually
from tests.service.receiver import OK, Counting, answering, hanging, receiver  # noqa: F401 - a fixture

SLOTS = 3


@pytest.fixture
def recording(engine_pool):
    return Recorder(engine_pool)


@pytest.fixture
def faults():
    return []


@pytest.fixture(params=["curl", "stock"])
def dispatcher(request, make, engine_pool, recording, faults):
    worker_id = make.worker()
    fault = lambda: faults.append(True)  # noqa: E731
    one = Dispatcher(engine_pool, recording, SLOTS, lambda: worker_id, fault, Vault(), adapter=request.param)
    one.start(lambda: None)
    yield one
    one.drain(0.0)


@pytest.fixture
def pending(make, receiver):  # noqa: F811 - a fixture
    """Makes pending executions whose receiver behaves as given."""

    def some(act, count=1, **job):
        job = make.job(endpoint=f"http://127.0.0.1:{receiver(act).port}/", **({"timeout_seconds": 30} | job))
        return [str(make.execution(job)["id"]) for _ in range(count)]

    return some


def statuses(make):
    return [row["status"] for row in make.rows("SELECT status FROM executions ORDER BY id")]


def test_there_are_never_more_calls_at_once_than_slots(make, dispatcher, recording, pending, faults):
    calls = Counting()
    pending(calls, count=7)
    pending(calls, tenant_id="t2")  # for the slot that is kept
    loops = [Loop("claim", dispatcher.run_once, lambda: None), Loop("record", recording.run_once, lambda: None)]
    [loop.start() for loop in loops]

    eventually(lambda: calls.now == SLOTS)
    claimed = make.row("SELECT count(*) FROM execution_queue WHERE status = 'running'")["count"]
    calls.go.set()
    eventually(lambda: loops[0].wake() or statuses(make) == ["completed"] * 8)
    [loop.stop() for loop in loops]

    assert (claimed, calls.most, calls.total, faults) == (SLOTS, SLOTS, 8, [])


def test_a_burst_fills_the_slots_kept_for_others_a_moment_later(dispatcher, pending, monkeypatch):
    asked = []
    claim = dispatch.Front.claim
    monkeypatch.setattr(dispatch.Front, "claim", lambda *args: asked.append(args[-1]) or claim(*args))
    calls = Counting()
    pending(calls, count=7)
    pending(calls, tenant_id="t2")

    delay = dispatcher.run_once()
    first, now = list(asked), dispatcher.busy
    eventually(lambda: dispatcher.run_once() and dispatcher.busy == SLOTS)
    calls.go.set()

    assert (first, now) == ([[]], SLOTS - 1)
    assert 0 < delay <= dispatch.REST_SECONDS
    assert asked[1:] == [["t1"]]


def test_an_idle_thread_takes_what_is_pending_and_its_outcome_is_recorded(make, dispatcher, recording, pending):
    pending(answering(OK))

    dispatcher.run_once()
    eventually(lambda: recording.run_once() or statuses(make) == ["completed"])

    row = make.row("SELECT * FROM execution_log")
    assert (row["attempt"], row["response_status"], row["response_body"]) == (1, 200, "ok")


def test_attempts_that_have_ended_are_counted_and_told_of_once(make, dispatcher, recording, pending, monkeypatch):
    lines = []
    monkeypatch.setattr(worker, "_line", SimpleNamespace(info_all=lines.extend))
    before = counted()
    (fine,), (failed,) = (
        pending(answering(OK)),
        pending(answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), max_retries=1),
    )
    dispatcher.run_once()
    eventually(lambda: recording.behind == 2)

    dispatcher.tell()
    dispatcher.tell()

    shown = {line[0]: line[3:6] for line in lines}
    assert shown == {str(fine): ("completed", 200, None), str(failed): ("failed", 503, "http_status")}
    assert len(lines) == 2
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 1, 2, 2]


def counted():
    """Attempts completed and failed, retries ahead, durations and start lags observed."""
    names = [
        ("scheduler_attempts_total", {"outcome": "completed"}),
        ("scheduler_attempts_total", {"outcome": "failed"}),
        ("scheduler_retries_total", {}),
        ("scheduler_attempt_duration_seconds_count", {}),
        ("scheduler_start_lag_seconds_count", {}),
    ]
    return [REGISTRY.get_sample_value(name, labels) or 0.0 for name, labels in names]


def test_abort_stops_a_call_that_hangs_and_records_nothing(make, dispatcher, recording, pending):
    (hung,) = pending(hanging)
    dispatcher.run_once()

    eventually(lambda: dispatcher.abort(hung) or dispatcher.busy == 0)

    assert (len(recording.unwritten), statuses(make)) == (0, ["running"])


def test_what_is_its_workers_without_its_knowing_is_called_again(make, dispatcher, recording, receiver, monkeypatch):  # noqa: F811
    monkeypatch.setattr(dispatch, "STRAYS_SECONDS", 0.0)
    monkeypatch.setattr(dispatch, "STRAYS_SHARE", 0)
    job = make.job(endpoint=f"http://127.0.0.1:{receiver(answering(OK)).port}/")
    dispatcher.run_once()
    stray = make.running(dispatcher._worker_id(), job)

    dispatcher.run_once()
    eventually(lambda: recording.run_once() or statuses(make) == ["completed"])

    row = make.row("SELECT id, attempt FROM execution_log")
    assert row == {"id": stray["id"], "attempt": 1}


def test_the_outcome_of_the_only_call_is_not_kept_waiting(make, dispatcher, recording, pending, monkeypatch):
    monkeypatch.setattr("service.recorder.GATHER_SECONDS", 3600.0)
    pending(answering(OK))
    dispatcher.run_once()
    eventually(lambda: recording.behind == 1)

    recording.run_once()

    assert statuses(make) == ["completed"]


def test_strays_are_looked_for_now_and_then_only(make, dispatcher):
    dispatcher.run_once()
    make.running(dispatcher._worker_id())

    dispatcher.run_once()

    assert statuses(make) == ["running"]


def test_abort_of_what_is_called_elsewhere_does_nothing(make, dispatcher):
    dispatcher.abort(str(make.execution()["id"]))

    assert dispatcher.busy == 0


def test_watch_stops_a_call_whose_execution_was_cancelled(make, dispatcher, pending, conn):
    pending(hanging, count=2)
    dispatcher.run_once()
    kept, cancelled = (row["id"] for row in make.rows("SELECT id::text FROM execution_queue"))
    conn.execute("DELETE FROM execution_queue WHERE id = %s::uuid", [cancelled])

    eventually(lambda: dispatcher.watch() and dispatcher.busy == 1)

    assert [kept] == list(dispatcher._flights)


def test_watch_stops_a_call_that_was_taken_back(make, dispatcher, pending, conn):
    pending(hanging)
    dispatcher.run_once()
    conn.execute("UPDATE execution_queue SET status = 'pending', worker_id = NULL, claimed_at = NULL")

    eventually(lambda: dispatcher.watch() and dispatcher.busy == 0)


def test_drain_lets_a_call_finish_within_the_grace_period(make, dispatcher, recording, pending):
    calls = Counting()
    pending(calls)
    dispatcher.run_once()
    eventually(lambda: calls.now == 1)

    threading.Timer(0.2, calls.go.set).start()
    dispatcher.drain(10.0)
    recording.run_once()

    assert statuses(make) == ["completed"]


def test_drain_stops_what_outlasts_the_grace_period_and_hands_it_back_unspent(make, dispatcher, recording, pending):
    pending(hanging, count=2)
    dispatcher.run_once()

    dispatcher.drain(0.1)

    rows = make.rows("SELECT status, attempt, worker_id, started_at FROM execution_queue")
    assert [tuple(row.values()) for row in rows] == [("pending", 0, None, None)] * 2
    assert (len(recording.unwritten), dispatcher.busy) == (0, 0)


@pytest.fixture
def ahead(dispatcher, monkeypatch):
    """Lets the dispatcher claim so many beyond its slots."""
    return lambda count: monkeypatch.setattr(dispatcher._pace, "ahead", lambda: count)


def counts(make):
    """Executions by state and attempt."""
    rows = make.rows("SELECT status, attempt, count(*) FROM execution_queue GROUP BY 1, 2 ORDER BY 1")
    return [tuple(row.values()) for row in rows]


def test_what_is_claimed_ahead_waits_for_a_free_slot(make, dispatcher, pending, ahead):
    calls = Counting()
    pending(calls, count=10)
    ahead(2)

    dispatcher.run_once()
    eventually(lambda: calls.now == SLOTS)
    claimed = counts(make)
    calls.go.set()
    eventually(lambda: dispatcher.busy == 0)

    assert claimed == [("pending", 0, 10 - SLOTS - 2), ("running", 1, SLOTS + 2)]
    assert (calls.total, calls.most) == (SLOTS + 2, SLOTS)


def test_what_finds_no_slot_goes_back_unspent(make, dispatcher, pending, ahead, monkeypatch):
    pending(hanging, count=5)
    ahead(2)
    delay = dispatcher.run_once()
    eventually(lambda: sum(attempt.begun for attempt in dispatcher._flights.values()) == SLOTS)

    monkeypatch.setattr(dispatch, "STALE_SECONDS", 0.0)
    ahead(0)
    dispatcher.run_once()

    assert delay <= 0.1
    assert (counts(make), dispatcher.busy) == ([("pending", 0, 2), ("running", 1, SLOTS)], SLOTS)


def test_what_is_cancelled_while_it_waits_is_not_sent(make, dispatcher, pending, ahead):
    calls = Counting()
    ids = pending(calls, count=SLOTS + 1)
    ahead(1)
    dispatcher.run_once()
    eventually(lambda: calls.now == SLOTS)
    (waiting,) = (id for id in ids if not dispatcher._flights[id].begun)

    dispatcher.abort(waiting)
    calls.go.set()
    eventually(lambda: dispatcher.busy == 0)

    assert calls.total == SLOTS


def test_drain_hands_back_what_waits_for_a_slot(make, dispatcher, pending, ahead):
    calls = Counting()
    pending(calls, count=SLOTS + 2)
    ahead(2)
    dispatcher.run_once()
    eventually(lambda: calls.now == SLOTS)

    threading.Timer(0.1, calls.go.set).start()
    dispatcher.drain(10.0)

    assert counts(make) == [("pending", 0, 2), ("running", 1, SLOTS)]  # the latter's outcomes wait to be written


def test_standing_down_gives_back_what_has_not_begun_and_what_it_never_learnt_of(make, dispatcher, pending, ahead):
    calls = Counting()
    ids = pending(calls, count=SLOTS + 2)
    ahead(2)
    dispatcher.run_once()
    eventually(lambda: calls.now == SLOTS)
    make.running(dispatcher._worker_id(), {"id": ids[0], "tenant_id": "t1", "priority": 5})  # its answer was lost

    dispatcher.stand_down()
    calls.go.set()
    eventually(lambda: dispatcher.busy == 0)

    assert counts(make) == [("pending", 0, 3), ("running", 1, SLOTS)]  # the latter's outcomes wait to be written
    assert calls.total == SLOTS


@pytest.mark.parametrize(("a_second", "expected"), [(0, 0), (10, 0), (1000, 50), (10**6, PREFETCH_LIMIT)])
def test_as_many_are_claimed_ahead_as_end_in_a_moment(monkeypatch, a_second, expected):
    pace = pace_of(monkeypatch, slots=10**6)

    pace.ended = int(a_second * 2 * PREFETCH_SECONDS)
    at(monkeypatch, 2 * PREFETCH_SECONDS)

    assert pace.ahead() == expected


@pytest.mark.parametrize(
    ("seconds", "ended", "expected"),
    [(SHORTEST_SECONDS, 12, 120), (SHORTEST_SECONDS, 11, 0), (SHORTEST_SECONDS / 2, 50, 0)],
)
def test_the_pace_of_a_burst_is_known_once_a_quarter_of_the_slots_was_free_again(monkeypatch, seconds, ended, expected):
    pace = pace_of(monkeypatch, slots=50)

    pace.ended = ended
    at(monkeypatch, seconds)

    assert pace.ahead() == expected


def pace_of(monkeypatch, slots):
    at(monkeypatch, 0.0)
    return dispatch._Pace(slots)


def at(monkeypatch, seconds):
    monkeypatch.setattr(dispatch, "time", SimpleNamespace(monotonic=lambda: seconds))


def test_an_outcome_frees_its_slot_for_the_next_claim(make, dispatcher, recording, pending):
    woken = threading.Event()
    dispatcher.start(woken.set)
    pending(answering(OK), count=SLOTS)

    dispatcher.run_once()

    assert woken.wait(10)
    assert dispatcher.run_once() > 0
