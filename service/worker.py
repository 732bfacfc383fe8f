"""One attempt: from a claimed execution to the request its receiver gets, and from the outcome to what is recorded."""

import json
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from service import __version__, log, masks, metrics, signing, tracing
from service.call import Outcome, Request, Shape, judge, prepare, shape
from service.claims import ClaimedExecution
from service.executions import Ended
from service.instants import rfc3339
from service.policy import Backoff, is_retryable, retry_delay
from service.transport import Answer, Exchange, ExchangeError, Prepared, Sending
from service.vault import SecretUnreadable, Vault, job_owner

CACHED_REQUESTS = 16_384
CACHED_BYTES = 32 * 1024 * 1024  # of the bodies of those
CACHED_SHAPES = 2048
OWN_WINS = ("Idempotency-Key", "traceparent")  # of the fields each execution has, those a job may set itself

_line = log.Line(
    log.ATTEMPT_FINISHED,
    "execution_id", "job_id", "attempt", "status", "response_status", "error_code", "ms", "trace_id",
)  # fmt: skip

# labels() looks its child up under a lock each time.
_counters = {status: metrics.ATTEMPTS.labels(outcome=status) for status in ("completed", "failed", "timeout")}


class Attempt(Exchange):
    """A claimed execution from its claim until its outcome is handed over, with a None for one that was stopped."""

    __slots__ = ("_hidden", "_over", "_requests", "_started", "_trace", "aborted", "claimed", "since")

    def __init__(
        self, claimed: ClaimedExecution, requests: "Requests", over: "Callable[[Attempt, Ended | None], None]"
    ) -> None:
        self.claimed = claimed
        self.since = time.monotonic()
        self.aborted = False
        self._requests = requests
        self._hidden: Sequence[str] = ()
        self._over = over
        self._started = 0.0
        self._trace: tracing.CallTrace | None = None

    @property
    def begun(self) -> bool:
        """Whether its call is under way, or over."""
        return self._trace is not None

    def begin(self) -> Sending:
        """The request, with the fields of this execution."""
        claimed = self.claimed
        self._started = time.monotonic()
        self._trace = trace = tracing.begin_call(claimed.id)
        if claimed.endpoint is None:
            message = "The job of this execution does not exist any more."
            raise ExchangeError("job_missing", message, retryable=False)
        cached = self._requests.of(claimed)
        self._hidden = cached.hidden
        head = cached.head + head_of(claimed, trace.parent, cached.own)
        if claimed.signing:
            head += self._signature(cached.prepared.request.body)
        return Sending(cached.prepared, head)

    def _signature(self, body: bytes | str | None) -> str:
        """More of the head: what signs the call, at the time it has by the database's clock."""
        claimed = self.claimed
        at = claimed.scheduled_at.timestamp() + claimed.lag_seconds + time.monotonic() - self.since
        raw = body.encode() if isinstance(body, str) else body or b""
        return _more(signing.headers(self._requests.keys_of(claimed), claimed.id, int(at), raw))

    def end(self, result: Answer | ExchangeError) -> None:
        """Judge the answer, and hand over what to record of the attempt."""
        if self._trace is None:  # aborted before it began
            self._over(self, None)
            return
        outcome = judge(result, (time.monotonic() - self._started) * 1000)
        if self._hidden:
            outcome = without(outcome, self._hidden)
        self._trace.end(outcome.status)
        # A call that was stopped has nothing to record: its execution was cancelled or taken back already,
        # or a drain hands it back.
        stopped = outcome.status == "cancelled"
        self._over(self, None if stopped else ended_of(self.claimed, outcome, self._trace.trace_id))

    def line_of(self, ended: Ended) -> tuple[object, ...]:
        """The values of the line that tells of its end."""
        claimed = self.claimed
        return (
            claimed.id, claimed.job_id, claimed.attempt, ended.status,
            ended.response_status, ended.error_code, ended.duration_ms, ended.trace_id,
        )  # fmt: skip


