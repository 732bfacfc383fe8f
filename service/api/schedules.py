"""Schedules: when they would run, and when jobs will."""

from datetime import datetime, timedelta
from uuid import UUID

from service import jobs, plans, policy
from service.api import answers
from service.api.requests import SchedulePreview, UpcomingQuery
from service.api.routing import Reply, Resource
from service.api.services import Call
from service.policy import Plan

api = Resource("schedules")


@api.route("POST", "/schedules/preview", body=SchedulePreview, answer=answers.Runs)
def preview_schedule(call: Call, body: SchedulePreview) -> Reply:
    """Show when a schedule would run."""
    after = body.after or _now(call)
    timezone = body.timezone or call.services.config.timezone
    plan = Plan(
        job_id=None,
        schedule=plans.check_schedule(body.type, body.schedule, timezone, after),
        anchor=after,
        jitter=timedelta(seconds=body.jitter),
        start_at=body.start_at,
        end_at=body.end_at,
        max_runs=body.max_runs,
    )
    return Reply(answers.Runs(runs=answers.of(answers.Run, policy.preview(plan, after, body.count))))


@api.route("GET", "/jobs/<uuid:id>/upcoming", query=UpcomingQuery, answer=answers.Runs, errors=[404])
def upcoming_runs(call: Call, id: UUID, query: UpcomingQuery) -> Reply:
    """Show when a job will run next; never while it is not active."""
    with call.transaction() as conn:
        runs = jobs.upcoming(conn, call.tenant, id, query.count)
    return Reply(answers.Runs(runs=answers.of(answers.Run, runs)))


def _now(call: Call) -> datetime:
    with call.transaction() as conn:
        at: datetime = jobs.now(conn)
    return at
