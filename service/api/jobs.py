"""Jobs: register, change, pause, resume, trigger, list."""

import re
import time
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app
from psycopg import Connection
from pydantic_core import to_jsonable_python

from service import db, executions, history, jobs
from service.api import answers, windows
from service.api.cursor import Cursor, within
from service.api.envelope import COUNT_LIMIT, placed
from service.api.executions import listed, newest_of, success_rate, totals_of
from service.api.requests import DaysQuery, JobCreate, JobExecutionsQuery, JobPut, JobsQuery, JobUpdate
from service.api.routing import Reply, Resource
from service.api.services import Call
from service.errors import Problem, ValidationFailed
from service.quota import JobQuota

api = Resource("jobs")


@api.route("POST", "/jobs", body=JobCreate, answer=answers.Job, status=201, errors=[409])
def create_job(call: Call, body: JobCreate) -> Reply:
    """Register a job."""
    definition = definition_of(call, body)
    with call.transaction() as conn:
        job = jobs.create(conn, call.tenant, definition, call.services.vault)
        within_quota(call, conn, 1)
    return Reply(answers.of(answers.Job, job))


def within_quota(call: Call, conn: Connection[Any], added: int) -> None:
    """Raise QuotaExceeded when the jobs that were just added are more than the tenant may have."""
    quota: JobQuota = current_app.extensions["quota"]
    quota.check(conn, call.tenant, added, time.monotonic())


def definition_of(call: Call, body: JobCreate) -> dict[str, Any]:
    """What a body says of a job, the settings' defaults filled in."""
    given = body.model_dump()
    call.services.check_endpoint(body.endpoint)
    _check_alert(call, body)
    return given | {name: value for name, value in _configured(call).items() if given[name] is None}


def _configured(call: Call) -> dict[str, Any]:
    """Defaults that are settings."""
    config = call.services.config
    return {"timezone": config.timezone, "max_retries": config.max_retries, "retry_delay": config.retry_delay}


@api.route("GET", "/jobs/defaults", answer=answers.JobDefaults)
def job_defaults(call: Call) -> Reply:
    """Show what a new job gets for each field that is left out."""
    optional = {name: item for name, item in JobCreate.model_fields.items() if not item.is_required()}
    fixed = to_jsonable_python({name: item.get_default(call_default_factory=True) for name, item in optional.items()})
    return Reply(answers.JobDefaults(fixed | _configured(call)))


def _check_alert(call: Call, body: JobCreate | JobUpdate) -> None:
    if body.alert is not None:
        call.services.check_endpoint(body.alert.url, "alert.url")


@api.route("GET", "/jobs", query=JobsQuery, answer=list[answers.Job])
def list_jobs(call: Call, query: JobsQuery) -> Reply:
    """List jobs, newest first; with upcoming_before the active ones, by their next run."""
    filters: dict[str, object] = {
        "tenant_id": call.tenant,
        "key": query.key,
        "type": query.type,
        "name_like": pattern_of(query.name),
        "tag": query.tag,
    }
    upcoming = query.upcoming_before is not None
    order = "jobs by next_run_at" if upcoming else "jobs by created_at"
    cursor = within(order, query.cursor)
    filters |= {"upcoming_before": query.upcoming_before} if upcoming else {"status": query.status}
    searched = cursor is None and (query.type or query.name or query.tag)  # others are passed over
    limit = query.page_size + 1
    with call.transaction() as conn:
        found = (jobs.upcoming_page if upcoming else jobs.page)(
            conn,
            **filters,
            after_at=cursor and cursor.at,
            after_id=cursor and cursor.id,
            limit=limit,
            offset=query.offset,
            counted=COUNT_LIMIT if searched else query.offset + limit,
        )
        known = found[0].listed if searched and found else None
        count = partial(jobs.count_upcoming if upcoming else jobs.count, conn, **filters)
        places, pagination = placed(query, found, count, lambda row: Cursor(order, row.at, row.id), known)
        rows = jobs.read(conn, tenant_id=call.tenant, ids=[place.id for place in places])
    return Reply(answers.of(answers.Job, rows), pagination)


@api.route("GET", "/jobs/stats", answer=answers.JobStats)
def job_stats(call: Call) -> Reply:
    """Count jobs by status and type, and what became of their executions."""
    with call.transaction() as conn:
        newest = newest_of(conn, call.tenant, None)
        counts = jobs.counts(conn, tenant_id=call.tenant)
        db.allow_gathering(conn)
        finished = executions.totals(conn, tenant_id=call.tenant, job_id=None)
    return Reply(
        answers.JobStats(
            total=counts.active + counts.paused + counts.completed,
            by_status=answers.of(answers.JobsByStatus, counts),
            by_type=answers.of(answers.JobsByType, counts),
            executions=totals_of(finished),
            success_rate=success_rate(finished),
            percentiles=newest,
        )
    )


@api.route("GET", "/jobs/<uuid:id>", answer=answers.Job, errors=[404], conditional=True)
def get_job(call: Call, id: UUID) -> Reply:
    """Get a job, deleted or not."""
    with call.transaction() as conn:
        return Reply(answers.of(answers.Job, jobs.get(conn, tenant_id=call.tenant, id=id)))


@api.route("GET", "/jobs/by-key/<key>", answer=answers.Job, errors=[404], conditional=True)
def get_job_by_key(call: Call, key: str) -> Reply:
    """Get the job that has a key."""
    with call.transaction() as conn:
        id = jobs.find(conn, call.tenant, key)
        return Reply(answers.of(answers.Job, jobs.get(conn, tenant_id=call.tenant, id=id)))


