-- migrate:up

CREATE TABLE closed_days (
    day date NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT closed_days_pkey PRIMARY KEY (day)
);
COMMENT ON TABLE closed_days IS
'UTC days whose counts in job_history no longer change, and which tenant_history has therefore summed up: every day up to the newest here. upkeep.close_day adds them, one after the other.';
COMMENT ON COLUMN closed_days.day IS 'A day on which nothing can finish any more: it ended an hour before or earlier.';
COMMENT ON COLUMN closed_days.closed_at IS 'When it was summed up.';
COMMENT ON INDEX closed_days_pkey IS 'A day is closed once. Serves history.stats and upkeep.close_day: the newest.';

CREATE TABLE tenant_history (
    tenant_id text NOT NULL,
    day date NOT NULL,
    completed bigint NOT NULL,
    failed bigint NOT NULL,
    timeout bigint NOT NULL,
    cancelled bigint NOT NULL,
    skipped bigint NOT NULL,
    attempts bigint NOT NULL,
    duration_ms_sum double precision NOT NULL,
    duration_ms_max double precision,
    lag_ms_sum double precision NOT NULL,
    lag_ms_max double precision,
    CONSTRAINT tenant_history_pkey PRIMARY KEY (tenant_id, day)
);
COMMENT ON TABLE tenant_history IS
'job_history of closed days added up over each tenant''s jobs, a row per tenant and day on which something finished. Only history.stats reads it: it saves that from adding up a row per job and day. Written by sum_history, never on the way of an execution.';
COMMENT ON COLUMN tenant_history.tenant_id IS 'Whose jobs'' days are added up.';
COMMENT ON COLUMN tenant_history.day IS 'The UTC day on which the executions finished; it is in closed_days.';
COMMENT ON COLUMN tenant_history.completed IS 'Executions that succeeded.';
COMMENT ON COLUMN tenant_history.failed IS 'Executions that failed for good.';
COMMENT ON COLUMN tenant_history.timeout IS 'Executions whose last call took too long.';
COMMENT ON COLUMN tenant_history.cancelled IS 'Executions that somebody or an overlap_policy ended.';
COMMENT ON COLUMN tenant_history.skipped IS 'Ranges of instants that were passed over.';
COMMENT ON COLUMN tenant_history.attempts IS 'Calls made for the executions that finished on the day, retries included.';
COMMENT ON COLUMN tenant_history.duration_ms_sum IS
'Sum over completed, failed and timeout executions of the last call''s duration in milliseconds.';
COMMENT ON COLUMN tenant_history.duration_ms_max IS 'The longest of these durations; NULL on a day on which none ran to an end.';
COMMENT ON COLUMN tenant_history.lag_ms_sum IS
'Sum over completed, failed and timeout executions of start lag (started_at - scheduled_at) in milliseconds.';
COMMENT ON COLUMN tenant_history.lag_ms_max IS 'The longest start lag; NULL on a day on which none ran to an end.';
COMMENT ON INDEX tenant_history_pkey IS 'A tenant has one row a day. Serves history.stats: a tenant''s days.';

ALTER TABLE tenant_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenant_history TO scheduler_api USING (tenant_id = current_tenant());
COMMENT ON POLICY tenant ON tenant_history IS 'The API sees and writes rows of the tenant its transaction is set to, and no others.';
CREATE POLICY engine ON tenant_history TO scheduler_engine USING (TRUE);
COMMENT ON POLICY engine ON tenant_history IS 'Upkeep sums up every tenant''s days.';
GRANT SELECT ON tenant_history, closed_days TO scheduler_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_history TO scheduler_engine;
GRANT SELECT, INSERT ON closed_days TO scheduler_engine;

CREATE FUNCTION sum_history(tenant text, of_day date) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM tenant_history AS t WHERE t.tenant_id = sum_history.tenant AND t.day = sum_history.of_day;
    INSERT INTO tenant_history (
        tenant_id, day, completed, failed, timeout, cancelled, skipped, attempts,
        duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max
    )
    SELECT
        h.tenant_id, h.day, sum(h.completed), sum(h.failed), sum(h.timeout), sum(h.cancelled), sum(h.skipped),
        sum(h.attempts), sum(h.duration_ms_sum),
        max(h.duration_ms_max) FILTER (WHERE h.completed + h.failed + h.timeout > 0), sum(h.lag_ms_sum),
        max(h.lag_ms_max) FILTER (WHERE h.completed + h.failed + h.timeout > 0)
    FROM job_history AS h
    WHERE h.tenant_id = sum_history.tenant AND h.day = sum_history.of_day
    GROUP BY h.tenant_id, h.day;
END;
COMMENT ON FUNCTION sum_history IS
'Sum up a tenant''s day in tenant_history anew, from job_history. To be called for a closed day whose rows were corrected by hand.';
REVOKE EXECUTE ON FUNCTION sum_history FROM public;
GRANT EXECUTE ON FUNCTION sum_history TO scheduler_engine;

-- Nothing of the service deletes days; whoever deletes a job for good takes them out of the sums too.
CREATE FUNCTION forget_history() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    PERFORM sum_history(g.tenant_id, g.day)
    FROM (SELECT DISTINCT tenant_id, day FROM gone) AS g
    INNER JOIN closed_days AS c ON g.day = c.day;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_history IS 'Sum up closed days anew when rows of them are deleted from job_history, as they are with their job.';
CREATE TRIGGER job_history_forget AFTER DELETE ON job_history
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION forget_history();
COMMENT ON TRIGGER job_history_forget ON job_history IS 'Keeps tenant_history right when somebody deletes a job for good; the service never does.';

-- migrate:down
DROP TRIGGER job_history_forget ON job_history;
DROP FUNCTION forget_history;
DROP FUNCTION sum_history;
DROP TABLE tenant_history;
DROP TABLE closed_days;
