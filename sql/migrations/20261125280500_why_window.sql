-- migrate:up

-- A job that runs each second has more than 100 rows since last night.
DROP FUNCTION ops.why;
CREATE FUNCTION ops.why(
    job uuid, since timestamptz DEFAULT now() - interval '7 days', until timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (at timestamptz, what text, why text, execution_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
    SELECT s.at, s.what, s.why, s.execution_id
    FROM (
        SELECT
            0 AS place,
            coalesce(j.next_run_at, j.paused_at, t.last_run_at, j.updated_at) AS at,
            CASE
                WHEN j.status <> 'active' THEN 'job is ' || j.status
                WHEN j.next_run_at IS NULL THEN 'no next run'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'run is overdue'
                ELSE 'next run'
            END AS what,
            CASE
                WHEN j.status = 'paused' THEN 'what comes due is passed over, and what waits is held, until it is resumed'
                WHEN j.status = 'deleted' THEN 'it does not run any more'
                WHEN j.status = 'completed' AND j.type = 'one_time' THEN 'its one instant has run'
                WHEN j.status = 'completed' AND j.runs >= j.max_runs THEN 'all its runs are made; max_runs is ' || j.max_runs
                WHEN j.status = 'completed' THEN 'its schedule has no instant left; end_at is ' || coalesce(j.end_at::text, 'not set')
                WHEN j.next_run_at IS NULL THEN 'its last run has been made and has yet to end'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'no tick has dealt with it; see ops.overview and ops.workers'
                ELSE concat_ws(' ', j.type, j.schedule, CASE WHEN j.type = 'cron' THEN j.timezone END)
            END AS why,
            NULL::uuid AS execution_id
        FROM jobs AS j
        LEFT JOIN job_totals AS t ON j.id = t.job_id
        WHERE j.id = why.job
        UNION ALL
        (
            SELECT
                1, q.scheduled_at, q.status,
                CASE q.status
                    WHEN 'pending' THEN CASE
                        WHEN (SELECT v.workers FROM service_state AS v) = 0 THEN 'no engine process claims it; see ops.workers'
                        ELSE 'waits for a free slot; see ops.workers and ops.tenants'
                    END
                    WHEN 'running' THEN 'attempt ' || q.attempt || ' is called since ' || q.claimed_at
                        || coalesce(' by process ' || w.pid || ' on ' || w.host, ' by a process that is gone')
                    WHEN 'retrying' THEN CASE
                        WHEN q.put_off_for IS NOT NULL THEN 'put off: the breaker of ' || q.put_off_for || ' is open; see ops.endpoints'
                        ELSE 'attempt ' || q.attempt || ' failed: '
                            || coalesce(q.attempts -> -1 ->> 'error', q.attempts -> -1 ->> 'error_code', 'no reason is on record')
                    END || '; again at ' || q.retry_at
                    ELSE CASE
                        WHEN q.held_for = 'overlap' THEN 'waits until the job''s earlier execution has ended'
                        ELSE 'held while its job is paused'
                    END
                END,
                q.id
            FROM execution_queue AS q
            LEFT JOIN workers AS w ON q.worker_id = w.id
            WHERE q.job_id = why.job AND q.scheduled_at <= why.until AND q.origin <> 'alert'
            ORDER BY q.scheduled_at DESC, q.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, l.scheduled_at, l.status,
                concat_ws(
                    '; ',
                    coalesce(
                        l.error,
                        CASE WHEN l.status = 'completed' THEN 'answered ' || l.response_status END,
                        CASE WHEN l.status = 'cancelled' THEN coalesce(
                            (
                                SELECT 'by ' || a.actor FROM audit_log AS a
                                WHERE a.entity_id = l.id AND a.action = 'execution.cancel'
                                ORDER BY a.at DESC
                                LIMIT 1
                            ),
                            'with its job, or by the run that replaced it'
                        ) END,
                        l.error_code
                    ),
                    CASE WHEN l.skipped_count > 1 THEN l.skipped_count || ' instants until ' || l.skipped_until END,
                    CASE WHEN l.attempt > 1 THEN l.attempt || ' attempts' END,
                    CASE WHEN l.origin <> 'schedule' THEN l.origin END
                ),
                l.id
            FROM execution_log AS l
            WHERE l.job_id = why.job AND l.scheduled_at BETWEEN why.since AND why.until AND l.origin <> 'alert'
            ORDER BY l.scheduled_at DESC, l.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, a.at, a.action,
                'by ' || a.actor || coalesce(': ' || (
                    SELECT string_agg(k.field, ', ' ORDER BY k.field)
                    FROM jsonb_object_keys(coalesce(a.after, a.before)) AS k (field)
                    WHERE a.action = 'job.update'
                ), ''),
                nullif(a.entity_id, a.job_id)
            FROM audit_log AS a
            WHERE a.job_id = why.job AND a.at BETWEEN why.since AND why.until
            ORDER BY a.at DESC
            LIMIT 100
        )
    ) AS s
    ORDER BY s.place, s.at DESC
    LIMIT 100
$$;
COMMENT ON FUNCTION ops.why IS
'SELECT * FROM ops.why(''<job>''); -- why a run did or did not happen: first the job''s state and next run, then its live and finished executions, what was passed over, and who changed it, the newest first; 100 rows at most, of 7 days, or since an instant, or of the time around one, as in ops.why(''<job>'', ''2026-11-25 02:50Z'', ''2026-11-25 03:10Z''). By name: SELECT w.* FROM ops.jobs AS j, ops.why(j.job_id) AS w WHERE j.name = ''nightly''. GET /api/v1/jobs/:id/occurrences tells it of each instant.';
REVOKE EXECUTE ON FUNCTION ops.why FROM public;
GRANT EXECUTE ON FUNCTION ops.why TO scheduler_ops, scheduler_report;

-- migrate:down
DROP FUNCTION ops.why;
CREATE FUNCTION ops.why(job uuid, since timestamptz DEFAULT now() - interval '7 days')
RETURNS TABLE (at timestamptz, what text, why text, execution_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
    SELECT s.at, s.what, s.why, s.execution_id
    FROM (
        SELECT
            0 AS place,
            coalesce(j.next_run_at, j.paused_at, t.last_run_at, j.updated_at) AS at,
            CASE
                WHEN j.status <> 'active' THEN 'job is ' || j.status
                WHEN j.next_run_at IS NULL THEN 'no next run'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'run is overdue'
                ELSE 'next run'
            END AS what,
            CASE
                WHEN j.status = 'paused' THEN 'what comes due is passed over, and what waits is held, until it is resumed'
                WHEN j.status = 'deleted' THEN 'it does not run any more'
                WHEN j.status = 'completed' AND j.type = 'one_time' THEN 'its one instant has run'
                WHEN j.status = 'completed' AND j.runs >= j.max_runs THEN 'all its runs are made; max_runs is ' || j.max_runs
                WHEN j.status = 'completed' THEN 'its schedule has no instant left; end_at is ' || coalesce(j.end_at::text, 'not set')
                WHEN j.next_run_at IS NULL THEN 'its last run has been made and has yet to end'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'no tick has dealt with it; see ops.overview and ops.workers'
                ELSE concat_ws(' ', j.type, j.schedule, CASE WHEN j.type = 'cron' THEN j.timezone END)
            END AS why,
            NULL::uuid AS execution_id
        FROM jobs AS j
        LEFT JOIN job_totals AS t ON j.id = t.job_id
        WHERE j.id = why.job
        UNION ALL
        (
            SELECT
                1, q.scheduled_at, q.status,
                CASE q.status
                    WHEN 'pending' THEN CASE
                        WHEN (SELECT v.workers FROM service_state AS v) = 0 THEN 'no engine process claims it; see ops.workers'
                        ELSE 'waits for a free slot; see ops.workers and ops.tenants'
                    END
                    WHEN 'running' THEN 'attempt ' || q.attempt || ' is called since ' || q.claimed_at
                        || coalesce(' by process ' || w.pid || ' on ' || w.host, ' by a process that is gone')
                    WHEN 'retrying' THEN CASE
                        WHEN q.put_off_for IS NOT NULL THEN 'put off: the breaker of ' || q.put_off_for || ' is open; see ops.endpoints'
                        ELSE 'attempt ' || q.attempt || ' failed: '
                            || coalesce(q.attempts -> -1 ->> 'error', q.attempts -> -1 ->> 'error_code', 'no reason is on record')
                    END || '; again at ' || q.retry_at
                    ELSE CASE
                        WHEN q.held_for = 'overlap' THEN 'waits until the job''s earlier execution has ended'
                        ELSE 'held while its job is paused'
                    END
                END,
                q.id
            FROM execution_queue AS q
            LEFT JOIN workers AS w ON q.worker_id = w.id
            WHERE q.job_id = why.job AND q.origin <> 'alert'
            ORDER BY q.scheduled_at DESC, q.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, l.scheduled_at, l.status,
                concat_ws(
                    '; ',
                    coalesce(
                        l.error,
                        CASE WHEN l.status = 'completed' THEN 'answered ' || l.response_status END,
                        CASE WHEN l.status = 'cancelled' THEN coalesce(
                            (
                                SELECT 'by ' || a.actor FROM audit_log AS a
                                WHERE a.entity_id = l.id AND a.action = 'execution.cancel'
                                ORDER BY a.at DESC
                                LIMIT 1
                            ),
                            'with its job, or by the run that replaced it'
                        ) END,
                        l.error_code
                    ),
                    CASE WHEN l.skipped_count > 1 THEN l.skipped_count || ' instants until ' || l.skipped_until END,
                    CASE WHEN l.attempt > 1 THEN l.attempt || ' attempts' END,
                    CASE WHEN l.origin <> 'schedule' THEN l.origin END
                ),
                l.id
            FROM execution_log AS l
            WHERE l.job_id = why.job AND l.scheduled_at >= why.since AND l.origin <> 'alert'
            ORDER BY l.scheduled_at DESC, l.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, a.at, a.action,
                'by ' || a.actor || coalesce(': ' || (
                    SELECT string_agg(k.field, ', ' ORDER BY k.field)
                    FROM jsonb_object_keys(coalesce(a.after, a.before)) AS k (field)
                    WHERE a.action = 'job.update'
                ), ''),
                nullif(a.entity_id, a.job_id)
            FROM audit_log AS a
            WHERE a.job_id = why.job AND a.at >= why.since
            ORDER BY a.at DESC
            LIMIT 100
        )
    ) AS s
    ORDER BY s.place, s.at DESC
    LIMIT 100
$$;
COMMENT ON FUNCTION ops.why IS
'SELECT * FROM ops.why(''<job>''); -- why a run did or did not happen: first the job''s state and next run, then its live and finished executions, what was passed over, and who changed it, the newest first; 100 rows at most, of 7 days or since an instant. By name: SELECT w.* FROM ops.jobs AS j, ops.why(j.job_id) AS w WHERE j.name = ''nightly''. GET /api/v1/jobs/:id/occurrences tells it of each instant.';
REVOKE EXECUTE ON FUNCTION ops.why FROM public;
GRANT EXECUTE ON FUNCTION ops.why TO scheduler_ops, scheduler_report;
