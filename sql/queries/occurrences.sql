-- name: subject :one
-- What decides the fate of a job's instants, deleted or not. Params: tenant_id text, id uuid. Returns Subject.
-- Locks: none. The partitions are read from the catalogue: log_partitions is the engine's.
SELECT
    j.id, j.status, j.created_at, j.updated_at,
    CASE WHEN j.status = 'paused' THEN coalesce(j.paused_at, j.updated_at) END AS paused_at,
    j.next_run_at, coalesce(j.next_instant_at, j.next_run_at) AS next_instant_at, j.max_runs, j.runs, now() AS now,
    (
        SELECT min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp AT TIME ZONE 'UTC'
        FROM pg_inherits AS i
        INNER JOIN pg_class AS c ON i.inhrelid = c.oid
        WHERE i.inhparent = 'execution_log'::regclass AND c.relname ~ '^execution_log_\d{8}$'
    ) AS log_since
FROM jobs AS j
WHERE j.tenant_id = %(tenant_id)s AND j.id = %(id)s;

-- name: definitions :many
-- What a job's schedule was, oldest first, each definition with the time from which it held and the time at which the
-- next one replaced it (NULL: it still holds); those that held between start_at and end_at. The first one holds from
-- the job's creation, and a current version that left no row in job_versions is read from the job.
-- Params: tenant_id text, id uuid, start_at and end_at timestamptz, limit int. Returns Definition. Locks: none.
WITH versions AS (
    SELECT version, created_at AS since, type, schedule, timezone, anchor_at, start_at, end_at, jitter_seconds
    FROM job_versions
    WHERE tenant_id = %(tenant_id)s AND job_id = %(id)s
    UNION ALL
    SELECT
        j.version, j.updated_at AS since, j.type, j.schedule, j.timezone, j.anchor_at, j.start_at, j.end_at,
        j.jitter_seconds
    FROM jobs AS j
    WHERE
        j.tenant_id = %(tenant_id)s
        AND j.id = %(id)s
        AND NOT EXISTS (SELECT FROM job_versions AS v WHERE v.job_id = j.id AND v.version = j.version)
),

eras AS (
    SELECT
        v.version, v.type, v.schedule, v.timezone, v.anchor_at, v.start_at, v.end_at, v.jitter_seconds,
        CASE WHEN row_number() OVER w = 1 THEN least(v.since, j.created_at) ELSE v.since END AS since,
        lead(v.since) OVER w AS until
    FROM versions AS v
    INNER JOIN jobs AS j ON j.id = %(id)s
    WINDOW w AS (ORDER BY v.version)
)

SELECT type, schedule, timezone, anchor_at, start_at, end_at, jitter_seconds, since, until
FROM eras
WHERE since < %(end_at)s::timestamptz AND (until IS NULL OR until >= %(start_at)s::timestamptz)
ORDER BY version
LIMIT %(limit)s;

-- name: recorded :many
-- What the schedule or a backfill of a job made between two instants, oldest first: executions, and skips that begin
-- there. Params: tenant_id text, id uuid, start_at (inclusive) and end_at (exclusive) timestamptz, limit int.
-- Returns Recorded. Locks: none. Queue and partitions are read in the order of their indexes on the job.
SELECT id, scheduled_at, status, origin, attempt, error_code, skipped_until, skipped_count
FROM executions
WHERE
    tenant_id = %(tenant_id)s
    AND job_id = %(id)s
    AND scheduled_at >= %(start_at)s::timestamptz
    AND scheduled_at < %(end_at)s::timestamptz
    AND origin IN ('schedule', 'backfill')
ORDER BY scheduled_at, id
LIMIT %(limit)s;

-- name: latest_before :maybe
-- The last thing a job's schedule left in the log before an instant: where a skip reaches past the instant, it is this
-- one, since what a schedule leaves does not overlap. Params: tenant_id text, id uuid, at timestamptz.
-- Returns Recorded. Locks: none.
SELECT id, scheduled_at, status, origin, attempt, error_code, skipped_until, skipped_count
FROM execution_log
WHERE
    tenant_id = %(tenant_id)s
    AND job_id = %(id)s
    AND scheduled_at < %(at)s::timestamptz
    AND origin = 'schedule'
ORDER BY scheduled_at DESC, id DESC
LIMIT 1;

-- name: lock :one
-- Lock a job while its past is filled in, so that neither a tick, an edit nor another backfill decides about the same
-- instants. Params: tenant_id text, id uuid. Returns BackfilledJob. Locks: that job, NO KEY UPDATE.
SELECT
    id, status, type, schedule, timezone, anchor_at, start_at, end_at, jitter_seconds, next_run_at, overlap_policy,
    created_at, now() AS now
FROM jobs
WHERE tenant_id = %(tenant_id)s AND id = %(id)s
FOR NO KEY UPDATE;

-- name: backfill :many
-- Materialize past instants of a job, at the lowest priority, save those that have an execution already; a dry run
-- only tells. The ids are computed, as those of the schedule are, but apart from them, because a skip of the same
-- instant has the schedule's id. Both ids are looked up beside the instant they carry, which reads one partition each.
-- In the queue each id is compared by itself: the planner can then hash the tenant's rows once. With a list of ids it
-- went through them for every instant while the table had no statistics: 3.4 s, not 0.3 s, for 10,000 instants.
-- An execution of a paused job is held until it is resumed; one of a job whose executions must not overlap is held
-- until those before it have ended (then call upkeep.release_overlapped).
-- Params: tenant_id text, id uuid, ats timestamptz[], dry_run boolean. Returns Backfilled for each instant.
-- Locks: none beyond the job, which `lock` has locked already.
WITH wanted AS MATERIALIZED (
    SELECT
        a.at,
        execution_id(%(id)s::uuid, a.at) AS scheduled_id,
        execution_id_at(
            a.at, md5(%(id)s::uuid::text || ' backfill ' || extract(EPOCH FROM a.at)::text)::uuid
        ) AS id
    FROM unnest(%(ats)s::timestamptz[]) AS a (at)
),

judged AS MATERIALIZED (
    SELECT
        w.at,
        w.id,
        EXISTS (SELECT FROM execution_queue AS q WHERE q.id = w.id)
        OR EXISTS (SELECT FROM execution_queue AS q WHERE q.id = w.scheduled_id)
        OR EXISTS (
            SELECT FROM execution_log AS l
            WHERE
                l.id = ANY(ARRAY[w.id, w.scheduled_id])
                AND l.scheduled_at = w.at
                AND l.job_id = %(id)s
                AND l.status <> 'skipped'
        ) AS taken
    FROM wanted AS w
),

made AS (
    INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank, status, held_for, origin)
    SELECT
        f.id,
        j.id,
        j.tenant_id,
        f.at,
        1,
        (SELECT last_rank(%(tenant_id)s::text, 1::smallint)) + row_number() OVER (ORDER BY f.at),
        CASE WHEN j.status = 'paused' OR j.overlap_policy <> 'allow' THEN 'held' ELSE 'pending' END,
        CASE WHEN j.overlap_policy <> 'allow' THEN 'overlap' END,
        'backfill'
    FROM judged AS f
    INNER JOIN jobs AS j ON j.id = %(id)s
    WHERE j.tenant_id = %(tenant_id)s AND NOT f.taken AND NOT %(dry_run)s::boolean
    ORDER BY f.at
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)

SELECT
    f.at,
    f.taken OR (m.id IS NULL AND NOT %(dry_run)s::boolean) AS taken
FROM judged AS f
LEFT JOIN made AS m ON f.id = m.id
ORDER BY f.at;
