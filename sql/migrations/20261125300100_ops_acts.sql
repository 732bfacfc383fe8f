-- migrate:up

CREATE OR REPLACE FUNCTION ops.heed(known boolean, refusal text, what text, id uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT heed.known THEN
        RAISE no_data_found USING
            MESSAGE = concat_ws(' ', heed.refusal, heed.id),
            HINT = CASE heed.what
                WHEN 'job' THEN 'SELECT job_id, name FROM ops.jobs WHERE name = ...; shows the ids of jobs.'
                ELSE 'ops.running, ops.retrying, ops.skipped and report.error_groups show ids of executions.'
            END;
    ELSIF heed.refusal IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = heed.refusal, DETAIL = initcap(heed.what) || ' ' || heed.id,
            HINT = CASE heed.what
                WHEN 'job' THEN 'Where several are meant, none was changed: leave it out by status, which ops.jobs shows.'
                ELSE 'Where several are meant, none was changed: ops.cancel_all and ops.rerun_failed take them together.'
            END;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION ops.jobs_meant(job uuid, tenant text, status text, since timestamptz) RETURNS uuid []
LANGUAGE plpgsql STABLE
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF num_nonnulls(jobs_meant.job, jobs_meant.tenant) <> 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'Say which job, or which tenant, and not both.',
            HINT = 'ops.pause(''<job id>'') means one job, ops.pause(tenant => ''<tenant>'') all of a tenant; resume likewise.';
    ELSIF jobs_meant.job IS NOT NULL AND jobs_meant.since IS NOT NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'since goes with a tenant, and not with a job.',
            HINT = 'SELECT ops.resume(job_id) FROM ops.jobs WHERE name = ... AND paused_at >= ...;';
    END IF;
    IF jobs_meant.job IS NOT NULL THEN
        RETURN ARRAY[jobs_meant.job];
    END IF;
    IF NOT EXISTS (SELECT FROM jobs AS j WHERE j.tenant_id = jobs_meant.tenant AND j.status <> 'deleted') THEN
        RAISE no_data_found USING
            MESSAGE = 'The tenant has no jobs: ' || jobs_meant.tenant,
            HINT = 'SELECT DISTINCT tenant_id FROM ops.jobs; shows the tenants.';
    END IF;
    RETURN ARRAY(
        SELECT j.id
        FROM jobs AS j
        WHERE
            j.tenant_id = jobs_meant.tenant
            AND j.status = jobs_meant.status
            AND (jobs_meant.since IS NULL OR j.paused_at >= jobs_meant.since)
    );
END
$$;

CREATE OR REPLACE FUNCTION ops.trigger(job uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    PERFORM ops.limit_idle();
    SELECT t.id, t.known, t.refusal INTO verdict FROM trigger_job(trigger.job) AS t;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', trigger.job);
    RETURN verdict.id;
END
$$;

CREATE OR REPLACE FUNCTION ops.pause(job uuid DEFAULT NULL, tenant text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    PERFORM ops.limit_idle();
    SELECT bool_and(p.known) AS known, max(p.refusal) AS refusal, count(*) FILTER (WHERE p.changed) AS changed
    INTO verdict
    FROM pause_jobs(ops.jobs_meant(pause.job, pause.tenant, 'active', NULL)) AS p;
    -- Of a tenant's jobs, one that was completed or deleted at the same moment is none to pause.
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', pause.job) WHERE pause.job IS NOT NULL;
    RETURN verdict.changed;
END
$$;

CREATE OR REPLACE FUNCTION ops.resume(job uuid DEFAULT NULL, tenant text DEFAULT NULL, since timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    PERFORM ops.limit_idle();
    SELECT bool_and(r.known) AS known, max(r.refusal) AS refusal, count(*) FILTER (WHERE r.changed) AS changed
    INTO verdict
    FROM resume_jobs(ops.jobs_meant(resume.job, resume.tenant, 'paused', resume.since)) AS r;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', resume.job) WHERE resume.job IS NOT NULL;
    RETURN verdict.changed;
END
$$;

CREATE OR REPLACE FUNCTION ops.cancel(execution uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    PERFORM ops.limit_idle();
    SELECT c.id, c.known, c.refusal INTO verdict FROM cancel_execution(cancel.execution) AS c;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'execution', cancel.execution);
    RETURN verdict.id;
END
$$;

CREATE OR REPLACE FUNCTION ops.rerun(execution uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    PERFORM ops.limit_idle();
    SELECT r.rerun_id, r.known, r.refusal INTO verdict FROM rerun_executions(ARRAY[rerun.execution]) AS r;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'execution', rerun.execution);
    RETURN verdict.rerun_id;
END
$$;

CREATE OR REPLACE FUNCTION ops.rerun_failed(job uuid, since timestamptz)
RETURNS TABLE (id uuid, rerun_id uuid, refusal text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
SET plan_cache_mode TO force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM ops.limit_idle();
    IF NOT EXISTS (SELECT FROM jobs AS j WHERE j.id = rerun_failed.job) THEN
        PERFORM ops.heed(FALSE, 'There is no such job.', 'job', rerun_failed.job);
    END IF;
    RETURN QUERY
    SELECT r.id, r.rerun_id, r.refusal
    FROM rerun_executions(ARRAY(
        SELECT l.id FROM execution_log AS l
        WHERE
            l.job_id = rerun_failed.job AND l.scheduled_at >= rerun_failed.since
            AND l.status IN ('failed', 'timeout') AND l.origin <> 'alert'
        ORDER BY l.scheduled_at, l.id
        LIMIT 1000
    ), NULL, FALSE) AS r;
END
$$;

CREATE OR REPLACE FUNCTION ops.drain(worker uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    found_worker workers;
BEGIN
    PERFORM ops.limit_idle();
    SELECT * INTO found_worker FROM workers AS w WHERE w.id = drain.worker FOR UPDATE;
    IF found_worker.id IS NULL THEN
        RAISE no_data_found USING
            MESSAGE = concat_ws(' ', 'There is no such worker.', drain.worker),
            HINT = 'SELECT worker_id, host, pid, state FROM ops.workers; shows those that there are.';
    ELSIF found_worker.heartbeat_at < now() - 2 * make_interval(secs => found_worker.heartbeat_seconds) THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = 'The worker is dead: what it was calling is being taken back, and there is nothing to drain.',
            DETAIL = 'Its last heartbeat was at ' || found_worker.heartbeat_at || '.',
            HINT = 'Where several are meant, none was asked: leave it out by state, which ops.workers shows.';
    ELSIF found_worker.drain_requested_at IS NULL THEN
        UPDATE workers SET drain_requested_at = now() WHERE id = drain.worker;
        PERFORM record_audit(
            '', 'worker.drain', drain.worker, NULL, NULL,
            jsonb_build_object('host', found_worker.host, 'pid', found_worker.pid)
        );
        PERFORM pg_notify('scheduler_drain', drain.worker::text);
    END IF;
    RETURN 'process ' || found_worker.pid || ' on ' || found_worker.host || ' is asked to drain';
END
$$;

COMMENT ON VIEW ops.jobs IS
'Jobs of all tenants, deleted ones too: read it with a WHERE on name, key or tenant_id. The functions of ops take its job_id, as in SELECT ops.pause(job_id) FROM ops.jobs WHERE name = ''nightly'' AND status = ''active''.';

-- migrate:down
COMMENT ON VIEW ops.jobs IS
'Jobs of all tenants, deleted ones too: read it with a WHERE on name, key or tenant_id. The functions of ops take its job_id, as in SELECT ops.pause(job_id) FROM ops.jobs WHERE name = ''nightly''.';
CREATE OR REPLACE FUNCTION ops.drain(worker uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    found_worker workers;
BEGIN
    SELECT * INTO found_worker FROM workers AS w WHERE w.id = drain.worker FOR UPDATE;
    IF found_worker.id IS NULL THEN
        RAISE no_data_found USING
            MESSAGE = 'There is no such worker. ' || drain.worker,
            HINT = 'SELECT worker_id, host, pid, state FROM ops.workers; shows those that there are.';
    ELSIF found_worker.heartbeat_at < now() - 2 * make_interval(secs => found_worker.heartbeat_seconds) THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = 'The worker is dead: what it was calling is being taken back, and there is nothing to drain.',
            DETAIL = 'Its last heartbeat was at ' || found_worker.heartbeat_at || '.';
    ELSIF found_worker.drain_requested_at IS NULL THEN
        UPDATE workers SET drain_requested_at = now() WHERE id = drain.worker;
        PERFORM record_audit(
            '', 'worker.drain', drain.worker, NULL, NULL,
            jsonb_build_object('host', found_worker.host, 'pid', found_worker.pid)
        );
        PERFORM pg_notify('scheduler_drain', drain.worker::text);
    END IF;
    RETURN 'process ' || found_worker.pid || ' on ' || found_worker.host || ' is asked to drain';
END
$$;
CREATE OR REPLACE FUNCTION ops.rerun_failed(job uuid, since timestamptz)
RETURNS TABLE (id uuid, rerun_id uuid, refusal text)
LANGUAGE sql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
    SELECT r.id, r.rerun_id, r.refusal
    FROM rerun_executions(ARRAY(
        SELECT l.id FROM execution_log AS l
        WHERE
            l.job_id = rerun_failed.job AND l.scheduled_at >= rerun_failed.since
            AND l.status IN ('failed', 'timeout') AND l.origin <> 'alert'
        ORDER BY l.scheduled_at, l.id
        LIMIT 1000
    ), NULL, FALSE) AS r
$$;
CREATE OR REPLACE FUNCTION ops.rerun(execution uuid) RETURNS uuid
LANGUAGE sql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$ SELECT rerun_execution(execution) $$;
CREATE OR REPLACE FUNCTION ops.cancel(execution uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    SELECT c.id, c.known, c.refusal INTO verdict FROM cancel_execution(cancel.execution) AS c;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'execution', cancel.execution);
    RETURN verdict.id;
END
$$;
CREATE OR REPLACE FUNCTION ops.resume(job uuid DEFAULT NULL, tenant text DEFAULT NULL, since timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    SELECT bool_and(r.known) AS known, max(r.refusal) AS refusal, count(*) FILTER (WHERE r.changed) AS changed
    INTO verdict
    FROM resume_jobs(ops.jobs_meant(resume.job, resume.tenant, 'paused', resume.since)) AS r;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', resume.job) WHERE resume.job IS NOT NULL;
    RETURN verdict.changed;
END
$$;
CREATE OR REPLACE FUNCTION ops.pause(job uuid DEFAULT NULL, tenant text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    SELECT bool_and(p.known) AS known, max(p.refusal) AS refusal, count(*) FILTER (WHERE p.changed) AS changed
    INTO verdict
    FROM pause_jobs(ops.jobs_meant(pause.job, pause.tenant, 'active', NULL)) AS p;
    -- Of a tenant's jobs, one that was completed or deleted at the same moment is none to pause.
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', pause.job) WHERE pause.job IS NOT NULL;
    RETURN verdict.changed;
END
$$;
CREATE OR REPLACE FUNCTION ops.trigger(job uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    verdict record;
BEGIN
    SELECT t.id, t.known, t.refusal INTO verdict FROM trigger_job(trigger.job) AS t;
    PERFORM ops.heed(verdict.known, verdict.refusal, 'job', trigger.job);
    RETURN verdict.id;
END
$$;
CREATE OR REPLACE FUNCTION ops.jobs_meant(job uuid, tenant text, status text, since timestamptz) RETURNS uuid []
LANGUAGE plpgsql STABLE
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF num_nonnulls(jobs_meant.job, jobs_meant.tenant) <> 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'Say which job, or which tenant, and not both.',
            HINT = 'ops.pause(''<job id>'') means one job, ops.pause(tenant => ''<tenant>'') all of a tenant; resume likewise.';
    END IF;
    IF jobs_meant.job IS NOT NULL THEN
        RETURN ARRAY[jobs_meant.job];
    END IF;
    IF NOT EXISTS (SELECT FROM jobs AS j WHERE j.tenant_id = jobs_meant.tenant AND j.status <> 'deleted') THEN
        RAISE no_data_found USING
            MESSAGE = 'The tenant has no jobs: ' || jobs_meant.tenant,
            HINT = 'SELECT DISTINCT tenant_id FROM ops.jobs; shows the tenants.';
    END IF;
    RETURN ARRAY(
        SELECT j.id
        FROM jobs AS j
        WHERE
            j.tenant_id = jobs_meant.tenant
            AND j.status = jobs_meant.status
            AND (jobs_meant.since IS NULL OR j.paused_at >= jobs_meant.since)
    );
END
$$;
CREATE OR REPLACE FUNCTION ops.heed(known boolean, refusal text, what text, id uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT heed.known THEN
        RAISE no_data_found USING
            MESSAGE = heed.refusal || ' ' || heed.id,
            HINT = CASE heed.what
                WHEN 'job' THEN 'SELECT job_id, name FROM ops.jobs WHERE name = ...; shows the ids of jobs.'
                ELSE 'ops.running, ops.retrying, ops.skipped and report.error_groups show ids of executions.'
            END;
    ELSIF heed.refusal IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = heed.refusal, DETAIL = initcap(heed.what) || ' ' || heed.id;
    END IF;
END
$$;
