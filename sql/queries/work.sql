-- name: claim :many
-- Take up to limit pending executions for one worker. Params: worker_id uuid, limit int, floors bigint[] (where to begin
-- for each priority, 10 first; 0 begins at the start), passed_tenants text[] and look int: executions of these tenants
-- are left, and of each priority no more than look are looked at for others, so a flood of theirs costs little.
-- Returns ClaimedExecution, best first: priority 10 before 1, then by rank, in which tenants take turns, then the oldest.
-- Pending rows are ready by definition, so each priority's part of the index is walked from its floor and no live row
-- is read in vain. Dead ones would be: while anyone holds a snapshot, the entries of all that has been claimed since
-- stay in the index, in front of the rest. Hence the floors, which service/front.py moves along behind claimed_rank.
-- Statistics may be of a time at which the queue was empty. A join of two parts of a statement is then planned as a walk
-- of the one for each row of the other, however many there are now. So no part here meets another by a join: rows are
-- looked up for an array, or for each row by LATERAL and OFFSET 0. Those picked are updated by their place: they are
-- locked, so it stays; one that was changed between the look and the lock is not there, and is left for a later claim.
-- Locks: those queue rows, SKIP LOCKED, so it waits for nobody. The nested loop locks only what the outer LIMIT pulls.
WITH picked AS MATERIALIZED (
    SELECT w.place, w.priority, w.rank
    FROM unnest(%(floors)s::bigint[]) WITH ORDINALITY AS f (floor, place)
    CROSS JOIN LATERAL (
        SELECT q.ctid AS place, q.priority, q.rank
        FROM execution_queue AS q
        WHERE
            q.status = 'pending'
            AND q.priority = (11 - f.place)::smallint
            AND q.rank >= f.floor
            AND q.tenant_id <> ALL(%(passed_tenants)s::text[])
            AND q.rank <= CASE WHEN cardinality(%(passed_tenants)s::text[]) = 0 THEN 9223372036854775807 ELSE coalesce(
                (
                    SELECT a.rank
                    FROM execution_queue AS a
                    WHERE a.status = 'pending' AND a.priority = (11 - f.place)::smallint AND a.rank >= f.floor
                    ORDER BY a.priority, a.rank, a.scheduled_at, a.id
                    LIMIT 1 OFFSET %(look)s
                ), 9223372036854775807
            ) END
        ORDER BY q.priority, q.rank, q.scheduled_at, q.id
        LIMIT %(limit)s
        FOR UPDATE OF q SKIP LOCKED
    ) AS w
    LIMIT %(limit)s
),

marked AS (
    SELECT
        priority,
        setval(('execution_rank_' || priority)::regclass, greatest(claimed_rank(priority), max(rank))) AS claimed_rank
    FROM picked
    GROUP BY priority
),

claimed AS (
    UPDATE execution_queue AS q
    SET
        status = 'running',
        worker_id = %(worker_id)s,
        attempt = q.attempt + 1,
        job_version = (SELECT j.version FROM jobs AS j WHERE j.id = q.job_id AND q.origin <> 'alert'),
        claimed_at = now(),
        started_at = coalesce(q.started_at, now()),
        retry_at = NULL,
        put_off_for = NULL
    WHERE q.ctid = ANY(ARRAY(SELECT place FROM picked))
    RETURNING
        q.id, q.job_id, q.tenant_id, q.worker_id, q.scheduled_at, q.attempt, q.job_version, q.priority, q.rank, q.origin
)

SELECT
    c.id::text AS id,
    c.job_id::text AS job_id,
    c.tenant_id,
    c.worker_id,
    c.scheduled_at,
    c.attempt,
    c.job_version,
    c.priority,
    c.rank,
    j.endpoint,
    j.method,
    j.headers::text AS headers,
    j.payload::text AS payload,
    j.sealed,
    CASE WHEN s.tenant_id IS NOT NULL THEN array_remove(
        ARRAY[s.sealed, CASE WHEN s.previous_until > now() THEN s.previous_sealed END], NULL
    ) END AS signing,
    j.timeout_seconds,
    j.max_retries,
    j.retry_delay_seconds,
    j.retry_backoff,
    j.retry_max_delay_seconds,
    j.retry_on,
    date_part('epoch', now() - c.scheduled_at) AS lag_seconds
