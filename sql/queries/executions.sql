-- name: get :one
-- One execution, live or finished, with the request that its latest attempt sent (a later edit of the job does not
-- change it; NULL where nothing was sent). Params: tenant_id text, id uuid. Returns ExecutionDetail. Locks: none.
-- The id carries the millisecond of scheduled_at, and bounding it lets the planner leave out all partitions but one.
SELECT
    e.id, e.tenant_id, e.job_id, e.job_version, e.status, e.origin, e.scheduled_at, e.created_at, e.started_at,
    e.finished_at, e.duration_ms,
    (extract(EPOCH FROM e.started_at - e.scheduled_at) * 1000)::float8 AS lag_ms,
    e.attempt, e.priority, e.worker_id, e.retry_at, e.response_status, e.response_body, e.response_truncated,
    e.error_code, e.error, e.skipped_until, e.skipped_count, e.trace_id, e.attempts, e.rerun_of, e.reruns,
    CASE WHEN e.origin = 'alert' THEN (
        SELECT jsonb_build_object('method', 'POST', 'endpoint', a.url, 'headers', '{}'::jsonb, 'payload', a.body)
        FROM alert_requests AS a
        WHERE a.execution_id = e.id
    ) WHEN v.job_id IS NOT NULL THEN jsonb_build_object(
        'method', v.method, 'endpoint', v.endpoint, 'headers', v.headers, 'payload', v.payload
    ) END AS request
FROM executions AS e
LEFT JOIN job_versions AS v ON e.job_id = v.job_id AND e.job_version = v.version AND e.status <> 'skipped'
WHERE
    e.tenant_id = %(tenant_id)s
    AND e.id = %(id)s::uuid
    AND e.scheduled_at >= execution_instant(%(id)s::uuid)
    AND e.scheduled_at < execution_instant(%(id)s::uuid) + INTERVAL '1 ms';

-- name: list :many
-- A page of executions, newest instant first. Params: tenant_id text, limit int; and, each NULL for any: job_id uuid,
-- status text, start_time and end_time timestamptz (both inclusive), after_at timestamptz and after_id uuid (the last row
-- of the page before, which seek finds for the number of a page). Returns Execution. Locks: none.
-- The queue and each partition are read in index order and merged, so the cost follows the page and not the log.
-- That holds because a filter that is NULL is gone before the planner looks: it must see the values (the API's
-- sessions do not prepare statements). The bound on scheduled_at beside the row comparison is for partition pruning,
-- which does not understand row comparisons.
SELECT
    id, tenant_id, job_id, job_version, status, origin, scheduled_at, created_at, started_at, finished_at, duration_ms,
    (extract(EPOCH FROM started_at - scheduled_at) * 1000)::float8 AS lag_ms,
    attempt, priority, worker_id, retry_at, response_status, response_body, response_truncated,
    error_code, error, skipped_until, skipped_count, trace_id, attempts, rerun_of, reruns
