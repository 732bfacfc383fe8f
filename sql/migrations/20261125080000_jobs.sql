-- migrate:up

CREATE TABLE jobs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    name text NOT NULL,
    description text,
    type text NOT NULL,
    schedule text NOT NULL,
    timezone text NOT NULL,
    anchor_at timestamptz NOT NULL DEFAULT now(),
    endpoint text NOT NULL,
    method text NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    payload jsonb,
    timeout_seconds integer NOT NULL,
    max_retries integer NOT NULL,
    retry_delay_seconds integer NOT NULL,
    priority smallint NOT NULL,
    tags text [] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active',
    next_run_at timestamptz,
    next_instant_at timestamptz,
    start_at timestamptz,
    end_at timestamptz,
    max_runs integer,
    runs integer NOT NULL DEFAULT 0,
    jitter_seconds integer NOT NULL DEFAULT 0,
    misfire_policy text NOT NULL DEFAULT 'fire_once',
    misfire_limit integer NOT NULL DEFAULT 100,
    start_deadline_seconds integer,
    overlap_policy text NOT NULL DEFAULT 'allow',
    retry_backoff text NOT NULL DEFAULT 'fixed',
    retry_max_delay_seconds integer,
    retry_on text [],
    paused_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_tenant_id_pattern CHECK (tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT jobs_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT jobs_description_length CHECK (char_length(description) <= 10000),
    CONSTRAINT jobs_type_known CHECK (type IN ('cron', 'interval', 'one_time')),
    CONSTRAINT jobs_schedule_length CHECK (char_length(schedule) BETWEEN 1 AND 4095),
    CONSTRAINT jobs_timezone_length CHECK (char_length(timezone) BETWEEN 1 AND 64),
    CONSTRAINT jobs_endpoint_http CHECK (endpoint ~* '^https?://' AND char_length(endpoint) <= 2048),
    CONSTRAINT jobs_method_known CHECK (
        method IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
    ),
    CONSTRAINT jobs_headers_object CHECK (jsonb_typeof(headers) = 'object'),
    CONSTRAINT jobs_timeout_in_range CHECK (timeout_seconds BETWEEN 1 AND 3600),
    CONSTRAINT jobs_max_retries_in_range CHECK (max_retries BETWEEN 0 AND 100),
    CONSTRAINT jobs_retry_delay_in_range CHECK (retry_delay_seconds BETWEEN 0 AND 86400),
    CONSTRAINT jobs_priority_in_range CHECK (priority BETWEEN 1 AND 10),
    CONSTRAINT jobs_tags_count CHECK (cardinality(tags) <= 50),
    CONSTRAINT jobs_metadata_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT jobs_status_known CHECK (status IN ('active', 'paused', 'completed', 'deleted')),
    CONSTRAINT jobs_bounds_in_order CHECK (end_at > start_at),
    CONSTRAINT jobs_max_runs_in_range CHECK (max_runs >= 1),
    CONSTRAINT jobs_jitter_in_range CHECK (jitter_seconds BETWEEN 0 AND 86400),
    CONSTRAINT jobs_misfire_policy_known CHECK (misfire_policy IN ('fire_once', 'skip', 'fire_all')),
    CONSTRAINT jobs_misfire_limit_in_range CHECK (misfire_limit BETWEEN 1 AND 1000),
    CONSTRAINT jobs_start_deadline_in_range CHECK (start_deadline_seconds >= 1),
    CONSTRAINT jobs_overlap_policy_known CHECK (overlap_policy IN ('allow', 'skip', 'queue', 'replace')),
    CONSTRAINT jobs_retry_backoff_known CHECK (retry_backoff IN ('fixed', 'exponential')),
    CONSTRAINT jobs_retry_max_delay_in_range CHECK (retry_max_delay_seconds BETWEEN 1 AND 86400),
    CONSTRAINT jobs_retry_on_count CHECK (cardinality(retry_on) <= 50),
    CONSTRAINT jobs_paused_at_iff_paused CHECK (paused_at IS NULL OR status = 'paused'),
    CONSTRAINT jobs_next_run_only_when_active CHECK (next_run_at IS NULL OR status = 'active')
) WITH (fillfactor = 85);

COMMENT ON TABLE jobs IS
'What a tenant wants called, and when. Written by the API; the engine only advances next_run_at and turns a job completed. Never deleted: status deleted hides it. fillfactor 85 leaves room on the page for the advance of next_run_at.';
COMMENT ON COLUMN jobs.anchor_at IS
'Origin of interval and @every schedules: the k-th instant is anchor_at plus k intervals, so runs never drift.';
COMMENT ON COLUMN jobs.next_run_at IS
'The coming instant, or NULL when none is left or the job is not active. An active job with NULL here has had its last run materialized.';
COMMENT ON COLUMN jobs.next_instant_at IS
'The schedule''s own instant behind next_run_at, which is later by the jitter offset; NULL means the same as next_run_at. Of a paused job: the first instant that the pause swallows.';
COMMENT ON COLUMN jobs.runs IS 'Runs the schedule has materialized since it was set; max_runs bounds it.';
COMMENT ON COLUMN jobs.misfire_policy IS
'For instants that passed while nobody ticked: fire_once (the newest runs), skip (none), fire_all (at most misfire_limit).';
COMMENT ON COLUMN jobs.start_deadline_seconds IS 'An instant older than this when it is materialized is skipped.';
COMMENT ON COLUMN jobs.overlap_policy IS
'For an instant that comes due while an earlier execution lives: allow, skip, queue (one waits), replace (the earlier is cancelled).';
COMMENT ON COLUMN jobs.retry_on IS
'Status codes and classes (503, 5xx, timeout, connection) that are retried; NULL is the default set.';
COMMENT ON COLUMN jobs.payload IS 'JSON body sent with the call; NULL sends no body.';
COMMENT ON COLUMN jobs.max_retries IS 'Calls after the first: 3 means at most 4 calls.';
COMMENT ON COLUMN jobs.version IS 'Counts the edits of the definition, from 1.';

