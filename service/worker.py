"""One attempt: from a claimed execution to the request its receiver gets, and from the outcome to what is recorded."""

from datetime import timedelta

from opentelemetry.trace import SpanKind

from service import __version__, log, metrics, tracing
from service.call import Caller, Outcome, Request
from service.claims import ClaimedExecution
from service.executions import Ended
from service.instants import rfc3339
from service.policy import Backoff, is_retryable, retry_delay


def perform(claimed: ClaimedExecution, caller: Caller) -> Ended:
    """Make the call of a claimed execution and say how its attempt ended."""
    with tracing.span("call", SpanKind.CLIENT) as span:
        trace_id, traceparent = tracing.trace_of(span)
        if claimed.endpoint is None:
            return _orphan(claimed, trace_id)
        span.set_attribute("scheduler.execution_id", str(claimed.id))
        outcome = caller.call(request_of(claimed, traceparent))
        span.set_attribute("scheduler.outcome", outcome.status)
    ended = ended_of(claimed, outcome, trace_id)
    _tell(claimed, ended)
    return ended


def request_of(claimed: ClaimedExecution, traceparent: str) -> Request:
    """The request a receiver gets. The job's own headers win over ours, save the X-Scheduler ones."""
    ours = {
        "X-Scheduler-Job-Id": str(claimed.job_id),
        "X-Scheduler-Execution-Id": str(claimed.id),
        "X-Scheduler-Tenant-Id": claimed.tenant_id,
        "X-Scheduler-Attempt": str(claimed.attempt),
        "X-Scheduler-Scheduled-At": rfc3339(claimed.scheduled_at),
    }
    defaults = {
        "User-Agent": f"scheduler-service/{__version__}",
        "Idempotency-Key": str(claimed.id),
        "traceparent": traceparent,
    }
    if claimed.payload is not None:
        defaults["Content-Type"] = "application/json"
    fixed = {name.lower() for name in ours}
    own = {name: value for name, value in (claimed.headers or {}).items() if name.lower() not in fixed}
    named = {name.lower() for name in own}
    headers = {name: value for name, value in defaults.items() if name.lower() not in named} | own | ours
    return Request(
        method=claimed.method or "POST",
        url=claimed.endpoint or "",
        headers=headers,
        body=None if claimed.payload is None else claimed.payload.encode(),
        timeout=float(claimed.timeout_seconds or 30),
    )


def ended_of(claimed: ClaimedExecution, outcome: Outcome, trace_id: str) -> Ended:
    """What to record of an attempt: with a retry delay while the outcome is retryable and attempts are left."""
    delay = None
    if claimed.attempt <= (claimed.max_retries or 0) and is_retryable(
        outcome.status, outcome.error_code, outcome.response_status, claimed.retry_on, outcome.retryable
    ):
        delay = retry_delay(claimed.attempt, _backoff(claimed), _asked(claimed, outcome), str(claimed.id))
    return Ended(
        id=claimed.id,
        worker_id=claimed.worker_id,
        attempt=claimed.attempt,
        status=outcome.status,
        retry_delay=delay,
        duration_ms=outcome.duration_ms,
        response_status=outcome.response_status,
        response_body=outcome.response_body,
        response_truncated=outcome.response_truncated,
        error_code=outcome.error_code,
        error=outcome.error,
        trace_id=trace_id,
    )


def _asked(claimed: ClaimedExecution, outcome: Outcome) -> float | None:
    """Seconds the receiver asked for; a date counts from the end of the call, by the database's clock."""
    if outcome.retry_not_before is None:
        return outcome.retry_after
    now = claimed.scheduled_at + timedelta(seconds=claimed.lag_seconds, milliseconds=outcome.duration_ms)
    return (outcome.retry_not_before - now).total_seconds()


def _backoff(claimed: ClaimedExecution) -> Backoff:
    return Backoff(
        kind=claimed.retry_backoff or "fixed",
        delay=float(claimed.retry_delay_seconds or 0),
        max_delay=None if claimed.retry_max_delay_seconds is None else float(claimed.retry_max_delay_seconds),
    )


def _orphan(claimed: ClaimedExecution, trace_id: str) -> Ended:
    return Ended(
        id=claimed.id,
        worker_id=claimed.worker_id,
        attempt=claimed.attempt,
        status="failed",
        error_code="job_missing",
        error="The job of this execution does not exist any more.",
        trace_id=trace_id,
    )


def _tell(claimed: ClaimedExecution, ended: Ended) -> None:
    metrics.ATTEMPTS.labels(outcome=ended.status).inc()
    metrics.ATTEMPT_DURATION.observe((ended.duration_ms or 0.0) / 1000)
    if claimed.attempt == 1:
        metrics.START_LAG.observe(max(claimed.lag_seconds, 0.0))
    if ended.retry_delay is not None:
        metrics.RETRIES.inc()
    log.info(
        log.ATTEMPT_FINISHED,
        execution_id=claimed.id,
        job_id=claimed.job_id,
        attempt=claimed.attempt,
        status=ended.status,
        response_status=ended.response_status,
        error_code=ended.error_code,
        ms=ended.duration_ms,
        trace_id=ended.trace_id,
    )
