"""Jobs: what a tenant does with them. Every change locks the job first, so it never races with a tick."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.types.json import Jsonb

from service import due, executions, masks, notify, plans, policy, skips, sql
from service.errors import Deleted, KeyTaken, NotFound, Problem, ValidationFailed, heed
from service.policy import Plan, PreviewRun, Run, Skip
from service.rows import ExecutionDetail, Job, JobCounts, JobDefinition, Listed, LiveExecution, Placed, Verdict
from service.schedule import ScheduleError
from service.vault import SecretUnreadable, Vault, job_owner

read = sql.many("jobs.read", row=Job)
page = sql.many("jobs.list", row=Listed)
count = sql.value("jobs.count")
upcoming_page = sql.many("jobs.list_upcoming", row=Listed)
count_upcoming = sql.value("jobs.count_upcoming")
counts = sql.one("jobs.counts", row=JobCounts)
now = sql.value("jobs.now")
_create = sql.value("jobs.create")
_find_key = sql.value("jobs.find_key")
_lock_key = sql.value("jobs.lock_key")
matching = sql.many("jobs.matching", row=Placed)
lock_all = sql.many("jobs.lock_all", row=Placed)
_lock_row = sql.value("jobs.lock")
_sealed = sql.value("jobs.sealed")
_update = sql.execute("jobs.update")
_pause = sql.many("jobs.pause", row=Verdict)
_resume = sql.many("jobs.resume", row=Verdict)
_complete = sql.value("jobs.complete")
_delete = sql.execute("jobs.delete")
_trigger = sql.one("jobs.trigger", row=Verdict)
release_executions = sql.value("jobs.release_executions")
_lock_waiting = sql.many("jobs.lock_waiting", row=LiveExecution)
_has_live = sql.value("jobs.has_live")

CREATE_TRIES = 5  # each but the last lost to another client that created or deleted the same key meanwhile
DEFINITION = tuple(item.name for item in fields(JobDefinition))


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job about to be added."""

    id: UUID
    at: datetime
    definition: JobDefinition
    sealed: str | None  # its secret values
    first_run: Run


def get(conn: Connection[Any], *, tenant_id: str, id: UUID) -> Job:
    """A job, deleted or not.

    Raises: NotFound when there is no such job.
    """
    found = read(conn, tenant_id=tenant_id, ids=[id])
    if not found:
        raise NotFound
    return found[0]


def lock(conn: Connection[Any], *, tenant_id: str, id: UUID) -> Job:
    """The job as it is once nobody else is changing it. Raises NotFound."""
    if _lock_row(conn, tenant_id=tenant_id, id=id):
        due.plan_resumed(conn, [id])  # before the tick does, which could not after an edit
    return get(conn, tenant_id=tenant_id, id=id)


def create(conn: Connection[Any], tenant_id: str, definition: Mapping[str, Any], vault: Vault) -> Job:
    """Add a job; one whose only instant has passed is due at once.

    Raises:
        ValidationFailed: the schedule is not valid, its bounds leave no run, or its secrets cannot be kept.
        KeyTaken: another job has its key.
    """
    new = prepare(tenant_id, definition, now(conn), vault)
    if not add(conn, tenant_id, new):
        raise KeyTaken
    notify.jobs(conn)
    return get(conn, tenant_id=tenant_id, id=new.id)


def prepare(tenant_id: str, definition: Mapping[str, Any], at: datetime, vault: Vault) -> NewJob:
    """A job that is created at an instant. Raises ValidationFailed."""
    id, wanted = uuid4(), JobDefinition(**definition)
    run = plans.first_run(plans.check_plan(wanted, id, at, at), at)
    concealed, values = masks.conceal(wanted, definition.keys(), {}, masks.Values())
    return NewJob(id, at, concealed, _seal(vault, concealed, values, job_owner(tenant_id, id)), run)


def add(conn: Connection[Any], tenant_id: str, new: NewJob) -> bool:
    """Add a job; False when another has its key."""
    values = _adapted(new.definition) | _next(new.first_run)
    return _create(conn, id=new.id, tenant_id=tenant_id, anchor_at=new.at, sealed=new.sealed, **values) is not None