FROM executions
WHERE
    tenant_id = %(tenant_id)s
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    AND (%(status)s::text IS NULL OR status = %(status)s::text)
    AND (%(start_time)s::timestamptz IS NULL OR scheduled_at >= %(start_time)s::timestamptz)
    AND (%(end_time)s::timestamptz IS NULL OR scheduled_at <= %(end_time)s::timestamptz)
    AND (%(after_at)s::timestamptz IS NULL OR scheduled_at <= %(after_at)s::timestamptz)
    AND (%(after_at)s::timestamptz IS NULL OR (scheduled_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY scheduled_at DESC, id DESC
LIMIT %(limit)s;

-- name: seek :maybe
-- Where a page of the list begins: the row at a place of it, from 1, the last one of the page before. Params: tenant_id
-- text, place int; and, each NULL for any: status text, start_time and end_time timestamptz. Returns Placed. Locks: none.
-- Apart from the list, because what is passed over on the way is found in indexes here, and would be read whole there.
SELECT id, scheduled_at AS at
FROM executions
WHERE
    tenant_id = %(tenant_id)s
    AND (%(status)s::text IS NULL OR status = %(status)s::text)
    AND (%(start_time)s::timestamptz IS NULL OR scheduled_at >= %(start_time)s::timestamptz)
    AND (%(end_time)s::timestamptz IS NULL OR scheduled_at <= %(end_time)s::timestamptz)
ORDER BY scheduled_at DESC, id DESC
LIMIT 1 OFFSET %(place)s - 1;

-- name: seek_of_job :maybe
-- The same in the list of one job. Params: job_id uuid, place int; and, each NULL for any: status text, start_time and
-- end_time timestamptz. Returns Placed. Locks: none.
SELECT id, at
FROM seek_job_executions(
    %(job_id)s::uuid, %(status)s::text, %(start_time)s::timestamptz, %(end_time)s::timestamptz, %(place)s
);

-- name: count :value
-- How many executions a list over all jobs has, counted no further than limit. Params: tenant_id text, limit int; and,
-- each NULL for any: status text, start_time and end_time timestamptz. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM executions
    WHERE
        tenant_id = %(tenant_id)s
        AND (%(status)s::text IS NULL OR status = %(status)s::text)
        AND (%(start_time)s::timestamptz IS NULL OR scheduled_at >= %(start_time)s::timestamptz)
        AND (%(end_time)s::timestamptz IS NULL OR scheduled_at <= %(end_time)s::timestamptz)
    LIMIT %(limit)s
) AS counted;

-- name: count_of_job :value
-- The same for the list of one job. Params: job_id uuid, limit int; and, each NULL for any: status text, start_time and
-- end_time timestamptz. Locks: none.
SELECT count_job_executions(
    %(job_id)s::uuid, %(status)s::text, %(start_time)s::timestamptz, %(end_time)s::timestamptz, %(limit)s
);

-- name: dead_letters :many
-- Finished executions that a filter names and that have not been run again, oldest instant first, of jobs that are not
-- deleted; a rerun that failed is one itself. Params: tenant_id text, statuses text[] (of failed, timeout, cancelled),
-- limit int; and, each NULL for any: job_id uuid, start_time and end_time timestamptz (both inclusive), error_code text.
-- Returns DeadLetter. Locks: none; `rerun` looks again.
-- Each status is a walk along its own part of the index, which ends at limit.
SELECT l.id, l.job_id, l.status, l.scheduled_at, l.error_code, NULL::uuid AS rerun_id
FROM unnest(%(statuses)s::text[]) AS s (status)
CROSS JOIN LATERAL (
    SELECT l.id, l.job_id, l.status, l.scheduled_at, l.error_code
    FROM execution_log AS l
    WHERE
        l.tenant_id = %(tenant_id)s
        AND l.status = s.status
        AND l.status <> 'completed'
        AND l.origin <> 'alert'
        AND l.reruns = '{}'
        AND (%(job_id)s::uuid IS NULL OR l.job_id = %(job_id)s::uuid)
        AND (%(start_time)s::timestamptz IS NULL OR l.scheduled_at >= %(start_time)s::timestamptz)
        AND (%(end_time)s::timestamptz IS NULL OR l.scheduled_at <= %(end_time)s::timestamptz)
        AND (%(error_code)s::text IS NULL OR l.error_code = %(error_code)s::text)
        AND EXISTS (SELECT FROM jobs AS j WHERE j.id = l.job_id AND j.status <> 'deleted')
    ORDER BY l.scheduled_at, l.id
    LIMIT %(limit)s
) AS l
ORDER BY l.scheduled_at, l.id
LIMIT %(limit)s;

-- name: rerun :many
-- Run finished executions again, each as a new execution of its job as it is today. Params: tenant_id text, ids uuid[],
-- again boolean (false: not those that have been run again before). Returns Rerun for each id, oldest instant first.
-- Locks: their jobs in id order, NO KEY UPDATE, then their rows of the log.
SELECT id, rerun_id, known, refusal FROM rerun_executions(%(ids)s::uuid[], %(tenant_id)s::text, %(again)s::boolean);

-- name: cancel :one
-- End a live execution as cancelled. Params: tenant_id text, id uuid. Returns Verdict.
-- Locks: that queue row, so that its worker's outcome waits; then as cancel_all.
SELECT id, known, refusal FROM cancel_execution(%(id)s::uuid, %(tenant_id)s::text);

-- name: cancel_all :exec
-- End live executions as cancelled, in whatever state, and tell who calls for one to stop. Params: ids uuid[].
-- Locks: those queue rows, which the caller has locked already, then totals and days in job order; jobs SKIP LOCKED.
SELECT cancel_executions(%(ids)s::uuid[]);

-- name: lock_counts :exec
-- Lock the days in which executions are about to be counted by several statements. Each of those takes them in job order,
-- but all together they would not, and wait in a circle with work.finish. Params: job_ids uuid[]. Result: how many.
-- Locks: these jobs' rows of today, in job order; totals are taken after them, here as everywhere.
INSERT INTO job_history AS h (job_id, day, tenant_id)
SELECT id, (now() AT TIME ZONE 'UTC')::date, tenant_id
FROM jobs
WHERE id = ANY(%(job_ids)s::uuid[])
ORDER BY id
ON CONFLICT (job_id, day) DO UPDATE SET attempts = h.attempts;

-- name: live_counts :one
-- Live executions by state, each counted no further than limit. Params: tenant_id text, job_id uuid or NULL for all,
-- limit int. Returns LiveCounts. Locks: none. Counted apart, so that each finds its index: a tenant may have a million
-- pending and three held ones.
SELECT
    (
        SELECT count(*) FROM (
            SELECT FROM execution_queue
            WHERE
                tenant_id = %(tenant_id)s AND status = 'pending'
                AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
            LIMIT %(limit)s
        ) AS q
    ) AS pending,
    (
        SELECT count(*) FROM (
            SELECT FROM execution_queue
            WHERE
                tenant_id = %(tenant_id)s AND status = 'running'
                AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
            LIMIT %(limit)s
        ) AS q
    ) AS running,
    (
        SELECT count(*) FROM (
            SELECT FROM execution_queue
            WHERE
                tenant_id = %(tenant_id)s AND status = 'retrying'
                AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
            LIMIT %(limit)s
        ) AS q
    ) AS retrying,
    (
        SELECT count(*) FROM (
            SELECT FROM execution_queue
            WHERE
                tenant_id = %(tenant_id)s AND status = 'held'
                AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
            LIMIT %(limit)s
        ) AS q
    ) AS held;

-- name: totals :one
-- Finished executions by state, since ever (retention does not touch these counts). Params: tenant_id text, job_id
-- uuid or NULL for all. Returns FinishedCounts. Locks: none.
SELECT
    coalesce(sum(completed), 0)::bigint AS completed,
    coalesce(sum(failed), 0)::bigint AS failed,
    coalesce(sum(timeout), 0)::bigint AS timeout,
    coalesce(sum(cancelled), 0)::bigint AS cancelled,
    coalesce(sum(skipped), 0)::bigint AS skipped
FROM job_totals
WHERE
    tenant_id = %(tenant_id)s
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid);

