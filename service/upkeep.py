"""What keeps the engine's house: heartbeats, the rescue of lost executions, the log's partitions and retention."""

import os
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from service import __version__, db, executions, jobs, log, metrics, notify, sql
from service.config import Config
from service.executions import Ended

DAYS_AHEAD = 7  # partitions made before their day
RESCUE_BATCH = 500
PURGE_BATCH = 1000
STRANDED_BATCH = 100  # jobs
PARTITION_SECONDS = 300.0
THIN_SECONDS = 600  # for the copy of a day's failures: some 30,000 a second
INDEX_SECONDS = 600  # for an index of a day's failures: a second or so for a million rows of the day
CLOSE_SECONDS = 600  # for the sums of a day: a million jobs a second or two


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that missed its heartbeats."""

    id: UUID
    host: str
    pid: int
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class Needed:
    """What a look has found to do."""

    rescue: bool  # a worker is dead, or gone with executions running
    settle: bool  # something waits for its predecessor, or a job may be exhausted
    held: bool  # something is held, as a pause does


@dataclass(frozen=True, slots=True)
class LostExecution:
    """A running execution whose worker is gone."""

    id: UUID
    worker_id: UUID
    attempt: int
    max_retries: int


@dataclass(frozen=True, slots=True)
class StrandedJob:
    """A job that is not paused and has executions held all the same."""

    id: UUID


_register = sql.execute("upkeep.register_worker")
_heartbeat = sql.value("upkeep.heartbeat")
_needed = sql.one("upkeep.needed", row=Needed)
_dead_workers = sql.many("upkeep.dead_workers", row=Worker)
_lost_executions = sql.many("upkeep.lost_executions", row=LostExecution)
_stranded_jobs = sql.many("upkeep.stranded_jobs", row=StrandedJob)
_delete_workers = sql.execute("upkeep.delete_workers")
_complete_exhausted_jobs = sql.execute("upkeep.complete_exhausted_jobs")
_try_upkeep_lock = sql.value("upkeep.try_upkeep_lock")
_make_partitions = sql.value("upkeep.make_partitions")
_drop_partitions = sql.value("upkeep.drop_partitions")
_thin_partition = sql.value("upkeep.thin_partition")
_close_day = sql.value("upkeep.close_day")
_index_partition = sql.value("upkeep.index_partition")
_purge_idempotency_keys = sql.execute("upkeep.purge_idempotency_keys")
_purge_incidents = sql.execute("upkeep.purge_incidents")
_purge_audit = sql.execute("upkeep.purge_audit")
_purge_default_partition = sql.execute("upkeep.purge_default_partition")


class Registration:
    """This process in the table of workers. Buried by others while it hung, it comes back under a new id."""

    def __init__(self, pool: db.Pool, config: Config, busy: Callable[[], int], on_buried: Callable[[], None]) -> None:
        self._pool = pool
        self._config = config
        self._busy = busy
        self._on_buried = on_buried
        self._lock = threading.Lock()
        self._registered = False
        self.id = uuid4()
        self.draining = False
        self.asked_to_drain = False  # by whoever is on call

    @property
    def claimant(self) -> UUID | None:
        """The id to claim under; None while it is not in the table, when its claims would look lost."""
        return self.id if self._registered else None

    def run_once(self) -> float:
        """Register, or send a heartbeat. Returns the seconds until the next one."""
        with self._lock:
            if not self._registered or not self._beat():
                self._register()
        return self._config.heartbeat

    def remove(self) -> None:
        """Leave the table, at the end of a drain."""
        with self._lock, db.session(self._pool) as conn:
            _delete_workers(conn, ids=[self.id])

    def _beat(self) -> bool:
        with db.session(self._pool) as conn:
            asked: bool | None = _heartbeat(conn, id=self.id, busy=self._busy(), draining=self.draining)
        self.asked_to_drain |= bool(asked)
        if asked is None:
            log.warning(log.WORKER_BURIED, worker_id=self.id, note="it hung; what it was calling has been taken back")
            self._registered = False
            self.id = uuid4()
            self._on_buried()
        return asked is not None

    def _register(self) -> None:
        with db.session(self._pool) as conn:
            _register(
                conn,
                id=self.id,
                host=platform.node()[:255],
                pid=os.getpid(),
                version=__version__,
                slots=self._config.worker_count,
                heartbeat_seconds=self._config.heartbeat,
            )
        self._registered = True
        log.info(log.WORKER_STARTED, worker_id=self.id, slots=self._config.worker_count)


def look(pool: db.Pool) -> int:
    """Rescue, settle and release where there is anything to. Returns executions taken back."""
    with db.session(pool) as conn:
        needed = _needed(conn)
    rescued = rescue(pool) if needed.rescue else 0
    if needed.settle or rescued:
        settle(pool)
    if needed.held:
        release_stranded(pool)
    return rescued


def rescue(pool: db.Pool) -> int:
    """Bury workers that missed two heartbeats and take back what they were calling. Returns executions taken back.

    The lost attempt counts as spent, with the error `worker_lost`. Even without retries an execution gets a second
    attempt, since nobody knows whether the first one was ever sent; a third it gets only by its job's retries, so an
    execution that kills its workers comes to an end.
    """
    with db.transaction(pool) as conn:
        dead = _dead_workers(conn)
        lost = _lost_executions(conn, dead_ids=[worker.id for worker in dead], limit=RESCUE_BATCH)
        if lost:
            executions.end(conn, [_ended(item) for item in lost])
        if dead and len(lost) < RESCUE_BATCH:
            _delete_workers(conn, ids=[worker.id for worker in dead])
    for worker in dead:
        log.warning(log.WORKER_BURIED, worker_id=worker.id, host=worker.host, pid=worker.pid)
    if lost:
        metrics.RESCUED.inc(len(lost))
        log.warning(log.EXECUTIONS_RESCUED, executions=len(lost))
    return len(lost)


def _ended(lost: LostExecution) -> Ended:
    again = lost.attempt < max(lost.max_retries + 1, 2)
    return Ended(
        id=str(lost.id),
        worker_id=lost.worker_id,
        attempt=lost.attempt,
        status="failed",
        retry_delay=0.0 if again else None,
        error_code="worker_lost",
        error="worker lost: the process making this call died or hung before it recorded an outcome",
    )


def settle(pool: db.Pool) -> None:
    """Let executions go that wait for nothing any more, and complete jobs that finishing had to leave."""
    with db.session(pool) as conn:
        executions.let_go(conn)
        _complete_exhausted_jobs(conn)


def release_stranded(pool: db.Pool) -> int:
    """Let executions go that are held though their jobs are not paused. Returns of how many jobs."""
    with db.transaction(pool) as conn:
        found = _stranded_jobs(conn, limit=STRANDED_BATCH)
        if found:
            jobs.release_executions(conn, job_ids=[job.id for job in found])
            notify.work(conn)
    return len(found)


def keep_partitions(pool: db.Pool, cleanup_days: int, failed_days: int, today: date | None = None) -> float:
    """Make the log's partitions of the coming days and drop those past retention. Returns seconds until the next look.

    One process does it at a time; the others leave it to that one. Failures stay for failed_days, at least as long as
    the rest.
    """
    with db.transaction(pool) as conn:
        if _try_upkeep_lock(conn):
            made = _make_partitions(conn, days_ahead=DAYS_AHEAD, today=today)
            if made:
                log.info(log.PARTITIONS_CHANGED, made=made)
    with db.transaction(pool) as conn:
        if _try_upkeep_lock(conn):
            dropped = _drop_partitions(conn, days=failed_days, today=today)
            purged = _purge_default_partition(
                conn, days=cleanup_days, failed_days=failed_days, limit=PURGE_BATCH, today=today
            )
            if dropped or purged:
                log.info(log.PARTITIONS_CHANGED, dropped=dropped, purged=purged)
            if purged == PURGE_BATCH:
                return 0.0
    return _thin(pool, cleanup_days, today)


def _thin(pool: db.Pool, cleanup_days: int, today: date | None) -> float:
    """Leave only the failures of one day past cleanup_days, in a transaction of its own: it copies them all at once."""
    with db.patient_transaction(pool, THIN_SECONDS) as conn:
        thinned = _thin_partition(conn, days=cleanup_days, today=today) if _try_upkeep_lock(conn) else 0
    if thinned:
        log.info(log.PARTITIONS_CHANGED, thinned=thinned)
    return 0.0 if thinned else PARTITION_SECONDS


def index_partition(pool: db.Pool, today: date | None = None) -> float:
    """Index one more day of the log that an earlier release has left without. Returns seconds until the next look."""
    with db.patient_transaction(pool, INDEX_SECONDS) as conn:
        indexed = _try_upkeep_lock(conn) and _index_partition(conn, today=today)
    return 0.0 if indexed else PARTITION_SECONDS


def close_day(pool: db.Pool, now: datetime | None = None) -> float:
    """Sum up one more day that has ended, for history over all jobs. Returns seconds until the next look."""
    with db.patient_transaction(pool, CLOSE_SECONDS) as conn:
        closed = _close_day(conn, now=now) if _try_upkeep_lock(conn) else None
    return PARTITION_SECONDS if closed is None else 0.0


def purge_idempotency_keys(pool: db.Pool) -> float:
    """Delete a batch of the answers kept for repeated requests a day ago. Returns seconds until the next look."""
    with db.transaction(pool) as conn:
        purged = _purge_idempotency_keys(conn, limit=PURGE_BATCH) if _try_upkeep_lock(conn) else 0
    return 0.0 if purged == PURGE_BATCH else PARTITION_SECONDS


def purge_incidents(pool: db.Pool, cleanup_days: int) -> float:
    """Delete a batch of the incidents that ended more than so many days ago. Returns seconds until the next look."""
    with db.transaction(pool) as conn:
        purged = _purge_incidents(conn, days=cleanup_days, limit=PURGE_BATCH) if _try_upkeep_lock(conn) else 0
    return 0.0 if purged == PURGE_BATCH else PARTITION_SECONDS


def purge_audit(pool: db.Pool, audit_days: int, now: datetime | None = None) -> float:
    """Delete a batch of what the audit log has kept for its days. Returns seconds until the next look."""
    with db.transaction(pool) as conn:
        purged = _purge_audit(conn, days=audit_days, limit=PURGE_BATCH, now=now) if _try_upkeep_lock(conn) else 0
    if purged:
        log.info(log.AUDIT_PURGED, entries=purged)
    return 0.0 if purged == PURGE_BATCH else PARTITION_SECONDS
