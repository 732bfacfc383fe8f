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
    skipped_until, skipped_count, trace_id,
    CASE WHEN host IS NULL OR attempts <> '[]' THEN attempts ELSE attempt_entry(
        attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host
    ) END AS attempts,
    rerun_of, reruns
FROM execution_log;

-- migrate:down
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
