"""Alerts: watched jobs are judged, and trouble that begins or ends is reported, once, by an execution of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import db, log, notify, sql

BATCH = 500  # jobs looked at, incidents opened and closed by one statement


@dataclass(frozen=True, slots=True)
class Report:
    """An execution that reports the beginning or the end of an incident."""

    id: UUID
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Incident:
    """Trouble of a job."""

    id: UUID
    tenant_id: str
    job_id: UUID
    kind: str  # failing, late or silent
    failures: int  # in a row when it was opened
    opened_at: datetime
    closed_at: datetime | None  # None: it goes on
    outcome: str | None  # recovered, or withdrawn when nobody watches any more
    opened_execution_id: UUID  # that reports it
    closed_execution_id: UUID | None  # that reports its end; None: not reported


page = sql.many("alerts.incidents", row=Incident)
count = sql.value("alerts.count_incidents")
_any = sql.value("alerts.any")
_take_in = sql.execute("alerts.take_in")
_judge = sql.many("alerts.judge", row=Report)


def judge(pool: db.Pool, now: datetime | None = None) -> int:
    """Report what has become of the watched jobs since the last look. Returns the reports queued.

    Any number of processes may judge at once: the database sees to it that each incident is reported once.
    """
    with db.session(pool) as conn:
        reports = _reports(conn, now) if _any(conn) else []
        if reports:
            notify.work(conn)
    for report in reports:
        log.info(log.ALERT_QUEUED, execution_id=report.id, job_id=report.job_id)
    return len(reports)


def _reports(conn: Connection[Any], now: datetime | None) -> list[Report]:
    while _take_in(conn, limit=BATCH) == BATCH:
        pass
    return _judge(conn, limit=BATCH, now=now)
