-- name: register_worker :exec
-- Announce an engine process. Params: id uuid, host text, pid int, version text, slots int, heartbeat_seconds float8.
INSERT INTO workers (id, host, pid, version, slots, heartbeat_seconds)
VALUES (%(id)s, %(host)s, %(pid)s, %(version)s, %(slots)s, %(heartbeat_seconds)s);

-- name: heartbeat :value
-- Say that a worker lives. Params: id uuid, busy int, draining boolean. Result: whether it is asked to drain; NULL when it
-- was presumed dead and buried. Locks: its row.
UPDATE workers
SET
    heartbeat_at = now(),
    busy = %(busy)s,
    draining_at = CASE WHEN %(draining)s THEN coalesce(draining_at, now()) END
WHERE id = %(id)s
RETURNING drain_requested_at IS NOT NULL;

-- name: needed :one
-- What there may be to do for upkeep, so that a look at an idle service is one statement. Params: none.
-- Returns Needed. Locks: none.
WITH gaps AS (
    SELECT coalesce(lag(id) OVER (ORDER BY id), '00000000-0000-0000-0000-000000000000') AS low, id AS high
    FROM (SELECT id FROM workers UNION ALL SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS ends
)

SELECT
    EXISTS (SELECT FROM workers WHERE heartbeat_at < now() - 2 * make_interval(secs => heartbeat_seconds))
    OR EXISTS (
        SELECT
        FROM gaps AS g
        CROSS JOIN LATERAL (
            SELECT FROM execution_queue
            WHERE status = 'running' AND worker_id > g.low AND worker_id < g.high
            LIMIT 1
        ) AS q
    ) AS rescue,
    EXISTS (SELECT FROM execution_queue WHERE held_for = 'overlap')
    OR EXISTS (SELECT FROM jobs WHERE status = 'active' AND next_run_at IS NULL) AS settle,
    EXISTS (SELECT FROM execution_queue WHERE status = 'held' AND held_for IS NULL) AS held;

-- name: stranded_jobs :many
-- Jobs that are not paused and have executions held as if they were: an attempt that ended, or was taken back, while
-- its job was being resumed saw the pause still, and the resume did not see that it had begun to wait.
-- Params: limit int. Returns StrandedJob. Locks: those jobs, NO KEY UPDATE and SKIP LOCKED, so that none is paused
-- meanwhile. The index is walked from job to job, so a paused job costs one look however much it holds.
WITH RECURSIVE holders AS (
    (
        SELECT job_id
        FROM execution_queue
        WHERE status = 'held' AND held_for IS NULL
        ORDER BY job_id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT q.job_id
        FROM execution_queue AS q
        WHERE q.status = 'held' AND q.held_for IS NULL AND q.job_id > h.job_id
        ORDER BY q.job_id
        LIMIT 1
    )
    FROM holders AS h
    WHERE h.job_id IS NOT NULL
)

SELECT j.id
FROM jobs AS j
WHERE j.id IN (SELECT job_id FROM holders) AND j.status <> 'paused'
ORDER BY j.id
LIMIT %(limit)s
FOR NO KEY UPDATE OF j SKIP LOCKED;

-- name: dead_workers :many
-- Lock the workers that missed two heartbeats. Params: none. Returns Worker. Locks: their rows, SKIP LOCKED, so that
-- one process buries each and a late heartbeat waits until that is done, then finds nothing.
SELECT id, host, pid, heartbeat_at
FROM workers
WHERE heartbeat_at < now() - 2 * make_interval(secs => heartbeat_seconds)
ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: lost_executions :many
-- Running executions whose worker is in dead_ids or has no row at all. Params: dead_ids uuid[], limit int.
-- Returns LostExecution. Locks: those queue rows in id order, SKIP LOCKED.
-- Found in the gaps that the registered workers leave in the index: while anyone holds a snapshot, the entries of all
-- that living workers have finished since stay there, and are not walked past.
WITH gaps AS (
    SELECT coalesce(lag(id) OVER (ORDER BY id), '00000000-0000-0000-0000-000000000000') AS low, id AS high
    FROM (SELECT id FROM workers UNION ALL SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS ends
),

found AS (
    SELECT q.id
    FROM gaps AS g
    CROSS JOIN LATERAL (
        SELECT id FROM execution_queue WHERE status = 'running' AND worker_id > g.low AND worker_id < g.high OFFSET 0
    ) AS q
    UNION ALL
    SELECT q.id
    FROM unnest(%(dead_ids)s::uuid[]) AS d (id)
    CROSS JOIN LATERAL (SELECT id FROM execution_queue WHERE status = 'running' AND worker_id = d.id OFFSET 0) AS q
    LIMIT %(limit)s
)

SELECT q.id, q.worker_id, q.attempt, coalesce(j.max_retries, 0) AS max_retries
FROM execution_queue AS q
LEFT JOIN LATERAL (SELECT max_retries FROM jobs WHERE id = q.job_id OFFSET 0) AS j ON TRUE
WHERE
    q.id = ANY(ARRAY(SELECT id FROM found))
    AND q.status = 'running'
    AND (
        q.worker_id = ANY(%(dead_ids)s::uuid[])
        OR NOT EXISTS (SELECT FROM workers AS w WHERE w.id = q.worker_id)
    )
ORDER BY q.id
FOR UPDATE OF q SKIP LOCKED;

-- name: delete_workers :exec
-- Strike workers from the register. Params: ids uuid[]. Locks: their rows.
DELETE FROM workers WHERE id = ANY(%(ids)s::uuid[]);

-- name: release_overlapped :value
-- Let executions go that were held until their job's earlier execution had ended, where that is so. Params: none.
-- Result: how many. Locks: those queue rows in id order, SKIP LOCKED.
SELECT release_overlapped();

-- name: complete_exhausted_jobs :exec
-- Complete jobs that have no instant left and nothing alive, where finish could not (two runs of a job ended at
-- once, or a last run was never materialized). Params: none. Locks: those jobs, SKIP LOCKED.
WITH exhausted AS (
    SELECT j.id
    FROM jobs AS j
    WHERE
        j.status = 'active'
        AND j.next_run_at IS NULL
        AND NOT EXISTS (SELECT FROM execution_queue AS q WHERE q.job_id = j.id AND q.origin <> 'alert' OFFSET 0)
    FOR NO KEY UPDATE SKIP LOCKED
)

UPDATE jobs
SET status = 'completed'
WHERE id = ANY(ARRAY(SELECT id FROM exhausted));

-- name: counts_pinned :value
-- Whether job_totals and job_history are full of old row versions, which an open transaction keeps. Params: none.
-- Locks: none. Counted by the server's statistics, which follow by a second or so.
SELECT coalesce(bool_or(n_dead_tup > 10 * n_live_tup + 2000), FALSE)
FROM pg_stat_user_tables
WHERE relname IN ('job_totals', 'job_history');

-- name: fold_counts :exec
-- Add counts that were set aside to totals and days. Params: limit int, from_start boolean: look at all there is, and
-- not only at what is newer than the last fold less a margin. Without it the index entries of all that was folded since
-- someone opened a transaction would be walked again each time; with it, what was committed late is found. Result: 1
-- where it folded something, else 0.
-- Locks: those rows, SKIP LOCKED, then totals and days in job order, as work.finish does.
WITH picked AS (
    SELECT id
    FROM job_counts
    WHERE id > CASE WHEN %(from_start)s THEN 0 ELSE coalesce(pg_sequence_last_value('job_counts_folded'), 0) - 5000 END
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),

taken AS (
    DELETE FROM job_counts
    WHERE id = ANY(ARRAY(SELECT id FROM picked))
    RETURNING
        id, job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max,
        last_run_at, last_scheduled_at, last_status
),

totalled AS (
    INSERT INTO job_totals AS t (
        job_id, tenant_id, completed, failed, timeout, cancelled, last_run_at, last_status
    )
    SELECT
        job_id,
        tenant_id,
        sum(completed),
        sum(failed),
        sum(timeout),
        sum(cancelled),
        max(last_run_at),
        (array_agg(last_status ORDER BY last_scheduled_at DESC))[1]
    FROM taken
    GROUP BY job_id, tenant_id
    ORDER BY job_id
    ON CONFLICT (job_id) DO UPDATE SET
        completed = t.completed + excluded.completed,
        failed = t.failed + excluded.failed,
        timeout = t.timeout + excluded.timeout,
        cancelled = t.cancelled + excluded.cancelled,
        last_run_at = greatest(t.last_run_at, excluded.last_run_at),
        last_status = excluded.last_status
),

counted AS (
    INSERT INTO job_history AS h (
        job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max
    )
    SELECT
        job_id, day, tenant_id, sum(completed), sum(failed), sum(timeout), sum(cancelled), sum(attempts),
        sum(duration_ms_sum), max(duration_ms_max), sum(lag_ms_sum), max(lag_ms_max)
    FROM taken
    GROUP BY job_id, day, tenant_id
    ORDER BY job_id, day
    ON CONFLICT (job_id, day) DO UPDATE SET
        completed = h.completed + excluded.completed,
        failed = h.failed + excluded.failed,
        timeout = h.timeout + excluded.timeout,
        cancelled = h.cancelled + excluded.cancelled,
        attempts = h.attempts + excluded.attempts,
        duration_ms_sum = h.duration_ms_sum + excluded.duration_ms_sum,
        duration_ms_max = greatest(h.duration_ms_max, excluded.duration_ms_max),
        lag_ms_sum = h.lag_ms_sum + excluded.lag_ms_sum,
        lag_ms_max = greatest(h.lag_ms_max, excluded.lag_ms_max)
)

SELECT
    setval('job_counts_folded', greatest(max(id), coalesce(pg_sequence_last_value('job_counts_folded'), 0))) AS folded
FROM taken
HAVING count(*) > 0;

-- name: close_day :value
-- Sum up one more day in tenant_history, the oldest that is not closed, where it ended an hour ago or earlier and no
-- counts of it are set aside any more: what finishes bears the day on which its statement began, and no statement takes
-- so long. Params: now timestamptz or null. Result: the day, or NULL when none is left to close. Locks: none;
-- try_upkeep_lock lets one process at a time do it.
-- The tenants are found by walking the index from one to the next, and of each the day alone is read.
WITH RECURSIVE following AS (
    SELECT coalesce((SELECT max(day) + 1 FROM closed_days), (SELECT min(day) FROM job_history)) AS day
),

ended AS (
    SELECT f.day
    FROM following AS f
    WHERE
        f.day < ((coalesce(%(now)s::timestamptz, now()) - interval '1 hour') AT TIME ZONE 'UTC')::date
        AND NOT EXISTS (SELECT FROM job_counts AS c WHERE c.day <= f.day)
),

tenants AS (
    SELECT (SELECT min(h.tenant_id) FROM job_history AS h) AS tenant_id FROM ended
    UNION ALL
    SELECT (SELECT min(h.tenant_id) FROM job_history AS h WHERE h.tenant_id > t.tenant_id)
    FROM tenants AS t
    WHERE t.tenant_id IS NOT NULL
),

summed AS MATERIALIZED (
    SELECT sum_history(t.tenant_id, e.day)
    FROM tenants AS t
    CROSS JOIN ended AS e
    WHERE t.tenant_id IS NOT NULL
)

INSERT INTO closed_days (day)
SELECT e.day FROM ended AS e WHERE (SELECT count(*) FROM summed) >= 0
RETURNING day;

-- name: try_upkeep_lock :value
-- Whether this transaction may change partitions: one process does at a time. Params: none.
SELECT pg_try_advisory_xact_lock(hashtext('scheduler.partitions'));

-- name: make_partitions :value
-- Make the log's missing partitions from today on, days_ahead of them and yesterday's too. Result: how many.
-- Params: days_ahead int, today date or null. Locks: execution_log_default exclusively for an instant when one is made.
SELECT count(*) FILTER (WHERE make_log_partition(d.day))
FROM (
    SELECT coalesce(%(today)s::date, (now() AT TIME ZONE 'UTC')::date) + n AS day
    FROM generate_series(-1, %(days_ahead)s::int) AS n
) AS d
WHERE NOT EXISTS (SELECT FROM log_partitions AS p WHERE p.day = d.day);

-- name: drop_partitions :value
-- Drop the log's partitions older than days, whole or thinned. Result: how many. Params: days int, today date or null.
-- Locks: execution_log exclusively for an instant when one is dropped.
SELECT count(*) FILTER (WHERE drop_log_partition(p.day))
FROM (
    SELECT day FROM log_partitions
    UNION
    SELECT day FROM log_partitions_thinned
) AS p
WHERE p.day < coalesce(%(today)s::date, (now() AT TIME ZONE 'UTC')::date) - %(days)s::int;

-- name: thin_partition :value
-- Leave only the failures in the log's oldest whole partition, where that is older than days. Result: 1 when there was
-- one. Params: days int, today date or null. Locks: writes to that day while its failures are copied, then execution_log
-- exclusively for an instant.
SELECT count(*) FILTER (WHERE thin_log_partition(p.day))
FROM (SELECT min(day) AS day FROM log_partitions) AS p
WHERE p.day < coalesce(%(today)s::date, (now() AT TIME ZONE 'UTC')::date) - %(days)s::int;

-- name: index_partition :value
-- Build what a day of the log from before execution_log_job_ended_idx lacks of it, today left until tomorrow. Result:
-- whether there was such a day. Params: today date or null. Locks: writes to that day while its index is built.
SELECT index_log_partition(coalesce(%(today)s::date, (now() AT TIME ZONE 'UTC')::date));

-- name: purge_default_partition :exec
-- Delete what the default partition holds of executions finished more than days ago, of failures more than failed_days
-- ago. Params: days int, failed_days int, limit int, today date or null. Locks: those rows.
DELETE FROM execution_log_default
WHERE ctid = ANY(ARRAY(
    SELECT ctid
    FROM execution_log_default
    WHERE finished_at < (
        coalesce(%(today)s::date, (now() AT TIME ZONE 'UTC')::date)
        - CASE WHEN status IN ('failed', 'timeout') THEN %(failed_days)s::int ELSE %(days)s::int END
    )::timestamp AT TIME ZONE 'UTC'
    LIMIT %(limit)s
));

-- name: purge_idempotency_keys :exec
-- Delete up to limit answers that have been kept for a day. Params: limit int. Locks: those rows.
DELETE FROM idempotency_keys
WHERE (tenant_id, key) IN (
    SELECT tenant_id, key
    FROM idempotency_keys
    WHERE created_at < now() - INTERVAL '1 day'
    ORDER BY created_at
    LIMIT %(limit)s
);

-- name: purge_incidents :exec
-- Delete up to limit incidents closed more than days ago, with what they sent. Params: days int, limit int.
-- Locks: those rows.
DELETE FROM job_incidents
WHERE id IN (
    SELECT id
    FROM job_incidents
    WHERE closed_at < now() - make_interval(days => %(days)s::int)
    ORDER BY closed_at
    LIMIT %(limit)s
);

-- name: purge_audit :exec
-- Delete up to limit audit entries older than days, of any tenant. Params: days int, limit int, now timestamptz or
-- null. Locks: those rows.
DELETE FROM audit_log AS a
USING (
    SELECT tenant_id, at, id
    FROM audit_log
    WHERE at < coalesce(%(now)s::timestamptz, now()) - make_interval(days => %(days)s::int)
    LIMIT %(limit)s
) AS old
WHERE a.tenant_id = old.tenant_id AND a.at = old.at AND a.id = old.id;
