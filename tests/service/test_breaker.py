"""Hosts that do not answer are left alone and asked again now and then; a host's limit is kept without waste."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service import db, gate
from service.breaker import LEAST_DELAY, LONGEST_DELAY, Breakers, HostLimit, Key, host_of
from service.engine import Engine
from tests.conftest import eventually
from tests.service.receiver import OK, header, receiver  # noqa: F401 - a fixture

KEY, OTHER = Key("t1", "h:80"), Key("t2", "h:80")


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://H.example/a?b", "h.example:80"),
        ("https://h.example:8443", "h.example:8443"),
        ("https://h.example/", "h.example:443"),
        ("http://[::1]:9/", "::1:9"),
        ("http://h:99999/", "http://h:99999/"),
        ("", ":80"),
    ],
)
def test_a_host_has_one_spelling(endpoint, host):
    assert host_of(endpoint) == host


def test_a_breaker_opens_at_its_threshold_of_failures_in_a_row():
    breakers = Breakers(3)

    opened = [breakers.failed(KEY) for _ in range(5)]

    assert opened == [False, False, True, False, False]
    assert (breakers.open, breakers.changes()) == ({KEY}, ({KEY: 3}, set()))


def test_an_answer_in_between_begins_the_count_anew():
    breakers = Breakers(2)
    breakers.failed(KEY)

    breakers.answered(KEY)

    assert (breakers.quiet, breakers.failed(KEY)) == (True, False)


def test_an_answer_closes_an_open_breaker_and_leaves_another_tenants():
    breakers = Breakers(1)
    breakers.failed(KEY), breakers.failed(OTHER)
    breakers.told([KEY, OTHER], [])

    closed = [breakers.answered(KEY), breakers.answered(KEY)]

    assert closed == [True, False]
    assert (breakers.open, breakers.changes()) == ({OTHER}, ({}, {KEY}))


def test_a_threshold_of_zero_opens_and_learns_of_none():
    breakers = Breakers(0)

    breakers.failed(KEY), breakers.learn([OTHER])

    assert (breakers.quiet, breakers.open) == (True, frozenset())


def test_what_others_know_does_not_undo_what_was_changed_here_and_is_not_told_yet():
    breakers = Breakers(1)
    breakers.learn([KEY])
    breakers.answered(KEY), breakers.failed(OTHER)

    breakers.learn([KEY])

    assert breakers.open == {OTHER}


def test_a_change_is_kept_until_it_is_told():
    breakers = Breakers(1)
    breakers.failed(KEY)
    opened, closed = breakers.changes()

    breakers.told(opened, closed)

    assert (opened, breakers.changes()) == ({KEY: 1}, ({}, set()))


def test_what_is_over_a_hosts_limit_comes_back_as_quickly_as_its_calls_end():
    limit = HostLimit(2)
    limit.ended("h:80", 1.0)

    delays = [limit.delay("h:80", 100.0) for _ in range(4)]

    assert delays == pytest.approx([LEAST_DELAY + 0.5 * n for n in range(4)])
    assert limit.delay("other:80", 100.0) == pytest.approx(LEAST_DELAY)


def test_no_delay_is_longer_than_a_minute():
    limit = HostLimit(1)
    limit.ended("h:80", 50.0)

    assert max(limit.delay("h:80", 0.0) for _ in range(100)) == LONGEST_DELAY


class Shaky:
    """A receiver's behaviour: breaks connections until it is up; counts the calls at once."""

    def __init__(self):
        self.up, self.lock, self.broken, self.now, self.most = threading.Event(), threading.Lock(), 0, 0, 0

    def __call__(self, server, sock):
        while True:
            request = server.read(sock)
            with self.lock:
                self.broken += not self.up.is_set()
            if not self.up.is_set() and header(request, b"x-scheduler-tenant-id") == b"t1":
                return
            self._answer(sock)

    def _answer(self, sock):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        threading.Event().wait(0.01)
        with self.lock:
            self.now -= 1
        sock.sendall(OK)


@pytest.fixture
def start(config):
    """Starts engines, and drains them in the end."""
    started = []

    def run(**changes):
        started.append(Engine(replace(config, **changes), lambda: None))
        started[-1].start()

    yield run
    [engine.drain() for engine in started]


@pytest.fixture
def pending(make, receiver):  # noqa: F811 - a fixture
    """Makes a job with pending executions, and gives what its receiver does, and its requests."""
    shaky = Shaky()
    server = receiver(shaky)

    def some(count, **job):
        one = make.job(endpoint=f"http://127.0.0.1:{server.port}/", **({"max_retries": 50} | job))
        for _ in range(count):
            make.execution(one)
        return shaky, server.requests

    return some


def put_off(make):
    return make.row("SELECT count(*) FROM execution_queue WHERE put_off_for IS NOT NULL AND status = 'retrying'")[
        "count"
    ]


def logged(make):
    return make.row(
        "SELECT count(*), coalesce(sum(attempt), 0) AS attempts,"
        " count(*) FILTER (WHERE status = 'completed' AND attempt = jsonb_array_length(attempts)) AS completed"
        " FROM executions WHERE finished_at IS NOT NULL AND tenant_id = 't1'"
    )


