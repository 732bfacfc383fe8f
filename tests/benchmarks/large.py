"""A service in its second month: several tenants, one of them large, a long log and a long queue."""

from datetime import datetime
from typing import Any

from psycopg import Connection, sql

from tests.benchmarks import load
from tests.benchmarks.sizes import Sizes

DAYS = 30
OTHERS = tuple(f"tenant-{n}" for n in range(1, 11))

# Jobs in a fixed order, so that a row of the log or the audit finds its job by number.
NUMBERED = """
CREATE TEMPORARY TABLE numbered AS
SELECT
    (row_number() OVER (ORDER BY j.tenant_id <> %(tenant)s, j.created_at, j.id) - 1)::integer AS number,
    j.id, j.tenant_id
FROM jobs AS j
"""
KEYS = """
UPDATE jobs AS j
SET
    key = CASE WHEN n.number %% 2 = 0 THEN 'key-' || n.number END,
    tags = CASE n.number %% 10 WHEN 0 THEN ARRAY['nightly', 'billing'] WHEN 1 THEN ARRAY['nightly'] ELSE '{}' END,
    status = CASE n.number %% 50 WHEN 1 THEN 'paused' WHEN 2 THEN 'completed' WHEN 3 THEN 'deleted' ELSE 'active' END,
    next_run_at = CASE WHEN n.number %% 50 NOT IN (1, 2, 3) THEN now() + n.number * interval '10 s' END,
    created_at = now() - n.number * interval '1 min',
    type = CASE WHEN n.number %% 3 = 0 THEN 'cron' ELSE 'interval' END,
    schedule = CASE WHEN n.number %% 3 = 0 THEN '*/5 * * * *' ELSE '60' END
FROM numbered AS n
WHERE j.id = n.id
"""

# As finish writes them. A twentieth is of one job; days but the last are whole.
LOG = sql.SQL("""
INSERT INTO {partition} (
    id, job_id, worker_id, scheduled_at, created_at, started_at, finished_at, duration_ms, attempt, job_version,
    skipped_until, skipped_count, response_status, priority, status, origin, tenant_id, error_code, error,
    response_body, trace_id, attempts
)
SELECT
    (lpad(to_hex(floor(extract(EPOCH FROM r.at) * 1000)::bigint), 12, '0') || '7' || substr(r.hash, 14))::uuid,
    j.id, '00000000-0000-0000-0000-000000000001', r.at, r.at, r.at + r.lag, r.at + r.lag + r.took,
    extract(EPOCH FROM r.took) * 1000, CASE WHEN r.status = 'skipped' THEN 0 ELSE 1 END, 1,
    CASE WHEN r.status = 'skipped' THEN r.at END, CASE WHEN r.status = 'skipped' THEN 1 END,
    CASE r.status WHEN 'completed' THEN 200 WHEN 'failed' THEN 503 END, 5, r.status, 'schedule', j.tenant_id,
    CASE r.status WHEN 'completed' THEN NULL WHEN 'failed' THEN 'http_status' ELSE r.status END,
    CASE WHEN r.status <> 'completed' THEN 'it did not work' END, 'ok', r.hash,
    jsonb_build_array(jsonb_build_object(
        'attempt', 1, 'status', r.status, 'response_status', 200, 'duration_ms', 12.5, 'host', 'host'
    ))
FROM (
    SELECT
        {since}::timestamptz + n * (interval '1 day' / ({count} + 1)) AS at,
        md5(n::text) AS hash,
        n % 100 * interval '0.2 ms' AS lag,
        n % 1000 * interval '0.1 ms' AS took,
        CASE
            WHEN n % 50 = 7 THEN 'failed'
            WHEN n % 200 = 9 THEN 'timeout'
            WHEN n % 500 = 11 THEN 'cancelled'
            WHEN n % 500 = 13 THEN 'skipped'
            ELSE 'completed'
        END AS status,
        CASE WHEN n % 20 = 0 THEN 0 ELSE (n * 7919::bigint % {jobs})::integer END AS number
    FROM generate_series(1, {count}) AS n
) AS r
INNER JOIN numbered AS j ON r.number = j.number
WHERE r.at < now()
ORDER BY r.at
""")

DAY = """
SELECT d.day, d.day::timestamp AT TIME ZONE 'UTC', (d.day + 1)::timestamp AT TIME ZONE 'UTC'
FROM (SELECT current_date - n AS day FROM generate_series(0, %s) AS n) AS d
"""
DROP = "SELECT drop_log_partition(%s)"  # the template's: what has indexes already is slow to fill

