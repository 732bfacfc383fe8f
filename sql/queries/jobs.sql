-- name: now :value
-- The database's clock: the start of this transaction. Params: none.
SELECT now();

-- name: create :value
-- Add a job. Params: the definition, tenant_id text, anchor_at and next_run_at timestamptz. Result: its id.
INSERT INTO jobs (
    tenant_id, name, description, type, schedule, timezone, anchor_at, endpoint, method, headers, payload,
    timeout_seconds, max_retries, retry_delay_seconds, priority, tags, metadata, next_run_at
) VALUES (
    %(tenant_id)s, %(name)s, %(description)s, %(type)s, %(schedule)s, %(timezone)s, %(anchor_at)s, %(endpoint)s,
    %(method)s, %(headers)s, %(payload)s, %(timeout)s, %(max_retries)s, %(retry_delay)s, %(priority)s,
    %(tags)s::text [], %(metadata)s, %(next_run_at)s
)
RETURNING id;

-- name: get :one
-- One job with its lifetime counts, deleted or not. Params: tenant_id text, id uuid. Returns Job. Locks: none.
SELECT
    j.id, j.tenant_id, j.name, j.description, j.type, j.schedule, j.timezone, j.endpoint, j.method, j.headers,
    j.payload, j.timeout_seconds AS timeout, j.max_retries, j.retry_delay_seconds AS retry_delay, j.priority,
    j.tags, j.metadata, j.status, j.next_run_at, t.last_run_at,
    coalesce(t.completed + t.failed + t.timeout, 0) AS run_count,
    coalesce(t.failed + t.timeout, 0) AS fail_count,
    j.version, j.created_at, j.updated_at
FROM jobs AS j
LEFT JOIN job_totals AS t ON j.id = t.job_id
WHERE j.tenant_id = %(tenant_id)s AND j.id = %(id)s;

-- name: list :many
-- A page of jobs, newest first. Params: tenant_id text, limit int, offset int; and, each NULL for any: status text
-- (deleted jobs are left out unless asked for), type text, name_like text (a LIKE pattern), tag text, after_at
-- timestamptz and after_id uuid (the last row of the page before). Returns Job. Locks: none.
-- The rest is joined to the page, not to all jobs: hence the CTE.
WITH page AS (
    SELECT id
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND (
            (%(status)s::text IS NULL AND status <> 'deleted')
            OR (%(status)s::text IS NOT NULL AND status = %(status)s::text)
        )
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
        AND (
            %(after_at)s::timestamptz IS NULL
            OR (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY created_at DESC, id DESC
    LIMIT %(limit)s OFFSET %(offset)s
)

SELECT
    j.id, j.tenant_id, j.name, j.description, j.type, j.schedule, j.timezone, j.endpoint, j.method, j.headers,
    j.payload, j.timeout_seconds AS timeout, j.max_retries, j.retry_delay_seconds AS retry_delay, j.priority,
    j.tags, j.metadata, j.status, j.next_run_at, t.last_run_at,
    coalesce(t.completed + t.failed + t.timeout, 0) AS run_count,
    coalesce(t.failed + t.timeout, 0) AS fail_count,
    j.version, j.created_at, j.updated_at
FROM page AS p
INNER JOIN jobs AS j ON p.id = j.id
LEFT JOIN job_totals AS t ON p.id = t.job_id
ORDER BY j.created_at DESC, j.id DESC;

-- name: count :value
-- How many jobs a list has, counted no further than limit. Params: tenant_id text, limit int; and, each NULL for any:
-- status text, type text, name_like text, tag text. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND (
            (%(status)s::text IS NULL AND status <> 'deleted')
            OR (%(status)s::text IS NOT NULL AND status = %(status)s::text)
        )
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
    LIMIT %(limit)s
) AS counted;

-- name: lock :one
-- Lock a job before changing it, so that an edit and a tick never race: the ticker skips a locked job, and an edit
-- waits for the ticker and then sees what it wrote. Params: tenant_id text, id uuid. Returns LockedJob.
-- Locks: that job, NO KEY UPDATE; the queue rows a change touches are locked after it, in id order.
SELECT
    id, name, description, type, schedule, timezone, endpoint, method, headers, payload,
    timeout_seconds AS timeout, max_retries, retry_delay_seconds AS retry_delay, priority, tags, metadata,
    status, anchor_at, next_run_at, now() AS now
FROM jobs
WHERE tenant_id = %(tenant_id)s AND id = %(id)s
FOR NO KEY UPDATE;

-- name: update :exec
-- Write a job's definition anew. Params: id uuid, the definition, status text, anchor_at (another one means another
-- schedule, which counts its runs from 0) and next_run_at timestamptz.
-- Locks: that job, which `lock` has locked already.
UPDATE jobs
SET
    name = %(name)s,
    description = %(description)s,
    type = %(type)s,
    schedule = %(schedule)s,
    timezone = %(timezone)s,
    anchor_at = %(anchor_at)s,
    runs = CASE WHEN anchor_at = %(anchor_at)s::timestamptz THEN runs ELSE 0 END,
    next_instant_at = CASE WHEN anchor_at = %(anchor_at)s::timestamptz THEN next_instant_at END,
    endpoint = %(endpoint)s,
    method = %(method)s,
    headers = %(headers)s,
    payload = %(payload)s,
    timeout_seconds = %(timeout)s,
    max_retries = %(max_retries)s,
    retry_delay_seconds = %(retry_delay)s,
    priority = %(priority)s,
    tags = %(tags)s::text [],
    metadata = %(metadata)s,
    status = %(status)s,
    next_run_at = %(next_run_at)s,
    version = version + 1,
    updated_at = now()
