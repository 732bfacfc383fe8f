"""What clients send: bodies and query parameters. Validation and the OpenAPI document both come from these."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator

from service import schedule
from service.api import fields
from service.api.cursor import CursorField
from service.api.fields import invalid
from service.schedule import ScheduleError

MAX_PAGED = 10_000  # rows that pages reach; beyond it OFFSET reads too much and cursors do better
MAX_DAYS = 366
MOST = 1000  # things that one request creates or acts on


class Request(BaseModel):
    """Base of what clients send: unknown names are errors, and nothing is converted silently."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Nothing(Request):
    """Takes no fields."""


class Selection(Request):
    """Which of many to act on: those that meet the conditions in filter, or all."""

    all: bool = Field(default=False, description="Every one is meant; then filter is left out.")
    dry_run: bool = Field(default=False, description="Change nothing; only tell which ones are meant.")
    limit: Annotated[int, Field(ge=1, le=MOST)] = Field(
        default=MOST, description="Most to act on; send the request again while any remain."
    )

    @field_validator("filter", check_fields=False)
    @classmethod
    def _not_empty_by_accident(cls, value: Request, info: ValidationInfo) -> Request:
        conditions = value.model_dump(exclude_none=True)
        if not conditions and info.data.get("all") is False:
            raise invalid('must have a condition; if every one is meant, send "all": true', "required")
        if conditions and info.data.get("all"):
            raise invalid("must be left out where all is true")
        return value


class _Timed(Request):
    """The three fields that say when, checked together."""

    type: Any
    timezone: Any
    schedule: Any

    @field_validator("schedule", mode="before", check_fields=False)
    @classmethod
    def _seconds_as_text(cls, value: Any, info: ValidationInfo) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        type = info.data.get("type")
        if type == "interval" and not whole and not isinstance(value, str):
            raise invalid("must be a whole number of seconds", "invalid_type")
        return str(value) if whole and type in ("interval", None) else value

    @field_validator("schedule", mode="after", check_fields=False)
    @classmethod
    def _well_formed(cls, value: Any, info: ValidationInfo) -> Any:
        type = info.data.get("type")
        if type is not None and value is not None:
            try:
                schedule.parse(type, value)
            except ScheduleError as error:
                raise invalid(error.message) from None
        return value.strip(" \t") if isinstance(value, str) else value


