"""Backfill: past instants of a job's schedule that did not run become executions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import audit, executions, notify, occurrences, sql
from service.errors import Deleted, Problem, ValidationFailed
from service.instants import rfc3339
from service.occurrences import Definition
from service.policy import Run, due_between
from service.schedule import ScheduleError


@dataclass(frozen=True, slots=True)
class BackfilledJob:
    """A job as it is while its past is filled in."""

    id: UUID
    status: str
    type: str
    schedule: str
    timezone: str
    anchor_at: datetime
    start_at: datetime | None
    end_at: datetime | None
    jitter_seconds: int
    next_run_at: datetime | None
    overlap_policy: str
    created_at: datetime
    now: datetime  # the database's clock


@dataclass(frozen=True, slots=True)
class Backfilled:
    """An instant that was asked for."""

    at: datetime
    taken: bool  # it has an execution already


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backfill did, or would do."""

    free: list[datetime]  # materialized, or it would be
    already_ran: int
    awaiting_tick: int  # due, and the tick has yet to decide about them
    expired: int  # whether they ran is not known any more


_lock = sql.one("occurrences.lock", row=BackfilledJob)
_backfill = sql.many("occurrences.backfill", row=Backfilled)


def backfill(
    conn: Connection[Any], tenant_id: str, id: UUID, start: datetime, end: datetime, limit: int, dry_run: bool
) -> Outcome:
    """Materialize the instants of the current schedule in start <= at < end that have no execution, once each.

    Raises:
        NotFound: no such job.
        Deleted: it is.
        ValidationFailed: end is yet to come, or there are more than `limit` instants.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status == "deleted":
        raise Deleted
    if end > job.now:
        raise ValidationFailed([Problem("to", f"must not be in the future; it is {job.now.isoformat()} now")])
    ats = _instants(job, start, end, limit)
    decided = [at for at in ats if job.next_run_at is None or at < job.next_run_at]
    log_since = occurrences.subject(conn, tenant_id=tenant_id, id=id).log_since
    known = [at for at in decided if log_since is None or at >= log_since or at < job.created_at]
    judged = _backfill(conn, tenant_id=tenant_id, id=id, ats=known, dry_run=dry_run)
    free = [item.at for item in judged if not item.taken]
    if free and not dry_run:
        asked = {"from": rfc3339(start), "to": rfc3339(end), "executions": len(free)}
        audit.record(conn, tenant_id, "job.backfill", id, id, after=asked)
        _start(conn, job)
    return Outcome(free, len(known) - len(free), len(ats) - len(decided), len(decided) - len(known))


def _instants(job: BackfilledJob, start: datetime, end: datetime, limit: int) -> list[datetime]:
    runs = _within_bounds(job, start, end, limit + 1)
    if len(runs) > limit:
        split = runs[limit].run_at.isoformat()
        message = f"names more than {limit} instants; split it: this request with to {split}, the next one from there"
        raise ValidationFailed([Problem("to", message)])
    return [run.run_at for run in runs]


def _within_bounds(job: BackfilledJob, start: datetime, end: datetime, limit: int) -> list[Run]:
    """Runs with start <= run_at < end that the bounds allow, at most `limit`."""
    current = Definition(
        type=job.type,
        schedule=job.schedule,
        timezone=job.timezone,
        anchor_at=job.anchor_at,
        start_at=job.start_at,
        end_at=job.end_at,
        jitter_seconds=job.jitter_seconds,
        since=job.created_at,
        until=None,
    )
    try:
        plan = occurrences.plan_of(job.id, current)
    except ScheduleError as error:
        raise ValidationFailed([Problem(error.field, error.message)]) from error
    first = start if job.start_at is None else max(start, job.start_at)
    # One more: jitter may bring an instant from before start_at into the window.
    runs = due_between(plan, first, end, limit + 1)
    allowed = [
        run
        for run in runs
        if (job.start_at is None or run.instant >= job.start_at) and (job.end_at is None or run.instant <= job.end_at)
    ]
    return allowed[:limit]


def _start(conn: Connection[Any], job: BackfilledJob) -> None:
    if job.overlap_policy != "allow":
        executions.let_go(conn)
    notify.work(conn)
