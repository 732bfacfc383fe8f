"""One frozen dataclass, or tuple where there are many, per row shape that statements return."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What a tenant says of a job."""

    key: str | None  # the client's own name of it
    name: str
    description: str | None
    type: str
    schedule: str
    timezone: str
    start_at: datetime | None  # no instant is earlier
    end_at: datetime | None  # no instant is later
    max_runs: int | None
    jitter: int  # s
    misfire_policy: str  # fire_once, skip or fire_all
    misfire_limit: int  # most runs that fire_all makes up
    start_deadline: int | None  # s; an older instant is skipped
    overlap_policy: str  # allow, skip, queue or replace
    endpoint: str
    method: str
    headers: dict[str, str]
    payload: Any  # None: no body is sent
    secrets: dict[str, list[str]]  # headers (names) and payload (JSON pointers); masks.py
    timeout: int  # s
    max_retries: int  # calls after the first
    retry_delay: int  # s
    retry_backoff: str  # fixed or exponential
    retry_max_delay: int | None  # s
    retry_on: list[str] | None  # None: the default set
    priority: int  # 1-10, 10 first
    tags: list[str]
    metadata: dict[str, Any]
    alert: dict[str, Any] | None  # url, after_failures, also_on_recovery, if_late_by (s), if_no_success_for (s)


@dataclass(frozen=True, slots=True)
class Job(JobDefinition):
    """A job with its lifetime counts."""

    id: UUID
    tenant_id: str
    status: str
    anchor_at: datetime
    runs: int  # materialized since the schedule was set
    paused_at: datetime | None
    next_run_at: datetime | None  # None: no instant is left, or not active
    next_instant_at: datetime | None  # the schedule's own behind next_run_at; paused: the first that the pause swallows
    last_run_at: datetime | None  # start of the latest finished execution
    run_count: int  # completed, failed and timeout
    fail_count: int  # failed and timeout
    version: int
    created_at: datetime
    updated_at: datetime
    now: datetime  # the database's clock


@dataclass(frozen=True, slots=True)
class Placed:
    """A row's place in a list."""

    id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed(Placed):
    """The same, and how many rows the list has, as far as they were counted."""

    listed: int


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution, live or finished."""

    id: UUID
    tenant_id: str
    job_id: UUID
    job_version: int | None  # of the definition that the latest attempt sent
    status: str
    origin: str  # schedule, manual, backfill, rerun or alert
    scheduled_at: datetime
    created_at: datetime
    started_at: datetime | None  # claim of the first attempt
    finished_at: datetime | None
    duration_ms: float | None  # of the last call
    lag_ms: float | None  # started_at - scheduled_at
    attempt: int  # number of the latest attempt, 0 before the first
    priority: int
    worker_id: UUID | None
    retry_at: datetime | None
    response_status: int | None
    response_body: str | None
    response_truncated: bool
    error_code: str | None
    error: str | None
    skipped_until: datetime | None  # on skipped: the last instant it stands for
    skipped_count: int | None  # on skipped: how many instants it stands for
    trace_id: str | None
    attempts: list[dict[str, Any]]  # outcomes of ended attempts, oldest first
    rerun_of: UUID | None  # the execution that it runs again
    reruns: list[UUID]  # executions that ran it again, oldest first


@dataclass(frozen=True, slots=True)
class ExecutionDetail(Execution):
    """An execution with the request that its latest attempt sent."""

    request: dict[str, Any] | None  # None: nothing was sent yet


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An execution that has not succeeded and has not been run again."""

    id: UUID
    job_id: UUID
    status: str  # failed, timeout or cancelled
    scheduled_at: datetime
    error_code: str | None
    rerun_id: UUID | None  # the execution that runs it again; None: not yet


@dataclass(frozen=True, slots=True)
class Rerun:
    """What became of the wish to run an execution again."""

    id: UUID
    rerun_id: UUID | None  # the new execution; None: refused
    known: bool  # whether there is such an execution
    refusal: str | None  # why there is no new one


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the database says of a wish to do something to a job or an execution."""

    id: UUID | None  # what it was done to, or the execution that it made
    known: bool  # whether there is such a thing
    refusal: str | None  # why it was not done, and what would be possible


@dataclass(frozen=True, slots=True)
class LiveExecution:
    """An execution in the queue, locked."""

    id: UUID
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """What work.finish made of a batch of outcomes."""

    fenced_ids: list[UUID]  # executions that were not the caller's any more, whose outcomes it left
    awaited: bool  # an execution is held until one of these has ended


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """Live executions by state."""

    pending: int
    running: int
    retrying: int
    held: int


@dataclass(frozen=True, slots=True)
class FinishedCounts:
    """Finished executions by state, over a lifetime."""

    completed: int
    failed: int
    timeout: int
    cancelled: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles over the newest finished executions; None where there are none. Milliseconds."""

    sampled: int
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    duration_p99_ms: float | None
    lag_p50_ms: float | None
    lag_p95_ms: float | None
    lag_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class JobCounts:
    """A tenant's jobs by status, and those not deleted by type."""

    active: int
    paused: int
    completed: int
    deleted: int
    cron: int
    interval: int
    one_time: int


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """Executions of one job that finished on one UTC day."""

    job_id: UUID
    date: date
    completed: int
    failed: int
    timeout: int
    cancelled: int
    skipped: int
    total: int
    attempts: int  # calls made, retries included
    avg_duration_ms: float | None  # over completed, failed and timeout, as the three below
    max_duration_ms: float | None
    avg_lag_ms: float | None
    max_lag_ms: float | None


@dataclass(frozen=True, slots=True)
class HistorySum:
    """Executions that finished within a window, or on one of its UTC days."""

    date: date | None  # None: the whole window
    completed: int
    failed: int
    timeout: int
    cancelled: int
    skipped: int
    total: int
    attempts: int
    success_rate: float | None  # completed of completed, failed and timeout; 0 to 1
    avg_duration_ms: float | None
    max_duration_ms: float | None
    avg_lag_ms: float | None
    max_lag_ms: float | None


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Numbers about the whole service, over all tenants."""

    pending: int
    running: int
    retrying: int
    oldest_overdue_run_at: datetime | None
    overdue_seconds: float  # 0: nothing is overdue
    workers: int
    slots: int
    at: datetime
