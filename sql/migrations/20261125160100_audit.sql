-- migrate:up

CREATE TABLE audit_log (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    entity_id uuid,
    job_id uuid,
    before jsonb,
    after jsonb,
    request_id text,
    CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, at, id),
    CONSTRAINT audit_log_action_pattern CHECK (action ~ '^[a-z_]{1,40}[.][a-z_]{1,40}$'),
    CONSTRAINT audit_log_actor_length CHECK (char_length(actor) BETWEEN 1 AND 200),
    CONSTRAINT audit_log_request_id_length CHECK (char_length(request_id) <= 200)
);
COMMENT ON TABLE audit_log IS
'Who changed what. Written by record_audit and the trigger jobs_audit alone, never changed, and deleted only by retention: no role has INSERT or UPDATE. The primary key serves audit.list and audit.count: a tenant''s rows, newest first.';
COMMENT ON COLUMN audit_log.at IS 'The clock''s time, not the transaction''s, so that rows of one transaction keep their order.';
COMMENT ON COLUMN audit_log.actor IS
'key:<id> of the API key; api for a request without one; role:<name> for whoever is logged in to the database.';
COMMENT ON COLUMN audit_log.action IS 'What was done to what: job.update, execution.cancel, key.revoke and the like.';
COMMENT ON COLUMN audit_log.entity_id IS 'The job, execution or key; NULL where it is the tenant''s only one.';
COMMENT ON COLUMN audit_log.job_id IS 'The job concerned: of job and execution actions.';
COMMENT ON COLUMN audit_log.before IS 'What changed, as it was; NULL when there was nothing before.';
COMMENT ON COLUMN audit_log.after IS 'What changed, as it became, or what was asked for; NULL when nothing is left.';
COMMENT ON COLUMN audit_log.request_id IS 'X-Request-ID of the API request; NULL when it was none.';

CREATE INDEX audit_log_job_idx ON audit_log (job_id, at, id) WHERE job_id IS NOT NULL;
COMMENT ON INDEX audit_log_job_idx IS 'Serves audit.list and audit.count by job.';
CREATE INDEX audit_log_entity_idx ON audit_log (entity_id, at, id) WHERE entity_id IS NOT NULL;
COMMENT ON INDEX audit_log_entity_idx IS 'Serves audit.list and audit.count by entity.';
CREATE INDEX audit_log_at_idx ON audit_log USING brin (at) WITH (pages_per_range = 16);
COMMENT ON INDEX audit_log_at_idx IS 'Serves upkeep.purge_audit: rows lie in the order of time.';

CREATE FUNCTION audit_actor() RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN current_setting('role') = 'scheduler_api'
        THEN coalesce(nullif(current_setting('scheduler.actor', TRUE), ''), 'api')
    ELSE 'role:' || session_user
END;
COMMENT ON FUNCTION audit_actor IS
'Who acts in this transaction: what the API has set, or else whoever is logged in. Only scheduler_api is believed.';

