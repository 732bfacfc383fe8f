"""Reads at size: every reading route and every view for people, beside millions of rows, one client at a time."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import cycle, islice
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from psycopg import sql

from service import db, upkeep
from service.api.cursor import Cursor
from service.config import Config
from service.instants import rfc3339
from tests.benchmarks import large, load
from tests.benchmarks.api import ready
from tests.benchmarks.clients import Request, ask
from tests.benchmarks.report import Measure, Report, Samples, Target, percentile
from tests.benchmarks.stand import Database, Stand, free_port

API = Target("<=", 20.0)
VIEW = Target("<=", 1000.0)
IDS = 50  # asked for in turn, by routes of one thing
WARM = 5  # requests before those that are measured
DEEPEST = {"page": 100, "page_size": 100}
PAGE = {"page_size": 100}
STATUSES = ("pending", "running", "retrying", "held", "completed", "failed", "timeout", "cancelled", "skipped")
VIEWS = """
SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('ops', 'report') ORDER BY schemaname, viewname
"""
# Ids spread over the large tenant's rows, and where its lists end.
JOBS = "SELECT id FROM jobs WHERE tenant_id = %s AND status = 'active' ORDER BY md5(id::text) LIMIT %s"
LOGGED = "SELECT id FROM execution_log WHERE tenant_id = %s ORDER BY md5(id::text) LIMIT %s"
BUSY = "SELECT id FROM jobs WHERE tenant_id = %s ORDER BY created_at DESC, id LIMIT 1"
LAST_JOB = "SELECT created_at, id FROM jobs WHERE tenant_id = %s ORDER BY created_at, id LIMIT 1"
LAST = "SELECT scheduled_at, id FROM execution_log WHERE tenant_id = %s ORDER BY scheduled_at, id LIMIT 1 OFFSET 50"
LAST_DAY = "SELECT day, job_id FROM job_history WHERE tenant_id = %s ORDER BY day, job_id DESC LIMIT 1 OFFSET 50"
LAST_ENTRY = "SELECT at, id FROM audit_log WHERE tenant_id = %s ORDER BY at, id LIMIT 1 OFFSET 50"


def measure(stand: Stand) -> Report:
    """Every route and every view in turn, as often as asked."""
    medians, worst, views = Samples(), Samples(), Samples()
    with stand.database() as database:
        large.fill(database.conn, stand.sizes, stand.receiver.url)
        database.settle()
        _close_days(database)
        port = free_port()
        with database.service("api", SERVER_PORT=port):
            ready(port)
            for _ in range(stand.sizes.repeats):
                _ask_all(database, port, medians, worst)
        for _ in range(stand.sizes.repeats):
            _look_at_all(database, views)
    return Report("Reads at size", _about(stand), [*_rows(medians, worst, API), *_rows(views, Samples(), VIEW)])


def routes(database: Database) -> dict[str, list[Request]]:
    """Requests by what they show; those of one kind differ in the ids they ask for."""
    paths = _of_jobs(database) | _of_executions(database) | _of_history(database) | _of_changes(database)
    return {name: [Request("GET", path) for path in every] for name, every in paths.items()}


def _of_jobs(database: Database) -> dict[str, list[str]]:
    jobs, last = _ids(database, JOBS), _one(database, LAST_JOB)
    filters: dict[str, Any] = {"type": "cron", "tag": "billing", "name": "job 77", "key": "key-100"}
    return {
        "/jobs": [_list("jobs")],
        "/jobs, deepest page": [_list("jobs", **DEEPEST)],
        "/jobs, last cursor": [_list("jobs", cursor=Cursor("jobs by created_at", *last))],
        **{f"/jobs by {name}": [_list("jobs", **{name: value})] for name, value in filters.items()},
        **{f"/jobs, {status}": [_list("jobs", status=status)] for status in ("paused", "completed", "deleted")},
        "/jobs, upcoming": [_list("jobs", upcoming_before=rfc3339(_now(database) + timedelta(days=30)))],
        "/jobs/stats": ["/api/v1/jobs/stats"],
        "/jobs/:id": [f"/api/v1/jobs/{id}" for id in jobs],
        "/jobs/by-key/:key": ["/api/v1/jobs/by-key/key-100"],
        "/jobs/:id/upcoming": [f"/api/v1/jobs/{id}/upcoming" for id in jobs],
        "/jobs/:id/executions": [_list(f"jobs/{id}/executions") for id in jobs],
        "/jobs/:id/executions, failed": [_list(f"jobs/{id}/executions", status="failed") for id in jobs],
        "/jobs/:id/history": [f"/api/v1/jobs/{id}/history?days=366" for id in jobs],
        "/jobs/:id/occurrences": [_list(f"jobs/{id}/occurrences") for id in jobs],
        "/jobs/:id/incidents": [_list(f"jobs/{id}/incidents") for id in jobs],
    }


def _of_executions(database: Database) -> dict[str, list[str]]:
    busy, last, now = str(database.value(BUSY, (load.TENANT,))), _one(database, LAST), _now(database)
    window = {"start_time": rfc3339(now - timedelta(days=20)), "end_time": rfc3339(now - timedelta(days=10))}
    return {
        "/executions": [_list("executions")],
        "/executions, deepest page": [_list("executions", **DEEPEST)],
        "/executions, last cursor": [_list("executions", cursor=Cursor("executions by scheduled_at", *last))],
        "/executions, ten days": [_list("executions", **window)],
        **{f"/executions, {status}": [_list("executions", status=status)] for status in STATUSES},
        **{f"/executions of a busy job, {s}": [_list("executions", job_id=busy, status=s)] for s in STATUSES},
        "/executions of a busy job": [_list("executions", job_id=busy)],
        "/executions of a busy job, deepest page": [_list("executions", job_id=busy, **DEEPEST)],
        "/executions/:id": [f"/api/v1/executions/{id}" for id in _ids(database, LOGGED)],
        "/executions/stats": ["/api/v1/executions/stats"],
        "/executions/stats of a busy job": [f"/api/v1/executions/stats?job_id={busy}"],
        "/history/stats of a busy job": [f"/api/v1/history/stats?job_id={busy}"],
    }


def _of_history(database: Database) -> dict[str, list[str]]:
    today, last = _now(database).date(), _one(database, LAST_DAY)
    year = {"start_date": today - timedelta(days=365), "end_date": today}
    return {
        "/history": [_list("history")],
        "/history, deepest page": [_list("history", **DEEPEST)],
        "/history, last cursor": [_list("history", cursor=Cursor.of_day("history by date", *last))],
        "/history/stats, a month": ["/api/v1/history/stats"],
        "/history/stats, a year": [f"/api/v1/history/stats?{urlencode(year)}"],
    }


def _of_changes(database: Database) -> dict[str, list[str]]:
    last = _one(database, LAST_ENTRY)
    return {
        "/audit": [_list("audit")],
        "/audit, deepest page": [_list("audit", **DEEPEST)],
        "/audit, last cursor": [_list("audit", cursor=Cursor("audit", *last))],
        "/audit by a rare action": [_list("audit", action="job.delete")],
        "/audit by a rare actor": [_list("audit", actor="role:someone")],
        "/incidents": [_list("incidents")],
        "/incidents, open": [_list("incidents", state="open")],
        "/incidents of a rare kind": [_list("incidents", kind="silent")],
        "/health": ["/health"],
        "/ready": ["/ready"],
        "/metrics": ["/metrics"],
    }


def _list(path: str, **parameters: object) -> str:
    return f"/api/v1/{path}?{urlencode(PAGE | parameters)}"


def _ids(database: Database, query: str) -> list[str]:
    return [str(row[0]) for row in database.conn.execute(query.encode(), (load.TENANT, IDS)).fetchall()]


def _one(database: Database, query: str) -> Any:
    return database.conn.execute(query.encode(), (load.TENANT,)).fetchone()


def _now(database: Database) -> Any:
    return database.value("SELECT now()")


def _close_days(database: Database) -> None:
    """What upkeep of an engine does an hour after each day."""
    pool = db.open_pool(Config.from_env({"DATABASE_URL": database.url}), "engine", 1)
    while upkeep.close_day(pool) == 0.0:
        pass
    pool.close()


def _ask_all(database: Database, port: int, medians: Samples, worst: Samples) -> None:
    number = database.stand.sizes.large_requests
    for name, requests in routes(database).items():
        asked: Iterable[Request] = cycle(requests)
        ask(port, list(islice(asked, WARM)), 1)
        times = ask(port, list(islice(asked, number)), 1).milliseconds
        medians.add(f"GET {name}", percentile(times, 0.5))
        worst.add(f"GET {name}", percentile(times, 0.99))


def _look_at_all(database: Database, views: Samples) -> None:
    for view in database.conn.execute(VIEWS).fetchall():
        start = perf_counter()
        database.conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*view))).fetchall()
        views.add(".".join(view), (perf_counter() - start) * 1000)


def _rows(samples: Samples, worst: Samples, target: Target) -> list[Measure]:
    return [
        Measure(name, "ms", samples[name], "p99" if worst[name] else "", worst[name], target)
        for name in samples.medians()
    ]


def _about(stand: Stand) -> str:
    sizes = stand.sizes
    return (
        f"A tenant of {sizes.large_jobs:,} jobs beside ten smaller ones, {sizes.large_log:,} finished executions of "
        f"{large.DAYS} days, a twentieth of them of one busy job, {sizes.large_pending:,} pending ones, and "
        f"{sizes.large_changes:,} audit entries and incidents. One client asks each route {sizes.large_requests} times "
        "a run, pages of 100 where there are pages: the median, beside the 99th percentile. Then the views for whoever "
        "is on call, each read whole."
    )