CREATE INDEX jobs_due_idx ON jobs (next_run_at) WHERE next_run_at IS NOT NULL;
COMMENT ON INDEX jobs_due_idx IS 'Serves tick.due_jobs and tick.next_due: only jobs with a coming instant are in it.';
CREATE INDEX jobs_tenant_upcoming_idx ON jobs (tenant_id, next_run_at, id) WHERE next_run_at IS NOT NULL;
COMMENT ON INDEX jobs_tenant_upcoming_idx IS
'Serves jobs.list_upcoming and jobs.count_upcoming: a tenant''s coming runs, the earliest first.';
CREATE INDEX jobs_exhausted_idx ON jobs (id) WHERE status = 'active' AND next_run_at IS NULL;
COMMENT ON INDEX jobs_exhausted_idx IS
'Serves work.finish and upkeep.complete_exhausted_jobs: jobs whose last run has been materialized.';
CREATE INDEX jobs_tenant_list_idx ON jobs (tenant_id, created_at DESC, id DESC) WHERE status <> 'deleted';
COMMENT ON INDEX jobs_tenant_list_idx IS 'Serves jobs.list and jobs.count: a tenant''s jobs, newest first.';

CREATE TABLE job_versions (
    job_id uuid NOT NULL,
    version integer NOT NULL,
    tenant_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    anchor_at timestamptz NOT NULL,
    start_at timestamptz,
    end_at timestamptz,
    jitter_seconds integer NOT NULL,
    type text NOT NULL,
    schedule text NOT NULL,
    timezone text NOT NULL,
    endpoint text NOT NULL,
    method text NOT NULL,
    headers jsonb NOT NULL,
    payload jsonb,
    CONSTRAINT job_versions_pkey PRIMARY KEY (job_id, version),
    CONSTRAINT job_versions_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
COMMENT ON TABLE job_versions IS
'Every definition a job has had, insert-only: what an execution of an earlier version sent, and what the schedule named then.';

CREATE TABLE job_totals (
    job_id uuid NOT NULL,
    tenant_id text NOT NULL,
    completed bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    timeout bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    last_run_at timestamptz,
    last_status text,
    CONSTRAINT job_totals_pkey PRIMARY KEY (job_id),
    CONSTRAINT job_totals_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE job_totals IS
'Lifetime counters and last outcome per job, apart from jobs so that counting never locks a definition. fillfactor 70: every finish updates it in place (HOT), since no index names a counter.';
COMMENT ON COLUMN job_totals.last_run_at IS 'When the latest counted execution started.';
CREATE INDEX job_totals_tenant_idx ON job_totals (tenant_id);
COMMENT ON INDEX job_totals_tenant_idx IS 'Serves executions.totals: a tenant''s lifetime counts.';

CREATE TABLE job_history (
    job_id uuid NOT NULL,
    day date NOT NULL,
    tenant_id text NOT NULL,
    completed integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    timeout integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    duration_ms_sum double precision NOT NULL DEFAULT 0,
    duration_ms_max double precision NOT NULL DEFAULT 0,
    lag_ms_sum double precision NOT NULL DEFAULT 0,
    lag_ms_max double precision NOT NULL DEFAULT 0,
    CONSTRAINT job_history_pkey PRIMARY KEY (job_id, day),
    CONSTRAINT job_history_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE job_history IS
'One row per job and UTC day on which executions finished, kept by ON CONFLICT upserts in work.finish. fillfactor 70: updated in place (HOT).';
COMMENT ON COLUMN job_history.attempts IS 'Calls made for the executions that finished on the day, retries included.';
COMMENT ON COLUMN job_history.duration_ms_sum IS 'Sum over completed, failed and timeout executions of the last call''s duration in milliseconds.';
COMMENT ON COLUMN job_history.lag_ms_sum IS
'Sum over completed, failed and timeout executions of start lag (started_at - scheduled_at) in milliseconds.';
CREATE INDEX job_history_tenant_idx ON job_history (tenant_id, day DESC, job_id);
COMMENT ON INDEX job_history_tenant_idx IS 'Serves history.list and history.stats: a tenant''s days, newest first.';

-- migrate:down
DROP TABLE job_history;
DROP TABLE job_totals;
DROP TABLE job_versions;
DROP TABLE jobs;
