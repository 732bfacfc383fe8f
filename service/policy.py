"""What a job's policies make of its schedule: when it runs within its bounds, what becomes of late runs, when to retry.

Pure, as schedule.py is: no clock, no database, and no loop that grows with the length of an outage.

    instant   what the schedule names
    run_at    instant plus the job's jitter: when the run becomes due, and its execution's scheduled_at
"""

import re
import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from service.schedule import Interval, Schedule

MisfirePolicy = Literal["fire_once", "skip", "fire_all"]
BackoffKind = Literal["fixed", "exponential"]
SkipReason = Literal["misfire", "deadline", "overlap", "paused"]

LONGEST_BACKOFF = 3600.0  # seconds; bounds Retry-After, and doubling where no max_delay does
_ZERO = timedelta(0)
_TICK = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)  # the resolution of an execution's id
_SECOND = timedelta(seconds=1)  # instants of one schedule are at least this far apart
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)

RETRY_ON = re.compile(r"[345](?:[0-9]{2}|xx)|timeout|connection")
_CONNECTION_CODES = frozenset({"connection", "dns", "tls", "protocol"})


@dataclass(frozen=True, slots=True)
class Plan:
    """When a job runs. All datetimes are aware and in UTC.

    An interval with a start_at counts from there, and start_at is its first instant; a cron or one_time
    schedule keeps its instants, and start_at leaves out the earlier ones.
    """

    job_id: UUID | None  # seeds the jitter; None (a preview): the schedule's text does
    schedule: Schedule
    anchor: datetime  # origin of an interval's grid when start_at is None
    jitter: timedelta = _ZERO  # runs are put off by less than this, and by less than the gap to the next instant
    start_at: datetime | None = None  # no instant is earlier
    end_at: datetime | None = None  # no instant is later
    max_runs: int | None = None  # runs, not skips


@dataclass(frozen=True, slots=True)
class Run:
    """One instant of the schedule, and when it becomes due."""

    instant: datetime
    run_at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """Consecutive due runs that do not run: why, the run_at of the first and the last, and how many."""

    reason: SkipReason
    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Misfire:
    """What to do with runs that are late."""

    policy: MisfirePolicy
    limit: int  # most runs that fire_all makes up
    after: timedelta  # the oldest due run is a misfire, and all due with it, when it is later than this
    start_deadline: timedelta | None = None  # a run later than this is skipped under any policy


@dataclass(frozen=True, slots=True)
class Advance:
    """What a tick does with one job.

    Attributes:
        runs: to materialize, oldest first.
        skipped: to record; all of them older than the runs.
        next: the first run not dealt with, possibly due already; None when the job is over.
    """

    runs: list[Run]
    skipped: list[Skip]
    next: Run | None


