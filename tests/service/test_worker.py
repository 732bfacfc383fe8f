"""From a claimed execution to its request, and from an outcome to what is recorded."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from service import __version__, worker
from service.call import Outcome
from service.claims import ClaimedExecution
from service.instants import rfc3339
from service.vault import Vault
from service.worker import OWN_WINS, ended_of, head_of, request_of
from tests.factories import NOON
from tests.service.receiver import Caller

PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"


def claimed(**given):
    values = {
        "id": UUID(int=1),
        "id_text": str(UUID(int=1)),
        "job_id": UUID(int=2),
        "job_version": 1,
        "tenant_id": "t1",
        "worker_id": UUID(int=3),
        "scheduled_at": NOON,
        "attempt": 1,
        "endpoint": "http://127.0.0.1:9/",
        "method": "POST",
        "headers": "{}",
        "timeout_seconds": 7,
        "max_retries": 2,
        "retry_delay_seconds": 10,
        "lag_seconds": 0.1,
    } | given
    return ClaimedExecution(**dict.fromkeys(ClaimedExecution._fields) | values)


def outcome(**given):
    values = {"status": "failed", "retryable": True, "response_status": 503, "duration_ms": 5.0} | given
    return Outcome(**dict.fromkeys(Outcome._fields) | values)


def sent_for(one):
    return request_of(one, str(one.job_id))


def headers(**given):
    one = claimed(**given)
    request = sent_for(one)
    fixed = dict(request.headers) | dict(request.ours)
    own = frozenset(name for name in OWN_WINS if name.lower() in map(str.lower, fixed))
    lines = head_of(one, str(one.id), PARENT, own).split("\r\n")
    return fixed | dict(line.split(": ", 1) for line in lines)


def test_a_request_says_what_it_is_for():
    sent = headers(attempt=2)

    assert sent["Idempotency-Key"] == sent["X-Scheduler-Execution-Id"] == str(UUID(int=1))
    assert (sent["X-Scheduler-Job-Id"], sent["X-Scheduler-Tenant-Id"]) == (str(UUID(int=2)), "t1")
    assert (sent["X-Scheduler-Attempt"], sent["X-Scheduler-Scheduled-At"]) == ("2", "2026-03-10T12:00:00Z")
    assert (sent["User-Agent"], sent["traceparent"]) == (f"scheduler-service/{__version__}", PARENT)


def test_a_request_takes_method_url_timeout_and_body_from_the_job():
    request = sent_for(claimed(method="PUT", payload='{"ü": 1}'))

    assert (request.method, request.url, request.timeout) == ("PUT", "http://127.0.0.1:9/", 7.0)
    assert request.body == '{"ü": 1}'.encode()


def test_only_a_request_with_a_payload_has_a_content_type():
    assert headers(payload="null")["Content-Type"] == "application/json"
    assert "Content-Type" not in headers(payload=None)
    assert sent_for(claimed(payload=None)).body is None


@pytest.mark.parametrize("name", ["user-agent", "IDEMPOTENCY-KEY", "Traceparent", "content-type"])
def test_the_jobs_own_header_wins_whatever_its_case(name):
    sent = headers(headers=json.dumps({name: "own"}), payload="1")

    assert [value for key, value in sent.items() if key.lower() == name.lower()] == ["own"]


@pytest.mark.parametrize("name", ["X-Scheduler-Attempt", "x-scheduler-attempt", "X-SCHEDULER-TENANT-ID"])
def test_a_job_cannot_pass_for_the_scheduler(name):
    sent = headers(headers=json.dumps({name: "forged"}))

    assert "forged" not in sent.values()
    assert len([key for key in sent if key.lower() == name.lower()]) == 1


@pytest.mark.parametrize(("attempt", "delay"), [(1, 10.0), (2, 10.0), (3, None)])
def test_there_is_a_retry_while_attempts_are_left(attempt, delay):
    assert ended_of(claimed(attempt=attempt), outcome(), "t").retry_delay == delay


def test_without_retries_a_failure_is_final():
    assert ended_of(claimed(max_retries=0), outcome(), "t").retry_delay is None


def test_what_makes_no_sense_to_repeat_is_not_retried():
    assert ended_of(claimed(), outcome(response_status=404, retryable=False), "t").retry_delay is None


@pytest.mark.parametrize(("asked", "delay"), [(60.0, 60.0), (3.0, 10.0), (None, 10.0)])
def test_the_receiver_may_ask_for_a_longer_delay_but_no_shorter_one(asked, delay):
    assert ended_of(claimed(), outcome(retry_after=asked), "t").retry_delay == delay


@pytest.mark.parametrize(("seconds", "delay"), [(90, 60.0), (35, 10.0), (-90, 10.0), (10**6, 3600.0)])
def test_a_date_to_retry_at_counts_from_the_end_of_the_call_by_the_databases_clock(seconds, delay):
    asked = outcome(retry_not_before=NOON + timedelta(seconds=seconds), duration_ms=20_000.0)

    assert ended_of(claimed(lag_seconds=10.0), asked, "t").retry_delay == delay


def test_an_outcome_names_the_claim_it_belongs_to():
    ended = ended_of(claimed(attempt=2), outcome(status="completed", retryable=False, response_body="ok"), "trace")

    assert (ended.id, ended.worker_id, ended.attempt) == (UUID(int=1), UUID(int=3), 2)
    assert (ended.status, ended.response_body, ended.duration_ms, ended.trace_id) == ("completed", "ok", 5.0, "trace")


def test_a_request_is_prepared_once_for_a_version_of_its_job():
    requests = worker.Requests(Vault())

    first, again = (requests.of(claimed(job_id=UUID(int=77), id=UUID(int=n))) for n in (1, 2))

    assert first is again


def test_an_edited_job_sends_its_new_request():
    job = UUID(int=78)
    requests = worker.Requests(Vault())

    before = requests.of(claimed(job_id=job, job_version=1, payload="1")).prepared.request
    after = requests.of(claimed(job_id=job, job_version=2, payload="2", method="PUT")).prepared.request

    assert (before.body, after.body, after.method) == (b"1", b"2", "PUT")


@pytest.mark.parametrize("limit", [("CACHED_REQUESTS", 2), ("CACHED_BYTES", 25)])
def test_the_requests_longest_unused_are_dropped(monkeypatch, limit):
    monkeypatch.setattr(worker, *limit)
    cache = worker.Requests(Vault())
    items = [claimed(job_id=UUID(int=n), payload="1234567890") for n in range(3)]

    first, second = cache.of(items[0]), cache.of(items[1])
    cache.of(items[0]), cache.of(items[2])

    assert cache.of(items[0]) is first
    assert cache.of(items[1]) is not second


def test_an_execution_without_a_job_fails_for_good():
    ended = Caller().perform(claimed(endpoint=None, method=None, headers=None, max_retries=None))

    assert (ended.status, ended.error_code, ended.retry_delay) == ("failed", "job_missing", None)
    assert re.fullmatch("[0-9a-f]{32}", ended.trace_id)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-03-10T12:00:00Z"),
        (NOON.replace(microsecond=1500), "2026-03-10T12:00:00.001500Z"),
        (datetime(2026, 3, 10, 13, tzinfo=timezone(timedelta(hours=1))), "2026-03-10T12:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_instants_are_written_in_utc(at, text):
    assert rfc3339(at) == text
