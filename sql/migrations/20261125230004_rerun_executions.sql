-- migrate:up
CREATE OR REPLACE VIEW executions WITH (security_invoker = TRUE) AS
SELECT
    id, tenant_id, job_id, job_version, status, origin, scheduled_at, created_at, started_at,
    NULL::timestamptz AS finished_at, NULL::double precision AS duration_ms, attempt, priority,
    worker_id, retry_at, NULL::integer AS response_status, NULL::text AS response_body,
    FALSE AS response_truncated, NULL::text AS error_code, NULL::text AS error,
    NULL::timestamptz AS skipped_until, NULL::integer AS skipped_count, trace_id, attempts,
    rerun_of, '{}'::uuid [] AS reruns
FROM execution_queue
UNION ALL
SELECT
    id, tenant_id, job_id, job_version, status, origin, scheduled_at, created_at, started_at,
    finished_at, duration_ms, attempt, priority,
    worker_id, NULL::timestamptz AS retry_at, response_status, response_body,
    response_truncated, error_code, error,
    skipped_until, skipped_count, trace_id, attempts,
    rerun_of, reruns
FROM execution_log;

CREATE FUNCTION rerun_executions(ids uuid [], tenant text DEFAULT NULL, again boolean DEFAULT TRUE)
RETURNS TABLE (id uuid, rerun_id uuid, known boolean, refusal text)
LANGUAGE plpgsql
SET enable_seqscan TO off
AS $$
#variable_conflict use_column
BEGIN
    -- Jobs first and in the order of their ids, as whoever changes them locks them: none is deleted meanwhile, and of
    -- two who rerun the same execution the second sees, in its next statement, what the first has done.
    PERFORM
    FROM jobs AS j
    WHERE j.id = ANY(ARRAY(
        SELECT (
            SELECT l.job_id
            FROM execution_log AS l
            WHERE
                l.id = a.id
                AND l.scheduled_at >= execution_instant(a.id)
                AND l.scheduled_at < execution_instant(a.id) + INTERVAL '1 ms'
        )
        FROM unnest(rerun_executions.ids) AS a (id)
    ))
    ORDER BY j.id
    FOR NO KEY UPDATE;

    RETURN QUERY
    WITH asked AS (
        SELECT DISTINCT a.id FROM unnest(rerun_executions.ids) AS a (id)
    ),

    found AS MATERIALIZED (
        SELECT
            a.id, e.job_id, e.tenant_id, e.scheduled_at, j.priority, e.id IS NOT NULL AS known,
            CASE
                WHEN e.id IS NULL THEN 'There is no such execution.'
                WHEN e.origin = 'alert' THEN 'It is the report of an alert, and no run of its job.'
                WHEN e.finished_at IS NULL THEN 'The execution has not finished: it is ' || e.status || '.'
                WHEN e.status = 'skipped' THEN 'The execution was skipped, so there is no run to repeat; trigger its job, or backfill.'
                WHEN j.id IS NULL OR j.status = 'deleted' THEN 'The job is deleted: ' || e.job_id || '.'
                WHEN q.id IS NOT NULL THEN 'The execution is being run again already, as ' || q.id || '.'
                WHEN NOT rerun_executions.again AND cardinality(e.reruns) > 0
                    THEN 'The execution was run again already, as ' || e.reruns[cardinality(e.reruns)] || '.'
            END AS refusal
        FROM asked AS a
        LEFT JOIN LATERAL (
            SELECT e.id, e.job_id, e.tenant_id, e.scheduled_at, e.finished_at, e.origin, e.status, e.reruns
            FROM executions AS e
            WHERE
                e.id = a.id
                AND e.scheduled_at >= execution_instant(a.id)
                AND e.scheduled_at < execution_instant(a.id) + INTERVAL '1 ms'
                AND (rerun_executions.tenant IS NULL OR e.tenant_id = rerun_executions.tenant)
            OFFSET 0
        ) AS e ON TRUE
        LEFT JOIN jobs AS j ON e.job_id = j.id
        LEFT JOIN execution_queue AS q ON a.id = q.rerun_of
    ),

    lines AS (
        SELECT f.tenant_id, f.priority, last_rank(f.tenant_id, f.priority) AS last_rank
        FROM found AS f
        WHERE f.refusal IS NULL
        GROUP BY f.tenant_id, f.priority
    ),

    made AS (
        INSERT INTO execution_queue AS q (id, job_id, tenant_id, scheduled_at, priority, rank, origin, rerun_of)
        SELECT
            execution_id_at(now(), gen_random_uuid()), f.job_id, f.tenant_id, now(), f.priority,
            l.last_rank
            + row_number() OVER (PARTITION BY f.tenant_id, f.priority ORDER BY f.scheduled_at, f.id),
            'rerun', f.id
        FROM found AS f
        INNER JOIN lines AS l ON f.tenant_id = l.tenant_id AND f.priority = l.priority
        WHERE f.refusal IS NULL
        RETURNING q.id, q.rerun_of
    ),

    marked AS (
        UPDATE execution_log AS l
        SET reruns = l.reruns || m.id
        FROM found AS f
        INNER JOIN made AS m ON f.id = m.rerun_of
        WHERE l.id = f.id AND l.scheduled_at = f.scheduled_at
    ),

    told AS MATERIALIZED (
        SELECT
            m.id, m.rerun_of,
            record_audit(
                f.tenant_id, 'execution.rerun', f.id, f.job_id, NULL, jsonb_build_object('execution_id', m.id)
            ) AS recorded
        FROM made AS m
        INNER JOIN found AS f ON m.rerun_of = f.id
    )

    SELECT f.id, t.id, f.known, f.refusal
    FROM found AS f
    LEFT JOIN told AS t ON f.id = t.rerun_of
    ORDER BY f.scheduled_at, f.id;
    PERFORM pg_notify('scheduler_work', '');
