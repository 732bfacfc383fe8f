"""Incidents: trouble of jobs that their alerts have reported."""

from datetime import datetime
from functools import partial
from typing import Literal
from uuid import UUID

from pydantic import Field

from service import alerts, jobs
from service.api import answers, fields
from service.api.cursor import Cursor, within
from service.api.envelope import placed
from service.api.requests import Paged
from service.api.routing import Reply, Resource
from service.api.services import Call

Kind = Literal["failing", "late", "silent"]

api = Resource("incidents")


class JobIncidentsQuery(Paged):
    """Filters of one job's incidents."""

    kind: Kind | None = None
    state: Literal["open", "closed"] | None = None


class IncidentsQuery(JobIncidentsQuery):
    """Filters of incidents."""

    job_id: fields.Id | None = None


class Incident(answers.Answer):
    """Trouble of a job, from its report on."""

    id: UUID
    tenant_id: str
    job_id: UUID
    kind: Kind
    failures: int = Field(description="Failed executions in a row when it began.")
    opened_at: datetime
    closed_at: datetime | None = Field(description="null while it goes on.")
    outcome: Literal["recovered", "withdrawn"] | None = Field(
        description="withdrawn: the job was paused, deleted or completed, or its alert taken away; not reported."
    )
    opened_execution_id: UUID = Field(description="The execution that reports it.")
    closed_execution_id: UUID | None = Field(description="The execution that reports its end.")


@api.route("GET", "/incidents", query=IncidentsQuery, answer=list[Incident])
def list_incidents(call: Call, query: IncidentsQuery) -> Reply:
    """List incidents, newest first."""
    return _listed(call, query, query.job_id, "incidents")


@api.route("GET", "/jobs/<uuid:id>/incidents", query=JobIncidentsQuery, answer=list[Incident], errors=[404])
def list_job_incidents(call: Call, id: UUID, query: JobIncidentsQuery) -> Reply:
    """List a job's incidents, newest first."""
    with call.transaction() as conn:
        jobs.get(conn, tenant_id=call.tenant, id=id)
    return _listed(call, query, id, f"incidents of {id}")


def _listed(call: Call, query: JobIncidentsQuery, job_id: UUID | None, name: str) -> Reply:
    cursor = within(name, query.cursor)
    filters = {
        "tenant_id": call.tenant,
        "job_id": job_id,
        "kind": query.kind,
        "open": None if query.state is None else query.state == "open",
    }
    with call.transaction() as conn:
        after = {"after_at": cursor and cursor.at, "after_id": cursor and cursor.id}
        fetched = alerts.page(conn, **filters, **after, limit=query.page_size + 1, offset=query.offset)
        count = partial(alerts.count, conn, **filters)
        rows, pagination = placed(query, fetched, count, lambda row: Cursor(name, row.opened_at, row.id))
    return Reply(answers.of(Incident, rows), pagination)
