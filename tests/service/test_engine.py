"""A whole engine on a real database, Redis and receiver."""

import base64
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service import jobs, sql
from service.engine import Engine
from service.errors import Unavailable
from service.vault import Vault, job_owner
from tests.conftest import eventually
from tests.service.receiver import OK, Counting, hanging, header, receiver, status  # noqa: F401 - a fixture


@pytest.fixture
def failures():
    return []


@pytest.fixture
def start(config, failures):
    """Starts engines, and drains them in the end."""
    started = []

    def run(**changes):
        started.append(Engine(replace(config, **changes), lambda: failures.append(True)))
        started[-1].start()
        return started[-1]

    yield run
    [engine.drain() for engine in started]


@pytest.fixture
def endpoint(receiver):  # noqa: F811 - a fixture
    """A URL that gives each call the same answer."""

    def serve(answer=OK):
        def act(server, sock):
            while True:
                server.read(sock)
                sock.sendall(answer)

        return f"http://127.0.0.1:{receiver(act).port}/"

    return serve


def soon():
    return datetime.now(UTC)


def completed(make):
    return make.row("SELECT count(*) FROM execution_log WHERE status = 'completed'")["count"]


def test_a_job_is_called_with_its_secrets(make, start, receiver):  # noqa: F811 - a fixture
    def act(server, sock):
        server.read(sock)
        sock.sendall(OK)

    server, job = receiver(act), make.job(headers={"Cookie": "********"})
    sealed = Vault((bytes(32),)).seal({"headers": {"cookie": "a=secret"}, "payload": {}}, job_owner("t1", job["id"]))
    url = f"http://127.0.0.1:{server.port}/"
    make.conn.execute("UPDATE jobs SET sealed = %s, endpoint = %s WHERE id = %s", [sealed, url, job["id"]])
    make.execution(job)

    start(secrets_key=base64.b64encode(bytes(32)).decode())

    assert eventually(lambda: completed(make) == 1)
    assert header(server.requests[0], b"cookie") == b"a=secret"


def test_an_interval_job_runs_at_each_of_its_instants(make, start, endpoint, failures):
    anchor = soon()
    make.job(schedule="1", anchor_at=anchor, next_run_at=anchor + timedelta(seconds=1), endpoint=endpoint())

    start()
    eventually(lambda: completed(make) >= 2)

    first, second = make.rows("SELECT scheduled_at FROM execution_log ORDER BY 1 LIMIT 2")
    assert second["scheduled_at"] - first["scheduled_at"] == timedelta(seconds=1)
    assert failures == []


def test_a_failing_job_is_retried_and_then_fails_with_both_attempts_on_record(make, start, endpoint):
    job = make.job(schedule="3600", next_run_at=soon(), max_retries=1, endpoint=endpoint(status(503)))

    start()
    row = eventually(lambda: make.rows("SELECT * FROM executions WHERE status = 'failed'"))[0]

    assert [(attempt["attempt"], attempt["status"], attempt["response_status"]) for attempt in row["attempts"]] == [
        (1, "failed", 503),
        (2, "failed", 503),
    ]
    assert make.row("SELECT failed FROM job_totals WHERE job_id = %s", job["id"])["failed"] == 1


def test_a_trigger_on_an_idle_engine_is_called_at_once(make, start, endpoint, conn, api_pool):
    job = make.job(endpoint=endpoint(), status="paused")
    start()
    eventually(lambda: listening(conn))

    waits = [triggered(make, api_pool, job) for _ in range(5)]

    assert sorted(waits)[2] < 0.5  # a poll alone would take half a second on average


def listening(conn):
    query = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN%'"
    )
    return conn.execute(query).fetchall()


def triggered(make, pool, job):
    """Seconds from a trigger until its call has ended."""
    began, before = time.monotonic(), completed(make)
    with pool.connection() as session, session.transaction():
        session.execute("SELECT set_config('scheduler.tenant_id', 't1', TRUE)")
        jobs.trigger(session, "t1", job["id"])
    eventually(lambda: completed(make) > before)
    return time.monotonic() - began


def test_the_engine_goes_on_after_its_sessions_are_terminated(make, start, endpoint, conn, failures):
    make.job(schedule="1", anchor_at=soon(), next_run_at=soon(), endpoint=endpoint())
    start()
    eventually(lambda: completed(make))

    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'scheduler-engine'"
    )
    before = completed(make)
    eventually(lambda: completed(make) >= before + 2, deadline=20)

    assert failures == []


def test_without_redis_jobs_run_all_the_same(make, start, endpoint, failures):
    make.job(type="one_time", schedule="2026-01-01T00:00:00Z", next_run_at=soon(), endpoint=endpoint())

    engine = start(redis_port=9)
    eventually(lambda: completed(make) == 1)

    eventually(lambda: make.row("SELECT status FROM jobs")["status"] == "completed")
    assert (engine.lease.held, failures) == (False, [])


def test_two_engines_run_everything_once(make, start, endpoint):
    url = endpoint()
    for _ in range(50):
        make.job(type="one_time", schedule="2026-01-01T00:00:00Z", next_run_at=soon(), endpoint=url)

    start(), start()
    eventually(lambda: completed(make) == 50)

    assert make.row("SELECT sum(completed) FROM job_totals")["sum"] == 50
    assert make.row("SELECT count(DISTINCT worker_id), sum(attempt) FROM execution_log")["sum"] == 50


