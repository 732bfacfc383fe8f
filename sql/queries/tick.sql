-- name: next_due :value
-- Seconds until something is due (a job's instant or a retry), negative when overdue, NULL when nothing waits.
-- Params: none. Locks: none.
SELECT extract(EPOCH FROM least(
    (SELECT min(next_run_at) FROM jobs WHERE next_run_at IS NOT NULL),
    (SELECT min(retry_at) FROM execution_queue WHERE status = 'retrying')
) - now())::float8;

-- name: due_jobs :many
-- Lock up to limit jobs whose instant has come, longest overdue first; those of one instant in any order, since sorting
-- them would read all of them for each batch. Params: limit int, now timestamptz or null.
-- Returns DueJob; live and waiting count the job's executions in the queue, where its overlap policy asks for them;
-- backfilled ones and alerts do not stand in the way of what is due. resumed_from is there when the job was resumed at
-- next_run_at and only its next run is to be planned.
-- Locks: those jobs, SKIP LOCKED: another ticker's are left to it. NO KEY UPDATE, since only next_run_at will change
-- and foreign keys may go on pointing here.
SELECT
    j.id, j.type, j.schedule, j.timezone, j.anchor_at, j.next_run_at,
    coalesce(j.next_instant_at, j.next_run_at) AS next_instant_at,
    CASE WHEN j.next_instant_at IS NULL THEN j.resumed_from END AS resumed_from,
    j.start_at, j.end_at, j.max_runs, j.runs, j.jitter_seconds,
    j.misfire_policy, j.misfire_limit, j.start_deadline_seconds, j.overlap_policy,
    CASE WHEN j.overlap_policy <> 'allow' THEN (
        SELECT count(*) FROM execution_queue AS q WHERE q.job_id = j.id AND q.origin NOT IN ('backfill', 'alert')
    ) ELSE 0 END AS live,
    CASE WHEN j.overlap_policy = 'queue' THEN (
        SELECT count(*) FROM execution_queue AS q
        WHERE q.job_id = j.id AND q.held_for = 'overlap' AND q.origin NOT IN ('backfill', 'alert')
    ) ELSE 0 END AS waiting,
    coalesce(%(now)s::timestamptz, now()) AS now
FROM jobs AS j
WHERE j.next_run_at <= coalesce(%(now)s::timestamptz, now())
ORDER BY j.next_run_at
LIMIT %(limit)s
FOR NO KEY UPDATE OF j SKIP LOCKED;

-- name: due_among :many
-- Those of some jobs whose instant has come, before they are edited. Params: job_ids uuid[]. Returns DueJob. Locks: none;
-- the caller has locked them already.
SELECT
    j.id, j.type, j.schedule, j.timezone, j.anchor_at, j.next_run_at,
    coalesce(j.next_instant_at, j.next_run_at) AS next_instant_at,
    CASE WHEN j.next_instant_at IS NULL THEN j.resumed_from END AS resumed_from,
    j.start_at, j.end_at, j.max_runs, j.runs, j.jitter_seconds,
    j.misfire_policy, j.misfire_limit, j.start_deadline_seconds, j.overlap_policy,
    (SELECT count(*) FROM execution_queue AS q WHERE q.job_id = j.id AND q.origin NOT IN ('backfill', 'alert')) AS live,
    (
        SELECT count(*) FROM execution_queue AS q
        WHERE q.job_id = j.id AND q.held_for = 'overlap' AND q.origin NOT IN ('backfill', 'alert')
    ) AS waiting,
    now() AS now
FROM jobs AS j
WHERE j.id = ANY(%(job_ids)s::uuid[]) AND j.next_run_at <= now()
ORDER BY j.id;

-- name: materialize :exec
-- Turn due instants into pending executions and advance their jobs, in one statement: a run is in the queue if and
-- only if its job has moved past it. The id is computed from job and instant and looked up in the log, so even a
-- clock that went back cannot make a run twice. They go to the end of their tenant's line, in the order of their instants.
-- Params: run_job_ids uuid[], run_ats timestamptz[], run_waits boolean[] (one entry a run; true: hold it until the
-- job's earlier execution has ended); job_ids uuid[], next_run_ats timestamptz[] (NULL: no instant is left),
-- next_instant_ats timestamptz[], runs int[] (how many are materialized now).
-- Result: executions made. Locks: jobs that due_jobs has locked already.
WITH advanced AS (
    UPDATE jobs AS j
    SET next_run_at = a.next_run_at, next_instant_at = a.next_instant_at, runs = j.runs + a.runs
    FROM (
        SELECT k.place, n.next_run_at, n.next_instant_at, n.runs
        FROM unnest(
            %(job_ids)s::uuid[], %(next_run_ats)s::timestamptz[], %(next_instant_ats)s::timestamptz[], %(runs)s::int[]
        ) AS n (job_id, next_run_at, next_instant_at, runs)
        CROSS JOIN LATERAL (SELECT ctid AS place FROM jobs WHERE id = n.job_id OFFSET 0) AS k
    ) AS a
    WHERE j.ctid = a.place
),

-- Looked up by OFFSET 0 for each run, for the reason told above work.claim; above, the rows found lie still, as they are
-- locked.
run AS MATERIALIZED (
    SELECT execution_id(r.job_id, r.at) AS id, r.job_id, j.tenant_id, r.at, j.priority, r.waits
    FROM unnest(
        %(run_job_ids)s::uuid[], %(run_ats)s::timestamptz[], %(run_waits)s::boolean[]
    ) AS r (job_id, at, waits)
    CROSS JOIN LATERAL (SELECT tenant_id, priority FROM jobs WHERE id = r.job_id OFFSET 0) AS j
),

placed AS (
    SELECT
        id, job_id, tenant_id, at, priority, waits,
        row_number() OVER (PARTITION BY tenant_id, priority ORDER BY at, job_id) AS place
    FROM run
    WHERE NOT EXISTS (
        SELECT FROM execution_log AS l
        WHERE l.id = run.id AND l.scheduled_at = run.at AND l.job_id = run.job_id
        OFFSET 0
    )
)

INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank, status, held_for)
SELECT
    p.id,
    p.job_id,
    p.tenant_id,
    p.at,
    p.priority,
    max(CASE WHEN p.place = 1 THEN last_rank(p.tenant_id, p.priority) END) OVER (PARTITION BY p.tenant_id, p.priority)
    + p.place,
    CASE WHEN p.waits THEN 'held' ELSE 'pending' END,
    CASE WHEN p.waits THEN 'overlap' END
FROM placed AS p
ORDER BY p.at, p.job_id
ON CONFLICT (id) DO NOTHING;

-- name: replaced_executions :many
-- Lock the live executions of jobs whose new run replaces them. Params: job_ids uuid[]. Returns LiveExecution.
-- Locks: those queue rows, in id order, SKIP LOCKED: what is just being finished needs no cancel.
SELECT id, job_id
FROM execution_queue
WHERE job_id = ANY(%(job_ids)s::uuid[]) AND origin NOT IN ('backfill', 'alert')
ORDER BY id
FOR UPDATE SKIP LOCKED;

-- name: skip :exec
-- Record ranges of instants that will not run, a row a range, and count them. Params: job_ids uuid[],
-- firsts timestamptz[], lasts timestamptz[], counts int[], reasons text[]. Locks: totals and days in job order.
WITH skipped AS (
    INSERT INTO execution_log (
        id, job_id, tenant_id, scheduled_at, skipped_until, skipped_count, created_at, attempt, job_version, priority,
        status, origin, error_code, error
    )
    SELECT
        execution_id(s.job_id, s.first_at), s.job_id, j.tenant_id, s.first_at, s.last_at, s.count, now(), 0,
        j.version, j.priority, 'skipped', 'schedule', s.reason,
        CASE s.reason
            WHEN 'misfire' THEN 'passed while nobody ticked; misfire_policy is ' || j.misfire_policy
            WHEN 'deadline' THEN 'older than start_deadline, ' || j.start_deadline_seconds || ' s, when its turn came'
            WHEN 'overlap' THEN 'came due while an earlier execution lived; overlap_policy is ' || j.overlap_policy
            WHEN 'paused' THEN 'passed while the job was paused'
        END
    FROM unnest(
        %(job_ids)s::uuid[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(counts)s::int[], %(reasons)s::text[]
    ) AS s (job_id, first_at, last_at, count, reason)
    CROSS JOIN LATERAL (
        SELECT tenant_id, version, priority, misfire_policy, start_deadline_seconds, overlap_policy
        FROM jobs
        WHERE id = s.job_id
        OFFSET 0
    ) AS j
    ON CONFLICT (id, scheduled_at) DO NOTHING
    RETURNING job_id, tenant_id, (finished_at AT TIME ZONE 'UTC')::date AS day
),

totalled AS (
    INSERT INTO job_totals AS t (job_id, tenant_id, skipped)
    SELECT job_id, tenant_id, count(*)
    FROM skipped
    GROUP BY job_id, tenant_id
    ORDER BY job_id
    ON CONFLICT (job_id) DO UPDATE SET skipped = t.skipped + excluded.skipped
)

INSERT INTO job_history AS h (job_id, day, tenant_id, skipped)
SELECT job_id, day, tenant_id, count(*)
FROM skipped
GROUP BY job_id, day, tenant_id
ORDER BY job_id, day
ON CONFLICT (job_id, day) DO UPDATE SET skipped = h.skipped + excluded.skipped;

-- name: promote_retries :exec
-- Make executions pending whose retry time has come, or hold them where a pause came between the end of the attempt
-- and now. They go to the end of their tenant's line. Params: limit int, now timestamptz or null. Result: how many.
-- Locks: those queue rows, SKIP LOCKED.
WITH ripe AS (
    SELECT
        q.id, q.tenant_id, q.priority, q.retry_at,
        CASE WHEN q.origin <> 'alert' THEN j.status END AS job_status
    FROM execution_queue AS q
    LEFT JOIN LATERAL (SELECT status FROM jobs WHERE id = q.job_id OFFSET 0) AS j ON TRUE
    WHERE q.status = 'retrying' AND q.retry_at <= coalesce(%(now)s::timestamptz, now())
    ORDER BY q.retry_at
    LIMIT %(limit)s
    FOR UPDATE OF q SKIP LOCKED
),

placed AS (
    SELECT
        id, tenant_id, priority, job_status,
        row_number() OVER (PARTITION BY tenant_id, priority ORDER BY retry_at, id) AS place
    FROM ripe
),

ranked AS (
    SELECT
        id,
        job_status,
        max(CASE WHEN place = 1 THEN last_rank(tenant_id, priority) END) OVER (PARTITION BY tenant_id, priority)
        + place AS rank
    FROM placed
)

UPDATE execution_queue AS q
SET
    status = CASE WHEN r.job_status = 'paused' THEN 'held' ELSE 'pending' END,
    rank = r.rank
FROM ranked AS r
WHERE q.id = ANY(ARRAY(SELECT id FROM ranked)) AND q.id = r.id;

-- name: notify_work :exec
-- Tell every engine that there are pending executions. Params: none.
SELECT pg_notify('scheduler_work', '');

-- name: notify_jobs :exec
-- Tell the ticker that some next_run_at has changed. Params: none.
SELECT pg_notify('scheduler_jobs', '');