WHERE id = %(id)s;

-- name: set_status :exec
-- Move a job to another state. Params: id uuid, status text, next_run_at timestamptz or NULL.
-- Locks: that job, which `lock` has locked already.
UPDATE jobs
SET
    status = %(status)s,
    next_run_at = %(next_run_at)s,
    next_instant_at = NULL,
    paused_at = CASE WHEN %(status)s = 'paused' THEN now() END,
    updated_at = now()
WHERE id = %(id)s;

-- name: hold_executions :exec
-- Keep what waits from running while its job is paused. Params: job_id uuid. Result: how many.
-- Locks: those queue rows, in id order. One that is claimed meanwhile runs on.
WITH waiting AS (
    SELECT id
    FROM execution_queue
    WHERE job_id = %(job_id)s AND status IN ('pending', 'retrying')
    ORDER BY id
    FOR UPDATE
)

UPDATE execution_queue AS q
SET status = 'held'
FROM waiting AS w
WHERE q.id = w.id;

-- name: release_executions :exec
-- Let what a pause held wait for its retry, or run; what waits for a predecessor goes on doing so.
-- Params: job_id uuid. Result: how many.
-- Locks: those queue rows, in id order.
WITH held AS (
    SELECT id
    FROM execution_queue
    WHERE job_id = %(job_id)s AND status = 'held' AND held_for IS NULL
    ORDER BY id
    FOR UPDATE
)

UPDATE execution_queue AS q
SET
    status = CASE WHEN q.retry_at > now() THEN 'retrying' ELSE 'pending' END,
    retry_at = CASE WHEN q.retry_at > now() THEN q.retry_at END
FROM held AS h
WHERE q.id = h.id;

-- name: lock_waiting :many
-- Lock what has not begun or waits to be called again, before it is cancelled. Params: job_id uuid.
-- Returns LiveExecution. Locks: those queue rows, in id order.
SELECT id, worker_id, attempt
FROM execution_queue
WHERE job_id = %(job_id)s AND status <> 'running'
ORDER BY id
FOR UPDATE;

-- name: has_live :value
-- Whether a job has live executions. Params: job_id uuid. Locks: none.
SELECT EXISTS (SELECT FROM execution_queue WHERE job_id = %(job_id)s);

-- name: has_run_since :value
-- Whether the schedule of a job has been materialized since it was set. Params: job_id uuid, since timestamptz.
-- Locks: none.
SELECT EXISTS (
    SELECT FROM executions
    WHERE job_id = %(job_id)s AND scheduled_at >= %(since)s::timestamptz AND origin = 'schedule'
);

-- name: counts :one
-- A tenant's jobs by status, and those not deleted by type. Params: tenant_id text. Returns JobCounts. Locks: none.
SELECT
    count(*) FILTER (WHERE status = 'active') AS active,
    count(*) FILTER (WHERE status = 'paused') AS paused,
    count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status = 'deleted') AS deleted,
    count(*) FILTER (WHERE status <> 'deleted' AND type = 'cron') AS cron,
    count(*) FILTER (WHERE status <> 'deleted' AND type = 'interval') AS interval,
    count(*) FILTER (WHERE status <> 'deleted' AND type = 'one_time') AS one_time
FROM jobs
WHERE tenant_id = %(tenant_id)s;
