"""From a claimed execution to its request, and from an outcome to what is recorded."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from service import __version__, signing, worker
from service.call import Outcome
from service.claims import ClaimedExecution
from service.instants import rfc3339
from service.stock import StockAdapter
from service.vault import Vault
from service.worker import OWN_WINS, ended_of, head_of, job_head_of, request_of
from tests.factories import NOON
from tests.service.receiver import Caller, caller, keeping, receiver

__all__ = ["caller", "receiver"]  # fixtures
KEY = bytes(32)
PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"


def claimed(**given):
    values = {
        "id": str(UUID(int=1)),
        "job_id": str(UUID(int=2)),
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
    return request_of(one)


def headers(**given):
    one = claimed(**given)
    request = sent_for(one)
    fixed = dict(request.headers)
    own = frozenset(name for name in OWN_WINS if name.lower() in map(str.lower, fixed))
    head = job_head_of(one) + head_of(one, PARENT, own)
    return fixed | dict(line.split(": ", 1) for line in head.split("\r\n"))


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


def signed(target, **given):
    """A claimed execution of a tenant with a signing secret."""
    sealed = Vault().seal(signing.PREFIX + base64.b64encode(KEY).decode(), signing.owner("t1"))
    return claimed(endpoint=f"http://127.0.0.1:{target.port}/hook", signing=[sealed], **given)


def lines_of(request):
    """The header lines of a request as they came."""
    return [line.rstrip() for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]]


def value_of(lines, name):
    (value,) = [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]
    return value


def test_a_receiver_gets_each_header_once_and_on_a_line_of_its_own(caller, receiver):
    target = receiver(keeping)
    own = {"X-Colon": "a: b", "X-None": "", "X-Last": "ü"}
    both = [signed(target, headers=json.dumps(own), payload="{}", attempt=attempt) for attempt in (1, 2)]

    trace_ids = [caller.perform(one).trace_id for one in both]

    got = [sorted(lines_of(request)) for request in target.requests]
    by_transport = ["Accept-Encoding: identity"] if isinstance(caller.transport, StockAdapter) else []
    assert got == [wanted_lines(target, by_transport, *sent) for sent in zip((1, 2), trace_ids, got, strict=True)]
    assert target.connections == 1


def wanted_lines(target, by_transport, attempt, trace_id, got):
    """All header lines of such an attempt; those that time and chance have a part in, as they are in `got`."""
    at, parent = value_of(got, "webhook-timestamp"), value_of(got, "traceparent")
    assert re.fullmatch(f"00-{trace_id}-[0-9a-f]{{16}}-00", parent)
    return sorted([
        *by_transport,
        "Accept: */*",
        "Content-Length: 2",
        "Content-Type: application/json",
        f"Host: 127.0.0.1:{target.port}",
        f"Idempotency-Key: {UUID(int=1)}",
        f"User-Agent: scheduler-service/{__version__}",
        "X-Colon: a: b",
        "X-Last: ü",
        "X-None:",
        f"X-Scheduler-Attempt: {attempt}",
        f"X-Scheduler-Execution-Id: {UUID(int=1)}",
        f"X-Scheduler-Job-Id: {UUID(int=2)}",
        "X-Scheduler-Scheduled-At: 2026-03-10T12:00:00Z",
        "X-Scheduler-Tenant-Id: t1",
        f"traceparent: {parent}",
        *[f"{name}: {value}" for name, value in signing.headers([KEY], str(UUID(int=1)), int(at), b"{}")],
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Idempotency-Key", "traceparent"),
        ("IDEMPOTENCY-key", "traceparent"),
        ("traceparent", "idempotency-key"),
        ("TraceParent", "idempotency-key"),
    ],
)
def test_a_receiver_gets_the_jobs_own_in_place_of_ours(caller, receiver, name, other):
    target = receiver(keeping)

    caller.perform(signed(target, headers=json.dumps({name: "own"})))

    lines = lines_of(target.requests[0])
    assert [line for line in lines if line.lower().startswith(f"{name.lower()}:")] == [f"{name}: own"]
    assert len([line for line in lines if line.lower().startswith(f"{other}:")]) == 1


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

    assert (ended.id, ended.worker_id, ended.attempt) == (str(UUID(int=1)), UUID(int=3), 2)
    assert (ended.status, ended.response_body, ended.duration_ms, ended.trace_id) == ("completed", "ok", 5.0, "trace")


def test_a_request_is_prepared_once_for_a_version_of_its_job():
    requests = worker.Requests(Vault())

    first, again = (requests.of(claimed(job_id=str(UUID(int=77)), id=str(UUID(int=n)))) for n in (1, 2))

    assert first is again


def test_an_edited_job_sends_its_new_request():
    job = str(UUID(int=78))
    requests = worker.Requests(Vault())

    before = requests.of(claimed(job_id=job, job_version=1, payload="1")).prepared.request
    after = requests.of(claimed(job_id=job, job_version=2, payload="2", method="PUT")).prepared.request

    assert (before.body, after.body, after.method) == (b"1", b"2", "PUT")


@pytest.mark.parametrize("limit", [("CACHED_REQUESTS", 2), ("CACHED_BYTES", 25)])
def test_the_requests_longest_unused_are_dropped(monkeypatch, limit):
    monkeypatch.setattr(worker, *limit)
    cache = worker.Requests(Vault())
    items = [claimed(job_id=str(UUID(int=n)), payload="1234567890") for n in range(3)]

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