def find(conn: Connection[Any], tenant_id: str, key: str, *, locked: bool = False) -> UUID:
    """The id of the job that has a key; locked, it keeps it. Raises NotFound."""
    id: UUID | None = (_lock_key if locked else _find_key)(conn, tenant_id=tenant_id, key=key)
    if id is None:
        raise NotFound
    return id


def put(
    conn: Connection[Any],
    tenant_id: str,
    key: str,
    definition: Mapping[str, Any],
    misfire_after: timedelta,
    check: Callable[[Job | None], None],
    vault: Vault,
) -> tuple[Job, bool]:
    """Create the job of a key, or give it another definition. Returns it, and whether it is new.

    Args:
        check: called with the job that is there, locked, or None; what it raises is raised.

    Raises:
        ValidationFailed: the schedule is not valid, its bounds leave no run, or its secrets cannot be kept.
        KeyTaken: others create and delete the key all the time.
    """
    for _ in range(CREATE_TRIES):
        id = _lock_key(conn, tenant_id=tenant_id, key=key)
        check(None if id is None else get(conn, tenant_id=tenant_id, id=id))
        if id is not None:
            return update(conn, tenant_id, id, definition, misfire_after, vault, whole=True), False
        with suppress(KeyTaken):  # by one who was quicker, and whose job is there to be replaced
            return create(conn, tenant_id, definition, vault), True
    raise KeyTaken


def update(
    conn: Connection[Any],
    tenant_id: str,
    id: UUID,
    changes: Mapping[str, Any],
    misfire_after: timedelta,
    vault: Vault,
    *,
    whole: bool = False,
) -> Job:
    """Change the fields given. Another schedule starts from now; it, or wider bounds, start a completed job again.

    Where nothing differs, nothing is written, and the version stays.

    Args:
        whole: the changes are a whole definition, so a secret header that they leave out is removed and not kept.

    Raises:
        NotFound: no such job.
        Conflict: it is deleted.
        ValidationFailed: the schedule that results is not valid, its bounds leave no run, or its secrets cannot be
            kept.
    """
    job = lock(conn, tenant_id=tenant_id, id=id)
    if job.status == "deleted":
        raise Deleted
    wanted = JobDefinition(**({name: getattr(job, name) for name in DEFINITION} | dict(changes)))
    sealed, renewed = _sealed(conn, id=id), False
    if changes.keys() & masks.FIELDS:
        owner = job_owner(tenant_id, id)
        kept = masks.kept_of(job.headers, _opened(vault, sealed, owner))
        wanted, values = masks.conceal(wanted, changes.keys(), {} if whole else job.headers, kept)
        renewed = values != kept
        sealed = _seal(vault, wanted, values, owner)
    if not renewed and not _differ(job, wanted, DEFINITION):
        return job
    state = {name: getattr(job, name) for name in ("status", "anchor_at", "runs", "next_run_at", "next_instant_at")}
    if _differ(job, wanted, plans.TIMING):
        state = _set_anew(conn, tenant_id, job, wanted, misfire_after)
    elif _differ(job, wanted, plans.BOUNDS):
        state = _rebound(conn, tenant_id, job, wanted, misfire_after)
    _update(conn, id=id, sealed=sealed, **_adapted(wanted), **state)
    notify.jobs(conn)
    return get(conn, tenant_id=tenant_id, id=id)


def delete(conn: Connection[Any], tenant_id: str, id: UUID) -> None:
    """Hide a job for good: what waits is cancelled, what runs may end. Deleting again changes nothing.

    Raises: NotFound when there is no such job.
    """
    job = lock(conn, tenant_id=tenant_id, id=id)
    if job.status != "deleted":
        delete_all(conn, [job])


def delete_all(conn: Connection[Any], found: Sequence[Job]) -> None:
    """Delete jobs that are not deleted yet; the caller holds their locks."""
    _delete(conn, ids=[job.id for job in found])
    executions.cancel_all(conn, _lock_waiting(conn, job_ids=[job.id for job in found]))
    notify.jobs(conn)


