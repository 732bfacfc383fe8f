"""What the API answers: the `data` of each envelope, and the envelope itself. The OpenAPI document shows these."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from service import masks
from service.api import fields
from service.api.fields import Milliseconds
from service.errors import ProblemCode

ERROR_CODES = (
    "Why it did not complete: http_status, timeout, connection, dns, tls, protocol, response_too_large, egress_denied, "
    "invalid_request, secret_unreadable, job_missing, worker_lost or cancelled; of a skipped one misfire, deadline, "
    "overlap or paused. unrecordable: it ended as status says, but its answer could not be stored. There may be more."
)
FAILURE_CODES = (
    "400 VALIDATION_ERROR, MALFORMED_REQUEST; 401 UNAUTHORIZED; 403 FORBIDDEN; 404 NOT_FOUND; 405 METHOD_NOT_ALLOWED; "
    "409 CONFLICT, QUOTA_EXCEEDED, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS; 412 PRECONDITION_FAILED; "
    "413 PAYLOAD_TOO_LARGE; 415 UNSUPPORTED_MEDIA_TYPE; 429 RATE_LIMITED; 431 HEADERS_TOO_LARGE; 500 INTERNAL_ERROR; "
    "501 NOT_IMPLEMENTED; 503 UNAVAILABLE. There may be more."
)


class Answer(BaseModel):
    """Base of what the API answers; read from rows by name."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


MaskedHeaders = Annotated[
    dict[str, str], AfterValidator(masks.mask_headers), Field(description="******** stands for a secret value.")
]


class JobSecrets(Answer):
    """What a job names secret."""

    headers: list[str]
    payload: list[str]


class JobAlert(Answer):
    """Where trouble of a job is reported, and which."""

    url: str
    after_failures: int
    also_on_recovery: bool
    if_late_by: int | None
    if_no_success_for: int | None


class Job(Answer):
    """A job: what is called, and when."""

    id: UUID
    tenant_id: str
    key: str | None = Field(description="The client's own name of the job.")
    name: str
    description: str | None
    type: fields.JobType
    schedule: str
    timezone: str
    start_at: datetime | None
    end_at: datetime | None
    max_runs: int | None
    jitter: int
    misfire_policy: fields.MisfirePolicyName
    misfire_limit: int
    start_deadline: int | None
    overlap_policy: fields.OverlapPolicyName
    endpoint: str
    method: fields.Method
    headers: MaskedHeaders
    payload: JsonValue = Field(description="******** stands for a secret value.")
    secrets: JobSecrets
    timeout: int
    max_retries: int
    retry_delay: int
    retry_backoff: fields.RetryBackoffName
    retry_max_delay: int | None
    retry_on: list[str] | None
    priority: int
    tags: list[str]
    metadata: dict[str, JsonValue]
    alert: JobAlert | None
    status: fields.JobStatus
    paused_at: datetime | None
    next_run_at: datetime | None
    last_run_at: datetime | None = Field(description="Start of the latest execution that finished.")
    runs: int = Field(description="Runs of the schedule since it was set; max_runs bounds them.")
    run_count: int = Field(description="Executions that completed, failed or timed out.")
    fail_count: int = Field(description="Executions that failed or timed out.")
    version: int = Field(description="Counts the edits, from 1.")
    created_at: datetime
    updated_at: datetime


class JobDefaults(RootModel[dict[str, JsonValue]]):
    """Fields of a job and the value that each takes when it is left out."""


