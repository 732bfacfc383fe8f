"""Occurrences of a job: every instant accounted for, and past ones made up for."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from service import backfill, occurrences
from service.api import answers, fields
from service.api.cursor import Cursor, CursorField, within
from service.api.fields import invalid
from service.api.requests import Request
from service.api.routing import Reply, Resource
from service.api.services import Call

DAY = timedelta(days=1)
SHOWN = 100  # instants that a backfill's answer lists

api = Resource("occurrences")


def _plausible(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9998:
        raise invalid("must be an instant of the years 1970-9998", "out_of_range")
    return value


Moment = Annotated[fields.Instant, AfterValidator(_plausible)]


class _Span(Request):
    @field_validator("to", check_fields=False)
    @classmethod
    def _after_from(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if value is not None and start is not None and value <= start:
            raise invalid("must be after from")
        return value


class OccurrencesQuery(_Span):
    """A window of instants."""

    from_: Moment | None = Field(default=None, alias="from", description="First instant; default 24 hours back.")
    to: Moment | None = Field(default=None, description="End of the window, itself outside; default 24 hours ahead.")
    page_size: Annotated[int, Field(ge=1, le=1000), fields.Number] = 1000
    cursor: CursorField | None = Field(default=None, description="nextCursor of the page before.")


class BackfillRequest(_Span):
    """A window of past instants."""

    from_: Moment = Field(alias="from", description="First instant.")
    to: Moment = Field(description="End of the window, itself outside; not in the future.")
    dry_run: bool = Field(default=False, description="Only tell what would be materialized.")
    limit: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="A window that names more instants is refused."
    )


class Occurrence(answers.Answer):
    """An instant that the schedule named, and what became of it."""

    at: datetime = Field(description="When it was due: scheduled_at of its execution, jitter included.")
    instant: datetime | None = Field(description="Before jitter; null when no definition on record names it.")
    state: Literal["ran", "live", "skipped", "upcoming", "unknown"]
    reason: str | None = Field(
        description="Of skipped: misfire, deadline, overlap, paused, before_start, after_end, max_runs, deleted, "
        "completed, cancelled (before its first call). Of upcoming: paused (it runs if the job is resumed by then). "
        "Of unknown: expired (older than the log)."
    )
    execution_id: UUID | None = Field(description="The execution, or the skip that covers the instant.")
    status: fields.ExecutionStatus | None
    origin: Literal["schedule", "backfill"] | None
    skipped_count: int | None = Field(description="How many instants the skip stands for.")


class Backfill(answers.Answer):
    """What a backfill did, or would do."""

    dry_run: bool
    materialized: int = Field(description="Instants that are executions now; 0 in a dry run.")
    would_materialize: int = Field(description="Instants that a dry run found free; 0 otherwise.")
    already_ran: int = Field(description="Instants left alone: they have an execution that is not skipped.")
    awaiting_tick: int = Field(description="Instants left alone: they are due, and the schedule deals with them now.")
    expired: int = Field(description="Instants left alone: the log does not reach back to them any more.")
    instants: list[datetime] = Field(description=f"The first {SHOWN} of the materialized or free ones.")


@api.route("GET", "/jobs/<uuid:id>/occurrences", query=OccurrencesQuery, answer=list[Occurrence], errors=[404])
def list_occurrences(call: Call, id: UUID, query: OccurrencesQuery) -> Reply:
    """List each instant a job's schedule named in a window, and what became of it, oldest first."""
    cursor = within(_list_of(id), query.cursor)
    with call.transaction() as conn:
        job = occurrences.subject(conn, tenant_id=call.tenant, id=id)
        start, end = _window(query, job.now)
        if cursor is not None and cursor.at >= start:
            start = min(end, cursor.at + timedelta(microseconds=1)) if cursor.at < end else end
        found = occurrences.page(conn, call.tenant, job, start, end, query.page_size)
    return Reply([answers.of(Occurrence, row) for row in found.rows], _place(query, id, found))


@api.route(
    "POST",
    "/jobs/<uuid:id>/backfill",
    body=BackfillRequest,
    answer=Backfill,
    status=202,
    other_statuses=[200],
    errors=[404, 409],
)
def backfill_job(call: Call, id: UUID, body: BackfillRequest) -> Reply:
    """Run past instants of a job's schedule that have not run, at the lowest priority; 200 for a dry run."""
    with call.transaction() as conn:
        done = backfill.backfill(conn, call.tenant, id, body.from_, body.to, body.limit, body.dry_run)
    counts: dict[str, Any] = {
        "materialized": 0 if body.dry_run else len(done.free),
        "would_materialize": len(done.free) if body.dry_run else 0,
        "already_ran": done.already_ran,
        "awaiting_tick": done.awaiting_tick,
        "expired": done.expired,
    }
    answer = Backfill(dry_run=body.dry_run, **counts, instants=done.free[:SHOWN])
    return Reply(answer, status=200 if body.dry_run else 202)


def _list_of(id: UUID) -> str:
    return f"occurrences of {id} by at"


def _window(query: OccurrencesQuery, now: datetime) -> tuple[datetime, datetime]:
    """First instant and end of a window, its open ends filled in."""
    end = query.to or max(now, query.from_ or now) + DAY
    return query.from_ or min(now, end) - DAY, end


def _place(query: OccurrencesQuery, id: UUID, found: occurrences.Page) -> answers.Pagination:
    """Where a page is; what follows it is not counted."""
    more = found.next_after is not None
    return answers.Pagination(
        page=None if query.cursor else 1,
        perPage=query.page_size,
        total=len(found.rows) + more,
        totalCapped=more,
        totalPages=1 + more,
        hasNext=more,
        hasPrev=query.cursor is not None,
        nextCursor=str(Cursor(_list_of(id), found.next_after, id)) if found.next_after else None,
    )