def pause(conn: Connection[Any], tenant_id: str, id: UUID) -> Job:
    """Stop what is due and hold what waits; what runs may end. Pausing again changes nothing.

    Raises:
        NotFound: no such job.
        Conflict: it is completed or deleted.
    """
    (verdict,) = _pause(conn, tenant_id=tenant_id, ids=[id])
    heed(verdict)
    return get(conn, tenant_id=tenant_id, id=id)


def pause_all(conn: Connection[Any], found: Sequence[Job]) -> None:
    """Pause active jobs; the caller holds their locks."""
    _pause(conn, tenant_id=found[0].tenant_id, ids=[job.id for job in found])


def resume(conn: Connection[Any], tenant_id: str, id: UUID) -> Job:
    """Go on from now, without making up, and let go of what was held. Resuming again changes nothing.

    Raises:
        NotFound: no such job.
        Conflict: it is completed or deleted.
        ValidationFailed: its schedule cannot be read any more.
    """
    job = lock(conn, tenant_id=tenant_id, id=id)
    (verdict,) = _resume(conn, tenant_id=tenant_id, ids=[id])
    heed(verdict)
    if job.status == "paused":
        _plan_resumed(conn, [job])
    return get(conn, tenant_id=tenant_id, id=id)


def resume_all(conn: Connection[Any], found: Sequence[Job]) -> None:
    """Resume paused jobs; the caller holds their locks.

    Raises: ValidationFailed when the schedule of one cannot be read any more.
    """
    _resume(conn, tenant_id=found[0].tenant_id, ids=[job.id for job in found])
    _plan_resumed(conn, found)


def _plan_resumed(conn: Connection[Any], found: Sequence[Job]) -> None:
    """Plan at once what the tick would plan, so that the answer shows it. Raises ValidationFailed."""
    for job in found:
        plans.check_plan(job, job.id, job.anchor_at, job.now)
    due.plan_resumed(conn, [job.id for job in found])
    _complete(conn, ids=[job.id for job in found])


def trigger(conn: Connection[Any], tenant_id: str, id: UUID) -> ExecutionDetail:
    """Run a job now, beside its schedule, whatever its state short of deleted.

    Raises:
        NotFound: no such job.
        Conflict: it is deleted.
    """
    made = _trigger(conn, tenant_id=tenant_id, id=id)
    heed(made)
    return executions.get(conn, tenant_id=tenant_id, id=made.id)


def upcoming(conn: Connection[Any], tenant_id: str, id: UUID, count: int) -> list[PreviewRun]:
    """The coming runs of a job; none while it is not active.

    Raises:
        NotFound: no such job.
        ValidationFailed: its schedule cannot be read any more.
    """
    job, at = get(conn, tenant_id=tenant_id, id=id), now(conn)
    if job.next_instant_at is None or job.next_run_at is None:
        return []
    plan = plans.check_plan(job, id, job.anchor_at, at)
    # What is due already belongs to the tick; what jitter puts off is still to come.
    after = min(at, job.next_instant_at - timedelta(microseconds=1)) if job.next_run_at > at else at
    return policy.preview(plan, after, count, job.runs)


def _set_anew(
    conn: Connection[Any], tenant_id: str, job: Job, wanted: JobDefinition, misfire_after: timedelta
) -> dict[str, Any]:
    """The state of a job whose schedule is another from now on."""
    run = plans.first_run(plans.check_plan(wanted, job.id, job.now, job.now), job.now)
    _settled(conn, tenant_id, job, misfire_after)
    return _state(job, "active", job.now, 0, run)


def _rebound(
    conn: Connection[Any], tenant_id: str, job: Job, wanted: JobDefinition, misfire_after: timedelta
) -> dict[str, Any]:
    """The state of a job whose schedule goes on within other bounds, or with other jitter; they may end it."""
    plan = plans.check_plan(wanted, job.id, job.anchor_at, job.now)
    job = _settled(conn, tenant_id, job, misfire_after)
    run = _coming_run(conn, plan, job)
    return _state(job, _status(conn, job.id, run), job.anchor_at, job.runs, run)