FROM claimed AS c
INNER JOIN marked AS m ON c.priority = m.priority
LEFT JOIN LATERAL (
    SELECT
        endpoint, method, headers, payload, sealed, timeout_seconds, max_retries,
        retry_delay_seconds, retry_backoff, retry_max_delay_seconds, retry_on
    FROM jobs
    WHERE id = c.job_id AND c.origin <> 'alert'
    UNION ALL
    SELECT url, 'POST', '{}', body, NULL, 10, 8, 10, 'exponential', 900, NULL
    FROM alert_requests
    WHERE execution_id = c.id AND c.origin = 'alert'
    OFFSET 0
) AS j ON TRUE
LEFT JOIN LATERAL (
    SELECT tenant_id, sealed, previous_sealed, previous_until FROM signing_secrets WHERE tenant_id = c.tenant_id OFFSET 0
) AS s ON TRUE
ORDER BY c.priority DESC, c.rank, c.scheduled_at, c.id;

-- name: claimed_ranks :value
-- How far the queue has come: claimed_rank of each priority, 10 first, bigint[]. Params: none. Locks: none.
SELECT array_agg(claimed_rank(n::smallint) ORDER BY n DESC) FROM generate_series(1, 10) AS n;

-- name: finish :one
-- Record how attempts ended: move each execution that is over from the queue to the log, count it in its day and
-- in its job's totals, and let the others wait for their retry. One statement, so none of it can be half done.
-- Serves a worker's outcomes and the rescue of a lost worker's executions; cancel_executions counts as this does.
-- Params, arrays, of which ids has the length; one that is all NULL may be empty: ids uuid[], worker_ids uuid[] and
-- attempts int[] (as the caller last saw them: a row that has moved on since is left alone, so a worker presumed dead
-- cannot overwrite its successor), statuses text[], retry_delays float8[] (seconds; NULL ends the execution), durations
-- float8[] (ms), response_statuses int[], response_bodies text[], truncated boolean[], error_codes text[], errors text[],
-- trace_ids text[]; and set_aside boolean: leave the counting to upkeep.fold_counts, see job_counts.
-- Returns Recorded: the ids that were not the caller's any more, and whether an execution waits for one of these to end
-- (then call upkeep.release_overlapped). Not a row for each that was: a batch is mostly recorded as a whole.
-- Its parts do not meet by joins, for the reason told above claim.
-- Locks: the queue rows in id order, then totals and days in job order, the same for every caller, so two batches
-- cannot wait for each other; jobs are taken SKIP LOCKED (upkeep completes what was busy).
WITH outcome AS (
    SELECT *
    FROM unnest(
        %(ids)s::uuid[], %(worker_ids)s::uuid[], %(attempts)s::int[], %(statuses)s::text[],
        %(retry_delays)s::float8[], %(durations)s::float8[], %(response_statuses)s::int[],
        %(response_bodies)s::text[], %(truncated)s::boolean[], %(error_codes)s::text[], %(errors)s::text[],
        %(trace_ids)s::text[]
    ) AS o (
        id, worker_id, attempt, status, retry_delay, duration_ms, response_status,
        response_body, response_truncated, error_code, error, trace_id
    )
    ORDER BY id
),

