"""Rows that benchmarks start from, made by the server itself: a million takes seconds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection, sql

TENANT = "bench"

JOBS = """
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, headers, payload, timeout_seconds, max_retries,
    retry_delay_seconds, priority, next_run_at, next_instant_at, anchor_at
)
SELECT
    (%(tenants)s::text[])[1 + n %% cardinality(%(tenants)s)],
    'job ' || n, %(type)s, %(schedule)s, 'UTC', %(url)s, 'POST', '{}', jsonb_build_object('number', n),
    30, 3, 60, 5, due.at, due.at, coalesce(due.at, now())
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (
    SELECT coalesce(%(at)s::timestamptz, now() + interval '1 day') + (n - 1) * make_interval(secs => %(apart)s) AS at
) AS due
"""

# Ranked as materialize does.
PENDING = """
WITH due AS (
    SELECT j.id, j.tenant_id, j.priority, at.at
    FROM generate_series(0, %(rounds)s - 1) AS r
    CROSS JOIN jobs AS j
    CROSS JOIN LATERAL (SELECT %(at)s::timestamptz + r * interval '1 millisecond' AS at) AS at
    WHERE j.tenant_id = ANY(%(tenants)s)
),

lines AS (
    SELECT tenant_id, priority, last_rank(tenant_id, priority) AS last_rank FROM due GROUP BY tenant_id, priority
)

INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank)
SELECT
    execution_id(d.id, d.at), d.id, d.tenant_id, d.at, d.priority,
    l.last_rank + row_number() OVER (PARTITION BY d.tenant_id, d.priority ORDER BY d.at, d.id)
FROM due AS d
INNER JOIN lines AS l ON d.tenant_id = l.tenant_id AND d.priority = l.priority
ORDER BY d.at, d.id
"""

# As finish writes them: one attempt, a short body. The id is of the same layout, by a cheaper way.
LOG = sql.SQL("""
INSERT INTO {partition} (
    id, job_id, worker_id, scheduled_at, created_at, started_at, finished_at, duration_ms, attempt, job_version,
    response_status, priority, status, origin, tenant_id, error_code, response_body, trace_id, attempts
)
SELECT
    (lpad(to_hex(floor(extract(EPOCH FROM at.at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 14))::uuid,
    j.ids[1 + n % cardinality(j.ids)], j.worker_id, at.at, at.at, at.at, at.at, 12.5, 1, 1,
    CASE WHEN n % 100 = 0 THEN 500 ELSE 200 END, 5,
    CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END, 'schedule', {tenant},
    CASE WHEN n % 100 = 0 THEN 'http_status' END, 'ok', md5(n::text),
    '[{{"attempt": 1, "status": "completed", "response_status": 200, "duration_ms": 12.5, "host": "host"}}]'
FROM
    (SELECT array_agg(id) AS ids, gen_random_uuid() AS worker_id FROM jobs WHERE tenant_id = {tenant}) AS j,
    generate_series(1, {count}) AS n
CROSS JOIN LATERAL (
    SELECT {since}::timestamptz + n * (interval '1 day' / ({count} + 1)) AS at
) AS at
""")
PARTITION = sql.SQL(
    "CREATE TABLE {partition} (LIKE execution_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
)
ATTACH = sql.SQL("ALTER TABLE execution_log ATTACH PARTITION {partition} FOR VALUES FROM ({since}) TO ({until})")
DAYS = """
SELECT to_char(d.day, 'YYYYMMDD'), d.day::timestamp AT TIME ZONE 'UTC', (d.day + 1)::timestamp AT TIME ZONE 'UTC'
FROM (SELECT current_date - n AS day FROM generate_series(2, %s + 1) AS n) AS d
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
    tenants: Sequence[str] = (TENANT,),
) -> None:
    """That many jobs, the tenants' in turn.

    Args:
        at: when the first is due; None is in a day.
        apart: seconds from one job's instant to the next one's.
    """
    conn.execute(
        JOBS,
        {
            "tenants": list(tenants),
            "type": kind,
            "schedule": schedule,
            "url": url,
            "count": count,
            "at": at,
            "apart": apart,
        },
    )


def pending(conn: Connection[Any], at: datetime, *, rounds: int = 1, tenants: Sequence[str] = (TENANT,)) -> None:
    """A pending execution of every job of the tenants, scheduled for `at`; in rounds a millisecond apart."""
    conn.execute(PENDING, {"tenants": list(tenants), "at": at, "rounds": rounds})


def log(conn: Connection[Any], count: int, days: int, *, tenant: str = TENANT) -> None:
    """That many finished executions of the tenant's jobs, spread over the days up to the day before yesterday.

    Indexes are built when a day is whole, which is several times as fast.
    """
    conn.execute("SET maintenance_work_mem = '512MB'")
    for day, since, until in conn.execute(DAYS, (days,)).fetchall():
        names = {"partition": sql.Identifier(f"execution_log_{day}"), "since": since, "until": until}
        values = names | {"tenant": tenant, "count": count // days}
        for statement in (PARTITION, LOG, ATTACH):
            conn.execute(statement.format(**values))
    conn.execute("RESET maintenance_work_mem")


def history(conn: Connection[Any], days: int, *, tenant: str = TENANT) -> None:
    """A row of job_history for each of the tenant's jobs and the last days."""
    conn.execute(HISTORY, {"tenant": tenant, "days": days})