class Run(Answer):
    """A coming run."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    at: datetime = Field(description="UTC, jitter included.")
    local: str = Field(description="The same on the clock of the schedule's zone, with its offset.")
    note: str | None = Field(default=None, description="What a clock change does to it; left out when nothing.")

    @model_serializer(mode="wrap")
    def _without_empty_note(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if name != "note" or value is not None}


class Runs(Answer):
    """Coming runs, the earliest first."""

    runs: list[Run]


class Attempt(Answer):
    """How one call ended."""

    attempt: int
    status: str
    response_status: int | None = None
    error_code: str | None = Field(default=None, description="As of an execution.")
    error: str | None = None
    started_at: datetime | None = None
    duration_ms: Milliseconds | None = None
    worker_id: UUID | None = None
    host: str | None = None


class Execution(Answer):
    """A job at one instant."""

    id: UUID
    tenant_id: str
    job_id: UUID
    job_version: int | None = Field(description="Version of the job that the latest attempt sent.")
    status: fields.ExecutionStatus
    origin: Literal["schedule", "manual", "backfill", "rerun", "alert"]
    scheduled_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: Milliseconds | None = Field(description="Duration of the last call.")
    lag_ms: Milliseconds | None = Field(description="started_at less scheduled_at.")
    attempt: int = Field(description="Number of the latest attempt; 0 before the first.")
    priority: int
    worker_id: UUID | None
    retry_at: datetime | None
    response_status: int | None
    response_body: str | None
    response_truncated: bool
    error_code: str | None = Field(description=ERROR_CODES)
    error: str | None
    skipped_until: datetime | None = Field(description="On skipped ones: the last instant it stands for.")
    skipped_count: int | None = Field(description="On skipped ones: how many instants it stands for.")
    trace_id: str | None
    attempts: list[Attempt] = Field(description="Calls that ended, oldest first.")
    rerun_of: UUID | None = Field(description="The execution that it runs again.")
    reruns: list[UUID] = Field(description="Executions that ran it again, oldest first.")


class SentRequest(Answer):
    """What a receiver was sent, before the service's own headers."""

    method: str
    endpoint: str
    headers: MaskedHeaders
    payload: JsonValue = Field(description="******** stands for a secret value.")


class ExecutionDetail(Execution):
    """A job at one instant, with the request that its latest attempt sent."""

    request: SentRequest | None = Field(description="null before the first attempt. Later edits do not change it.")


class _Finished(Answer):
    completed: int
    failed: int
    timeout: int
    cancelled: int
    skipped: int
    total: int


class _Day(_Finished):
    attempts: int = Field(description="Calls made, retries included.")
    avg_duration_ms: Milliseconds | None
    max_duration_ms: Milliseconds | None
    avg_lag_ms: Milliseconds | None
    max_lag_ms: Milliseconds | None


class HistoryDay(_Day):
    """One job's executions that finished on one UTC day."""

    job_id: UUID
    date: date


class HistorySums(_Day):
    """Executions that finished within the window."""

    success_rate: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="completed of completed, failed and timeout; null when there are none."
    )


class HistorySumOfDay(HistorySums):
    """Executions that finished on one UTC day."""

    date: date


class Percentiles(Answer):
    """Over the newest executions that completed, failed or timed out: 5,000 at most."""

    sampled: int = Field(description="How many executions the percentiles are of.")
    duration_p50_ms: Milliseconds | None
    duration_p95_ms: Milliseconds | None
    duration_p99_ms: Milliseconds | None
    lag_p50_ms: Milliseconds | None
    lag_p95_ms: Milliseconds | None
    lag_p99_ms: Milliseconds | None


class HistoryStats(Answer):
    """What the window adds up to."""

    start_date: date
    end_date: date
    job_id: UUID | None
    totals: HistorySums
    percentiles: Percentiles
    days: list[HistorySumOfDay] = Field(description="Days on which something finished, oldest first.")


class FinishedTotals(_Finished):
    """Executions that finished, since ever."""


class JobsByStatus(Answer):
    """How many jobs are in each state."""

    active: int
    paused: int
    completed: int
    deleted: int


class JobsByType(Answer):
    """How many jobs, without the deleted, are of each type."""

    cron: int
    one_time: int
    interval: int


class JobStats(Answer):
    """A tenant's jobs, and what became of their executions."""

    total: int = Field(description="Jobs that are not deleted.")
    by_status: JobsByStatus
    by_type: JobsByType
    executions: FinishedTotals
    success_rate: float | None
    percentiles: Percentiles


class LiveCounts(Answer):
    """Executions that have not finished, by state, each counted up to 10,000, and the sum of these."""

    pending: int
    running: int
    retrying: int
    held: int
    total: int


