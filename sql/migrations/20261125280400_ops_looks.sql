-- migrate:up
CREATE VIEW ops.jobs AS
SELECT
    j.tenant_id, j.name, j.key, j.id AS job_id, j.status, j.type, j.schedule, j.timezone, j.next_run_at, j.paused_at,
    t.last_run_at, t.last_status, coalesce(t.completed, 0) AS completed, coalesce(t.failed + t.timeout, 0) AS failures,
    split_part(j.endpoint, '?', 1) AS endpoint
FROM jobs AS j
LEFT JOIN job_totals AS t ON j.id = t.job_id;
COMMENT ON VIEW ops.jobs IS
'Jobs of all tenants, deleted ones too: read it with a WHERE on name, key or tenant_id. The functions of ops take its job_id, as in SELECT ops.pause(job_id) FROM ops.jobs WHERE name = ''nightly''.';
COMMENT ON COLUMN ops.jobs.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.jobs.name IS 'The job''s name; several jobs may have the same.';
COMMENT ON COLUMN ops.jobs.key IS 'The tenant''s own unique name of it; NULL: it has none.';
COMMENT ON COLUMN ops.jobs.job_id IS 'What the API and the functions of ops know it by.';
COMMENT ON COLUMN ops.jobs.status IS 'active, paused, completed (no run is left) or deleted.';
COMMENT ON COLUMN ops.jobs.type IS 'cron, interval or one_time.';
COMMENT ON COLUMN ops.jobs.schedule IS 'As its type reads it: a cron expression, seconds, or an instant.';
COMMENT ON COLUMN ops.jobs.timezone IS 'IANA zone in which a cron expression is read.';
COMMENT ON COLUMN ops.jobs.next_run_at IS 'Its coming run; NULL: it is not active, or its last run has been made.';
COMMENT ON COLUMN ops.jobs.paused_at IS 'Since when it is paused; NULL: it is not.';
COMMENT ON COLUMN ops.jobs.last_run_at IS 'When the latest of its finished executions started; NULL: there is none.';
COMMENT ON COLUMN ops.jobs.last_status IS 'How that one ended; NULL: there is none.';
COMMENT ON COLUMN ops.jobs.completed IS 'Executions that completed, since ever.';
COMMENT ON COLUMN ops.jobs.failures IS 'Executions that failed or timed out for good, since ever.';
COMMENT ON COLUMN ops.jobs.endpoint IS 'URL that it calls, without its query.';

CREATE VIEW ops.audit AS
SELECT
    a.at, a.actor, a.action, a.tenant_id, j.name, a.job_id, a.entity_id,
    ARRAY(SELECT k.field FROM jsonb_object_keys(coalesce(a.after, a.before)) AS k (field) ORDER BY k.field) AS fields,
    a.request_id
FROM audit_log AS a
LEFT JOIN jobs AS j ON a.job_id = j.id
WHERE a.at > now() - interval '1 day'
ORDER BY a.at DESC
LIMIT 1000;
COMMENT ON VIEW ops.audit IS
'Who changed what: the last day of the audit log over all tenants, the newest first, 1,000 at most. GET /api/v1/audit tells a tenant the values before and after, too.';
COMMENT ON COLUMN ops.audit.at IS 'When it was done.';
COMMENT ON COLUMN ops.audit.actor IS
'key:<id> of the API key; api for a request without one; role:<name> for whoever is logged in to the database.';
COMMENT ON COLUMN ops.audit.action IS 'What was done to what: job.update, job.pause, execution.cancel, worker.drain and the like.';
COMMENT ON COLUMN ops.audit.tenant_id IS 'Whose it was; empty for what is no tenant''s.';
COMMENT ON COLUMN ops.audit.name IS 'The job''s name as it is now; NULL: no job was concerned.';
COMMENT ON COLUMN ops.audit.job_id IS 'The job concerned: of job and execution actions.';
COMMENT ON COLUMN ops.audit.entity_id IS
'The job, execution, key or worker; NULL where it is the tenant''s only one.';
COMMENT ON COLUMN ops.audit.fields IS 'What of it changed, or what was noted of the act.';
COMMENT ON COLUMN ops.audit.request_id IS 'X-Request-ID of the API request, as in the log; NULL when it was none.';

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