@pytest.mark.parametrize("engines", [1, 2])
def test_a_host_that_breaks_off_is_left_alone_until_a_probe_is_answered(make, start, pending, engines):
    shaky, requests = pending(60)
    [start(breaker_failures=6, breaker_probe=0.3) for _ in range(engines)]
    eventually(lambda: put_off(make) >= 59)
    few = shaky.broken

    shaky.up.set()
    eventually(lambda: logged(make)["count"] == 60)

    assert few < 40
    assert logged(make) == {"count": 60, "attempts": len(requests), "completed": 60}
    assert len(requests) == 60 + shaky.broken
    eventually(lambda: make.rows("SELECT FROM endpoint_breakers") == [])


def test_another_tenant_calls_the_same_host_all_the_same(make, start, pending):
    pending(20)
    start(breaker_failures=5, breaker_probe=60.0)
    eventually(lambda: put_off(make) == 20)

    pending(5, tenant_id="t2", max_retries=0)

    eventually(lambda: make.row("SELECT count(*) FROM execution_log WHERE tenant_id = 't2'")["count"] == 5)
    rows = make.rows("SELECT status, attempt FROM execution_log")
    assert rows == [{"status": "completed", "attempt": 1}] * 5


def test_below_the_threshold_a_job_is_retried_by_its_own_policy(make, start, pending):
    pending(3, max_retries=2)

    start(breaker_failures=10)

    eventually(lambda: logged(make)["count"] == 3)
    assert logged(make)["attempts"] == 9
    assert make.rows("SELECT FROM endpoint_breakers") == []


def test_what_waits_for_a_breaker_has_its_attempt_unspent(make, start, pending):
    pending(20)
    start(breaker_failures=5, breaker_probe=60.0)
    eventually(lambda: put_off(make) == 20)

    rows = make.rows(
        "SELECT attempt, jsonb_array_length(attempts) AS ended, retry_at > now() AS later FROM execution_queue"
    )

    assert [row for row in rows if row["attempt"] != row["ended"] or not row["later"]] == []


def test_a_hosts_limit_is_kept_and_everything_is_called_once(make, start, pending):
    shaky, requests = pending(60)
    shaky.up.set()

    start(host_limit=2)

    eventually(lambda: logged(make)["count"] == 60, 60)
    assert shaky.most <= 2
    assert (logged(make)["attempts"], len(requests)) == (60, 60)


def test_only_what_is_still_claimed_is_put_off(make, engine_pool):
    worker, job = make.worker(), make.job()
    mine, moved = make.running(worker, job), make.running(worker, job, attempt=2)
    elsewhere = make.running(make.worker(), job)
    rows = {mine["id"]: 1, moved["id"]: 1, elsewhere["id"]: 1}

    with db.session(engine_pool) as session:
        put = gate._put_off(
            session, worker_id=worker, ids=list(rows), attempts=[1] * 3, hosts=[None] * 3, delays=[5.0] * 3
        )

    assert put == 1
    assert make.rows("SELECT id, attempt, started_at FROM execution_queue WHERE status = 'retrying'") == [
        {"id": mine["id"], "attempt": 0, "started_at": None}
    ]


def test_a_probe_is_granted_once_and_the_next_one_later_each_time(make, engine_pool, conn):
    asked = {"worker_id": make.worker(), "probe_seconds": 5.0, "tenant_ids": ["t1"], "hosts": ["h:80"]}
    with db.session(engine_pool) as session:
        gate._open(session, failures=[50], **asked)
    waits = []

    for _ in range(5):
        conn.execute("UPDATE endpoint_breakers SET probe_at = now()")
        with db.session(engine_pool) as session:
            granted = [gate._take_probes(session, **asked) for _ in range(2)]
        waits.append(round(make.row("SELECT extract(epoch FROM probe_at - now()) AS s FROM endpoint_breakers")["s"]))

    assert granted == [[KEY], []]
    assert waits == [10, 20, 40, 60, 60]


def test_what_waits_is_due_at_once_when_its_breaker_closes_and_a_retry_is_not(make, engine_pool):
    later = datetime.now(UTC) + timedelta(minutes=1)
    waiting = make.execution(status="retrying", retry_at=later, put_off_for="h:80")
    make.execution(status="retrying", retry_at=later)
    make.execution(make.job(tenant_id="t2"), status="retrying", retry_at=later, put_off_for="h:80")
    with db.session(engine_pool) as session:
        keys = {"tenant_ids": ["t1"], "hosts": ["h:80"]}
        gate._open(session, worker_id=make.worker(), probe_seconds=5.0, failures=[50], **keys)

        gate._close(session, **keys)

    assert make.rows("SELECT id FROM execution_queue WHERE retry_at <= now()") == [{"id": waiting["id"]}]


def test_what_is_put_off_for_a_breaker_that_has_closed_meanwhile_goes_on_at_once(make, engine_pool):
    worker = make.worker()
    row = make.running(worker)

    with db.session(engine_pool) as session:
        gate._put_off(session, worker_id=worker, ids=[row["id"]], attempts=[1], hosts=["h:80"], delays=[60.0])

    assert make.row("SELECT put_off_for, retry_at <= now() AS due FROM execution_queue") == {
        "put_off_for": None,
        "due": True,
    }
