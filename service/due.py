"""What is due becomes executions: for a tick, many jobs at once; for an edit, the one job before it changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from service import executions, log, metrics, notify, skips, sql
from service.overlap import Decision, decide
from service.plans import once
from service.policy import Advance, Misfire, MisfirePolicy, Plan, Run, advance, next_run, pass_over, run_from
from service.rows import LiveExecution
from service.schedule import ScheduleError, parse

RUNS_PER_JOB = 1000  # runs of one job a transaction
PARK = timedelta(minutes=5)


class DueJob(NamedTuple):
    """A job whose next run is due."""

    id: UUID
    type: str
    schedule: str
    timezone: str
    anchor_at: datetime
    next_run_at: datetime
    next_instant_at: datetime  # before the jitter offset
    resumed_from: datetime | None  # the first instant its pause swallowed: plan the next run, and make up for none
    start_at: datetime | None
    end_at: datetime | None
    max_runs: int | None
    runs: int  # materialized so far
    jitter_seconds: int
    misfire_policy: MisfirePolicy
    misfire_limit: int
    start_deadline_seconds: int | None
    overlap_policy: str
    live: int  # executions in the queue; 0 where overlap is allowed
    waiting: int  # of them, those held until an earlier one ends
    now: datetime  # the database's clock, the same for the whole batch


class Step(NamedTuple):
    """What the tick does for one job."""

    job: DueJob
    decision: Decision
    next_run_at: datetime | None  # None: no run is left
    next_instant_at: datetime | None


NOTHING = Decision([], [], [], replaces=False)

_due_among = sql.many("tick.due_among", row=DueJob)
has_run_since = sql.value("jobs.has_run_since")
_materialize = sql.execute("tick.materialize", kept=True)
_replaced_executions = sql.many("tick.replaced_executions", row=LiveExecution)


def materialize(conn: Connection[Any], due: Sequence[DueJob], misfire_after: timedelta) -> int:
    """Deal with jobs that are due, as their policies say, and advance them. The caller holds their locks.

    Returns how many executions that has made.
    """
    steps = [_step(conn, job, misfire_after) for job in due]
    replacing = [step.job.id for step in steps if step.decision.replaces]
    replaced = _replaced_executions(conn, job_ids=replacing) if replacing else []
    skipped = [(step.job.id, skip) for step in steps for skip in step.decision.skipped]
    if replaced and skipped:
        counted = {execution.job_id for execution in replaced} | {job_id for job_id, _ in skipped}
        executions.lock_counts(conn, job_ids=list(counted))
    executions.cancel_all(conn, replaced)
    runs = _materialize(conn, **_arrays(steps))
    skips.record(conn, skipped)
    return runs


def settle(conn: Connection[Any], job_id: UUID, misfire_after: timedelta) -> bool:
    """Deal with what is due of a job whose lock the caller holds, as a tick would. Returns whether anything was.

    An edit that overtakes the tick would otherwise take a run away that was already due.
    """
    due = _due_among(conn, job_ids=[job_id])
    runs = materialize(conn, due, misfire_after) if due else 0
    if runs:
        metrics.MATERIALIZED.inc(runs)
        notify.work(conn)
    return bool(due)


def plan_resumed(conn: Connection[Any], job_ids: Sequence[UUID]) -> None:
    """Plan the next runs of those jobs that were resumed, as the next tick would. The caller holds their locks."""
    resumed = [job for job in _due_among(conn, job_ids=list(job_ids)) if job.resumed_from is not None]
    if resumed:
        materialize(conn, resumed, timedelta(0))


def plan_of(job: DueJob) -> Plan:
    """When a job runs. Raises ScheduleError when its schedule cannot be read any more."""
    return Plan(
        job_id=job.id,
        schedule=parse(job.type, job.schedule, job.timezone),
        anchor=job.anchor_at,
        jitter=timedelta(seconds=job.jitter_seconds),
        start_at=job.start_at,
        end_at=job.end_at,
        max_runs=job.max_runs,
    )


def _step(conn: Connection[Any], job: DueJob, misfire_after: timedelta) -> Step:
    try:
        plan = plan_of(job)
    except ScheduleError as error:
        # Zone data can lose a name. One such job must not stop the others, nor be lost: look again later.
        log.error(log.SCHEDULE_FAILED, job_id=job.id, error=error)
        instant = None if job.resumed_from is not None else job.next_instant_at  # None: still to be planned then
        return Step(job, NOTHING, job.now + PARK, instant)
    if job.resumed_from is not None:
        return _resumed(conn, plan, job, job.resumed_from)
    advanced = _advance(plan, job, misfire_after)
    decision = decide(job.overlap_policy, job.live, job.waiting, advanced.runs)
    coming = advanced.next
    if coming is None and decision.taken < len(advanced.runs):  # what overlap skipped does not count as a run
        coming = next_run(plan, advanced.runs[-1].instant, job.runs + decision.taken)
    if advanced.skipped:
        decision = replace(decision, skipped=[*advanced.skipped, *decision.skipped])
    return _step_to(job, decision, coming)


def _resumed(conn: Connection[Any], plan: Plan, job: DueJob, swallowed_from: datetime) -> Step:
    """Go on from the resume: a row tells of what the pause has swallowed. A one_time job that has not run, runs then.

    A tick may come late: what has come due since the resume is no part of the pause, and dealt with by the next tick.
    """
    resumed_at = job.next_run_at
    if not plan.schedule.repeats:
        has_run = has_run_since(conn, job_id=job.id, since=job.anchor_at)
        return _step_to(job, NOTHING, None if has_run else once(plan, resumed_at))
    first = run_from(plan, swallowed_from, job.runs)
    passed = Advance([], [], None) if first is None else pass_over(plan, first, resumed_at, job.runs, "paused")
    return _step_to(job, replace(NOTHING, skipped=passed.skipped), passed.next)


def _step_to(job: DueJob, decision: Decision, coming: Run | None) -> Step:
    return Step(job, decision, coming.run_at if coming else None, coming.instant if coming else None)


def _advance(plan: Plan, job: DueJob, misfire_after: timedelta) -> Advance:
    deadline = job.start_deadline_seconds
    misfire = Misfire(
        policy=job.misfire_policy,
        limit=job.misfire_limit,
        after=misfire_after,
        start_deadline=None if deadline is None else timedelta(seconds=deadline),
    )
    due = Run(instant=job.next_instant_at, run_at=job.next_run_at)
    return advance(plan, due, job.now, job.runs, misfire, RUNS_PER_JOB)


def _arrays(steps: Sequence[Step]) -> dict[str, object]:
    runs = [
        (step.job.id, run.run_at, waits)
        for step in steps
        for taken, waits in ((step.decision.pending, False), (step.decision.held, True))
        for run in taken
    ]
    return {
        "run_job_ids": sql.uuids([job_id for job_id, _, _ in runs]),
        "run_ats": _instants([run_at for _, run_at, _ in runs]),
        "run_waits": sql.array([waits for _, _, waits in runs]),
        "job_ids": sql.uuids([step.job.id for step in steps]),
        "next_run_ats": _instants([step.next_run_at for step in steps]),
        "next_instant_ats": _instants([step.next_instant_at for step in steps]),
        "runs": sql.array([step.decision.taken for step in steps]),
    }


def _instants(values: Sequence[datetime | None]) -> str:
    return sql.array([None if value is None else value.isoformat() for value in values])
