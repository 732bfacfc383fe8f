"""Executions: list, look up, cancel, count."""

from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import db, executions
from service.api import answers
from service.api.cursor import Cursor, within
from service.api.envelope import placed
from service.api.requests import ExecutionsQuery, JobExecutionsQuery, JobQuery
from service.api.routing import Reply, Resource
from service.api.services import Call
from service.rows import FinishedCounts, Placed

COUNTED = 10_000  # live executions of a state are counted up to here, as lists are; ops and metrics go on to 100,000
SAMPLE = 5_000  # newest executions that percentiles are taken over, at most

api = Resource("executions")


@api.route("GET", "/executions", query=ExecutionsQuery, answer=list[answers.Execution])
def list_executions(call: Call, query: ExecutionsQuery) -> Reply:
    """List executions, newest first."""
    with call.transaction() as conn:
        return listed(conn, call.tenant, query, query.job_id, "executions")


@api.route("GET", "/executions/stats", query=JobQuery, answer=answers.ExecutionStats)
def execution_stats(call: Call, query: JobQuery) -> Reply:
    """Count executions by state, with percentiles of duration and lag."""
    which = {"tenant_id": call.tenant, "job_id": query.job_id}
    with call.transaction() as conn:
        live = executions.live_counts(conn, **which, limit=COUNTED)
        newest = newest_of(conn, call.tenant, query.job_id)
        db.allow_gathering(conn)
        finished = executions.totals(conn, **which)
    return Reply(
        answers.ExecutionStats(
            job_id=query.job_id,
            live=answers.LiveCounts(
                pending=live.pending,
                running=live.running,
                retrying=live.retrying,
                held=live.held,
                total=live.pending + live.running + live.retrying + live.held,
            ),
            finished=totals_of(finished),
            success_rate=success_rate(finished),
            percentiles=newest,
        )
    )


@api.route("GET", "/executions/<uuid:id>", answer=answers.ExecutionDetail, errors=[404])
def get_execution(call: Call, id: UUID) -> Reply:
    """Get an execution, with the request sent and the outcome of every attempt."""
    with call.transaction() as conn:
        return Reply(answers.of(answers.ExecutionDetail, executions.get(conn, tenant_id=call.tenant, id=id)))


@api.route("POST", "/executions/<uuid:id>/cancel", answer=answers.ExecutionDetail, errors=[404, 409])
def cancel_execution(call: Call, id: UUID) -> Reply:
    """Cancel an execution that has not finished; its call is aborted."""
    with call.transaction() as conn:
        return Reply(answers.of(answers.ExecutionDetail, executions.cancel(conn, call.tenant, id)))


def listed(conn: Connection[Any], tenant: str, query: JobExecutionsQuery, job_id: UUID | None, name: str) -> Reply:
    """A page of executions, of one job or of all."""
    place = f"{name} by scheduled_at"
    cursor = within(place, query.cursor)
    filters = executions.Filters(tenant, job_id, query.status, query.start_time, query.end_time)
    fetched = executions.page(
        conn,
        filters,
        after=Placed(cursor.id, cursor.at) if cursor else None,
        offset=query.offset,
        limit=query.page_size + 1,
    )
    count = partial(executions.count, conn, filters)
    rows, pagination = placed(query, fetched, count, lambda row: Cursor(place, row.scheduled_at, row.id))
    return Reply(answers.of(answers.Execution, rows), pagination)


def newest_of(conn: Connection[Any], tenant: str, job_id: UUID | None) -> answers.Percentiles:
    """Percentiles over the newest executions, of one job or of all."""
    found = executions.percentiles(conn, tenant_id=tenant, job_id=job_id, limit=SAMPLE)
    return answers.Percentiles.model_validate(found)


def totals_of(counts: FinishedCounts) -> answers.FinishedTotals:
    """The counts with their sum."""
    return answers.FinishedTotals(
        completed=counts.completed,
        failed=counts.failed,
        timeout=counts.timeout,
        cancelled=counts.cancelled,
        skipped=counts.skipped,
        total=counts.completed + counts.failed + counts.timeout + counts.cancelled + counts.skipped,
    )


def success_rate(counts: FinishedCounts) -> float | None:
    """Completed of those that ran to an end; None when none did."""
    ran = counts.completed + counts.failed + counts.timeout
    return counts.completed / ran if ran else None