# What stands in the queue beside what is pending.
WAITING = """
UPDATE execution_queue AS q
SET
    status = w.status,
    retry_at = CASE WHEN w.status = 'retrying' THEN now() + interval '1 hour' END,
    worker_id = CASE WHEN w.status = 'running' THEN '00000000-0000-0000-0000-000000000001'::uuid END,
    claimed_at = CASE WHEN w.status = 'running' THEN now() END,
    started_at = CASE WHEN w.status = 'running' THEN now() END,
    attempt = 1
FROM (
    SELECT id, CASE WHEN number <= 50 THEN 'running' WHEN number %% 2 = 0 THEN 'retrying' ELSE 'held' END AS status
    FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) AS number FROM execution_queue) AS q
    WHERE number <= %(count)s
) AS w
WHERE q.id = w.id
"""
WORKER = """
INSERT INTO workers (id, host, pid, version, slots, heartbeat_at, heartbeat_seconds)
VALUES ('00000000-0000-0000-0000-000000000001', 'host', 1, '1', 50, now() + interval '1 day', 5)
"""
VERSIONS = """
INSERT INTO job_versions (
    job_id, version, tenant_id, created_at, anchor_at, jitter_seconds, type, schedule, timezone, endpoint, method,
    headers, payload
)
SELECT
    j.id, 1, j.tenant_id, j.created_at, j.anchor_at, 0, j.type, j.schedule, 'UTC', j.endpoint, j.method, j.headers,
    j.payload
FROM jobs AS j
"""
TOTALS = """
INSERT INTO job_totals (job_id, tenant_id, completed, failed, timeout, last_run_at, last_status)
SELECT id, tenant_id, 1000, 20, 5, now(), 'completed' FROM jobs
"""
HISTORY = """
INSERT INTO job_history (
    job_id, day, tenant_id, completed, failed, timeout, attempts, duration_ms_sum, duration_ms_max, lag_ms_sum,
    lag_ms_max
)
SELECT id, day, tenant_id, 10, CASE WHEN number %% 10 = 0 THEN 1 ELSE 0 END, 0, 12, 500, 99, 100, 20
FROM generate_series(current_date - %(days)s + 1, current_date, interval '1 day') AS day
CROSS JOIN numbered
"""
AUDIT = """
INSERT INTO audit_log (at, tenant_id, actor, action, entity_id, job_id, before, after)
SELECT
    now() - n * interval '1 min', j.tenant_id, CASE WHEN n %% 1000 = 0 THEN 'role:someone' ELSE 'api' END,
    CASE WHEN n %% 5000 = 0 THEN 'job.delete' WHEN n %% 10 = 0 THEN 'job.pause' ELSE 'job.update' END,
    j.id, j.id, '{"name": "before"}', '{"name": "after"}'
FROM generate_series(1, %(count)s) AS n
INNER JOIN numbered AS j ON n %% %(jobs)s = j.number
ORDER BY n DESC
"""
INCIDENTS = """
INSERT INTO job_incidents (job_id, tenant_id, kind, failures, opened_at, closed_at, outcome, opened_execution_id)
SELECT
    j.id, j.tenant_id, CASE WHEN n %% 500 = 0 THEN 'silent' ELSE 'failing' END, 3, now() - n * interval '1 min',
    CASE WHEN n > 100 THEN now() - n * interval '1 min' + interval '30 s' END,
    CASE WHEN n > 100 THEN 'recovered' END, gen_random_uuid()
FROM generate_series(1, %(count)s) AS n
INNER JOIN numbered AS j ON n %% %(jobs)s = j.number
"""


def fill(conn: Connection[Any], sizes: Sizes, url: str) -> None:
    """Make all of it: two thirds belong to the large tenant, and of the log a twentieth more to its first job."""
    large, small = sizes.large_jobs, max(sizes.large_jobs // (2 * len(OTHERS)), 1) * len(OTHERS)
    load.jobs(conn, large, url)
    load.jobs(conn, small, url, tenants=OTHERS)
    numbers = {"tenant": load.TENANT, "jobs": large + small, "days": DAYS, "count": sizes.large_changes}
    for statement in (NUMBERED, KEYS, VERSIONS, TOTALS, HISTORY, AUDIT, INCIDENTS, WORKER):
        conn.execute(statement, numbers)
    log(conn, sizes.large_log // DAYS, large + small)
    rounds = max(sizes.large_pending // (large + small), 1)
    load.pending(conn, _now(conn), rounds=rounds, tenants=(load.TENANT, *OTHERS))
    conn.execute(WAITING, {"count": sizes.large_pending // 50})


def log(conn: Connection[Any], count: int, jobs: int) -> None:
    """So many finished executions a day, of today up to now. Indexes are built when a day is whole."""
    conn.execute("SET maintenance_work_mem = '512MB'")
    for day, since, until in conn.execute(DAY, (DAYS,)).fetchall():
        conn.execute(DROP, (day,))
        values = {
            "partition": sql.Identifier(f"execution_log_{day:%Y%m%d}"),
            "since": since,
            "until": until,
            "count": count,
            "jobs": jobs,
        }
        for statement in (load.PARTITION, LOG, load.ATTACH):
            conn.execute(statement.format(**values))
    conn.execute("RESET maintenance_work_mem")


def _now(conn: Connection[Any]) -> datetime:
    row = conn.execute("SELECT now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now