def tell(over: Sequence[tuple[Attempt, Ended]]) -> None:
    """Count attempts, which have ended so, and write their lines: of many at once, as each costs several times more."""
    for status, count in Counter([ended.status for _, ended in over]).items():
        _counters[status].inc(count)
    metrics.ATTEMPT_DURATION.observe_all([(ended.duration_ms or 0.0) / 1000 for _, ended in over])
    lags = [max(attempt.claimed.lag_seconds, 0.0) for attempt, _ in over if attempt.claimed.attempt == 1]
    metrics.START_LAG.observe_all(lags)
    metrics.RETRIES.inc(sum([ended.retry_delay is not None for _, ended in over]))
    _line.info_all([attempt.line_of(ended) for attempt, ended in over])


def without(outcome: Outcome, hidden: Sequence[str]) -> Outcome:
    """The outcome with masks for what its receiver has sent back of secrets."""
    return outcome._replace(
        response_body=masks.hide(outcome.response_body, hidden, cut=outcome.response_truncated),
        error=masks.hide(outcome.error, hidden),
    )


class _CachedRequest(NamedTuple):
    prepared: Prepared
    head: str  # see job_head_of
    hidden: Sequence[str]  # what of its secrets an answer must not show
    own: frozenset[str]  # those of OWN_WINS that the job sets


class Requests:
    """The requests of jobs, each prepared once for a version of its job; the longest unused are dropped."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys: dict[str, bytes] = {}  # by what they are sealed in
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int | None], _CachedRequest] = OrderedDict()
        self._bytes = 0

    def of(self, claimed: ClaimedExecution) -> _CachedRequest:
        """The request of a claimed execution. Raises ExchangeError when it cannot be sent."""
        alert = claimed.job_version is None  # its request is its own, and no other execution sends it
        key = (claimed.id, None) if alert else (claimed.job_id, claimed.job_version)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
            prepared, hidden, own = self._made(claimed)
            made = _CachedRequest(prepared, job_head_of(claimed), hidden, own)
            self._keep(key, made)
        return made

    def keys_of(self, claimed: ClaimedExecution) -> Sequence[bytes]:
        """The keys that sign a claimed execution's call. Raises ExchangeError when one cannot be read."""
        with self._lock:
            return [self._key(sealed, claimed.tenant_id) for sealed in claimed.signing or ()]

    def _key(self, sealed: str, tenant_id: str) -> bytes:
        known = self._keys.get(sealed)
        if known is None:
            if len(self._keys) >= CACHED_REQUESTS:
                self._keys.clear()
            try:
                known = signing.key_of(self._vault.open(sealed, signing.owner(tenant_id)))
            except SecretUnreadable as error:
                message = f"The signing secret cannot be read, so the job was not called. {error}"
                raise ExchangeError("secret_unreadable", message, retryable=False) from error
            self._keys[sealed] = known
        return known

    def _made(self, claimed: ClaimedExecution) -> tuple[Prepared, Sequence[str], frozenset[str]]:
        """The request with its secrets in place, what of them must not show, and those of OWN_WINS that it has."""
        if claimed.sealed is None:
            common = _common(*_parts_of(claimed))
            return common.shape.around(_body_of(claimed)), (), common.own
        try:
            values = masks.Values(**self._vault.open(claimed.sealed, job_owner(claimed.tenant_id, claimed.job_id)))
        except SecretUnreadable as error:
            message = f"The job's secrets cannot be read, so it was not called. {error}"
            raise ExchangeError("secret_unreadable", message, retryable=False) from error
        request = request_of(claimed._replace(payload=masks.reveal_payload(claimed.payload, values)))
        revealed = request._replace(headers=masks.reveal_headers(request.headers, values))
        _, _, headers, payload, _ = _parts_of(claimed)
        return prepare(revealed), masks.hidden_texts(values), _headers(headers, payload).own

    def _keep(self, key: tuple[str, int | None], made: _CachedRequest) -> None:
        self._kept[key] = made
        self._bytes += len(made.prepared.request.body or b"")
        while len(self._kept) > CACHED_REQUESTS or self._bytes > CACHED_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.prepared.request.body or b"")


def request_of(claimed: ClaimedExecution) -> Request:
    """The request of a job, less the headers that say which job it is and which attempt.

    The job's own headers win over ours, save the X-Scheduler ones.
    """
    method, url, headers, payload, timeout = _parts_of(claimed)
    return Request(method, url, _headers(headers, payload).sent, _body_of(claimed), timeout)


