"""The tick: due instants become pending executions, and retries whose time has come become pending again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from service import db, log, metrics, notify, sql, tracing
from service.due import DueJob, materialize
from service.lease import Lease
from service.loop import POLL_SECONDS

BATCH = 1000  # jobs, and retries, a transaction at most
# The first batch of many jobs that are due at one instant is small, so that their calls begin while the rest is ticked.
FIRST_BATCH = 125
OVERDUE_SECONDS = 2.0  # a run this late shows that the lease holder does not tick
CONTENDED_SECONDS = 0.05  # before looking again at what another ticker has locked

_next_due = sql.value("tick.next_due", kept=True)
_due_jobs = sql.many("tick.due_jobs", row=DueJob, binary=True, kept=True)
_promote_retries = sql.execute("tick.promote_retries", kept=True)


def warm(conn: Connection[Any]) -> None:
    """Run the statements of a tick with nothing to do, see warm.py."""
    _next_due(conn)
    _due_jobs(conn, limit=0, now=None)
    materialize(conn, [], timedelta(0))
    _promote_retries(conn, limit=0, now=None)


class Ticker:
    """Ticks while it may: as lease holder, while Redis is away, or when it sees that nobody else does."""

    def __init__(self, pool: db.Pool, lease: Lease, misfire_after: timedelta, on_work: Callable[[], None]) -> None:
        self._pool = pool
        self._lease = lease
        self._misfire_after = misfire_after
        self._on_work = on_work
        self._batch = FIRST_BATCH

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
        return 0.0 if self.tick() else CONTENDED_SECONDS

    def tick(self, now: datetime | None = None) -> int:
        """Materialize one batch of what is due at `now` (the database's time when None).

        Returns how many jobs and retries it dealt with; 0 when nothing was due or another ticker holds it.
        """
        with tracing.span("tick") as span, metrics.TICK_DURATION.time():
            with db.transaction(self._pool) as conn:
                due = _due_jobs(conn, limit=self._batch, now=now)
                runs = materialize(conn, due, self._misfire_after) if due else 0
                promoted = _promote_retries(conn, limit=BATCH, now=now)
                if runs or promoted:
                    notify.work(conn)
            span.set_attribute("scheduler.runs", runs)
        if runs or promoted:
            self._on_work()
            metrics.MATERIALIZED.inc(runs)
        self._batch = min(2 * self._batch, BATCH) if len(due) == self._batch else FIRST_BATCH
        if due:
            metrics.TICK_JOBS.observe(len(due))
            log.info(log.TICK, jobs=len(due), runs=runs, promoted=promoted)
        return len(due) + promoted
