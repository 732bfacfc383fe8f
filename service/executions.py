"""Executions: ending them, whoever ends them, and what the API reads and does with them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection

from service import notify, sql
from service.errors import heed
from service.rows import (
    Execution,
    ExecutionDetail,
    FinishedCounts,
    LiveCounts,
    LiveExecution,
    Percentiles,
    Placed,
    Recorded,
    Verdict,
)

Found = TypeVar("Found")
CANCEL_BATCH = 1000  # executions that one statement ends
RECENT = timedelta(days=3)  # among these the newest are looked for first
MARGIN = 1.5  # by which a second look goes back further than what the first has found says
FAR = 5 * RECENT  # beyond which it does not
EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)  # of any time zone
LIVE = frozenset({"pending", "running", "retrying", "held"})  # in the queue, which is no part of the log

_finish = sql.one("work.finish", row=Recorded, kept=True)
get = sql.one("executions.get", row=ExecutionDetail)
_page = sql.many("executions.list", row=Execution)
_seek = sql.maybe("executions.seek", row=Placed)
_seek_of_job = sql.maybe("executions.seek_of_job", row=Placed)
_count = sql.value("executions.count")
_count_of_job = sql.value("executions.count_of_job")
live_counts = sql.one("executions.live_counts", row=LiveCounts)
totals = sql.one("executions.totals", row=FinishedCounts)
_whole_since = sql.value("executions.whole_since")
_percentiles = sql.one("executions.percentiles", row=Percentiles)
_release_overlapped = sql.value("upkeep.release_overlapped")
_cancel = sql.one("executions.cancel", row=Verdict)
_cancel_all = sql.execute("executions.cancel_all")
lock_counts = sql.execute("executions.lock_counts")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which executions a list has: a tenant's, and where something is given, only those."""

    tenant_id: str
    job_id: UUID | None = None
    status: str | None = None
    start_time: datetime | None = None  # of scheduled_at, as end_time is; both inclusive
    end_time: datetime | None = None


class Ended(NamedTuple):
    """How one attempt ended."""

    id: str
    worker_id: UUID | None  # as the caller last saw it; None: not running
    attempt: int  # likewise
    status: str  # completed, failed or timeout
    retry_delay: float | None = None  # s; None ends the execution
    duration_ms: float | None = None  # None: since the claim
    response_status: int | None = None
    response_body: str | None = None
    response_truncated: bool = False
    error_code: str | None = None
    error: str | None = None
    trace_id: str | None = None  # None: the one the execution has


def end(conn: Connection[Any], outcomes: Sequence[Ended], *, set_aside: bool = False) -> list[UUID]:
    """Record how attempts ended; gives those that were not the caller's any more, of which nothing was recorded.

    With set_aside they are counted by a fold that the caller sees to.
    """
    (
        ids, worker_ids, attempts, statuses, retry_delays, durations,
        response_statuses, response_bodies, truncated, error_codes, errors, trace_ids,
    ) = zip(*outcomes, strict=True) if outcomes else [()] * len(Ended._fields)  # fmt: skip
    recorded: Recorded = _finish(
        conn,
        ids=sql.array(ids),
        worker_ids=sql.uuids(_known(worker_ids)),
        attempts=sql.array(attempts),
        statuses=sql.array(statuses),
        retry_delays=sql.array(_known(retry_delays)),
        durations=sql.array([None if ms is None else f"{ms:.3f}" for ms in durations]),  # to the microsecond
        response_statuses=sql.array(_known(response_statuses)),
        response_bodies=sql.texts(_known(response_bodies)),
        truncated=sql.array(truncated),
        error_codes=sql.texts(_known(error_codes)),
        errors=sql.texts(_known(errors)),
        trace_ids=sql.array(_known(trace_ids)),
        set_aside=set_aside,
    )
    if recorded.awaited:
        let_go(conn)
    return recorded.fenced_ids


def _known(column: tuple[Any, ...]) -> tuple[Any, ...]:
    """A column of a batch, or nothing where it is all None, as most batches have no errors: unnest fills it up."""
    return () if column.count(None) == len(column) else column


def let_go(conn: Connection[Any]) -> None:
    """Make executions pending that were held until their job's earlier execution had ended."""
    if _release_overlapped(conn):
        notify.work(conn)