fenced AS (
    SELECT
        q.id,
        q.job_id,
        q.worker_id,
        q.scheduled_at,
        q.created_at,
        q.started_at,
        q.attempt,
        q.job_version,
        q.priority,
        q.origin,
        q.tenant_id,
        q.rerun_of,
        o.status,
        o.retry_delay,
        coalesce(o.duration_ms, date_part('epoch', now() - q.claimed_at) * 1000) AS duration_ms,
        o.response_status,
        o.response_body,
        o.response_truncated,
        o.error_code,
        o.error,
        coalesce(o.trace_id, q.trace_id) AS trace_id,
        CASE WHEN q.origin <> 'alert' THEN j.status END AS job_status,
        o.retry_delay IS NOT NULL AND (j.status <> 'deleted' OR q.origin = 'alert') AS again,
        w.host,
        -- The only attempt is told by the log's columns, see execution_log.attempts.
        CASE
            WHEN
                o.retry_delay IS NULL AND q.attempts = '[]' AND q.attempt = 1 AND q.status = 'running'
                AND q.started_at = q.claimed_at AND w.host IS NOT NULL
                THEN '[]'
            ELSE q.attempts || CASE WHEN q.status = 'running' THEN attempt_entry(
                q.attempt, o.status, o.response_status, o.error_code, o.error, q.claimed_at,
                coalesce(o.duration_ms, date_part('epoch', now() - q.claimed_at) * 1000), q.worker_id, w.host
            ) ELSE '[]' END
        END AS attempts
    FROM outcome AS o
    CROSS JOIN LATERAL (
        SELECT
            id, job_id, worker_id, scheduled_at, created_at, started_at, claimed_at, attempt, job_version, priority,
            status, origin, tenant_id, trace_id, attempts, rerun_of
        FROM execution_queue
        WHERE id = o.id AND attempt = o.attempt AND worker_id IS NOT DISTINCT FROM o.worker_id
        FOR UPDATE
    ) AS q
    LEFT JOIN LATERAL (
        SELECT status FROM jobs WHERE id = q.job_id AND o.retry_delay IS NOT NULL OFFSET 0
    ) AS j ON TRUE
    LEFT JOIN LATERAL (SELECT host FROM workers WHERE id = q.worker_id OFFSET 0) AS w ON TRUE
),

retried AS (
    UPDATE execution_queue AS q
    SET
        status = CASE WHEN f.job_status = 'paused' THEN 'held' ELSE 'retrying' END,
        worker_id = NULL,
        claimed_at = NULL,
        retry_at = now() + make_interval(secs => f.retry_delay),
        trace_id = f.trace_id,
        attempts = f.attempts
    FROM fenced AS f
    WHERE q.id = ANY(ARRAY(SELECT id FROM fenced WHERE again)) AND q.id = f.id
),

removed AS (
    DELETE FROM execution_queue
    WHERE id = ANY(ARRAY(SELECT id FROM fenced WHERE again IS NOT TRUE))
    RETURNING id, job_id
),

logged AS (
    INSERT INTO execution_log (
        id, job_id, worker_id, scheduled_at, created_at, started_at, duration_ms, attempt, job_version,
        response_status, priority, response_truncated, status, origin, tenant_id, error_code, error,
        response_body, trace_id, attempts, rerun_of, host
    )
    SELECT
        id, job_id, worker_id, scheduled_at, created_at, started_at, duration_ms, attempt, job_version,
        response_status, priority, response_truncated, status, origin, tenant_id, error_code, left(error, 1000),
        response_body, trace_id, attempts, rerun_of, host
    FROM fenced
    WHERE again IS NOT TRUE
    RETURNING
        id, job_id, tenant_id, status, attempt, scheduled_at, started_at, finished_at, duration_ms, origin,
        status IN ('completed', 'failed', 'timeout') AS ran,
        -- Not extract: its numeric costs as much as the rest of the row.
        date_part('epoch', started_at - scheduled_at) * 1000 AS lag_ms
),

summed AS (
    SELECT
        job_id,
        (finished_at AT TIME ZONE 'UTC')::date AS day,
        tenant_id,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'timeout') AS timeout,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        sum(attempt) AS attempts,
        coalesce(sum(duration_ms) FILTER (WHERE ran), 0) AS duration_ms_sum,
        coalesce(max(duration_ms) FILTER (WHERE ran), 0) AS duration_ms_max,
        coalesce(sum(lag_ms) FILTER (WHERE ran), 0) AS lag_ms_sum,
        coalesce(max(lag_ms) FILTER (WHERE ran), 0) AS lag_ms_max,
        max(started_at) AS last_run_at,
        max(scheduled_at) AS last_scheduled_at,
        (array_agg(status ORDER BY scheduled_at DESC, id DESC))[1] AS last_status
    FROM logged
    WHERE origin <> 'alert'
    GROUP BY job_id, day, tenant_id
),