class _Bounded(Request):
    """The fields that bound a schedule, checked together."""

    @field_validator("end_at", check_fields=False)
    @classmethod
    def _later_than_start(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start_at")
        if value is not None and start is not None and value <= start:
            raise invalid("must be later than start_at")
        return value


_SCHEDULE = Field(
    min_length=1,
    max_length=schedule.MAX_LENGTH,
    description="cron: five fields, six with seconds first, @daily and the like, or @every 1h30m; "
    "interval: seconds; one_time: an RFC 3339 timestamp.",
    examples=["0 0 9 * * *", "300", "2026-12-01T09:00:00Z"],
    json_schema_extra={"type": ["string", "integer"]},
)


class Secrets(Request):
    """What is secret of a job: encrypted where it is stored, and shown as ******** only.

    Authorization, Proxy-Authorization, Cookie, Api-Key, X-Api-Key, X-Auth-Token and X-Access-Token are secret unnamed.
    """

    headers: fields.SecretHeaders = []
    payload: fields.SecretPointers = []


class Alert(Request):
    """Where to report trouble of the job, and which. Reports are calls like any other: retried, and kept."""

    url: fields.Endpoint = Field(description="Gets a POST when an incident begins and when it is over.")
    after_failures: Annotated[int, Field(ge=1, le=100, description="Failed executions in a row.")] = 1
    also_on_recovery: bool = Field(default=True, description="Whether the end of an incident is reported too.")
    if_late_by: fields.Seconds | None = Field(
        default=None, description="Seconds that a run may begin after its time; null for any."
    )
    if_no_success_for: fields.Seconds | None = Field(
        default=None, description="Seconds that may pass between two successes; null for any."
    )


class JobCreate(_Timed, _Bounded):
    """A new job. What is left out takes its default."""

    key: fields.Key | None = None
    name: fields.Name
    description: fields.Description | None = None
    type: fields.JobType
    timezone: fields.Timezone | None = Field(default=None, description="IANA name; default SCHEDULER_TIMEZONE.")
    schedule: Annotated[str, _SCHEDULE]
    start_at: fields.StartAt | None = None
    end_at: fields.EndAt | None = None
    max_runs: fields.MaxRuns | None = None
    jitter: fields.Jitter = 0
    misfire_policy: fields.MisfirePolicy = "fire_once"
    misfire_limit: fields.MisfireLimit = 100
    start_deadline: fields.StartDeadline | None = None
    overlap_policy: fields.OverlapPolicy = "allow"
    endpoint: fields.Endpoint
    method: fields.MethodField = "POST"
    headers: fields.Headers = {}
    payload: JsonValue = Field(default=None, description="Any JSON, sent as the body; null sends none.")
    secrets: Secrets = Secrets()
    timeout: fields.Timeout = 30
    max_retries: fields.MaxRetries | None = Field(default=None, description="Default SCHEDULER_MAX_RETRIES.")
    retry_delay: fields.RetryDelay | None = Field(
        default=None, description="Seconds before the first retry; default SCHEDULER_RETRY_DELAY_SECONDS."
    )
    retry_backoff: fields.RetryBackoff = "fixed"
    retry_max_delay: fields.RetryMaxDelay | None = None
    retry_on: fields.RetryOn | None = None
    priority: fields.Priority = 5
    tags: fields.Tags = []
    metadata: dict[str, JsonValue] = {}
    alert: Alert | None = None


class JobPut(JobCreate):
    """The whole definition of the job that has the key in the path. What is left out takes its default."""

    key: fields.Key | None = Field(default=None, description="May be left out; the path says it.")


def _unset() -> Any:
    """The default of a field that changes only where it is sent; a factory, so that no default is documented."""
    return Field(default_factory=lambda: None)


class JobUpdate(_Timed, _Bounded):
    """Changes of a job: only the fields sent change. null clears those that may be null."""

    key: fields.Key | None = _unset()
    name: fields.Name = _unset()
    description: fields.Description | None = _unset()
    type: fields.JobType = _unset()
    timezone: fields.Timezone = _unset()
    schedule: Annotated[str, _SCHEDULE] = _unset()
    start_at: fields.StartAt | None = _unset()
    end_at: fields.EndAt | None = _unset()
    max_runs: fields.MaxRuns | None = _unset()
    jitter: fields.Jitter = _unset()
    misfire_policy: fields.MisfirePolicy = _unset()
    misfire_limit: fields.MisfireLimit = _unset()
    start_deadline: fields.StartDeadline | None = _unset()
    overlap_policy: fields.OverlapPolicy = _unset()
    endpoint: fields.Endpoint = _unset()
    method: fields.MethodField = _unset()
    headers: fields.ChangedHeaders = _unset()
    payload: JsonValue = _unset()
    secrets: Secrets = _unset()
    timeout: fields.Timeout = _unset()
    max_retries: fields.MaxRetries = _unset()
    retry_delay: fields.RetryDelay = _unset()
    retry_backoff: fields.RetryBackoff = _unset()
    retry_max_delay: fields.RetryMaxDelay | None = _unset()
    retry_on: fields.RetryOn | None = _unset()
    priority: fields.Priority = _unset()
    tags: fields.Tags = _unset()
    metadata: dict[str, JsonValue] = _unset()
    alert: Alert | None = _unset()


class SchedulePreview(_Timed, _Bounded):
    """A schedule to look at before a job has it."""

    type: fields.JobType
    timezone: fields.Timezone | None = Field(default=None, description="IANA name; default SCHEDULER_TIMEZONE.")
    schedule: Annotated[str, _SCHEDULE]
    after: fields.Instant | None = Field(
        default=None, description="Runs later than this are shown, and an interval counts from it; default now."
    )
    count: Annotated[int, Field(ge=1, le=100, description="How many runs.")] = 5
    start_at: fields.StartAt | None = None
    end_at: fields.EndAt | None = None
    max_runs: fields.MaxRuns | None = None
    jitter: fields.Jitter = 0


class UpcomingQuery(Request):
    """How far ahead."""

    count: Annotated[int, Field(ge=1, le=100), fields.Number] = Field(default=10, description="How many runs.")


class Paged(Request):
    """How to page through a list."""

    page_size: Annotated[int, Field(ge=1, le=100), fields.Number] = 20
    page: Annotated[int, Field(ge=1), fields.Number] | None = Field(
        default=None, description=f"From 1; reaches the first {MAX_PAGED:,} rows, a cursor reaches all."
    )
    cursor: CursorField | None = Field(default=None, description="nextCursor of the page before.")

    @field_validator("page")
    @classmethod
    def _within_reach(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value * info.data.get("page_size", 1) > MAX_PAGED:
            message = f"is too large: pages reach {MAX_PAGED:,} rows (page times page_size); go on with cursor"
            raise invalid(message, "out_of_range")
        return value

    @field_validator("cursor")
    @classmethod
    def _instead_of_page(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("page") is not None:
            raise invalid("must not be given beside page")
        return value

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return 0 if self.page is None else (self.page - 1) * self.page_size


class JobsQuery(Paged):
    """Filters of jobs."""

    status: fields.JobStatus | None = Field(default=None, description="Deleted jobs are listed only if asked for.")
    key: fields.Key | None = Field(default=None, description="The job that has this key.")
    type: fields.JobType | None = None
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="Part of the name; case does not count."
    )
    tag: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    upcoming_before: fields.Instant | None = Field(
        default=None, description="Only active jobs whose next_run_at is earlier, the earliest first."
    )

    @field_validator("upcoming_before")
    @classmethod
    def _of_active_ones(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is not None and info.data.get("status") not in (None, "active"):
            raise invalid("must not be given with this status: only active jobs have a next_run_at")
        return value


class Between(Request):
    """Two instants, checked together."""

    @field_validator("end_time", check_fields=False)
    @classmethod
    def _not_before_start(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start_time")
        if value is not None and start is not None and value < start:
            raise invalid("must not be before start_time")
        return value


class JobExecutionsQuery(Paged, Between):
    """Filters of one job's executions."""

    status: fields.ExecutionStatus | None = None
    start_time: fields.Instant | None = Field(default=None, description="Earliest scheduled_at.")
    end_time: fields.Instant | None = Field(default=None, description="Latest scheduled_at.")


class ExecutionsQuery(JobExecutionsQuery):
    """Filters of executions."""

    job_id: fields.Id | None = None


class JobQuery(Request):
    """One job, or all."""

    job_id: fields.Id | None = None


class DaysQuery(Request):
    """How far back."""

    days: Annotated[int, Field(ge=1, le=MAX_DAYS), fields.Number] = Field(
        default=30, description="UTC days up to today."
    )


class Window(Request):
    """UTC days on which executions finished, and one job or all."""

    start_date: fields.Day | None = Field(default=None, description="First day; default 29 days before the last.")
    end_date: fields.Day | None = Field(default=None, description="Last day; default today.")
    job_id: fields.Id | None = None

    @field_validator("end_date")
    @classmethod
    def _not_before_start(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("start_date")
        if value is not None and start is not None:
            if value < start:
                raise invalid("must not be before start_date")
            if (value - start).days >= MAX_DAYS:
                raise invalid(f"must be within {MAX_DAYS} days of start_date", "out_of_range")
        return value


class HistoryQuery(Paged, Window):
    """A window, in pages."""


class AuditQuery(Paged, Between):
    """Filters of the audit log."""

    job_id: fields.Id | None = Field(default=None, description="What was done to the job and its executions.")
    entity_id: fields.Id | None = Field(default=None, description="What was done to one job, execution or key.")
    action: Annotated[str, Field(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")] | None = Field(
        default=None, description="Such as job.update, job.pause, job.trigger or execution.cancel."
    )
    actor: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="key:<id>, api for requests without a key, or role:<name> in the database."
    )
    start_time: fields.Instant | None = Field(default=None, description="Earliest at.")
    end_time: fields.Instant | None = Field(default=None, description="Latest at.")