def _state(job: Job, status: str, anchor_at: datetime, runs: int, run: Run | None) -> dict[str, Any]:
    state = {"status": status, "anchor_at": anchor_at, "runs": runs} | _next(run)
    return state | {"status": "paused", "next_run_at": None} if job.status == "paused" else state


def _status(conn: Connection[Any], id: UUID, run: Run | None) -> str:
    """The status of a job that goes on with `run`: completed when there is none and nothing lives."""
    return "completed" if run is None and not _has_live(conn, job_id=id) else "active"


def _settled(conn: Connection[Any], tenant_id: str, job: Job, misfire_after: timedelta) -> Job:
    """The job once all that its present definition named until now is dealt with: run, or swallowed by its pause."""
    if job.status == "paused":
        return _passed_over(conn, job)
    return lock(conn, tenant_id=tenant_id, id=job.id) if due.settle(conn, job.id, misfire_after) else job


def _passed_over(conn: Connection[Any], job: Job) -> Job:
    """A paused job once a row tells of the instants that the pause has swallowed."""
    settled, swallowed = _swallowed(job)
    skips.record(conn, [(job.id, skip) for skip in swallowed])
    return settled


def _swallowed(job: Job) -> tuple[Job, list[Skip]]:
    """A paused job as it goes on, and the instants that the pause has swallowed; a one_time job loses none."""
    try:
        plan = plans.plan_of(job, job.id, job.anchor_at)
    except ScheduleError:  # an edit may be about to mend it
        return job, []
    pending, paused_at = job.next_instant_at, job.paused_at or job.now
    first = policy.next_run(plan, paused_at, job.runs) if pending is None else policy.run_from(plan, pending, job.runs)
    if first is None or not plan.schedule.repeats:
        return job, []
    passed = policy.pass_over(plan, first, job.now, job.runs, "paused")
    return replace(job, next_instant_at=passed.next.instant if passed.next else None), passed.skipped


def _coming_run(conn: Connection[Any], plan: Plan, job: Job) -> Run | None:
    """How a settled job goes on; a one_time job whose time passed unused runs at once."""
    if plan.schedule.repeats:
        return plans.coming_run(plan, job.next_instant_at, job.now, job.runs)
    return None if due.has_run_since(conn, job_id=job.id, since=job.anchor_at) else plans.once(plan, job.now)


def _next(run: Run | None) -> dict[str, datetime | None]:
    return {"next_run_at": run.run_at if run else None, "next_instant_at": run.instant if run else None}


def _differ(job: JobDefinition, wanted: JobDefinition, names: tuple[str, ...]) -> bool:
    return not all(_same(getattr(job, name), getattr(wanted, name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are one number, and true is none."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _seal(vault: Vault, definition: JobDefinition, values: masks.Values, owner: str) -> str | None:
    """The secret values for the database; None when there are none."""
    if any(definition.secrets.values()) and not vault.has_key:
        problem = "cannot be kept: this service has no SECRETS_KEY to encrypt them with; set one, or leave secrets out"
        raise ValidationFailed([Problem("secrets", problem)])
    return vault.seal({"headers": values.headers, "payload": values.payload}, owner) if values else None


def _opened(vault: Vault, sealed: str | None, owner: str) -> masks.Values:
    """The secret values of a job; none when they cannot be read any more, so that new ones can be sent."""
    try:
        return masks.Values() if sealed is None else masks.Values(**vault.open(sealed, owner))
    except SecretUnreadable:
        return masks.Values()


def _adapted(definition: JobDefinition) -> dict[str, Any]:
    """The definition as the statements take it."""
    payload = definition.payload
    return {name: getattr(definition, name) for name in DEFINITION} | {
        "headers": Jsonb(definition.headers),
        "metadata": Jsonb(definition.metadata),
        "secrets": Jsonb(definition.secrets),
        "alert": None if definition.alert is None else Jsonb(definition.alert),
        "payload": None if payload is None else Jsonb(payload),
    }
