"""Occurrences: each instant a job's schedule named, and what became of it.

The instants come from the definitions that were in force then; what became of them from the queue and the log, and
where those are silent, from the job's state. The work follows the page, not the window.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection

from service import sql
from service.executions import LIVE
from service.policy import Plan, Run, count_runs, due_between
from service.schedule import ScheduleError, parse

State = Literal["ran", "live", "skipped", "upcoming", "unknown"]

MAX_DEFINITIONS = 1000  # a page reads; a window with more is cut
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """What decides the fate of a job's instants."""

    id: UUID
    status: str
    created_at: datetime
    updated_at: datetime
    paused_at: datetime | None  # set if and only if it is paused
    next_run_at: datetime | None
    next_instant_at: datetime | None
    max_runs: int | None
    runs: int  # that count towards max_runs
    now: datetime  # the database's clock
    log_since: datetime | None  # retention has dropped what is older; None: nothing


@dataclass(frozen=True, slots=True)
class Definition:
    """What a job's schedule was for a time."""

    type: str
    schedule: str
    timezone: str
    anchor_at: datetime
    start_at: datetime | None
    end_at: datetime | None
    jitter_seconds: int
    since: datetime
    until: datetime | None  # None: it still holds


@dataclass(frozen=True, slots=True)
class Recorded:
    """An execution, or a range of skipped instants."""

    id: UUID
    scheduled_at: datetime
    status: str
    origin: str  # schedule or backfill
    attempt: int
    error_code: str | None
    skipped_until: datetime | None
    skipped_count: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """An instant that a definition names."""

    run: Run
    definition: Definition
    plan: Plan


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An instant and what became of it."""

    at: datetime  # scheduled_at, jitter included
    instant: datetime | None  # before jitter; None: no definition on record names it
    state: State
    reason: str | None = None  # why it did not run, or is not known to have
    execution_id: UUID | None = None  # the row that accounts for it
    status: str | None = None  # of that row
    origin: str | None = None  # of that row
    skipped_count: int | None = None  # instants that the skip stands for


@dataclass(frozen=True, slots=True)
class Page:
    """Occurrences in order of time."""

    rows: list[Occurrence]
    next_after: datetime | None  # where the next page begins; None: this is the last


subject = sql.one("occurrences.subject", row=Subject)
_definitions = sql.many("occurrences.definitions", row=Definition)
_recorded = sql.many("occurrences.recorded", row=Recorded)
_latest_before = sql.maybe("occurrences.latest_before", row=Recorded)


def page(conn: Connection[Any], tenant_id: str, job: Subject, start: datetime, end: datetime, limit: int) -> Page:
    """The first `limit` occurrences with start <= at < end."""
    which = {"tenant_id": tenant_id, "id": job.id}
    found = _definitions(conn, **which, start_at=start, end_at=end, limit=MAX_DEFINITIONS + 1)
    cut = found[MAX_DEFINITIONS].since if len(found) > MAX_DEFINITIONS else None
    end = end if cut is None else max(cut, start)
    named = _named(job.id, _merged(found[:MAX_DEFINITIONS]), start, end, limit + 1)
    known_until = named[limit].run.run_at + _TICK if len(named) > limit else end
    # An instant has two rows at most: a skip and the backfill that made up for it.
    rows = _recorded(conn, **which, start_at=start, end_at=known_until, limit=2 * (limit + 1))
    earlier = _latest_before(conn, **which, at=start)
    occurrences = _accounted(job, named, rows, [earlier, *rows] if earlier else rows, start, known_until)
    if len(occurrences) > limit:
        return Page(occurrences[:limit], occurrences[limit - 1].at)
    return Page(occurrences, None if cut is None else end - _TICK)


def plan_of(job_id: UUID, definition: Definition) -> Plan:
    """When a job ran under a definition. Raises ScheduleError when its schedule cannot be read any more."""
    return Plan(
        job_id=job_id,
        schedule=parse(definition.type, definition.schedule, definition.timezone),
        anchor=definition.anchor_at,
        jitter=timedelta(seconds=definition.jitter_seconds),
        start_at=definition.start_at,
        end_at=definition.end_at,
    )


def _merged(definitions: Iterable[Definition]) -> list[Definition]:
    """The same, with neighbours that differ in nothing but their time as one."""
    merged: list[Definition] = []
    for definition in definitions:
        if merged and replace(merged[-1], since=definition.since, until=definition.until) == definition:
            merged[-1] = replace(merged[-1], until=definition.until)
        else:
            merged.append(definition)
    return merged


def _named(job_id: UUID, definitions: Sequence[Definition], start: datetime, end: datetime, limit: int) -> list[Named]:
    """What the definitions name in start <= run_at < end, each while it held, at most `limit`."""
    named: list[Named] = []
    for definition in definitions:
        try:
            plan = plan_of(job_id, definition)
        except ScheduleError:  # zone data can lose a name; what is on record is listed all the same
            continue
        until = end if definition.until is None else min(end, definition.until + _TICK)
        # One more: an instant at the very moment of the change belongs to the definition before.
        runs = due_between(plan, max(start, definition.since), until, limit - len(named) + 1)
        named += [Named(run, definition, plan) for run in runs if run.instant > definition.since]
        if len(named) >= limit:
            break
    return named[:limit]


def _accounted(
    job: Subject,
    named: Sequence[Named],
    rows: Sequence[Recorded],
    known: Sequence[Recorded],
    start: datetime,
    end: datetime,
) -> list[Occurrence]:
    """What became of each instant that is named, on record, or next."""
    by_at: dict[datetime, Named | None] = {item.run.run_at: item for item in named}
    on_record: dict[datetime, Recorded] = {}
    for row in rows:
        by_at.setdefault(row.scheduled_at, None)
        if row.status != "skipped" or row.scheduled_at not in on_record:
            on_record[row.scheduled_at] = row
    if job.next_run_at is not None and start <= job.next_run_at < end:
        by_at.setdefault(job.next_run_at, None)
    skips = [row for row in known if row.status == "skipped"]
    beyond = _beyond_max_runs(job, named)
    return [
        _fate(job, at, item, on_record.get(at) or _covering(skips, at), beyond)
        for at, item in sorted(by_at.items(), key=itemgetter(0))
    ]


def _covering(skips: Sequence[Recorded], at: datetime) -> Recorded | None:
    """The skip whose range holds an instant; the ranges are in order and do not overlap."""
    place = bisect_right(skips, at, key=lambda row: row.scheduled_at)
    if place == 0:
        return None
    skip = skips[place - 1]
    return skip if at <= (skip.skipped_until or skip.scheduled_at) else None


def _beyond_max_runs(job: Subject, named: Sequence[Named]) -> datetime | None:
    """The first of the coming runs that max_runs does not allow any more; None when it allows all that are named."""
    if job.max_runs is None or job.next_run_at is None or job.next_instant_at is None:
        return None
    coming = [item for item in named if item.run.run_at >= job.next_run_at]
    if not coming:
        return None
    before = count_runs(coming[0].plan, Run(job.next_instant_at, job.next_run_at), coming[0].run) - 1
    allowed = max(0, job.max_runs - job.runs - before)
    return coming[allowed].run.run_at if allowed < len(coming) else None


def _fate(job: Subject, at: datetime, named: Named | None, row: Recorded | None, beyond: datetime | None) -> Occurrence:
    instant = named.run.instant if named else None
    if row is not None:
        state, reason = _recorded_fate(row)
        return Occurrence(at, instant, state, reason, row.id, row.status, row.origin, row.skipped_count)
    state, reason = _bounds_fate(job, at, named) or _silent_fate(job, at, beyond)
    return Occurrence(at, instant, state, reason)


def _recorded_fate(row: Recorded) -> tuple[State, str | None]:
    if row.status in LIVE:
        return "live", None
    if row.status == "skipped":
        return "skipped", row.error_code
    if row.status == "cancelled" and row.attempt == 0:
        return "skipped", "cancelled"
    return "ran", None


def _bounds_fate(job: Subject, at: datetime, named: Named | None) -> tuple[State, str | None] | None:
    """The fate of an instant that could not run, whatever the engine did."""
    if named is not None:
        start_at, end_at = named.definition.start_at, named.definition.end_at
        if start_at is not None and named.run.instant < start_at:
            return "skipped", "before_start"
        if end_at is not None and named.run.instant > end_at:
            return "skipped", "after_end"
    if job.status == "deleted" and at > job.updated_at:
        return "skipped", "deleted"
    if job.paused_at is not None and at >= job.paused_at:
        return ("skipped" if at <= job.now else "upcoming"), "paused"
    return None


def _silent_fate(job: Subject, at: datetime, beyond: datetime | None) -> tuple[State, str | None]:
    """The fate of an instant that could run and left no trace."""
    if job.next_run_at is not None and at >= job.next_run_at:
        return ("skipped", "max_runs") if beyond is not None and at >= beyond else ("upcoming", None)
    if job.log_since is not None and at < job.log_since:
        return "unknown", "expired"
    if job.next_run_at is None and job.max_runs is not None and job.runs >= job.max_runs:
        return "skipped", "max_runs"
    return ("skipped", "completed") if job.status == "completed" and at > job.updated_at else ("unknown", None)
