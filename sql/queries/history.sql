-- name: list :many
-- A page of days, newest first, a row per job and day. Params: tenant_id text, start_date and end_date date (both
-- inclusive), limit int, offset int; and, each NULL for any: job_id uuid, after_date date and after_id uuid (the last
-- row of the page before). Returns HistoryDay. Locks: none.
SELECT
    job_id,
    day AS date,
    completed,
    failed,
    timeout,
    cancelled,
    skipped,
    completed + failed + timeout + cancelled + skipped AS total,
    attempts,
    duration_ms_sum / nullif(completed + failed + timeout, 0) AS avg_duration_ms,
    CASE WHEN completed + failed + timeout > 0 THEN duration_ms_max END AS max_duration_ms,
    lag_ms_sum / nullif(completed + failed + timeout, 0) AS avg_lag_ms,
    CASE WHEN completed + failed + timeout > 0 THEN lag_ms_max END AS max_lag_ms
FROM job_history
WHERE
    tenant_id = %(tenant_id)s
    AND day BETWEEN %(start_date)s::date AND %(end_date)s::date
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    AND (%(after_date)s::date IS NULL OR day <= %(after_date)s::date)
    AND (%(after_date)s::date IS NULL OR day < %(after_date)s::date OR job_id > %(after_id)s::uuid)
ORDER BY day DESC, job_id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: count :value
-- How many rows a list has, counted no further than limit. Params: tenant_id text, start_date and end_date date,
-- job_id uuid or NULL for any, limit int. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM job_history
    WHERE
        tenant_id = %(tenant_id)s
        AND day BETWEEN %(start_date)s::date AND %(end_date)s::date
        AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    LIMIT %(limit)s
) AS counted;

-- name: stats :many
-- Sums over a window of days: first a row for the whole of it (date NULL), then one for each day on which something
-- finished, oldest first. Params: tenant_id text, start_date and end_date date (both inclusive), job_id uuid or NULL
-- for any. Returns HistorySum. Locks: none.
-- The days of one job are few. Those of all jobs would be a row per job and day: 600,000 for 20,000 jobs and a month. So
-- days that no longer change are read from tenant_history, which has them added up, and only the others, today and until
-- an hour after midnight yesterday, from job_history.
WITH closed AS (
    SELECT coalesce(max(day), '-infinity') AS until FROM closed_days WHERE %(job_id)s::uuid IS NULL
),

days AS (
    SELECT
        day, completed, failed, timeout, cancelled, skipped, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max
    FROM tenant_history
    WHERE
        tenant_id = %(tenant_id)s
        AND day BETWEEN %(start_date)s::date AND %(end_date)s::date
        AND day <= (SELECT until FROM closed)
    UNION ALL
    SELECT
        day,
        sum(completed),
        sum(failed),
        sum(timeout),
        sum(cancelled),
        sum(skipped),
        sum(attempts),
        sum(duration_ms_sum),
        CASE WHEN sum(completed + failed + timeout) > 0 THEN max(duration_ms_max) END,
        sum(lag_ms_sum),
        CASE WHEN sum(completed + failed + timeout) > 0 THEN max(lag_ms_max) END
    FROM job_history
    WHERE
        tenant_id = %(tenant_id)s
        AND day BETWEEN %(start_date)s::date AND %(end_date)s::date
        AND day > (SELECT until FROM closed)
        AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    GROUP BY day
)

SELECT
    day AS date,
    coalesce(sum(completed), 0)::bigint AS completed,
    coalesce(sum(failed), 0)::bigint AS failed,
    coalesce(sum(timeout), 0)::bigint AS timeout,
    coalesce(sum(cancelled), 0)::bigint AS cancelled,
    coalesce(sum(skipped), 0)::bigint AS skipped,
    coalesce(sum(completed + failed + timeout + cancelled + skipped), 0)::bigint AS total,
    coalesce(sum(attempts), 0)::bigint AS attempts,
    sum(completed)::float8 / nullif(sum(completed + failed + timeout), 0)::float8 AS success_rate,
    sum(duration_ms_sum) / nullif(sum(completed + failed + timeout), 0)::float8 AS avg_duration_ms,
    max(duration_ms_max) AS max_duration_ms,
    sum(lag_ms_sum) / nullif(sum(completed + failed + timeout), 0)::float8 AS avg_lag_ms,
    max(lag_ms_max) AS max_lag_ms
FROM days
GROUP BY GROUPING SETS ((), (day))
ORDER BY day NULLS FIRST;
