-- migrate:up

CREATE TABLE job_counts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    day date NOT NULL,
    tenant_id text NOT NULL,
    completed integer NOT NULL,
    failed integer NOT NULL,
    timeout integer NOT NULL,
    cancelled integer NOT NULL,
    attempts integer NOT NULL,
    duration_ms_sum double precision NOT NULL,
    duration_ms_max double precision NOT NULL,
    lag_ms_sum double precision NOT NULL,
    lag_ms_max double precision NOT NULL,
    last_run_at timestamptz,
    last_scheduled_at timestamptz NOT NULL,
    last_status text NOT NULL,
    CONSTRAINT job_counts_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE job_counts IS
'Counts set aside by work.finish, a row per batch, job and day, until upkeep.fold_counts adds them to job_totals and job_history. Used only while an open transaction keeps old versions of those rows: each update walks past them all, and soon that would cost more than the work that is counted.';

-- The identity's own sequence says how many were set aside; this one, how many of them have been folded.
CREATE SEQUENCE job_counts_folded MINVALUE 0;
COMMENT ON SEQUENCE job_counts_folded IS 'Newest id that upkeep.fold_counts has folded: a hint, where to begin.';

ALTER TABLE job_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON job_counts TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON job_counts TO scheduler_engine USING (TRUE);
GRANT INSERT ON job_counts TO scheduler_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_counts TO scheduler_engine;
GRANT SELECT, UPDATE ON SEQUENCE job_counts_folded TO scheduler_engine;

-- migrate:down
-- What is still set aside would be lost with the table.
INSERT INTO job_totals AS t (job_id, tenant_id, completed, failed, timeout, cancelled, last_run_at, last_status)
SELECT
    job_id, tenant_id, sum(completed), sum(failed), sum(timeout), sum(cancelled), max(last_run_at),
    (array_agg(last_status ORDER BY last_scheduled_at DESC))[1]
FROM job_counts
GROUP BY job_id, tenant_id
ON CONFLICT (job_id) DO UPDATE SET
    completed = t.completed + excluded.completed,
    failed = t.failed + excluded.failed,
    timeout = t.timeout + excluded.timeout,
    cancelled = t.cancelled + excluded.cancelled,
    last_run_at = greatest(t.last_run_at, excluded.last_run_at),
    last_status = excluded.last_status;
INSERT INTO job_history AS h (
    job_id, day, tenant_id, completed, failed, timeout, cancelled, attempts,
    duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max
)
SELECT
    job_id, day, tenant_id, sum(completed), sum(failed), sum(timeout), sum(cancelled), sum(attempts),
    sum(duration_ms_sum), max(duration_ms_max), sum(lag_ms_sum), max(lag_ms_max)
FROM job_counts
GROUP BY job_id, day, tenant_id
ON CONFLICT (job_id, day) DO UPDATE SET
    completed = h.completed + excluded.completed,
    failed = h.failed + excluded.failed,
    timeout = h.timeout + excluded.timeout,
    cancelled = h.cancelled + excluded.cancelled,
    attempts = h.attempts + excluded.attempts,
    duration_ms_sum = h.duration_ms_sum + excluded.duration_ms_sum,
    duration_ms_max = greatest(h.duration_ms_max, excluded.duration_ms_max),
    lag_ms_sum = h.lag_ms_sum + excluded.lag_ms_sum,
    lag_ms_max = greatest(h.lag_ms_max, excluded.lag_ms_max);
-- squawk-ignore ban-drop-sequence
DROP SEQUENCE job_counts_folded;
DROP TABLE job_counts;
