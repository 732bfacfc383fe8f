-- migrate:up
ALTER TABLE jobs ADD COLUMN alert jsonb;
COMMENT ON COLUMN jobs.alert IS
'Where to report trouble of the job, and which: url, after_failures, also_on_recovery, if_late_by, if_no_success_for; NULL reports none.';

-- Added without a look at the rows that are there, which another migration has: this one locks the tables.
ALTER TABLE jobs ADD CONSTRAINT jobs_alert_object CHECK (jsonb_typeof(alert) = 'object') NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE execution_queue DROP CONSTRAINT execution_queue_origin_known;
ALTER TABLE execution_queue ADD CONSTRAINT execution_queue_origin_known
CHECK (origin IN ('schedule', 'manual', 'backfill', 'alert')) NOT VALID;
COMMENT ON COLUMN execution_queue.origin IS
'What made it: the schedule, a trigger, a backfill, or an alert. The last sends what alert_requests says; it is no run of its job: neither counted, nor held by a pause, nor in the way of a run or of completion.';

CREATE TABLE job_alerts (
    job_id uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    last_success_at timestamptz,
    completed bigint NOT NULL,
    failures bigint NOT NULL,
    streak integer NOT NULL DEFAULT 0,
    after_failures integer NOT NULL,
    late_seconds integer,
    silent_seconds integer,
    also_on_recovery boolean NOT NULL,
    tenant_id text NOT NULL,
    url text NOT NULL,
    CONSTRAINT job_alerts_pkey PRIMARY KEY (job_id),
    CONSTRAINT job_alerts_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE job_alerts IS
'The jobs that are watched: those with an alert that are neither paused nor deleted. The trigger jobs_watch keeps it so; alerts.take_in updates it in place (HOT).';
COMMENT ON COLUMN job_alerts.since IS 'Since when it is watched; what ended earlier does not count.';
COMMENT ON COLUMN job_alerts.completed IS 'job_totals.completed as it was last looked at; failures likewise, of failed and timeout.';
COMMENT ON COLUMN job_alerts.streak IS 'Failures after the newest success, by scheduled_at.';

CREATE TABLE job_incidents (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    job_id uuid NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    opened_execution_id uuid NOT NULL,
    closed_execution_id uuid,
    failures integer NOT NULL,
    kind text NOT NULL,
    outcome text,
    tenant_id text NOT NULL,
    CONSTRAINT job_incidents_pkey PRIMARY KEY (id),
    CONSTRAINT job_incidents_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT job_incidents_kind_known CHECK (kind IN ('failing', 'late', 'silent')),
    CONSTRAINT job_incidents_outcome_known CHECK (outcome IN ('recovered', 'withdrawn')),
    CONSTRAINT job_incidents_outcome_iff_closed CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE job_incidents IS
'Trouble of jobs that was reported: opened and closed by alerts.judge together with the execution that reports it, so each is reported once.';
COMMENT ON COLUMN job_incidents.failures IS 'Failures in a row when it was opened.';
COMMENT ON COLUMN job_incidents.outcome IS
'recovered; or withdrawn, when the job was paused, deleted or completed or its alert taken away, which is not reported.';
CREATE UNIQUE INDEX job_incidents_open_idx ON job_incidents (job_id, kind) WHERE closed_at IS NULL;
COMMENT ON INDEX job_incidents_open_idx IS 'Serves alerts.judge: a job has one open incident of a kind.';
CREATE INDEX job_incidents_job_idx ON job_incidents (job_id, opened_at DESC, id DESC);
COMMENT ON INDEX job_incidents_job_idx IS 'Serves alerts.incidents by job.';
CREATE INDEX job_incidents_tenant_idx ON job_incidents (tenant_id, opened_at DESC, id DESC);
COMMENT ON INDEX job_incidents_tenant_idx IS 'Serves alerts.incidents: a tenant''s, newest first.';
CREATE INDEX job_incidents_closed_idx ON job_incidents (closed_at) WHERE closed_at IS NOT NULL;
COMMENT ON INDEX job_incidents_closed_idx IS 'Serves upkeep.purge_incidents.';

CREATE TABLE alert_requests (
    execution_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    tenant_id text NOT NULL,
    url text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT alert_requests_pkey PRIMARY KEY (execution_id),
    CONSTRAINT alert_requests_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES job_incidents (id) ON DELETE CASCADE
);
COMMENT ON TABLE alert_requests IS 'What executions of origin alert send, and where.';
CREATE INDEX alert_requests_incident_idx ON alert_requests (incident_id);
COMMENT ON INDEX alert_requests_incident_idx IS 'Serves upkeep.purge_incidents: what goes with an incident.';

CREATE FUNCTION watch_job() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF new.alert IS NULL OR new.status IN ('paused', 'deleted') THEN
        DELETE FROM job_alerts WHERE job_id = new.id;
    ELSE
        INSERT INTO job_alerts AS a (
            job_id, tenant_id, url, after_failures, also_on_recovery, late_seconds, silent_seconds, completed, failures
        )
        SELECT
            new.id, new.tenant_id, new.alert ->> 'url', (new.alert ->> 'after_failures')::integer,
            (new.alert ->> 'also_on_recovery')::boolean, (new.alert ->> 'if_late_by')::integer,
            (new.alert ->> 'if_no_success_for')::integer, coalesce(max(t.completed), 0), coalesce(max(t.failed + t.timeout), 0)
        FROM job_totals AS t
        WHERE t.job_id = new.id
        ON CONFLICT (job_id) DO UPDATE SET
            url = excluded.url,
            after_failures = excluded.after_failures,
            also_on_recovery = excluded.also_on_recovery,
            late_seconds = excluded.late_seconds,
            silent_seconds = excluded.silent_seconds,
            -- One that an edit makes active again is watched anew: it was not silent while it had nothing to run.
            since = CASE WHEN old.status IS DISTINCT FROM new.status THEN now() ELSE a.since END;
    END IF;
    UPDATE job_incidents AS i
    SET closed_at = now(), outcome = 'withdrawn'
    WHERE
        i.job_id = new.id
        AND i.closed_at IS NULL
        AND NOT EXISTS (
            SELECT FROM job_alerts AS a
            WHERE
                a.job_id = i.job_id
                AND CASE i.kind
                    WHEN 'failing' THEN TRUE
                    WHEN 'late' THEN a.late_seconds IS NOT NULL AND new.status = 'active'
                    WHEN 'silent' THEN a.silent_seconds IS NOT NULL AND new.status = 'active'
                END
        );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION watch_job IS
'Keep job_alerts in step with a job, whoever changes it, and close incidents that nobody watches any more. Runs as the owner, since the API only reads them.';
CREATE TRIGGER jobs_watch_new AFTER INSERT ON jobs
FOR EACH ROW WHEN (new.alert IS NOT NULL) EXECUTE FUNCTION watch_job();
COMMENT ON TRIGGER jobs_watch_new ON jobs IS 'A job with an alert is watched from its first run.';
CREATE TRIGGER jobs_watch AFTER UPDATE OF alert, status ON jobs
FOR EACH ROW WHEN (
    old.alert IS DISTINCT FROM new.alert OR (new.alert IS NOT NULL AND old.status <> new.status)
) EXECUTE FUNCTION watch_job();
COMMENT ON TRIGGER jobs_watch ON jobs IS 'The advance of next_run_at does not name these columns, so a tick pays nothing.';

ALTER TABLE job_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_incidents ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON job_alerts TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON job_incidents TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON alert_requests TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON job_alerts TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON job_incidents TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON alert_requests TO scheduler_engine USING (TRUE);
GRANT SELECT ON job_incidents, alert_requests TO scheduler_api;
GRANT SELECT, UPDATE ON job_alerts TO scheduler_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_incidents TO scheduler_engine;
GRANT SELECT, INSERT ON alert_requests TO scheduler_engine;

-- migrate:down
DROP TRIGGER jobs_watch ON jobs;
DROP TRIGGER jobs_watch_new ON jobs;
DROP FUNCTION watch_job;
DROP TABLE alert_requests;
DROP TABLE job_incidents;
DROP TABLE job_alerts;
DELETE FROM execution_queue WHERE origin = 'alert';
-- squawk-ignore ban-drop-constraint
ALTER TABLE execution_queue DROP CONSTRAINT execution_queue_origin_known;
ALTER TABLE execution_queue ADD CONSTRAINT execution_queue_origin_known
CHECK (origin IN ('schedule', 'manual', 'backfill')) NOT VALID;
COMMENT ON COLUMN execution_queue.origin IS NULL;
-- squawk-ignore ban-drop-column
ALTER TABLE jobs DROP COLUMN alert;