def _body_of(claimed: ClaimedExecution) -> bytes | None:
    return None if claimed.payload is None else claimed.payload.encode()


def _parts_of(claimed: ClaimedExecution) -> tuple[str, str, str, bool, float]:
    """Method, URL, headers, whether there is a body, and timeout: all that a request is made of but the body."""
    return (
        claimed.method or "POST", claimed.endpoint or "", claimed.headers or "{}", claimed.payload is not None,
        float(claimed.timeout_seconds or 30),
    )  # fmt: skip


class _Common(NamedTuple):
    """What jobs have in common whose requests differ by their bodies alone."""

    shape: Shape
    own: frozenset[str]  # those of OWN_WINS among their own headers


@lru_cache(CACHED_SHAPES)
def _common(method: str, url: str, headers: str, payload: bool, timeout: float) -> _Common:
    sent, own = _headers(headers, payload)
    return _Common(shape(method, url, sent, timeout, body=payload), own)


class _Headers(NamedTuple):
    sent: Mapping[str, str]  # a job's own, and what we add to all jobs that have these
    own: frozenset[str]  # those of OWN_WINS among the job's own


@lru_cache(CACHED_SHAPES)
def _headers(text: str, payload: bool) -> _Headers:
    defaults = {"User-Agent": f"scheduler-service/{__version__}"}
    if payload:
        defaults["Content-Type"] = "application/json"
    kept = {name: value for name, value in json.loads(text).items() if name.lower() not in RESERVED}
    named = {name.lower() for name in kept}
    sent = {name: value for name, value in defaults.items() if name.lower() not in named} | kept
    return _Headers(sent, frozenset(name for name in OWN_WINS if name.lower() in named))


RESERVED = frozenset(
    f"x-scheduler-{name}" for name in ("job-id", "execution-id", "tenant-id", "attempt", "scheduled-at")
) | {"webhook-id", "webhook-timestamp", "webhook-signature"}


def job_head_of(claimed: ClaimedExecution) -> str:
    """The headers that only this job has; head_of goes on from there."""
    return f"X-Scheduler-Job-Id: {claimed.job_id}\r\nX-Scheduler-Tenant-Id: {claimed.tenant_id}\r\n"


def head_of(claimed: ClaimedExecution, traceparent: str, own: frozenset[str]) -> str:
    """The headers that only this attempt has, less those of OWN_WINS that the job's own replace; as in Sending."""
    execution_id = claimed.id
    head = (
        f"X-Scheduler-Execution-Id: {execution_id}\r\n"
        f"X-Scheduler-Attempt: {claimed.attempt}\r\n"
        f"X-Scheduler-Scheduled-At: {rfc3339(claimed.scheduled_at)}"
    )
    if not own:
        return f"{head}\r\nIdempotency-Key: {execution_id}\r\ntraceparent: {traceparent}"
    rest = (("Idempotency-Key", execution_id), ("traceparent", traceparent))
    return head + _more([field for field in rest if field[0] not in own])


def _more(fields: Sequence[tuple[str, str]]) -> str:
    """Headers to follow others in a head, see Sending."""
    return "".join([f"\r\n{name}: {value}" for name, value in fields])


def ended_of(claimed: ClaimedExecution, outcome: Outcome, trace_id: str) -> Ended:
    """What to record of an attempt: with a retry delay while the outcome is retryable and attempts are left."""
    status, retryable, response_status, body, truncated, error_code, error, duration_ms, _, _ = outcome
    delay = None
    if (
        status != "completed"
        and claimed.attempt <= (claimed.max_retries or 0)
        and is_retryable(status, error_code, response_status, claimed.retry_on, retryable)
    ):
        delay = retry_delay(claimed.attempt, _backoff(claimed), _asked(claimed, outcome), claimed.id)
    # Made by position: by names it takes three times as long, and one is made for each attempt.
    return Ended._make((
        claimed.id, claimed.worker_id, claimed.attempt, status, delay, duration_ms,
        response_status, body, truncated, error_code, error, trace_id,
    ))  # fmt: skip


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
