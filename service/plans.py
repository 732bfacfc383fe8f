"""When a job runs, worked out from its definition, and what of a definition is refused. Pure, as policy.py is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from service import schedule
from service.errors import Problem, ValidationFailed
from service.instants import rfc3339
from service.policy import Plan, Run, next_run, run_from
from service.rows import JobDefinition
from service.schedule import Schedule, ScheduleError

TIMING = ("type", "schedule", "timezone")  # another one is another schedule: counted and anchored anew
BOUNDS = ("start_at", "end_at", "max_runs", "jitter")
_EVER = datetime.min.replace(tzinfo=UTC)


def plan_of(definition: JobDefinition, id: UUID, anchor: datetime) -> Plan:
    """The plan of a job.

    Raises:
        ScheduleError: its schedule cannot be read (any more: zone data can lose a name).
    """
    return Plan(
        job_id=id,
        schedule=schedule.parse(definition.type, definition.schedule, definition.timezone),
        anchor=anchor,
        jitter=timedelta(seconds=definition.jitter),
        start_at=definition.start_at,
        end_at=definition.end_at,
        max_runs=definition.max_runs,
    )


def check_schedule(type: str, text: object, timezone: str, at: datetime) -> Schedule:
    """The schedule of a job that is created, changed or previewed at an instant.

    Raises:
        ValidationFailed: it is not well formed, or never runs.
    """
    try:
        return schedule.validate(type, text, timezone, at)
    except ScheduleError as error:
        raise ValidationFailed([Problem(error.field, error.message)]) from error


def check_plan(definition: JobDefinition, id: UUID, anchor: datetime, at: datetime) -> Plan:
    """The plan of a job that is created or changed at an instant.

    Raises:
        ValidationFailed: the schedule as in check_schedule, or bounds out of order.
    """
    check_schedule(definition.type, definition.schedule, definition.timezone, at)
    start_at, end_at = definition.start_at, definition.end_at
    if start_at is not None and end_at is not None and end_at <= start_at:
        raise ValidationFailed(
            [Problem("end_at", f"must be later than start_at, which is {definition.start_at:%FT%TZ}")]
        )
    return plan_of(definition, id, anchor)


def first_run(plan: Plan, now: datetime) -> Run:
    """The first run of a schedule that is set now. A one_time instant that has passed is due at once.

    Raises:
        ValidationFailed: the bounds leave none.
    """
    run = once(plan, now) if not plan.schedule.repeats else next_run(plan, now)
    if run is None:
        raise ValidationFailed([_nothing_left(plan, now)])
    return run


def once(plan: Plan, now: datetime) -> Run | None:
    """The run of a one_time schedule, not before now; None when it lies outside the bounds."""
    run = run_from(plan, _EVER)
    return None if run is None else Run(run.instant, max(run.run_at, now))


def coming_run(plan: Plan, pending: datetime | None, now: datetime, runs: int) -> Run | None:
    """The next run of a repeating schedule that goes on, perhaps within other bounds.

    Args:
        plan: the job's.
        pending: the first instant not dealt with; jitter may put its run off until after `now`.
        now: the database's time.
        runs: how many count towards max_runs.
    """
    if pending is not None and pending <= now:
        return run_from(plan, pending, runs)
    return next_run(plan, now, runs)


def _nothing_left(plan: Plan, now: datetime) -> Problem:
    unbounded = Plan(plan.job_id, plan.schedule, plan.anchor, start_at=plan.start_at)
    first = next_run(unbounded, now) if plan.schedule.repeats else once(unbounded, now)
    if first is None:
        return Problem("start_at", "leaves no run: the schedule names no instant from then on; choose an earlier one")
    return Problem("end_at", f"leaves no run: the first would be at {rfc3339(first.instant)}; choose a later one")
