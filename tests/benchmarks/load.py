"""Rows that benchmarks start from, made by the server itself: a million takes seconds."""

from datetime import datetime
from typing import Any

from psycopg import Connection

TENANT = "bench"

JOBS = """
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, headers, payload, timeout_seconds, max_retries,
    retry_delay_seconds, priority, next_run_at, next_instant_at, anchor_at
)
SELECT
    %(tenant)s, 'job ' || n, %(type)s, %(schedule)s, 'UTC', %(url)s, 'POST', '{}', jsonb_build_object('number', n),
    30, 3, 60, 5, due.at, due.at, coalesce(due.at, now())
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (
    SELECT %(at)s::timestamptz + (n - 1) * make_interval(secs => %(apart)s) AS at
) AS due
"""

PENDING = """
INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority)
SELECT execution_id(j.id, at.at), j.id, j.tenant_id, at.at, j.priority
FROM generate_series(0, %(rounds)s - 1) AS r
CROSS JOIN jobs AS j
CROSS JOIN LATERAL (SELECT %(at)s::timestamptz + r * interval '1 millisecond' AS at) AS at
WHERE j.tenant_id = %(tenant)s
"""

# As finish writes them: one attempt, a short body.
LOG = """
INSERT INTO execution_log (
    id, job_id, worker_id, scheduled_at, created_at, started_at, finished_at, duration_ms, attempt, job_version,
    response_status, priority, status, origin, tenant_id, error_code, response_body, trace_id, attempts
)
SELECT
    execution_id_at(at.at, gen_random_uuid()), j.ids[1 + n %% cardinality(j.ids)], j.worker_id, at.at, at.at, at.at,
    at.at, 12.5, 1, 1, CASE WHEN n %% 100 = 0 THEN 500 ELSE 200 END, 5,
    CASE WHEN n %% 100 = 0 THEN 'failed' ELSE 'completed' END, 'schedule', %(tenant)s,
    CASE WHEN n %% 100 = 0 THEN 'http_status' END, 'ok', md5(n::text),
    jsonb_build_array(jsonb_build_object('attempt', 1, 'status', 'completed', 'duration_ms', 12.5, 'host', 'host'))
FROM
    (SELECT array_agg(id) AS ids, gen_random_uuid() AS worker_id FROM jobs WHERE tenant_id = %(tenant)s) AS j,
    generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (
    SELECT %(day)s::date::timestamp AT TIME ZONE 'UTC' + n * (interval '1 day' / (%(count)s + 1)) AS at
) AS at
"""

HISTORY = """
INSERT INTO job_history (job_id, day, tenant_id, completed, attempts, duration_ms_sum, duration_ms_max)
SELECT id, current_date - n, tenant_id, 20, 20, 250, 12.5
FROM jobs CROSS JOIN generate_series(0, %(days)s - 1) AS n
WHERE tenant_id = %(tenant)s
"""


def jobs(
    conn: Connection[Any],
    count: int,
    url: str,
    *,
    at: datetime | None = None,
    apart: float = 0.0,
    kind: str = "interval",
    schedule: str = "86400",
    tenant: str = TENANT,
) -> None:
    """That many jobs; the first is due at `at` (never when None), each other so many seconds after the one before."""
    conn.execute(
        JOBS,
        {
            "tenant": tenant,
            "type": kind,
            "schedule": schedule,
            "url": url,
            "count": count,
            "at": at,
            "apart": apart,
        },
    )


def pending(conn: Connection[Any], at: datetime, *, rounds: int = 1, tenant: str = TENANT) -> None:
    """A pending execution of every job of the tenant, scheduled for `at`; in rounds a millisecond apart."""
    conn.execute(PENDING, {"tenant": tenant, "at": at, "rounds": rounds})


def log(conn: Connection[Any], count: int, days: int, *, tenant: str = TENANT) -> None:
    """That many finished executions of the tenant's jobs, spread over the days up to yesterday."""
    for day in range(1, days + 1):
        conn.execute("SELECT make_log_partition(current_date - %s::int)", (day,))
        (today,) = conn.execute("SELECT current_date - %s::int", (day,)).fetchone() or (None,)
        conn.execute(LOG, {"tenant": tenant, "count": count // days, "day": today})


def history(conn: Connection[Any], days: int, *, tenant: str = TENANT) -> None:
    """A row of job_history for each of the tenant's jobs and the last days."""
    conn.execute(HISTORY, {"tenant": tenant, "days": days})