def page(conn: Connection[Any], filters: Filters, *, after: Placed | None, offset: int, limit: int) -> list[Execution]:
    """A page of executions, newest first: after a row, or so many rows from the start."""
    if offset:
        after = _sought(conn, filters, offset)
        if after is None:
            return []

    def find(within: Filters) -> list[Execution]:
        return _page(conn, **asdict(within), after_at=after and after.at, after_id=after and after.id, limit=limit)

    return _looking_back(find, len, limit, filters, before=after.at if after else None)


def count(conn: Connection[Any], filters: Filters, *, limit: int) -> int:
    """How many executions a list has, counted no further than limit."""
    if filters.job_id is not None:
        return _count_of_job(conn, **_without_other(filters), limit=limit)  # type: ignore[no-any-return]
    return _looking_back(lambda within: int(_count(conn, **_without_other(within), limit=limit)), int, limit, filters)


def _sought(conn: Connection[Any], filters: Filters, place: int) -> Placed | None:
    if filters.job_id is not None:
        return _seek_of_job(conn, **_without_other(filters), place=place)
    return _looking_back(
        lambda within: _seek(conn, **_without_other(within), place=place), lambda found: found is not None, 1, filters
    )


def _looking_back(
    find: Callable[[Filters], Found],
    size: Callable[[Found], int],
    enough: int,
    filters: Filters,
    before: datetime | None = None,
) -> Found:
    """What find() finds of the last days before an instant, or if that is not enough of more days, or else of all.

    The newest are wanted, and a partition of the log costs the planner as much as ten rows, and there is one for each
    day. What says how far to look back (the clock, end_time) need not be right, since the last look is at all.
    """
    now = datetime.now(UTC)
    end = before or min(filters.end_time or now, now)
    back: timedelta | None = RECENT
    while back is not None and filters.status not in LIVE:
        since = end - back if end - EARLIEST > back else EARLIEST
        if filters.start_time is not None and filters.start_time >= since:
            break
        found = find(replace(filters, start_time=since))
        if size(found) == enough:
            return found
        back = _further(back, size(found), enough)
    return find(filters)


def _further(back: timedelta, found: int, enough: int) -> timedelta | None:
    """How far back there is likely to be enough, going by what is within RECENT; None: look at all."""
    likely = RECENT * MARGIN * (enough / found) if found else FAR
    return likely if back == RECENT and likely < FAR else None


def _without_other(filters: Filters) -> dict[str, object]:
    """The filters of the statements that look over all jobs, or of those that look at one."""
    other = "job_id" if filters.job_id is None else "tenant_id"
    return {name: value for name, value in asdict(filters).items() if name != other}


def percentiles(
    conn: Connection[Any],
    *,
    tenant_id: str,
    job_id: UUID | None,
    limit: int,
    start_date: date | None = None,
    end_date: date | None = None,
) -> Percentiles:
    """Percentiles over the newest executions, at most limit of them, of those days of which the log still has all."""
    last = datetime.now(UTC)
    if end_date is not None and end_date < last.date():
        last = datetime.combine(end_date, time.max, UTC)

    def find(within: Filters) -> Percentiles:
        return _percentiles(
            conn,
            tenant_id=tenant_id,
            job_id=job_id,
            since=within.start_time,
            start_date=start_date,
            end_date=end_date,
            limit=limit,
        )

    since: datetime | None = _whole_since(conn)
    if start_date is not None:
        due = datetime.combine(start_date, time.min, UTC) - timedelta(days=1)  # see executions.percentiles
        since = due if since is None else max(since, due)
    every = Filters(tenant_id, job_id, start_time=since)
    return _looking_back(find, lambda found: found.sampled, limit, every, before=last)


def cancel(conn: Connection[Any], tenant_id: str, id: UUID) -> ExecutionDetail:
    """End a live execution as cancelled, and tell whoever calls for it to stop.

    Raises:
        NotFound: no such execution.
        Conflict: it has finished.
    """
    heed(_cancel(conn, tenant_id=tenant_id, id=id))
    return get(conn, tenant_id=tenant_id, id=id)


def cancel_all(conn: Connection[Any], live: Sequence[LiveExecution]) -> None:
    """End executions as cancelled; the caller holds their locks."""
    if len(live) > CANCEL_BATCH:
        lock_counts(conn, job_ids=list({execution.job_id for execution in live}))
    for start in range(0, len(live), CANCEL_BATCH):
        _cancel_all(conn, ids=[execution.id for execution in live[start : start + CANCEL_BATCH]])