CREATE OR REPLACE VIEW ops.tenants AS
WITH waiting AS (
    SELECT
        tenant_id,
        count(*) FILTER (WHERE status = 'pending') AS backlog,
        count(*) FILTER (WHERE status = 'running') AS running,
        count(*) FILTER (WHERE status = 'retrying') AS retrying,
        count(*) FILTER (WHERE status = 'held') AS held,
        min(scheduled_at) FILTER (WHERE status = 'pending') AS oldest_pending_at
    FROM execution_queue
    GROUP BY tenant_id
),

ended AS (
    SELECT
        tenant_id, count(*) AS finished,
        count(*) FILTER (WHERE status IN ('failed', 'timeout')) AS failures
    FROM ops.last_hour
    WHERE status <> 'skipped'
    GROUP BY tenant_id
)

SELECT
    tenant_id, coalesce(w.backlog, 0) AS backlog,
    round(100.0 * coalesce(w.backlog, 0) / nullif(sum(w.backlog) OVER (), 0), 1) AS backlog_percent,
    coalesce(w.running, 0) AS running, coalesce(w.retrying, 0) AS retrying, w.oldest_pending_at,
    coalesce(e.finished, 0) AS finished_last_hour,
    round(100.0 * coalesce(e.finished, 0) / nullif(sum(e.finished) OVER (), 0), 1) AS share_percent,
    coalesce(e.failures, 0) AS failures_last_hour, coalesce(w.held, 0) AS held
FROM waiting AS w
FULL JOIN ended AS e USING (tenant_id)
ORDER BY 2 DESC, 7 DESC, 1;
COMMENT ON COLUMN ops.tenants.held IS 'Executions that a pause holds, or that wait for an earlier one of their job.';

CREATE OR REPLACE VIEW ops.endpoints AS
WITH ended AS (
    SELECT
        l.tenant_id, split_part(split_part(j.endpoint, '://', 2), '/', 1) AS authority,
        split_part(j.endpoint, '://', 1) AS scheme, l.status, l.duration_ms, l.finished_at, l.error_code, l.response_status
    FROM ops.last_hour AS l
    INNER JOIN jobs AS j ON l.job_id = j.id
    WHERE l.status IN ('completed', 'failed', 'timeout')
),

named AS (
    SELECT
        tenant_id, lower(regexp_replace(split_part(authority, '?', 1), '^.*@', ''))
        || CASE WHEN authority ~ ':\d+$' THEN '' WHEN lower(scheme) = 'https' THEN ':443' ELSE ':80' END AS host,
        status, duration_ms, finished_at, error_code, response_status
    FROM ended
),

called AS (
    SELECT
        tenant_id, host, status, duration_ms, finished_at, error_code, response_status,
        max(finished_at) FILTER (WHERE status = 'completed') OVER (PARTITION BY tenant_id, host) AS last_success_at
    FROM named
),

counted AS (
    SELECT
        tenant_id, host, count(*) AS calls,
        count(*) FILTER (WHERE status <> 'completed') AS failures,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms,
        max(last_success_at) AS last_success_at,
        max(finished_at) FILTER (WHERE status <> 'completed') AS last_failure_at,
        min(finished_at) FILTER (WHERE status <> 'completed') AS first_failure_at,
        min(finished_at) FILTER (WHERE status <> 'completed' AND (finished_at > last_success_at) IS NOT FALSE) AS failing_since,
        (array_agg(coalesce(response_status::text, error_code) ORDER BY finished_at DESC)
            FILTER (WHERE status <> 'completed'))[1] AS last_error
    FROM called
    GROUP BY tenant_id, host
)

