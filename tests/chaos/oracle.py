"""Compares what the schedules say with the log, the receiver's record, the history and the totals."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from psycopg import Connection

from tests.chaos.faults import Fault
from tests.chaos.plans import Planned
from tests.chaos.receiver import Received

AFTERMATH = timedelta(seconds=5)  # a fault's delays may show this long after its end
ONE_SECOND = timedelta(seconds=1)
LOG = """
SELECT id::text, job_id::text, scheduled_at, created_at, started_at, finished_at, status, origin, attempt, attempts,
       skipped_count, skipped_until, error_code
FROM executions WHERE finished_at IS NOT NULL ORDER BY scheduled_at
"""
DIFFERENCES = """
WITH log AS (
    SELECT
        job_id, (finished_at AT TIME ZONE 'UTC')::date AS day,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'timeout') AS timeout,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE status = 'skipped') AS skipped
    FROM execution_log WHERE origin <> 'alert' GROUP BY 1, 2
)
SELECT 'history' AS kept_in, job_id::text FROM log FULL JOIN job_history AS h USING (job_id, day)
WHERE (log.completed, log.failed, log.timeout, log.cancelled, log.skipped)
    IS DISTINCT FROM (h.completed::bigint, h.failed::bigint, h.timeout::bigint, h.cancelled::bigint, h.skipped::bigint)
