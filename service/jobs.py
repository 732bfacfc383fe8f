"""Jobs: what a tenant does with them. Every change locks the job first, so it never races with a tick."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from service import executions, notify, schedule, sql
from service.errors import Conflict, Problem, ValidationFailed
from service.rows import Execution, Job, JobCounts, LiveExecution, LockedJob
from service.schedule import Schedule, ScheduleError

get = sql.one("jobs.get", row=Job)
page = sql.many("jobs.list", row=Job)
count = sql.value("jobs.count")
counts = sql.one("jobs.counts", row=JobCounts)
now = sql.value("jobs.now")
_create = sql.value("jobs.create")
_lock = sql.one("jobs.lock", row=LockedJob)
_update = sql.execute("jobs.update")
_set_status = sql.execute("jobs.set_status")
_hold_executions = sql.execute("jobs.hold_executions")
_release_executions = sql.execute("jobs.release_executions")
_lock_waiting = sql.many("jobs.lock_waiting", row=LiveExecution)
_has_live = sql.value("jobs.has_live")
_has_run_since = sql.value("jobs.has_run_since")
_create_execution = sql.value("executions.create_manual")

TIMING = ("type", "schedule", "timezone")
STATE = ("id", "status", "anchor_at", "next_run_at", "now")
DEFINITION = tuple(item.name for item in fields(LockedJob) if item.name not in STATE)


def create(conn: Connection[Any], tenant_id: str, definition: Mapping[str, Any]) -> Job:
    """Add a job; one whose only instant has passed is due at once.

    Raises: ValidationFailed when the schedule is not valid or has no instant left.
    """
    at: datetime = now(conn)
    first = _first_run_at(_checked(definition, at), at)
    id = _create(conn, tenant_id=tenant_id, anchor_at=at, next_run_at=first, **_adapted(definition))
    notify.jobs(conn)
    return get(conn, tenant_id=tenant_id, id=id)


def update(conn: Connection[Any], tenant_id: str, id: UUID, changes: Mapping[str, Any]) -> Job:
    """Change the fields given. Another schedule starts from now, and starts a completed job again.

    Raises:
        NotFound: no such job.
        Conflict: it is deleted.
        ValidationFailed: the schedule that results is not valid or has no instant left.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status == "deleted":
        raise Conflict("The job is deleted.")
    definition = {name: getattr(job, name) for name in DEFINITION} | dict(changes)
    status, anchor_at, next_run_at = job.status, job.anchor_at, job.next_run_at
    if any(definition[name] != getattr(job, name) for name in TIMING):
        parsed = _checked(definition, job.now)
        status, anchor_at = ("paused" if status == "paused" else "active"), job.now
        next_run_at = _first_run_at(parsed, job.now) if status == "active" else None
    adapted = _adapted(definition)
    _update(conn, id=id, status=status, anchor_at=anchor_at, next_run_at=next_run_at, **adapted)
    notify.jobs(conn)
    return get(conn, tenant_id=tenant_id, id=id)


def delete(conn: Connection[Any], tenant_id: str, id: UUID) -> None:
    """Hide a job for good: what waits is cancelled, what runs may end. Deleting again changes nothing.

    Raises: NotFound when there is no such job.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status == "deleted":
        return
    _set_status(conn, id=id, status="deleted", next_run_at=None)
    executions.cancel_all(conn, _lock_waiting(conn, job_id=id))
    notify.jobs(conn)


def pause(conn: Connection[Any], tenant_id: str, id: UUID) -> Job:
    """Stop what is due and hold what waits; what runs may end. Pausing again changes nothing.

    Raises:
        NotFound: no such job.
        Conflict: it is completed or deleted.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status not in ("active", "paused"):
        raise Conflict(f"The job is {job.status}; only an active one can be paused.")
    if job.status == "active":
        _set_status(conn, id=id, status="paused", next_run_at=None)
        _hold_executions(conn, job_id=id)
        notify.jobs(conn)
    return get(conn, tenant_id=tenant_id, id=id)


def resume(conn: Connection[Any], tenant_id: str, id: UUID) -> Job:
    """Go on from now, without making up, and let go of what was held. Resuming again changes nothing.

    Raises:
        NotFound: no such job.
        Conflict: it is completed or deleted.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status not in ("active", "paused"):
        raise Conflict(f"The job is {job.status}; only a paused one can be resumed.")
    if job.status == "paused":
        _release_executions(conn, job_id=id)
        next_run_at = _resumed_run_at(conn, job)
        over = next_run_at is None and not _has_live(conn, job_id=id)
        _set_status(conn, id=id, status="completed" if over else "active", next_run_at=next_run_at)
        notify.jobs(conn)
        notify.work(conn)
    return get(conn, tenant_id=tenant_id, id=id)


def trigger(conn: Connection[Any], tenant_id: str, id: UUID) -> Execution:
    """Run a job now, beside its schedule, whatever its state short of deleted.

    Raises:
        NotFound: no such job.
        Conflict: it is deleted.
    """
    job = _lock(conn, tenant_id=tenant_id, id=id)
    if job.status == "deleted":
        raise Conflict("The job is deleted.")
    execution_id = _create_execution(conn, tenant_id=tenant_id, job_id=id, priority=job.priority)
    notify.work(conn)
    return executions.get(conn, tenant_id=tenant_id, id=execution_id)


def _checked(definition: Mapping[str, Any], at: datetime) -> Schedule:
    try:
        return schedule.validate(definition["type"], definition["schedule"], definition["timezone"], at)
    except ScheduleError as error:
        raise ValidationFailed([Problem(error.field, error.message)]) from error


def _first_run_at(parsed: Schedule, at: datetime) -> datetime | None:
    return parsed.next_after(at, at) or (None if parsed.repeats else at)


def _resumed_run_at(conn: Connection[Any], job: LockedJob) -> datetime | None:
    """The next instant on the job's own grid; a one_time job whose time passed unused runs at once."""
    parsed = schedule.parse(job.type, job.schedule, job.timezone)
    instant = parsed.next_after(job.now, job.anchor_at)
    if instant is None and not parsed.repeats and not _has_run_since(conn, job_id=job.id, since=job.anchor_at):
        return job.now
    return instant


def _adapted(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition as the statements take it."""
    payload = definition["payload"]
    return {name: definition[name] for name in DEFINITION} | {
        "headers": Jsonb(definition["headers"]),
        "metadata": Jsonb(definition["metadata"]),
        "payload": None if payload is None else Jsonb(payload),
    }