class ExecutionStats(Answer):
    """Executions by state."""

    job_id: UUID | None
    live: LiveCounts
    finished: FinishedTotals
    success_rate: float | None
    percentiles: Percentiles


class AuditEntry(Answer):
    """Who changed what."""

    id: UUID
    at: datetime
    tenant_id: str
    actor: str = Field(description="key:<id>, api for a request without a key, or role:<name> in the database.")
    action: str = Field(description="Such as job.update, job.pause, job.trigger or execution.cancel.")
    entity_id: UUID | None = Field(description="The job, execution or key; null where it is the tenant's only one.")
    job_id: UUID | None = Field(description="The job concerned.")
    before: dict[str, JsonValue] | None = Field(description="What changed, as it was; null when nothing was.")
    after: dict[str, JsonValue] | None = Field(
        description="What changed, as it became, or what was asked for. A value of more than 8 KiB is shown by its "
        "length and SHA-256."
    )
    request_id: str | None = Field(description="X-Request-ID of the request; null when it was none.")


class Pagination(Answer):
    """Where a page is in its list."""

    page: int | None = Field(description="null when a cursor was given.")
    perPage: int  # noqa: N815 - the platform's envelope
    total: int = Field(description="Rows in the list, counted up to 10,000.")
    totalCapped: bool = Field(description="Whether there are more than total.")  # noqa: N815
    totalPages: int  # noqa: N815
    hasNext: bool  # noqa: N815
    hasPrev: bool  # noqa: N815
    nextCursor: str | None  # noqa: N815


class FieldProblem(Answer):
    """A field that breaks a rule."""

    field: str
    message: str
    code: str = Field(description=f"{', '.join(get_args(ProblemCode))}; there may be more.")


class ErrorBody(Answer):
    """What went wrong."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    code: str = Field(description=FAILURE_CODES)
    message: str
    validation: list[FieldProblem] | None = Field(default=None, description="Left out where no field is to blame.")


class Failure(Answer):
    """The envelope of errors."""

    success: Literal[False] = False
    error: ErrorBody
    traceId: str  # noqa: N815


class Liveness(Answer):
    """The process serves."""

    status: Literal["ok"] = "ok"


class Readiness(Answer):
    """Whether the service can do its work now."""

    ready: bool
    database: Literal["ok", "down"]
    schema_: Literal["ok", "behind", "ahead", "unknown"] = Field(alias="schema", serialization_alias="schema")
    draining: bool


class DatabasePart(Answer):
    """PostgreSQL."""

    status: Literal["ok", "down"]


class RedisPart(Answer):
    """Redis, as this process finds it."""

    status: Literal["ok", "down", "unknown"] = Field(description="unknown where the process runs no engine.")


class TickerPart(Answer):
    """Who makes due jobs into executions."""

    status: Literal["ok", "unled"] = Field(description="unled while nobody holds the lease; then every instance ticks.")
    holder: str | None = Field(description="Worker id of the process that holds the lease.")


class WorkersPart(Answer):
    """The engine processes that are alive; null while the database is down."""

    status: Literal["ok", "down", "unknown"]
    live: int | None
    slots: int | None = Field(description="Calls that they can make at once.")


class QueuePart(Answer):
    """Executions that have not finished; null while the database is down."""

    status: Literal["ok", "unknown"]
    pending: int | None
    running: int | None
    retrying: int | None


class OverduePart(Answer):
    """Due jobs that are not executions yet; null while the database is down."""

    status: Literal["ok", "late", "unknown"]
    oldest_run_at: datetime | None
    seconds: float | None


class Health(Answer):
    """Each part of the service, and what they come to."""

    status: Literal["ok", "degraded", "down"]
    version: str
    draining: bool
    database: DatabasePart
    redis: RedisPart
    ticker: TickerPart
    workers: WorkersPart
    queue: QueuePart
    overdue: OverduePart


def of(model: type[Answer], row: Any) -> Any:
    """The answer for a row, or for each of many."""
    if isinstance(row, Sequence):
        return [model.model_validate(item) for item in row]
    return model.model_validate(row)