set_aside AS (
    INSERT INTO job_counts (
        job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max,
        last_run_at, last_scheduled_at, last_status
    )
    SELECT
        job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max,
        last_run_at, last_scheduled_at, last_status
    FROM summed
    WHERE %(set_aside)s
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
    FROM summed
    WHERE NOT %(set_aside)s
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
        job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max
    FROM summed
    WHERE NOT %(set_aside)s
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
),

exhausted AS (
    SELECT j.id
    FROM jobs AS j
    WHERE
        j.id = ANY(ARRAY(SELECT job_id FROM removed))
        AND j.status = 'active'
        AND j.next_run_at IS NULL
        AND NOT EXISTS (
            SELECT FROM execution_queue AS q
            WHERE q.job_id = j.id AND q.origin <> 'alert' AND q.id NOT IN (SELECT id FROM removed)
            OFFSET 0
        )
    FOR NO KEY UPDATE SKIP LOCKED
),

completed AS (
    UPDATE jobs
    SET status = 'completed'
    WHERE id = ANY(ARRAY(SELECT id FROM exhausted))
)

SELECT
    ARRAY(SELECT o.id FROM outcome AS o WHERE o.id NOT IN (SELECT f.id FROM fenced AS f)) AS fenced_ids,
    EXISTS (
        SELECT FROM execution_queue AS q
        WHERE q.held_for = 'overlap' AND q.job_id = ANY(ARRAY(SELECT l.job_id FROM logged AS l))
    ) AS awaited;

-- name: hand_back :exec
-- Return claimed executions to pending with their attempt unspent, at the end of a drain. It was their turn already, so
-- they rank next and not at the end of their tenant's line.
-- Params: worker_id uuid, ids uuid[], attempts int[]. Result: rows returned. Locks: those queue rows.
UPDATE execution_queue AS q
SET
    status = CASE
        WHEN q.origin <> 'alert' AND (SELECT j.status FROM jobs AS j WHERE j.id = q.job_id) = 'paused' THEN 'held'
        ELSE 'pending'
    END,
    worker_id = NULL,
    claimed_at = NULL,
    attempt = q.attempt - 1,
    rank = claimed_rank(q.priority) + 1,
    started_at = CASE WHEN q.attempt > 1 THEN q.started_at END
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[]) AS h (id, attempt)
WHERE q.id = ANY(%(ids)s::uuid[]) AND q.id = h.id AND q.attempt = h.attempt AND q.worker_id = %(worker_id)s;

-- name: return_strays :exec
-- Return to pending what is a worker's without its knowing: a claim was committed, but its answer was lost with the
-- connection; or an outcome was committed, but lost by a server that failed over. The first was never called, of the
-- second nothing is left, so the attempt is unspent; they rank next, as in hand_back. Params: worker_id uuid,
-- known_ids uuid[] (all that the worker is calling or has yet to record). Result: rows returned. Locks: those queue rows.
UPDATE execution_queue AS q
SET
    status = CASE
        WHEN q.origin <> 'alert' AND (SELECT j.status FROM jobs AS j WHERE j.id = q.job_id) = 'paused' THEN 'held'
        ELSE 'pending'
    END,
    worker_id = NULL,
    claimed_at = NULL,
    attempt = q.attempt - 1,
    rank = claimed_rank(q.priority) + 1,
    started_at = CASE WHEN q.attempt > 1 THEN q.started_at END
WHERE q.status = 'running' AND q.worker_id = %(worker_id)s AND q.id <> ALL(%(known_ids)s::uuid[]);

-- name: kept_claims :many
-- Which of these executions are still a worker's, and for which attempt: the claims of others, or of earlier attempts,
-- were cancelled or taken back, so their calls should stop. Params: worker_id uuid, ids uuid[]. Returns Claim. Locks: none.
SELECT id::text, attempt
FROM execution_queue
WHERE id = ANY(%(ids)s::uuid[]) AND worker_id = %(worker_id)s;