-- name: whole_since :value
-- From when on the log holds all that ended, and not the failures alone; NULL: all of it does. Params: none. Locks: none.
SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM log_partitions_thinned;

-- name: percentiles :one
-- Percentiles of duration and start lag over the newest executions that ran to an end, at most limit of them, so
-- that the cost is bounded whatever the log's size. Params: tenant_id text, limit int; and, each NULL for any: job_id
-- uuid, since timestamptz (of scheduled_at), start_date and end_date date (UTC days of finishing, both inclusive).
-- Returns Percentiles. Locks: none.
-- The days are days of finishing, as in job_history, but the log is cut and indexed by scheduled_at: what finishes on
-- a day was nearly always due on it or on the day before, so since is that day, which leaves partitions out. Days of which
-- only the failures are left say nothing about the rest: whole_since, which is asked beforehand, leaves them out. As a
-- part of this statement it was a bound that the planner does not know and takes to leave next to nothing: then it read
-- and sorted all there is, half a million executions of a job in three seconds, instead of walking to the limit.
SELECT
    count(*) AS sampled,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS duration_p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS duration_p95_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ms) AS duration_p99_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_ms) AS lag_p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_ms) AS lag_p95_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY lag_ms) AS lag_p99_ms
FROM (
    SELECT
        duration_ms,
        -- Not extract: its numeric costs as much as the rest of the row.
        date_part('epoch', started_at - scheduled_at) * 1000 AS lag_ms
    FROM execution_log
    WHERE
        tenant_id = %(tenant_id)s
        AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
        AND status IN ('completed', 'failed', 'timeout')
        AND origin <> 'alert'
        AND scheduled_at >= coalesce(%(since)s::timestamptz, '-infinity')
        AND (%(start_date)s::date IS NULL OR finished_at >= %(start_date)s::date::timestamp AT TIME ZONE 'UTC')
        AND (
            %(end_date)s::date IS NULL
            OR scheduled_at < (%(end_date)s::date + 1)::timestamp AT TIME ZONE 'UTC'
        )
        AND (%(end_date)s::date IS NULL OR finished_at < (%(end_date)s::date + 1)::timestamp AT TIME ZONE 'UTC')
    ORDER BY scheduled_at DESC, id DESC
    LIMIT %(limit)s
) AS newest;
