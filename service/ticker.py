"""The tick: due instants become pending executions, and retries whose time has come become pending again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import db, log, metrics, notify, sql, tracing
from service.lease import Lease
from service.loop import POLL_SECONDS
from service.schedule import Advance, ScheduleError, advance, parse

BATCH = 1000  # jobs, and retries, a transaction
RUNS_PER_JOB = 1000  # instants of one job a transaction
OVERDUE_SECONDS = 2.0  # a run this late shows that the lease holder does not tick
PARK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job whose instant has come."""

    id: UUID
    type: str
    schedule: str
    timezone: str
    anchor_at: datetime
    next_run_at: datetime
    now: datetime  # the database's clock, the same for the whole batch


@dataclass(frozen=True, slots=True)
class MaterializedExecution:
    """An execution that the tick has put into the queue."""

    id: UUID
    job_id: UUID


_next_due = sql.value("tick.next_due")
_due_jobs = sql.many("tick.due_jobs", row=DueJob)
_materialize = sql.many("tick.materialize", row=MaterializedExecution)
_skip = sql.execute("tick.skip")
_promote_retries = sql.execute("tick.promote_retries")


class Ticker:
    """Ticks while it may: as lease holder, while Redis is away, or when it sees that nobody else does."""

    def __init__(self, pool: db.Pool, lease: Lease, misfire_after: timedelta, on_work: Callable[[], None]) -> None:
        self._pool = pool
        self._lease = lease
        self._misfire_after = misfire_after
        self._on_work = on_work

    def run_once(self) -> float:
        """Tick if something is due and this process may. Returns the seconds until something may be due."""
        with db.session(self._pool) as conn:
            due_in: float | None = _next_due(conn)
        if due_in is None:
            return POLL_SECONDS
        if not self._lease.may_tick():
            if due_in > -OVERDUE_SECONDS:
                return min(POLL_SECONDS, due_in + OVERDUE_SECONDS)
            self._lease.seize()
        elif due_in > 0:
            return min(POLL_SECONDS, due_in)
        return 0.0 if self.tick() else min(POLL_SECONDS, 0.05)

    def tick(self, now: datetime | None = None) -> int:
        """Materialize one batch of what is due at `now` (the database's time when None). Returns rows made pending."""
        with tracing.span("tick") as span, metrics.TICK_DURATION.time():
            with db.transaction(self._pool) as conn:
                due = _due_jobs(conn, limit=BATCH, now=now)
                runs = self._materialize_due(conn, due) if due else []
                promoted = _promote_retries(conn, limit=BATCH, now=now)
                if runs or promoted:
                    notify.work(conn)
            span.set_attribute("scheduler.runs", len(runs))
        if runs or promoted:
            self._on_work()
            metrics.MATERIALIZED.inc(len(runs))
        if due:
            log.info(log.TICK, jobs=len(due), runs=len(runs), promoted=promoted)
        return len(due) + promoted

    def _materialize_due(self, conn: Connection[Any], due: Sequence[DueJob]) -> list[MaterializedExecution]:
        plans = [_advance(job, self._misfire_after) for job in due]
        runs = _materialize(conn, **_arrays(due, plans))
        _record_skips(conn, due, plans)
        return runs


def _advance(job: DueJob, misfire_after: timedelta) -> Advance:
    try:
        schedule = parse(job.type, job.schedule, job.timezone)
    except ScheduleError as error:
        # Zone data can lose a name. One such job must not stop the others, nor be lost: look again later.
        log.error(log.SCHEDULE_FAILED, job_id=job.id, error=error)
        return Advance(runs=[], skipped=[], next_run_at=job.now + PARK)
    return advance(schedule, job.anchor_at, job.next_run_at, job.now, misfire_after, RUNS_PER_JOB)


def _arrays(due: Sequence[DueJob], plans: Sequence[Advance]) -> dict[str, object]:
    runs = [(job.id, at) for job, plan in zip(due, plans, strict=True) for at in plan.runs]
    return {
        "run_job_ids": [job_id for job_id, _ in runs],
        "run_ats": [at for _, at in runs],
        "job_ids": [job.id for job in due],
        "next_run_ats": [plan.next_run_at for plan in plans],
    }


def _record_skips(conn: Connection[Any], due: Sequence[DueJob], plans: Sequence[Advance]) -> None:
    skips = [(job.id, skip) for job, plan in zip(due, plans, strict=True) for skip in plan.skipped]
    if not skips:
        return
    _skip(
        conn,
        job_ids=[job_id for job_id, _ in skips],
        firsts=[skip.first for _, skip in skips],
        lasts=[skip.last for _, skip in skips],
        counts=[skip.count for _, skip in skips],
        reasons=[skip.reason for _, skip in skips],
    )
    metrics.SKIPPED.labels(reason="misfire").inc(sum(skip.count for _, skip in skips))