@dataclass(frozen=True, slots=True)
class PreviewRun:
    """A coming run as people read it."""

    at: datetime  # run_at
    local: str  # the same in ISO 8601, with the offset of the schedule's zone
    note: str | None  # what a clock change did to it


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between the attempts of an execution; all in seconds."""

    kind: BackoffKind
    delay: float
    max_delay: float | None = None  # bounds exponential; None: an hour, or delay where that is longer


def next_run(plan: Plan, after: datetime, runs_so_far: int = 0) -> Run | None:
    """The first run whose instant is strictly later than `after`; None when the bounds or the schedule leave none."""
    if _runs_left(plan, runs_so_far) == 0:
        return None
    schedule, anchor = _grid(plan)
    instant = schedule.next_after(_floor(plan, after), anchor)
    if instant is None or (plan.end_at is not None and instant > plan.end_at):
        return None
    return _run(plan, instant)


def run_from(plan: Plan, instant: datetime, runs_so_far: int = 0) -> Run | None:
    """The first run whose instant is not before `instant`; None as next_run."""
    return next_run(plan, _before_instant(instant), runs_so_far)


def upcoming(plan: Plan, after: datetime, count: int, runs_so_far: int = 0) -> list[Run]:
    """The first `count` runs whose instants are later than `after`; fewer when the job is over sooner."""
    first = next_run(plan, after, runs_so_far)
    return _walk(plan, first, _LAST, min(count, _runs_left(plan, runs_so_far)))


def preview(plan: Plan, after: datetime, count: int, runs_so_far: int = 0) -> list[PreviewRun]:
    """The coming runs, with their local times and with notes where a clock change moved or merged them."""
    return [
        PreviewRun(run.run_at, _local(plan.schedule, run.run_at), plan.schedule.note_at(run.instant))
        for run in upcoming(plan, after, count, runs_so_far)
    ]


def instants(plan: Plan, start: datetime, end: datetime, limit: int) -> list[Run]:
    """Runs with start <= instant < end, at most `limit`, start_at, end_at and max_runs or not: what could have run."""
    schedule, anchor = _grid(plan)
    found = schedule.between(_before_instant(start), _before_instant(end), anchor, limit)
    return [_run(plan, instant) for instant in found]


def due_between(plan: Plan, start: datetime, end: datetime, limit: int) -> list[Run]:
    """Runs with start <= run_at < end, at most `limit`, bounds or not; as instants(), but by when they become due."""
    schedule, anchor = _grid(plan)
    late = (
        schedule.latest(_before_instant(start - plan.jitter), _before_instant(start), anchor) if plan.jitter else None
    )
    found = instants(plan, start if late is None else late, end, limit + 1)  # jitter holds back one run at most
    return [run for run in found if start <= run.run_at < end][:limit]


def advance(plan: Plan, due: Run, now: datetime, runs_so_far: int, misfire: Misfire, limit: int) -> Advance:
    """Which of the runs due by `now` run, which are skipped, and when to come back.

    First, runs later than the start_deadline are skipped. While the oldest due run is at most misfire.after late,
    all others run, `limit` a call. Otherwise nobody ticked for long, and the policy says which of them run: the
    newest (fire_once), none (skip), or the newest misfire.limit ones (fire_all; all in this call, oldest first).
    The earlier ones are one Skip. The run that reaches max_runs is the last: what was due after it is no run at all.

    Args:
        plan: the job's.
        due: the job's stored next run; it counts even where the schedule has changed since.
        now: the database's time.
        runs_so_far: how many have counted towards max_runs.
        misfire: the job's.
        limit: most runs in one call while there is no misfire, at least 1.
    """
    late = now - due.run_at
    left = _runs_left(plan, runs_so_far)
    if late < _ZERO or left == 0:
        return Advance([], [], due if left else None)
    first: Run | None = due
    skipped: list[Skip] = []
    if misfire.start_deadline is not None and late > misfire.start_deadline:
        expired = _newest(plan, due, now - misfire.start_deadline - _TICK)
        skipped.append(_skip(plan, "deadline", due, expired))
        first = next_run(plan, expired.instant)
    is_misfire = late > misfire.after
    if is_misfire and first is not None and first.run_at <= now:
        first, dropped = _choose(plan, first, now, misfire)
        skipped += dropped
    runs = _walk(plan, first, now, left if is_misfire else min(limit, left))
    if runs:
        first = next_run(plan, runs[-1].instant, runs_so_far + len(runs))
    return Advance(runs, skipped, first)


def pass_over(plan: Plan, due: Run, now: datetime, runs_so_far: int, reason: SkipReason) -> Advance:
    """As advance, for a job that was not to run: all that is due by `now` is one Skip."""
    passed = advance(plan, due, now, runs_so_far, Misfire("skip", 1, after=-_TICK), 1)
    return replace(passed, skipped=[replace(skip, reason=reason) for skip in passed.skipped])


def retry_delay(attempt: int, backoff: Backoff, retry_after: float | None, seed: str) -> float:
    """Seconds to wait after `attempt`: our own delay or Retry-After, whichever is longer.

    Args:
        attempt: the one that failed, from 1.
        backoff: the job's. An exponential delay is spread over its upper half, so that what failed together
            does not come back together.
        retry_after: seconds the receiver asked for, heeded up to an hour; None when it did not.
        seed: the execution's id; the same seed and attempt give the same delay.
    """
    own = backoff.delay
    if backoff.kind == "exponential":
        cap = max(LONGEST_BACKOFF, own) if backoff.max_delay is None else backoff.max_delay
        ceiling = min(own * 2 ** min(attempt - 1, 64), cap)
        own = ceiling * (0.5 + _share(f"{seed}:{attempt}".encode()) / 2**65)
    return max(own, min(retry_after or 0.0, LONGEST_BACKOFF))


def is_retryable(
    status: str, error_code: str | None, response_status: int | None, retry_on: Sequence[str] | None, default: bool
) -> bool:
    """Whether another attempt may follow one that ended so.

    Args:
        status: completed, failed, timeout or cancelled; the first and the last are final.
        error_code: of the call's outcome.
        response_status: None when there was no whole answer.
        retry_on: what the job names as retryable, and nothing else is. "connection" covers failed look-ups,
            connections and handshakes and broken answers, but not what `default` calls final, such as a
            certificate that is not trusted.
        default: the call's own verdict, which holds where retry_on is None.
    """
    if status in ("completed", "cancelled"):
        return False
    if retry_on is None:
        return default
    if status == "timeout":
        return "timeout" in retry_on
    if response_status is not None:
        return str(response_status) in retry_on or f"{response_status // 100}xx" in retry_on
    return error_code in _CONNECTION_CODES and default and "connection" in retry_on


def retry_on_problem(item: object) -> str | None:
    """What is wrong with an entry of retry_on, and how to write it right; None when nothing."""
    if isinstance(item, str) and RETRY_ON.fullmatch(item):
        return None
    return 'must be a status "300" to "599", a class "3xx", "4xx" or "5xx", "timeout" or "connection"'


def _choose(plan: Plan, first: Run, now: datetime, misfire: Misfire) -> tuple[Run | None, list[Skip]]:
    """The first run that a misfire leaves standing, due or not, and the Skip of those from `first` up to it."""
    keep = {"fire_once": 1, "skip": 0, "fire_all": misfire.limit}[misfire.policy]
    newest = _newest(plan, first, now)
    count = count_runs(plan, first, newest)
    if count <= keep:
        return first, []
    if keep == 0:
        return next_run(plan, newest.instant), [_skip(plan, "misfire", first, newest)]
    kept = _nth_newest(plan, first, newest, keep)
    return kept, [_skip(plan, "misfire", first, _before(plan, first, kept))]


def _walk(plan: Plan, run: Run | None, until: datetime, limit: int) -> list[Run]:
    """Runs from `run` on that are due by `until`, at most `limit`."""
    found: list[Run] = []
    while run is not None and run.run_at <= until and len(found) < limit:
        found.append(run)
        run = next_run(plan, run.instant)
    return found


def _newest(plan: Plan, first: Run, until: datetime) -> Run:
    """The newest run due by `until`, given that `first` is."""
    end = until if plan.end_at is None else min(until, plan.end_at)
    instant = _latest(plan, first.instant, end)
    if instant is None:
        return first
    run = _run(plan, instant)
    return run if run.run_at <= until else _before(plan, first, run)  # jitter holds back one run at most


def _before(plan: Plan, first: Run, run: Run) -> Run:
    """The run before `run`, which is later than `first`."""
    instant = _latest(plan, first.instant, run.instant - _TICK)
    return first if instant is None else _run(plan, instant)


def _nth_newest(plan: Plan, first: Run, newest: Run, n: int) -> Run:
    """The n-th run from the end of those from `first` to `newest`, of which there are more than n.

    Going back from the newest a second at a time adds at most one run a step: halving finds the step that adds it.
    """
    schedule, anchor = _grid(plan)
    end = newest.instant
    steps = range((end - first.instant) // _SECOND + 1)
    back = bisect_left(steps, n, key=lambda step: schedule.count(_floor(plan, end - step * _SECOND), end, anchor))
    return next_run(plan, end - back * _SECOND) or newest


def _skip(plan: Plan, reason: SkipReason, first: Run, last: Run) -> Skip:
    return Skip(reason, first.run_at, last.run_at, count_runs(plan, first, last))


def count_runs(plan: Plan, first: Run, last: Run) -> int:
    """How many runs there are from `first` to `last`, both included."""
    schedule, anchor = _grid(plan)
    return 1 + schedule.count(_floor(plan, first.instant), last.instant, anchor)


def _latest(plan: Plan, start: datetime, end: datetime) -> datetime | None:
    schedule, anchor = _grid(plan)
    return schedule.latest(_floor(plan, start), end, anchor)


def _grid(plan: Plan) -> tuple[Schedule, datetime]:
    """The schedule and its anchor, once start_at has been heeded as an interval's origin."""
    if plan.start_at is None or not isinstance(plan.schedule, Interval):
        return plan.schedule, plan.anchor
    return plan.schedule.from_anchor(), plan.start_at