UNION ALL
SELECT 'totals', job_id::text FROM (
    SELECT job_id, sum(completed) AS completed, sum(failed) AS failed, sum(timeout) AS timeout,
        sum(cancelled) AS cancelled, sum(skipped) AS skipped
    FROM log GROUP BY job_id
) AS l FULL JOIN job_totals AS t USING (job_id)
WHERE (
    coalesce(l.completed, 0), coalesce(l.failed, 0), coalesce(l.timeout, 0), coalesce(l.cancelled, 0),
    coalesce(l.skipped, 0)
) IS DISTINCT FROM (t.completed, t.failed, t.timeout, t.cancelled, t.skipped)
"""


@dataclass(slots=True)
class Verdict:
    """What was found. Everything in `faults()` must be empty."""

    due: int = 0
    open: int = 0  # instants at which a pause was under way: run or not, both are right
    executions: int = 0
    skipped: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    uncalled: list[str] = field(default_factory=list)  # completed without a request at the receiver
    unknown: list[str] = field(default_factory=list)  # requests for executions that are not in the log
    triggers_lost: list[str] = field(default_factory=list)
    triggers_doubled: list[str] = field(default_factory=list)  # a key that made two
    calls: int = 0
    again: Counter[str] = field(default_factory=Counter)  # calls sent again, by reason
    delays: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    def wrongs(self) -> dict[str, list[str]]:
        """Everything that must not be, by kind."""
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "run though no schedule says so": self.invented,
            "history or totals other than the log": self.miscounted,
            "never finished": self.unfinished,
            "completed without a call": self.uncalled,
            "calls for unknown executions": self.unknown,
            "triggers lost": self.triggers_lost,
            "triggers made twice for one key": self.triggers_doubled,
        }


def judge(
    conn: Connection[dict[str, Any]],
    planned: Sequence[Planned],
    triggered: set[str],
    received: Sequence[Received],
    faults: Sequence[Fault],
) -> Verdict:
    """Compare everything, once nothing is due or live any more."""
    log = conn.execute(LOG).fetchall()
    verdict = Verdict(calls=len(received))
    by_job: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in log:
        by_job[row["job_id"]].append(row)
        verdict.statuses[row["status"]] += row["skipped_count"] or 1
    for job in planned:
        _judge_job(verdict, job, [row for row in by_job[job.id] if row["origin"] == "schedule"])
    verdict.miscounted = [f"{row['kept_in']} of {row['job_id']}" for row in conn.execute(DIFFERENCES)]
    live = conn.execute("SELECT id::text, status FROM execution_queue").fetchall()
    verdict.unfinished = [f"{row['id']} is {row['status']}" for row in live]
    _judge_triggers(verdict, log, triggered)
    _judge_calls(verdict, log, received)
    calm = {job.id for job in planned if job.body.get("overlap_policy", "allow") == "allow" and not job.blurred}
    verdict.delays = _delays([row for row in log if row["job_id"] in calm], faults)
    return verdict


def _judge_job(verdict: Verdict, job: Planned, rows: Sequence[dict[str, Any]]) -> None:
    statuses = {instant: job.status_of(instant) for instant in job.instants}
    verdict.due += sum(status == "due" for status in statuses.values())
    verdict.open += sum(status == "open" for status in statuses.values())
    ran: Counter[datetime] = Counter()
    for row in rows:
        if row["error_code"] == "paused":  # a pause stops what is due too, when the tick was late
            since, until = row["scheduled_at"], row["skipped_until"] or row["scheduled_at"]
            ran.update(i for i in job.instants if since <= i <= until and statuses[i] == "due")
            continue
        if row["status"] == "skipped":
            verdict.skipped += row["skipped_count"]
            ran.update(_skipped(verdict, job, row, statuses))
            continue
        verdict.executions += 1
        instant = _instant(job, row["scheduled_at"])
        if instant is None or statuses[instant] == "paused":
            verdict.invented.append(f"{_name(job)} at {row['scheduled_at']}: {row['status']}")
        else:
            ran[instant] += 1
    verdict.doubled += [f"{_name(job)} at {instant}: {count} times" for instant, count in ran.items() if count > 1]
    verdict.lost += [
        f"{_name(job)} at {instant}" for instant, status in statuses.items() if status == "due" and not ran[instant]
    ]


def _skipped(verdict: Verdict, job: Planned, row: dict[str, Any], statuses: dict[datetime, str]) -> Iterable[datetime]:
    """The instants a skipped row stands for; as many as it says, or it is in the verdict as made up."""
    since, until = row["scheduled_at"], row["skipped_until"] or row["scheduled_at"]
    spanned = [i for i in job.instants if since <= i + job.jitter and i <= until and statuses[i] != "paused"]
    if job.jitter:  # the span's ends are put off by a part of the jitter
        spanned = [i for i in spanned if since - job.jitter <= i]
    sure = sum(statuses[i] == "due" for i in spanned)
    if not (sure <= row["skipped_count"] <= len(spanned)) and not job.jitter:
        found = f"{row['skipped_count']} skipped ({row['error_code']}) at {since}, its span holds {len(spanned)}"
        verdict.invented.append(f"{_name(job)}: {found}")
    return spanned


def _instant(job: Planned, scheduled_at: datetime) -> datetime | None:
    """The instant of the schedule that a run belongs to; None when there is none."""
    position = bisect_right(job.instants, scheduled_at) - 1
    if position < 0 or scheduled_at - job.instants[position] > job.jitter:
        return None
    return job.instants[position]


def _judge_triggers(verdict: Verdict, log: Sequence[dict[str, Any]], triggered: set[str]) -> None:
    manual = {row["id"] for row in log if row["origin"] == "manual"}
    verdict.triggers_lost = sorted(triggered - manual)
    verdict.triggers_doubled = sorted(manual - triggered)


def _judge_calls(verdict: Verdict, log: Sequence[dict[str, Any]], received: Sequence[Received]) -> None:
    by_execution: defaultdict[str, list[Received]] = defaultdict(list)
    for request in received:
        by_execution[request.execution_id].append(request)
    rows = {row["id"]: row for row in log}
    verdict.unknown = sorted(by_execution.keys() - rows.keys())
    verdict.uncalled = [row["id"] for row in log if row["status"] == "completed" and row["id"] not in by_execution]
    for execution_id, requests in by_execution.items():
        if execution_id in rows:
            requests.sort(key=lambda request: request.at)
            for earlier, later in pairwise(requests):
                verdict.again[_why(rows[execution_id], earlier, later)] += 1


def _why(row: dict[str, Any], earlier: Received, later: Received) -> str:
    if later.attempt <= earlier.attempt:
        if earlier.act == "reset" and later.at - earlier.at < ONE_SECOND:
            return "same attempt again: its kept connection broke before any answer"
        return f"same attempt again: given back unspent by a drain (receiver: {earlier.act})"
    outcome = next((a for a in row["attempts"] if a["attempt"] == earlier.attempt), None)
    if outcome is None:
        return "attempt missing in the log"
    return f"retry after {outcome['error_code'] or outcome['status']}"


def _delays(rows: Sequence[dict[str, Any]], faults: Sequence[Fault]) -> dict[str, tuple[int, float, float]]:
    """By kind of fault: how many, and the longest seconds from instant to queue and to start that they explain."""
    found: dict[str, tuple[int, float, float]] = {}
    scheduled = [row for row in rows if row["origin"] == "schedule" and row["started_at"]]
    for kind in sorted({fault.kind for fault in faults}):
        spans = [(fault.begun_at, fault.ended_at + AFTERMATH) for fault in faults if fault.kind == kind]
        hit = [row for row in scheduled if any(b < row["started_at"] and row["scheduled_at"] < e for b, e in spans)]
        queued = max(((row["created_at"] - row["scheduled_at"]).total_seconds() for row in hit), default=0.0)
        started = max(((row["started_at"] - row["scheduled_at"]).total_seconds() for row in hit), default=0.0)
        found[kind] = (len(spans), queued, started)
    return found


def _name(job: Planned) -> str:
    return f"{job.body['name']} ({job.id}, {job.body.get('overlap_policy')}, {job.body.get('misfire_policy')})"
