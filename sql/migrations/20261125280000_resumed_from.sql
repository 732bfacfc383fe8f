-- migrate:up
ALTER TABLE jobs ADD COLUMN resumed_from timestamptz;
COMMENT ON COLUMN jobs.resumed_from IS
'Of a job that was resumed and whose next run the tick has yet to plan: the first instant that the pause has swallowed. next_run_at is then the time of the resume, and next_instant_at NULL; whatever sets next_instant_at ends that state, and this column says nothing any more.';

CREATE OR REPLACE FUNCTION audit_view_of(job jobs) RETURNS jsonb
LANGUAGE sql STABLE
RETURN to_jsonb(job) - ARRAY[
    'id', 'tenant_id', 'anchor_at', 'next_run_at', 'next_instant_at', 'resumed_from', 'runs', 'created_at', 'updated_at',
    'sealed', 'timeout_seconds', 'retry_delay_seconds', 'retry_max_delay_seconds', 'jitter_seconds', 'start_deadline_seconds'
] || jsonb_build_object(
    'timeout', job.timeout_seconds, 'retry_delay', job.retry_delay_seconds,
    'retry_max_delay', job.retry_max_delay_seconds, 'jitter', job.jitter_seconds,
    'start_deadline', job.start_deadline_seconds, 'headers', masked_headers(job.headers)
);

-- migrate:down
CREATE OR REPLACE FUNCTION audit_view_of(job jobs) RETURNS jsonb
LANGUAGE sql STABLE
RETURN to_jsonb(job) - ARRAY[
    'id', 'tenant_id', 'anchor_at', 'next_run_at', 'next_instant_at', 'runs', 'created_at', 'updated_at', 'sealed',
    'timeout_seconds', 'retry_delay_seconds', 'retry_max_delay_seconds', 'jitter_seconds', 'start_deadline_seconds'
] || jsonb_build_object(
    'timeout', job.timeout_seconds, 'retry_delay', job.retry_delay_seconds,
    'retry_max_delay', job.retry_max_delay_seconds, 'jitter', job.jitter_seconds,
    'start_deadline', job.start_deadline_seconds, 'headers', masked_headers(job.headers)
);
-- squawk-ignore ban-drop-column
ALTER TABLE jobs DROP COLUMN resumed_from;