def test_a_drain_hands_back_its_calls_and_leaves_the_register(make, start, receiver, conn):  # noqa: F811 - a fixture
    server = receiver(hanging)
    make.job(
        type="one_time",
        schedule="2026-01-01T00:00:00Z",
        next_run_at=soon(),
        endpoint=f"http://127.0.0.1:{server.port}/",
        timeout_seconds=60,
    )
    engine = start(shutdown_timeout=0.2)
    assert server.reached.wait(10)

    engine.drain()

    row = make.row("SELECT * FROM execution_queue")
    assert (row["status"], row["attempt"], row["worker_id"]) == ("pending", 0, None)
    assert make.rows("SELECT FROM workers") == []
    assert not engine.lease.may_tick()


@pytest.fixture
def drain(make, conn):
    """Asks an engine to drain, as whoever is on call does."""

    def ask(engine):
        id = eventually(lambda: engine._registration.claimant)
        conn.execute("SET ROLE scheduler_ops")
        conn.execute("SELECT ops.drain(%s)", [id])
        conn.execute("RESET ROLE")
        return lambda: make.row("SELECT state FROM ops.workers WHERE worker_id = %s", id)["state"]

    return ask


def test_a_drained_engine_finishes_its_calls_and_stays_without_taking_more(make, start, receiver, drain):  # noqa: F811
    calls = Counting()
    job = make.job(endpoint=f"http://127.0.0.1:{receiver(calls).port}/", timeout_seconds=60)
    make.execution(job)
    engine = start(heartbeat=5.0)
    eventually(lambda: calls.now == 1)

    state = drain(engine)
    eventually(lambda: state() == "draining", deadline=4)  # told, and not at its next heartbeat
    later = make.execution(job)
    calls.go.set()
    eventually(lambda: state() == "drained")

    assert [row["status"] for row in make.rows("SELECT status FROM execution_log")] == ["completed"]
    assert make.row("SELECT id, status FROM execution_queue") == {"id": later["id"], "status": "pending"}
    assert (engine.lease.may_tick(), make.row("SELECT workers FROM service_state")["workers"]) == (False, 0)


def test_a_drained_engine_leaves_the_register_when_it_ends(make, start, drain):
    engine = start()
    state = drain(engine)
    eventually(lambda: state() == "drained")

    engine.drain()

    assert make.rows("SELECT FROM workers") == []


def test_a_drain_under_load_loses_nothing_and_doubles_nothing(make, start, receiver, drain):  # noqa: F811
    calls = Counting()
    calls.go.set()
    job = make.job(endpoint=f"http://127.0.0.1:{receiver(calls).port}/")
    leaving, _ = start(), start()
    [make.execution(job, rank=rank) for rank in range(400)]
    eventually(lambda: completed(make) > 20)

    state = drain(leaving)
    eventually(lambda: state() == "drained")
    [make.execution(job, rank=rank) for rank in range(400, 500)]
    eventually(lambda: completed(make) == 500)

    assert (calls.total, make.row("SELECT sum(attempt) FROM execution_log")["sum"]) == (500, 500)
    after = "SELECT FROM execution_log AS l JOIN workers AS w ON l.worker_id = w.id WHERE l.started_at > w.draining_at"
    assert make.rows(f"{after} AND w.id = %s", leaving._registration.id) == []


def test_a_drain_waits_out_a_database_that_is_away(make, start, drain, monkeypatch, failures):
    engine = start()
    lost = iter([Unavailable()])
    give_back = engine._dispatcher.stand_down
    monkeypatch.setattr(engine._dispatcher, "stand_down", lambda: _fail(lost) or give_back())

    state = drain(engine)

    assert eventually(lambda: state() == "drained")
    assert (list(lost), failures) == ([], [])


def _fail(errors):
    for error in errors:
        raise error


def test_an_idle_engine_leaves_the_database_in_peace(start, conn, monkeypatch):
    statements = counted(monkeypatch)
    start(heartbeat=5.0)
    eventually(lambda: listening(conn) and "upkeep.purge_incidents" in statements)  # the last it does at its start
    statements.clear()
    began = time.monotonic()

    eventually(lambda: time.monotonic() - began > 5)

    assert len(statements) < 20, statements


def counted(monkeypatch):
    """Names of the statements that run from now on."""
    names, span = [], sql.tracing.span
    monkeypatch.setattr(
        sql.tracing, "span", lambda name, *more, **named: names.append(name) or span(name, *more, **named)
    )
    return names


def test_a_failing_job_is_reported_to_its_alert_and_so_is_its_recovery(make, start, receiver, endpoint, conn):  # noqa: F811
    heard = receiver(lambda server, sock: [(server.read(sock), sock.sendall(OK)) for _ in range(9)])
    alert = {"url": f"http://127.0.0.1:{heard.port}/", "after_failures": 1, "also_on_recovery": True}
    job = make.job(alert=alert, next_run_at=soon(), endpoint=endpoint(status(500)))
    start()
    eventually(lambda: b"job.failing" in b"".join(heard.requests))

    conn.execute("UPDATE jobs SET endpoint = %s, next_run_at = now(), version = version + 1", [endpoint()])

    eventually(lambda: b"job.recovered" in b"".join(heard.requests))
    eventually(lambda: make.row("SELECT count(*) FROM execution_log WHERE origin = 'alert'")["count"] == 2)
    assert len(heard.requests) == 2
    assert f"X-Scheduler-Job-Id: {job['id']}".lower().encode() in heard.requests[0].lower()