@api.route(
    "PUT",
    "/jobs/by-key/<key>",
    body=JobPut,
    answer=answers.Job,
    status=200,
    other_statuses=[201],
    errors=[409],
    conditional=True,
)
def put_job_by_key(call: Call, key: str, body: JobPut) -> Reply:
    """Create the job of a key (201), or give it this definition and no other: what is left out takes its default."""
    if body.key not in (None, key):
        raise ValidationFailed([Problem("key", "must be the key in the path, or left out")])
    definition = definition_of(call, body) | {"key": key}
    with call.transaction() as conn:
        job, is_new = jobs.put(
            conn, call.tenant, key, definition, _misfire_after(call), call.conditions.check, call.services.vault
        )
        if is_new:
            within_quota(call, conn, 1)
    return Reply(answers.of(answers.Job, job), status=201 if is_new else 200)


@api.route("DELETE", "/jobs/by-key/<key>", answer=None, status=204, errors=[404], conditional=True)
def delete_job_by_key(call: Call, key: str) -> Reply:
    """Delete the job that has a key, which is free then."""
    with call.transaction() as conn:
        id = jobs.find(conn, call.tenant, key, locked=True)
        _expect(call, conn, id)
        jobs.delete(conn, call.tenant, id)
    return Reply()


@api.route("PUT", "/jobs/<uuid:id>", body=JobUpdate, answer=answers.Job, errors=[404, 409], conditional=True)
def update_job(call: Call, id: UUID, body: JobUpdate) -> Reply:
    """Change a job; only the fields sent change."""
    return _update(call, id, body)


@api.route("PATCH", "/jobs/<uuid:id>", body=JobUpdate, answer=answers.Job, errors=[404, 409], conditional=True)
def patch_job(call: Call, id: UUID, body: JobUpdate) -> Reply:
    """Change a job; the same as PUT."""
    return _update(call, id, body)


def _update(call: Call, id: UUID, body: JobUpdate) -> Reply:
    given = body.model_dump()
    changes = {name: given[name] for name in body.model_fields_set}
    if "endpoint" in changes:
        call.services.check_endpoint(body.endpoint)
    _check_alert(call, body)
    with call.transaction() as conn:
        _expect(call, conn, id)
        job = jobs.update(conn, call.tenant, id, changes, _misfire_after(call), call.services.vault)
    return Reply(answers.of(answers.Job, job))


def _expect(call: Call, conn: Connection[Any], id: UUID) -> None:
    """Raise PreconditionFailed unless the job is as the request demands; it stays so until the transaction ends."""
    if call.conditions:
        call.conditions.check(jobs.lock(conn, tenant_id=call.tenant, id=id))


def _misfire_after(call: Call) -> timedelta:
    return timedelta(seconds=call.services.config.misfire_after)


@api.route("DELETE", "/jobs/<uuid:id>", answer=None, status=204, errors=[404], conditional=True)
def delete_job(call: Call, id: UUID) -> Reply:
    """Delete a job; what waits is cancelled, what runs may end."""
    with call.transaction() as conn:
        _expect(call, conn, id)
        jobs.delete(conn, call.tenant, id)
    return Reply()


@api.route("POST", "/jobs/<uuid:id>/pause", answer=answers.Job, errors=[404, 409], conditional=True)
def pause_job(call: Call, id: UUID) -> Reply:
    """Pause a job; what waits is held."""
    with call.transaction() as conn:
        _expect(call, conn, id)
        return Reply(answers.of(answers.Job, jobs.pause(conn, call.tenant, id)))


@api.route("POST", "/jobs/<uuid:id>/resume", answer=answers.Job, errors=[404, 409], conditional=True)
def resume_job(call: Call, id: UUID) -> Reply:
    """Resume a job from now on, without making up."""
    with call.transaction() as conn:
        _expect(call, conn, id)
        return Reply(answers.of(answers.Job, jobs.resume(conn, call.tenant, id)))


@api.route("POST", "/jobs/<uuid:id>/trigger", answer=answers.ExecutionDetail, status=202, errors=[404, 409])
def trigger_job(call: Call, id: UUID) -> Reply:
    """Run a job now, beside its schedule."""
    with call.transaction() as conn:
        return Reply(answers.of(answers.ExecutionDetail, jobs.trigger(conn, call.tenant, id)))


@api.route(
    "GET",
    "/jobs/<uuid:id>/executions",
    query=JobExecutionsQuery,
    answer=list[answers.Execution],
    errors=[404],
)
def list_job_executions(call: Call, id: UUID, query: JobExecutionsQuery) -> Reply:
    """List a job's executions, newest first."""
    with call.transaction() as conn:
        jobs.get(conn, tenant_id=call.tenant, id=id)
        return listed(conn, call.tenant, query, id, f"executions of {id}")


@api.route("GET", "/jobs/<uuid:id>/history", query=DaysQuery, answer=list[answers.HistoryDay], errors=[404])
def job_history(call: Call, id: UUID, query: DaysQuery) -> Reply:
    """Show a job's last days, newest first; days on which nothing finished are left out."""
    with call.transaction() as conn:
        jobs.get(conn, tenant_id=call.tenant, id=id)
        start, end = windows.last_days(conn, query.days)
        rows = history.page(
            conn,
            tenant_id=call.tenant,
            start_date=start,
            end_date=end,
            job_id=id,
            after_date=None,
            after_id=None,
            limit=query.days,
            offset=0,
        )
    return Reply(answers.of(answers.HistoryDay, rows))


def pattern_of(part: str | None) -> str | None:
    """The LIKE pattern of texts that have a part; None for any text."""
    return None if part is None else "%" + re.sub(r"([\\%_])", r"\\\1", part) + "%"