CREATE FUNCTION record_audit(
    tenant_id text, action text, entity_id uuid,
    job_id uuid DEFAULT NULL, before jsonb DEFAULT NULL, after jsonb DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF current_setting('role') = 'scheduler_api' AND tenant_id IS DISTINCT FROM current_tenant() THEN
        RAISE insufficient_privilege USING MESSAGE = 'an audit row of another tenant';
    END IF;
    INSERT INTO audit_log (tenant_id, actor, action, entity_id, job_id, before, after, request_id)
    VALUES (
        record_audit.tenant_id, audit_actor(), record_audit.action, record_audit.entity_id, record_audit.job_id,
        record_audit.before, record_audit.after, nullif(current_setting('scheduler.request_id', TRUE), '')
    );
END
$$;
COMMENT ON FUNCTION record_audit IS
'Record an action that changes no row of jobs; those that do are recorded by the trigger jobs_audit. Actor and request are the transaction''s. Runs as the owner, so that no role needs INSERT and none can name another actor.';

CREATE FUNCTION audit_view_of(job jobs) RETURNS jsonb
LANGUAGE sql STABLE
RETURN to_jsonb(job) - ARRAY[
    'id', 'tenant_id', 'anchor_at', 'next_run_at', 'next_instant_at', 'runs', 'created_at', 'updated_at',
    'timeout_seconds', 'retry_delay_seconds', 'retry_max_delay_seconds', 'jitter_seconds', 'start_deadline_seconds'
] || jsonb_build_object(
    'timeout', job.timeout_seconds, 'retry_delay', job.retry_delay_seconds,
    'retry_max_delay', job.retry_max_delay_seconds, 'jitter', job.jitter_seconds,
    'start_deadline', job.start_deadline_seconds
);
COMMENT ON FUNCTION audit_view_of IS
'What the audit may show of a job, by the API''s names: every column, later ones too, save what the engine moves. A secret value must be masked here; this is the only way from jobs to audit_log.';

CREATE FUNCTION audit_changes(held jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT jsonb_object_agg(
        h.key,
        CASE WHEN octet_length(h.value::text) > 8192 THEN jsonb_build_object(
            'bytes', octet_length(h.value::text),
            'sha256', encode(sha256(convert_to(h.value::text, 'UTF8')), 'hex')
        ) ELSE h.value END
    )
    FROM jsonb_each(held) AS h
    WHERE other IS NULL OR other -> h.key IS DISTINCT FROM h.value
);
COMMENT ON FUNCTION audit_changes IS
'The members of held that other has not, or has otherwise; NULL when there are none. A value of more than 8 KiB is shown by its length and digest: job_versions has it whole.';

CREATE FUNCTION audit_job() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    job jobs := coalesce(new, old);
    was jsonb := CASE WHEN tg_op <> 'INSERT' THEN audit_view_of(old) END;
    is_now jsonb := CASE WHEN tg_op <> 'DELETE' THEN audit_view_of(new) END;
BEGIN
    IF was = is_now THEN
        RETURN NULL;
    END IF;
    PERFORM record_audit(
        job.tenant_id,
        CASE
            WHEN tg_op = 'INSERT' THEN 'job.create'
            WHEN tg_op = 'DELETE' THEN 'job.purge'
            WHEN new.version <> old.version OR new.status = old.status THEN 'job.update'
            WHEN new.status = 'deleted' THEN 'job.delete'
            WHEN old.status = 'deleted' THEN 'job.restore'
            WHEN new.status = 'paused' THEN 'job.pause'
            WHEN old.status = 'paused' THEN 'job.resume'
            WHEN new.status = 'completed' THEN 'job.complete'
            ELSE 'job.restart'
        END,
        job.id, job.id, audit_changes(was, is_now), audit_changes(is_now, was)
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION audit_job IS 'Record a change of a job, whoever makes it and by whatever statement.';

-- What the engine writes to jobs is no decision of anybody's; its sessions pay for one comparison a row.
CREATE TRIGGER jobs_audit AFTER INSERT OR UPDATE OR DELETE ON jobs
FOR EACH ROW WHEN (current_setting('role') <> 'scheduler_engine') EXECUTE FUNCTION audit_job();
COMMENT ON TRIGGER jobs_audit ON jobs IS
'Every change of a job goes to audit_log, save the engine''s: those come from the job''s own schedule.';

CREATE FUNCTION refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE insufficient_privilege USING
        MESSAGE = 'audit_log is insert-only', HINT = 'Retention deletes what is older than a day; nothing changes a row.';
END
$$;
COMMENT ON FUNCTION refuse_audit_change IS 'Refuse to change the record, whoever asks.';
CREATE TRIGGER audit_log_insert_only BEFORE UPDATE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_kept_a_day BEFORE DELETE ON audit_log
FOR EACH ROW WHEN (old.at > now() - INTERVAL '1 day') EXECUTE FUNCTION refuse_audit_change();

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_log FOR SELECT TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON audit_log TO scheduler_engine USING (TRUE);
GRANT SELECT ON audit_log TO scheduler_api;
GRANT SELECT (tenant_id, at, id), DELETE ON audit_log TO scheduler_engine;
REVOKE EXECUTE ON FUNCTION record_audit FROM public;
GRANT EXECUTE ON FUNCTION record_audit TO scheduler_api;

-- migrate:down
DROP TRIGGER jobs_audit ON jobs;
DROP TABLE audit_log;
DROP FUNCTION refuse_audit_change;
DROP FUNCTION audit_job;
DROP FUNCTION audit_changes;
DROP FUNCTION audit_view_of;
DROP FUNCTION record_audit;
DROP FUNCTION audit_actor;
