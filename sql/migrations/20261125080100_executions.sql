-- migrate:up

CREATE FUNCTION execution_id_at(at timestamptz, rest uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    lpad(to_hex(floor(extract(EPOCH FROM at) * 1000)::bigint), 12, '0')
    || '7' || substr(replace(rest::text, '-', ''), 14, 3)
    || to_hex(8 + get_byte(uuid_send(rest), 8) % 4) || substr(replace(rest::text, '-', ''), 18, 15)
)::uuid;
COMMENT ON FUNCTION execution_id_at IS
'UUID in the UUIDv7 layout (RFC 9562, 5.7): milliseconds of the instant, then 74 bits of rest.';

CREATE FUNCTION execution_id(job_id uuid, scheduled_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN execution_id_at(
    scheduled_at, md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text)::uuid
);
COMMENT ON FUNCTION execution_id IS
'Id of the execution of a job at an instant of its schedule: the same pair gives the same id, so materializing twice cannot make two.';

CREATE FUNCTION execution_instant(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(
    ('x' || lpad(substr(replace(id::text, '-', ''), 1, 12), 16, '0'))::bit(64)::bigint / 1000.0
);
COMMENT ON FUNCTION execution_instant IS
'The millisecond an execution id carries. scheduled_at lies within it, so a look-up by id that also bounds scheduled_at reads one partition.';

CREATE TABLE workers (
    id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    slots integer NOT NULL,
    busy integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_seconds double precision NOT NULL,
    draining_at timestamptz,
    CONSTRAINT workers_pkey PRIMARY KEY (id),
    CONSTRAINT workers_slots_positive CHECK (slots > 0),
    CONSTRAINT workers_heartbeat_positive CHECK (heartbeat_seconds > 0)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE workers IS
'One row per live engine process. fillfactor 50 and no index on what a heartbeat writes: every heartbeat is HOT.';
COMMENT ON COLUMN workers.heartbeat_seconds IS 'Heartbeat period of this process. Two of them without a heartbeat mean dead.';
COMMENT ON COLUMN workers.slots IS 'Calls the process can make at once.';

CREATE TABLE execution_queue (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    worker_id uuid,
    scheduled_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    claimed_at timestamptz,
    retry_at timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    job_version integer,
    priority smallint NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    held_for text,
    origin text NOT NULL DEFAULT 'schedule',
    tenant_id text NOT NULL,
    trace_id text,
    attempts jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT execution_queue_pkey PRIMARY KEY (id),
    CONSTRAINT execution_queue_status_known CHECK (status IN ('pending', 'running', 'retrying', 'held')),
    CONSTRAINT execution_queue_origin_known CHECK (origin IN ('schedule', 'manual', 'backfill')),
    CONSTRAINT execution_queue_held_for_known CHECK (
        held_for IS NULL OR (held_for = 'overlap' AND status = 'held')
    ),
    CONSTRAINT execution_queue_worker_iff_running CHECK (
        (status = 'running') = (worker_id IS NOT NULL)
        AND (status = 'running') = (claimed_at IS NOT NULL)
    ),
    CONSTRAINT execution_queue_retrying_has_time CHECK (status <> 'retrying' OR retry_at IS NOT NULL),
    CONSTRAINT execution_queue_attempt_counted CHECK (attempt >= 0 AND (status <> 'running' OR attempt >= 1)),
    CONSTRAINT execution_queue_priority_in_range CHECK (priority BETWEEN 1 AND 10)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE execution_queue IS
'Live executions only, so that a claim touches a table about as big as the backlog. Each row changes status two or three times under partial indexes on status (never HOT) and is then deleted: autovacuum goes by a fixed count of dead rows and does not pause. No foreign key to jobs: its share lock would write to the job''s row on every insert; jobs are never deleted.';
COMMENT ON COLUMN execution_queue.status IS
'pending (ready to be claimed), running (claimed by worker_id), retrying (waits for retry_at), held (its job is paused, or held_for says why).';
COMMENT ON COLUMN execution_queue.held_for IS 'overlap: waits until the job''s earlier execution has ended.';
COMMENT ON COLUMN execution_queue.job_version IS 'Version of the job''s definition that the latest attempt sent.';
COMMENT ON COLUMN execution_queue.attempt IS 'Number of the latest attempt; 0 before the first claim.';
COMMENT ON COLUMN execution_queue.started_at IS 'When the first attempt was claimed.';
COMMENT ON COLUMN execution_queue.claimed_at IS 'When the attempt under way was claimed.';
COMMENT ON COLUMN execution_queue.attempts IS
'Outcomes of ended attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';

CREATE INDEX execution_queue_claim_idx ON execution_queue (priority DESC, scheduled_at, id) WHERE status = 'pending';
COMMENT ON INDEX execution_queue_claim_idx IS 'Serves work.claim: walked from its start.';
CREATE INDEX execution_queue_retry_idx ON execution_queue (retry_at) WHERE status = 'retrying';
COMMENT ON INDEX execution_queue_retry_idx IS 'Serves tick.promote_retries and tick.next_due.';
CREATE INDEX execution_queue_worker_idx ON execution_queue (worker_id) WHERE status = 'running';
COMMENT ON INDEX execution_queue_worker_idx IS 'Serves upkeep.lost_executions and work.kept_claims.';
CREATE INDEX execution_queue_job_idx ON execution_queue (job_id, scheduled_at DESC, id DESC);
COMMENT ON INDEX execution_queue_job_idx IS
'Serves executions.list by job, jobs.hold_executions, jobs.release_executions and the completion of exhausted jobs.';
CREATE INDEX execution_queue_overlap_idx ON execution_queue (job_id) WHERE held_for = 'overlap';
COMMENT ON INDEX execution_queue_overlap_idx IS 'Serves upkeep.release_overlapped, work.finish and tick.due_jobs: those that wait for a predecessor.';
CREATE INDEX execution_queue_tenant_idx ON execution_queue (tenant_id, scheduled_at DESC, id DESC);
COMMENT ON INDEX execution_queue_tenant_idx IS 'Serves executions.list and executions.live_counts.';

CREATE TABLE execution_log (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    worker_id uuid,
    scheduled_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT now(),
    skipped_until timestamptz,
    duration_ms double precision,
    attempt integer NOT NULL,
    job_version integer,
    skipped_count integer,
    response_status integer,
    priority smallint NOT NULL,
    response_truncated boolean NOT NULL DEFAULT FALSE,
    status text NOT NULL,
    origin text NOT NULL,
    tenant_id text NOT NULL,
    error_code text,
    error text,
    response_body text,
    trace_id text,
    attempts jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT execution_log_pkey PRIMARY KEY (id, scheduled_at),
    CONSTRAINT execution_log_status_known CHECK (
        status IN ('completed', 'failed', 'timeout', 'cancelled', 'skipped')
    ),
    CONSTRAINT execution_log_error_length CHECK (char_length(error) <= 1000),
    CONSTRAINT execution_log_response_body_length CHECK (octet_length(response_body) <= 262144),
    CONSTRAINT execution_log_skips_counted CHECK ((status = 'skipped') = (skipped_count IS NOT NULL))
) PARTITION BY RANGE (scheduled_at);
COMMENT ON TABLE execution_log IS
'Finished executions, insert-only, partitioned by UTC day of scheduled_at. Retention drops partitions instead of deleting rows. Columns go from wide and fixed to variable, which saves padding.';
COMMENT ON COLUMN execution_log.attempt IS 'Attempts made; 0 when it ended before its first call.';
COMMENT ON COLUMN execution_log.duration_ms IS 'Duration of the last call, milliseconds; NULL when no call was made.';
COMMENT ON COLUMN execution_log.worker_id IS 'Engine process that made the last call.';
COMMENT ON COLUMN execution_log.skipped_until IS
'On skipped rows: the last of the instants the row stands for; scheduled_at is the first.';
COMMENT ON COLUMN execution_log.skipped_count IS 'On skipped rows: how many instants the row stands for.';
COMMENT ON COLUMN execution_log.error_code IS
'Kind of failure (http_status, timeout, connection, worker_lost, ...); on skipped rows the reason (misfire).';

CREATE INDEX execution_log_tenant_idx ON execution_log (tenant_id, scheduled_at DESC, id DESC);
COMMENT ON INDEX execution_log_tenant_idx IS 'Serves executions.list and executions.percentiles: a tenant''s executions, newest first.';
CREATE INDEX execution_log_job_idx ON execution_log (job_id, scheduled_at DESC, id DESC);
COMMENT ON INDEX execution_log_job_idx IS 'Serves executions.list and executions.percentiles by job.';
CREATE INDEX execution_log_ended_idx ON execution_log (tenant_id, status, scheduled_at DESC, id DESC)
WHERE status <> 'completed';
COMMENT ON INDEX execution_log_ended_idx IS 'Serves executions.list by status: what did not complete is rare and must be found fast.';

CREATE TABLE execution_log_default PARTITION OF execution_log DEFAULT;
COMMENT ON TABLE execution_log_default IS
'Takes rows of days without a partition, so that no insert ever fails; upkeep moves them out or deletes them by finished_at.';

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

-- migrate:down
DROP VIEW executions;
DROP TABLE execution_log;
DROP TABLE execution_queue;
DROP TABLE workers;
DROP FUNCTION execution_instant;
DROP FUNCTION execution_id;
DROP FUNCTION execution_id_at;
