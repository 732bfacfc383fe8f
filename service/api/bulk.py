"""Many jobs at once: create a list of them; pause, resume or delete those that match a filter."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from service import bulk
from service.api import answers, fields
from service.api.jobs import definition_of, pattern_of, within_quota
from service.api.requests import MOST, JobCreate, Request, Selection
from service.api.routing import Reply, Resource
from service.api.services import Call
from service.bulk import Act
from service.errors import Problem, ValidationFailed

api = Resource("bulk")


class JobsCreate(Request):
    """New jobs."""

    jobs: Annotated[list[JobCreate], Field(min_length=1, max_length=MOST)]
    dry_run: bool = Field(
        default=False, description="Create nothing; only show the jobs, with ids that none will have."
    )


class JobsFilter(Request):
    """Conditions that a job must meet, all of them."""

    ids: Annotated[list[fields.Id], Field(min_length=1, max_length=MOST)] | None = None
    status: fields.JobStatus | None = None
    type: fields.JobType | None = None
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="Part of the name; case does not count."
    )
    tag: fields.Tag | None = None


class JobsChange(Selection):
    """Which jobs to change."""

    filter: JobsFilter = Field(
        default=JobsFilter(), description="At least one condition, unless all is true.", validate_default=True
    )


class JobRef(answers.Answer):
    """A job in short."""

    id: UUID
    key: str | None
    name: str
    status: fields.JobStatus


class Changed(answers.Answer):
    """What was done, or would be."""

    dry_run: bool
    matched: int = Field(description=f"Jobs that match and that this changes, counted up to {bulk.COUNTED:,}.")
    changed: int = Field(description="Of them, those that were changed now; 0 in a dry run.")
    remaining: int = Field(description="Of them, those that are left: send the request again.")
    sample: list[JobRef] = Field(description=f"The first {bulk.SHOWN} of those changed, as they were.")


@api.route("POST", "/jobs/bulk", body=JobsCreate, answer=list[answers.Job], status=201, other_statuses=[200])
def create_jobs(call: Call, body: JobsCreate) -> Reply:
    """Register many jobs, all or none; problems are named by index, such as jobs.3.schedule. 200 for a dry run."""
    definitions = _definitions(call, body.jobs)
    # A dry run does it all and takes it back: whatever would refuse the jobs refuses it too.
    with call.transaction() as conn, conn.transaction(force_rollback=body.dry_run):
        made = bulk.create(conn, call.tenant, definitions, call.services.vault)
        within_quota(call, conn, len(made))
    return Reply(answers.of(answers.Job, made), status=200 if body.dry_run else 201)


def _definitions(call: Call, items: Sequence[JobCreate]) -> list[dict[str, Any]]:
    definitions, problems = [], list[Problem]()
    for index, item in enumerate(items):
        try:
            definitions.append(definition_of(call, item))
        except ValidationFailed as error:
            problems += bulk.of_item(index, error)
    if problems:
        raise ValidationFailed(problems)
    return definitions


@api.route("POST", "/jobs/bulk/pause", body=JobsChange, answer=Changed)
def pause_jobs(call: Call, body: JobsChange) -> Reply:
    """Pause the active jobs that match a filter."""
    return _change(call, body, bulk.PAUSE)


@api.route("POST", "/jobs/bulk/resume", body=JobsChange, answer=Changed)
def resume_jobs(call: Call, body: JobsChange) -> Reply:
    """Resume the paused jobs that match a filter."""
    return _change(call, body, bulk.RESUME)


@api.route("POST", "/jobs/bulk/delete", body=JobsChange, answer=Changed)
def delete_jobs(call: Call, body: JobsChange) -> Reply:
    """Delete the jobs that match a filter."""
    return _change(call, body, bulk.DELETE)


def _change(call: Call, body: JobsChange, act: Act) -> Reply:
    filters = {
        "ids": body.filter.ids,
        "status": body.filter.status,
        "type": body.filter.type,
        "name_like": pattern_of(body.filter.name),
        "tag": body.filter.tag,
    }
    with call.transaction() as conn:
        done = bulk.change(conn, call.tenant, act, filters, body.limit, dry_run=body.dry_run)
    return Reply(
        Changed(
            dry_run=body.dry_run,
            matched=done.matched,
            changed=done.changed,
            remaining=done.matched - done.changed,
            sample=answers.of(JobRef, done.sample),
        )
    )