SELECT
    tenant_id, host, coalesce(c.calls, 0) AS calls, coalesce(c.failures, 0) AS failures, c.p95_ms,
    c.first_failure_at, c.last_failure_at, c.last_success_at, c.last_error,
    CASE WHEN b.opened_at IS NULL THEN 'closed' ELSE 'open' END AS breaker, b.opened_at AS breaker_opened_at,
    b.probe_at AS breaker_probe_at, c.failing_since
FROM counted AS c
FULL JOIN endpoint_breakers AS b USING (tenant_id, host)
ORDER BY 4 DESC, 3 DESC, 1, 2;
COMMENT ON COLUMN ops.endpoints.failing_since IS
'The first failure after the newest success: since then every call has failed. Where last_success_at is NULL it was failing an hour ago already, or is called seldom: report.error_groups looks back a day. NULL: the newest call succeeded.';

GRANT SELECT ON ops.jobs, ops.audit TO scheduler_ops, scheduler_report;

-- migrate:down
DROP FUNCTION ops.why;
DROP VIEW ops.audit;
DROP VIEW ops.jobs;
DROP VIEW ops.tenants;
CREATE VIEW ops.tenants AS
WITH waiting AS (
    SELECT
        tenant_id,
        count(*) FILTER (WHERE status = 'pending') AS backlog,
        count(*) FILTER (WHERE status = 'running') AS running,
        count(*) FILTER (WHERE status = 'retrying') AS retrying,
        min(scheduled_at) FILTER (WHERE status = 'pending') AS oldest_pending_at
    FROM execution_queue
    GROUP BY tenant_id
),

ended AS (
    SELECT
        tenant_id, count(*) AS finished,
        count(*) FILTER (WHERE status IN ('failed', 'timeout')) AS failures
    FROM ops.last_hour
    WHERE status <> 'skipped'
    GROUP BY tenant_id
)

SELECT
    tenant_id, coalesce(w.backlog, 0) AS backlog,
    round(100.0 * coalesce(w.backlog, 0) / nullif(sum(w.backlog) OVER (), 0), 1) AS backlog_percent,
    coalesce(w.running, 0) AS running, coalesce(w.retrying, 0) AS retrying, w.oldest_pending_at,
    coalesce(e.finished, 0) AS finished_last_hour,
    round(100.0 * coalesce(e.finished, 0) / nullif(sum(e.finished) OVER (), 0), 1) AS share_percent,
    coalesce(e.failures, 0) AS failures_last_hour
FROM waiting AS w
FULL JOIN ended AS e USING (tenant_id)
ORDER BY 2 DESC, 7 DESC, 1;
COMMENT ON VIEW ops.tenants IS
'Who floods: tenants with live executions or with finished ones of the last hour, the largest backlog first. Reads the queue, which is as big as the backlog, and an hour of the log.';
COMMENT ON COLUMN ops.tenants.backlog_percent IS 'The backlog''s share of all tenants''; NULL when nobody has one.';
COMMENT ON COLUMN ops.tenants.share_percent IS
'finished_last_hour''s share of all tenants''; NULL when nothing has finished.';
COMMENT ON COLUMN ops.tenants.tenant_id IS
'Whose executions; ops.endpoints and report.error_groups tell what of them fails.';
COMMENT ON COLUMN ops.tenants.backlog IS 'Pending executions: ready and not claimed yet.';
COMMENT ON COLUMN ops.tenants.running IS 'Executions that are being called.';
COMMENT ON COLUMN ops.tenants.retrying IS 'Executions that wait for another attempt, or for an open breaker.';
COMMENT ON COLUMN ops.tenants.oldest_pending_at IS 'The earliest scheduled_at in the backlog; NULL: there is none.';
COMMENT ON COLUMN ops.tenants.finished_last_hour IS
'Executions scheduled in the last hour that have finished, skips and alerts apart.';
COMMENT ON COLUMN ops.tenants.failures_last_hour IS 'Those of finished_last_hour that failed or timed out for good.';
GRANT SELECT ON ops.tenants TO scheduler_ops, scheduler_report;
DROP VIEW ops.endpoints;
CREATE VIEW ops.endpoints AS
WITH ended AS (
    SELECT
        l.tenant_id, split_part(split_part(j.endpoint, '://', 2), '/', 1) AS authority,
        split_part(j.endpoint, '://', 1) AS scheme, l.status, l.duration_ms, l.finished_at, l.error_code, l.response_status
    FROM ops.last_hour AS l
    INNER JOIN jobs AS j ON l.job_id = j.id
    WHERE l.status IN ('completed', 'failed', 'timeout')
),

