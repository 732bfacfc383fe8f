"""Reruns: run a finished execution again, or all that match a filter."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from service import reruns
from service.api import answers, fields
from service.api.requests import Between, Selection
from service.api.routing import Reply, Resource
from service.api.services import Call

DeadStatus = Literal["failed", "timeout", "cancelled"]

api = Resource("reruns")


class DeadLettersFilter(Between):
    """Conditions that an execution must meet, all of them."""

    status: Annotated[list[DeadStatus], Field(min_length=1, max_length=3)] | None = Field(
        default=None, description="How it ended; default failed and timeout."
    )
    job_id: fields.Id | None = None
    start_time: fields.Instant | None = Field(default=None, description="Earliest scheduled_at.")
    end_time: fields.Instant | None = Field(default=None, description="Latest scheduled_at.")
    error_code: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Such as http_status, timeout, connection or worker_lost."
    )


class ExecutionsRerun(Selection):
    """Which executions to run again."""

    filter: DeadLettersFilter = Field(
        default=DeadLettersFilter(), description="At least one condition, unless all is true.", validate_default=True
    )


class DeadLetter(answers.Answer):
    """An execution that did not succeed, in short."""

    id: UUID
    job_id: UUID
    status: DeadStatus
    scheduled_at: datetime
    error_code: str | None
    rerun_id: UUID | None = Field(description="The execution that runs it again; null in a dry run.")


class Rerun(answers.Answer):
    """What was done, or would be."""

    dry_run: bool
    matched: int = Field(
        description="Executions that match and have not been run again, "
        f"of jobs that are not deleted, counted up to {reruns.COUNTED:,}."
    )
    rerun: int = Field(description="Of them, those that run again now; 0 in a dry run.")
    remaining: int = Field(description="Of them, those that are left: send the request again.")
    sample: list[DeadLetter] = Field(description=f"The first {reruns.SHOWN} of those run again, oldest first.")


@api.route("POST", "/executions/<uuid:id>/rerun", answer=answers.ExecutionDetail, status=202, errors=[404, 409])
def rerun_execution(call: Call, id: UUID) -> Reply:
    """Run a finished execution again now, as a new execution of its job as the job is today."""
    with call.transaction() as conn:
        return Reply(answers.of(answers.ExecutionDetail, reruns.rerun(conn, call.tenant, id)))


@api.route("POST", "/executions/rerun", body=ExecutionsRerun, answer=Rerun, status=202)
def rerun_executions(call: Call, body: ExecutionsRerun) -> Reply:
    """Run again the executions that match a filter, save those that have been run again already."""
    statuses = body.filter.status or ["failed", "timeout"]
    filters = body.filter.model_dump(exclude={"status"})
    with call.transaction() as conn:
        done = reruns.rerun_all(conn, call.tenant, statuses, filters, body.limit, dry_run=body.dry_run)
    return Reply(
        Rerun(
            dry_run=body.dry_run,
            matched=done.matched,
            rerun=done.rerun,
            remaining=done.matched - done.rerun,
            sample=answers.of(DeadLetter, done.sample),
        )
    )