END
$$;
COMMENT ON FUNCTION rerun_executions IS
'Run finished executions again, now, each as a new execution of its job as the job is today: beside its schedule and whatever its state short of deleted, as a trigger does. One row for each id, with the new execution or with why there is none; again false refuses those that have been run again before. tenant bounds it to one, NULL to none. Audited as execution.rerun.';

CREATE FUNCTION rerun_execution(execution uuid, tenant text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    done record;
BEGIN
    SELECT r.rerun_id, r.refusal INTO done FROM rerun_executions(ARRAY[execution], tenant) AS r;
    IF done.rerun_id IS NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = coalesce(done.refusal, 'There is no such execution.');
    END IF;
    RETURN done.rerun_id;
END
$$;
COMMENT ON FUNCTION rerun_execution IS 'Run one finished execution again, as rerun_executions does. Gives the new execution, or raises why there is none.';
REVOKE EXECUTE ON FUNCTION rerun_executions, rerun_execution FROM public;
GRANT EXECUTE ON FUNCTION rerun_executions, rerun_execution TO scheduler_api;

-- migrate:down
DROP FUNCTION rerun_execution;
DROP FUNCTION rerun_executions;
DROP VIEW executions;
CREATE VIEW executions WITH (security_invoker = TRUE) AS
SELECT
    id, tenant_id, job_id, job_version, status, origin, scheduled_at, created_at, started_at,
    NULL::timestamptz AS finished_at, NULL::double precision AS duration_ms, attempt, priority,
    worker_id, retry_at, NULL::integer AS response_status, NULL::text AS response_body,
    FALSE AS response_truncated, NULL::text AS error_code, NULL::text AS error,
    NULL::timestamptz AS skipped_until, NULL::integer AS skipped_count, trace_id, attempts
FROM execution_queue
UNION ALL
SELECT
    id, tenant_id, job_id, job_version, status, origin, scheduled_at, created_at, started_at,
    finished_at, duration_ms, attempt, priority,
    worker_id, NULL::timestamptz AS retry_at, response_status, response_body,
    response_truncated, error_code, error,
    skipped_until, skipped_count, trace_id, attempts
FROM execution_log;
COMMENT ON VIEW executions IS 'Every execution, live and finished: what the API and people read.';
GRANT SELECT ON executions TO scheduler_api, scheduler_engine;