def _floor(plan: Plan, after: datetime) -> datetime:
    """`after`, or just before start_at where that is later."""
    return after if plan.start_at is None else max(after, _before_instant(plan.start_at))


def _before_instant(instant: datetime) -> datetime:
    return max(instant, _FIRST + _TICK) - _TICK


def _run(plan: Plan, instant: datetime) -> Run:
    return Run(instant, instant + _offset(plan, instant) if plan.jitter else instant)


def _offset(plan: Plan, instant: datetime) -> timedelta:
    """The jitter of one run: whole milliseconds, spread evenly below the plan's jitter and the next instant."""
    schedule, anchor = _grid(plan)
    following = schedule.next_after(instant, anchor) or _LAST
    width = min(plan.jitter, following - instant) // _MILLISECOND
    seed = plan.schedule.text.encode() if plan.job_id is None else plan.job_id.bytes
    at = (instant - _EPOCH) // _TICK
    return (_share(seed + at.to_bytes(8, "big", signed=True)) * width >> 64) * _MILLISECOND


def _share(seed: bytes) -> int:
    """A number from 0 to 2**64 - 1, evenly spread and the same wherever it is computed."""
    return int.from_bytes(sha256(seed).digest()[:8], "big")


def _runs_left(plan: Plan, runs_so_far: int) -> int:
    return sys.maxsize if plan.max_runs is None else max(0, plan.max_runs - runs_so_far)


def _local(schedule: Schedule, at: datetime) -> str:
    try:
        return at.astimezone(schedule.zone).isoformat()
    except OverflowError:  # the clock there shows a year that datetime does not have
        return at.isoformat()
