-- What a database of release 1.0.0 holds after some use: jobs of every kind and status, executions in every state,
-- and their history. upgrade.endpoint is the receiver that the jobs call.

-- 60 jobs that are never due: what became of them must survive as it is.
INSERT INTO jobs (
    tenant_id, name, description, type, schedule, timezone, endpoint, method, headers, payload, timeout_seconds,
    max_retries, retry_delay_seconds, priority, tags, metadata, status, paused_at, start_at, max_runs, jitter_seconds,
    misfire_policy, overlap_policy, retry_backoff, retry_on, version, created_at
)
SELECT
    (ARRAY['old-1', 'old-2'])[1 + n % 2],
    'old ' || n,
    CASE WHEN n % 3 = 0 THEN 'kept from before' END,
    (ARRAY['cron', 'interval', 'one_time'])[1 + n % 3],
    (ARRAY['0 9 * * 1-5', '3600', '2026-01-01T00:00:00Z'])[1 + n % 3],
    (ARRAY['UTC', 'Europe/Berlin'])[1 + n % 2],
    current_setting('upgrade.endpoint'),
    'POST',
    '{"X-From": "before"}',
    jsonb_build_object('n', n),
    30,
    3,
    60,
    1 + n % 10,
    ARRAY['old', 'n' || n],
    '{"owner": "team-1"}',
    (ARRAY['paused', 'completed', 'deleted'])[1 + n % 3],
    CASE WHEN n % 3 = 0 THEN now() - interval '1 day' END,
    now() - interval '30 days',
    CASE WHEN n % 4 = 0 THEN 100 END,
    n % 5,
    (ARRAY['fire_once', 'skip', 'fire_all'])[1 + n % 3],
    (ARRAY['allow', 'skip', 'queue', 'replace'])[1 + n % 4],
    'exponential',
    ARRAY['503', 'timeout'],
    1 + n % 3,
    now() - interval '30 days'
FROM generate_series(1, 60) AS n;

INSERT INTO job_versions (
    job_id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone, endpoint,
    method, headers, payload
)
SELECT
    id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone, endpoint, method,
    headers, payload
FROM jobs;

SELECT make_log_partition(current_date + n) FROM generate_series(-3, 2) AS n;

-- Finished ones of the last days, one day of them in the default partition.
INSERT INTO execution_log (
    id, job_id, tenant_id, scheduled_at, created_at, started_at, finished_at, duration_ms, attempt, job_version,
    priority, status, origin, skipped_until, skipped_count, response_status, response_body, error_code, error, attempts
)
SELECT
    gen_random_uuid(),
    j.id,
    j.tenant_id,
    at,
    at,
    at + interval '10 ms',
    at + interval '50 ms',
    40,
    1,
    1,
    j.priority,
    outcome,
    'schedule',
    CASE WHEN outcome = 'skipped' THEN at + interval '1 hour' END,
    CASE WHEN outcome = 'skipped' THEN 2 END,
    CASE outcome WHEN 'completed' THEN 200 WHEN 'failed' THEN 404 END,
    CASE WHEN outcome = 'completed' THEN 'ok' END,
    CASE WHEN outcome = 'timeout' THEN 'timeout' END,
    CASE WHEN outcome = 'timeout' THEN 'no answer within 30 s' END,
    '[{"attempt": 1, "status": "completed", "response_status": 200, "duration_ms": 40}]'
FROM
    jobs AS j,
    unnest(ARRAY['completed', 'completed', 'failed', 'timeout', 'cancelled', 'skipped'])
        WITH ORDINALITY AS o (outcome, place),
    LATERAL (SELECT date_trunc('day', now()) - (place - 1) * interval '1 day' + interval '1 s') AS t (at);

INSERT INTO job_history (
    job_id, day, tenant_id, completed, failed, timeout, cancelled, skipped, attempts, duration_ms_sum, duration_ms_max,
    lag_ms_sum, lag_ms_max
)
SELECT
    job_id,
    (finished_at AT TIME ZONE 'UTC')::date,
    tenant_id,
    count(*) FILTER (WHERE status = 'completed'),
    count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'timeout'),
    count(*) FILTER (WHERE status = 'cancelled'),
    count(*) FILTER (WHERE status = 'skipped'),
    sum(attempt),
    sum(duration_ms),
    max(duration_ms),
    10,
    10
FROM execution_log
GROUP BY job_id, (finished_at AT TIME ZONE 'UTC')::date, tenant_id;

INSERT INTO job_totals (job_id, tenant_id, completed, failed, timeout, cancelled, skipped, last_run_at, last_status)
SELECT
    job_id, tenant_id, sum(completed), sum(failed), sum(timeout), sum(cancelled), sum(skipped), now(), 'completed'
FROM job_history
GROUP BY job_id, tenant_id;

-- Live ones, ten in each state: waiting, running for a worker that died, awaiting their next attempt, held by a pause.
-- Two workers died, and nobody has noticed yet.
INSERT INTO workers (id, host, pid, version, slots, busy, heartbeat_seconds, heartbeat_at)
SELECT gen_random_uuid(), 'gone', n, '1.0.0', 10, 10, 1, now() FROM generate_series(1, 2) AS n;

INSERT INTO execution_queue (
    id, job_id, tenant_id, scheduled_at, priority, status, held_for, attempt, started_at, claimed_at, worker_id, retry_at,
    job_version, attempts
)
SELECT
    gen_random_uuid(),
    j.id,
    j.tenant_id,
    now() - place * interval '1 s',
    j.priority,
    s.status,
    s.held_for,
    CASE WHEN s.status IN ('running', 'retrying') THEN 1 ELSE 0 END,
    CASE WHEN s.status IN ('running', 'retrying') THEN now() END,
    CASE WHEN s.status = 'running' THEN now() END,
    CASE WHEN s.status = 'running' THEN (SELECT id FROM workers LIMIT 1) END,
    CASE WHEN s.status = 'retrying' THEN now() + interval '3 s' END,
    CASE WHEN s.status IN ('running', 'retrying') THEN 1 END,
    CASE
        WHEN s.status = 'retrying' THEN '[{"attempt": 1, "status": "failed", "response_status": 503}]'::jsonb
        ELSE '[]'::jsonb
    END
FROM
    (SELECT *, row_number() OVER (ORDER BY name) AS nth FROM jobs WHERE status = 'completed' LIMIT 10) AS j,
    unnest(ARRAY['pending', 'running', 'retrying'], ARRAY[NULL, NULL, NULL]::text [])
        WITH ORDINALITY AS s (status, held_for, place)
UNION ALL
SELECT
    gen_random_uuid(), j.id, j.tenant_id, now(), j.priority, 'held', NULL, 0, NULL, NULL, NULL, NULL, NULL, '[]'
FROM (SELECT * FROM jobs WHERE status = 'paused' ORDER BY name LIMIT 10) AS j;

-- 20 jobs that run every second throughout; each instant of each must run exactly once.
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries, retry_delay_seconds,
    priority, anchor_at, next_run_at
)
SELECT
    'steady', 'steady ' || n, 'interval', '1', 'UTC', current_setting('upgrade.endpoint'), 'POST', 30, 3, 0, 5,
    date_trunc('second', now()), date_trunc('second', now()) + interval '3 s'
FROM generate_series(1, 20) AS n;

INSERT INTO job_versions (
    job_id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone, endpoint,
    method, headers, payload
)
SELECT
    id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone, endpoint, method,
    headers, payload
FROM jobs
WHERE tenant_id = 'steady';