called AS (
    SELECT
        tenant_id, lower(regexp_replace(split_part(authority, '?', 1), '^.*@', ''))
        || CASE WHEN authority ~ ':\d+$' THEN '' WHEN lower(scheme) = 'https' THEN ':443' ELSE ':80' END AS host,
        status, duration_ms, finished_at, error_code, response_status
    FROM ended
),

counted AS (
    SELECT
        tenant_id, host, count(*) AS calls,
        count(*) FILTER (WHERE status <> 'completed') AS failures,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms,
        max(finished_at) FILTER (WHERE status = 'completed') AS last_success_at,
        max(finished_at) FILTER (WHERE status <> 'completed') AS last_failure_at,
        min(finished_at) FILTER (WHERE status <> 'completed') AS first_failure_at,
        (array_agg(coalesce(response_status::text, error_code) ORDER BY finished_at DESC)
            FILTER (WHERE status <> 'completed'))[1] AS last_error
    FROM called
    GROUP BY tenant_id, host
)

SELECT
    tenant_id, host, coalesce(c.calls, 0) AS calls, coalesce(c.failures, 0) AS failures, c.p95_ms,
    c.first_failure_at, c.last_failure_at, c.last_success_at, c.last_error,
    CASE WHEN b.opened_at IS NULL THEN 'closed' ELSE 'open' END AS breaker, b.opened_at AS breaker_opened_at,
    b.probe_at AS breaker_probe_at
FROM counted AS c
FULL JOIN endpoint_breakers AS b USING (tenant_id, host)
ORDER BY 4 DESC, 3 DESC, 1, 2;
COMMENT ON VIEW ops.endpoints IS
'Which endpoint fails, and since when: per tenant and host the executions of the last hour, most failures first, and hosts whose breaker is open. The host is that of the job as it is now.';
COMMENT ON COLUMN ops.endpoints.calls IS 'Executions that completed, failed or timed out; retries of one count once.';
COMMENT ON COLUMN ops.endpoints.p95_ms IS
'95 in 100 last calls took no longer, milliseconds; NULL when there was none.';
COMMENT ON COLUMN ops.endpoints.first_failure_at IS
'The first failure within the hour; when last_success_at is NULL it has been failing at least since then. NULL: none.';
COMMENT ON COLUMN ops.endpoints.last_error IS
'HTTP status of the newest failure, or its kind where there was no whole answer; NULL: no failure.';
COMMENT ON COLUMN ops.endpoints.breaker IS 'open: calls are put off until the host answers a probe. closed: called as ever.';
COMMENT ON COLUMN ops.endpoints.tenant_id IS 'Whose jobs call it.';
COMMENT ON COLUMN ops.endpoints.host IS 'Name and port, as in example.org:443.';
COMMENT ON COLUMN ops.endpoints.failures IS 'Those of calls that failed or timed out for good.';
COMMENT ON COLUMN ops.endpoints.last_failure_at IS 'The newest failure within the hour; NULL: none.';
COMMENT ON COLUMN ops.endpoints.last_success_at IS 'The newest success within the hour; NULL: none.';
COMMENT ON COLUMN ops.endpoints.breaker_opened_at IS 'Since when its breaker is open; NULL: it is closed.';
COMMENT ON COLUMN ops.endpoints.breaker_probe_at IS
'When the next call is let through as a probe; NULL: the breaker is closed.';
GRANT SELECT ON ops.endpoints TO scheduler_ops, scheduler_report;
