-- migrate:up

-- Rows that are there stay as they are: instances of the release before go on calling while this is rolled out, and
-- would send masks. `secrets rotate` seals them afterwards; until then the API masks what it shows of them.
ALTER TABLE jobs
ADD COLUMN secrets jsonb NOT NULL DEFAULT '{"headers": [], "payload": []}',
ADD COLUMN sealed text;
COMMENT ON COLUMN jobs.secrets IS
'What the job names secret, beside the headers that always are: names of headers, JSON pointers into payload.';
COMMENT ON COLUMN jobs.sealed IS
'The secret values, for which headers and payload hold a mask: v1:<key>:<base64>, AES-GCM bound to tenant and job, or plain:<JSON> where the service had no key. Read by the engine before a call and by an edit that keeps them, by nothing else. Not in job_versions: an old version shows masks only.';
COMMENT ON COLUMN jobs.headers IS 'Headers of the call; a mask stands for each secret value.';
COMMENT ON COLUMN job_versions.headers IS 'Headers of the call; a mask stands for each secret value.';
COMMENT ON COLUMN job_versions.payload IS 'JSON body of the call; a mask stands for each secret value.';

CREATE FUNCTION masked_headers(headers jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(
        jsonb_object_agg(
            h.key,
            CASE WHEN lower(h.key) IN (
                'authorization', 'proxy-authorization', 'cookie', 'api-key', 'x-api-key', 'x-auth-token',
                'x-access-token'
            ) THEN '"********"' ELSE h.value END
        ),
        '{}'
    )
    FROM jsonb_each(headers) AS h
);
COMMENT ON FUNCTION masked_headers IS 'Headers with a mask for each that always is secret, whoever wrote the row.';

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

GRANT UPDATE (headers) ON job_versions TO scheduler_engine;

-- migrate:down
REVOKE UPDATE (headers) ON job_versions FROM scheduler_engine;
CREATE OR REPLACE FUNCTION audit_view_of(job jobs) RETURNS jsonb
LANGUAGE sql STABLE
RETURN to_jsonb(job) - ARRAY[
    'id', 'tenant_id', 'anchor_at', 'next_run_at', 'next_instant_at', 'runs', 'created_at', 'updated_at',
    'timeout_seconds', 'retry_delay_seconds', 'retry_max_delay_seconds', 'jitter_seconds', 'start_deadline_seconds'
] || jsonb_build_object(
    'timeout', job.timeout_seconds, 'retry_delay', job.retry_delay_seconds,
    'retry_max_delay', job.retry_max_delay_seconds, 'jitter', job.jitter_seconds,
    'start_deadline', job.start_deadline_seconds
);
DROP FUNCTION masked_headers;
-- What is encrypted stays a mask, for SQL has no key. Headers kept in plain text get their values back.
UPDATE jobs AS j
SET
    headers = (
        SELECT
            jsonb_object_agg(
                h.key,
                coalesce(substr(j.sealed, length('plain:') + 1)::jsonb -> 'headers' -> lower(h.key), h.value)
            )
        FROM jsonb_each(j.headers) AS h
    )
WHERE j.sealed LIKE 'plain:%';
COMMENT ON COLUMN job_versions.payload IS NULL;
COMMENT ON COLUMN job_versions.headers IS NULL;
COMMENT ON COLUMN jobs.headers IS NULL;
-- squawk-ignore ban-drop-column
ALTER TABLE jobs DROP COLUMN sealed, DROP COLUMN secrets;
