-- migrate:up

CREATE FUNCTION ops.heed(known boolean, refusal text, what text, id uuid) RETURNS void
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
COMMENT ON FUNCTION ops.heed IS 'Raise what a function of the service says against an act; for the functions of ops.';

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
COMMENT ON FUNCTION ops.trigger IS
'SELECT ops.trigger(''<job>''); -- run a job now, beside its schedule, whatever its state short of deleted. Gives the execution. Audited as job.trigger.';

CREATE FUNCTION ops.jobs_meant(job uuid, tenant text, status text, since timestamptz) RETURNS uuid []
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
COMMENT ON FUNCTION ops.jobs_meant IS
'The jobs that ops.pause and ops.resume act on: the one named, or those of a tenant that have a status, and were paused since an instant where one is given.';

CREATE FUNCTION ops.pause(job uuid DEFAULT NULL, tenant text DEFAULT NULL) RETURNS bigint
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
COMMENT ON FUNCTION ops.pause IS
'SELECT ops.pause(''<job>''); or SELECT ops.pause(tenant => ''<tenant>''); -- stop what is due of an active job, or of all of a tenant''s, and hold what waits; what runs may end (ops.cancel stops it). Gives how many jobs were paused: 0 where they were already. Jobs that are made later run. Audited as job.pause, a row for each job.';

CREATE FUNCTION ops.resume(job uuid DEFAULT NULL, tenant text DEFAULT NULL, since timestamptz DEFAULT NULL) RETURNS bigint
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
COMMENT ON FUNCTION ops.resume IS
'SELECT ops.resume(''<job>''); or SELECT ops.resume(tenant => ''<tenant>'', since => now() - interval ''1 hour''); -- let a paused job, or those of a tenant that were paused since then (all, where it is left out), go on from now, without making up; what was held goes on at once, and the next tick plans the next run. Gives how many jobs were resumed: 0 where they were active. Audited as job.resume, a row for each job.';

CREATE FUNCTION ops.cancel(execution uuid) RETURNS uuid
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
COMMENT ON FUNCTION ops.cancel IS
'SELECT ops.cancel(''<execution>''); -- end a live execution as cancelled, in whatever state; the process that calls for it stops at once. Gives the execution. Audited as execution.cancel.';

COMMENT ON FUNCTION ops.rerun IS
'SELECT ops.rerun(''<execution>''); -- run a finished execution again, as a new one of its job as the job is now. Gives that, or raises why not. Audited as execution.rerun.';
COMMENT ON FUNCTION ops.rerun_failed IS
'SELECT * FROM ops.rerun_failed(''<job>'', now() - interval ''1 hour''); -- run again what failed or timed out of a job since then, the oldest 1,000 at most; what was run again before is refused. A row for each. Audited as execution.rerun.';

REVOKE EXECUTE ON FUNCTION ops.heed, ops.jobs_meant, ops.pause, ops.resume, ops.cancel FROM public;
GRANT EXECUTE ON FUNCTION ops.pause, ops.resume, ops.cancel TO scheduler_ops;

-- migrate:down
COMMENT ON FUNCTION ops.rerun_failed IS
'Run again what failed or timed out of a job since an instant, the oldest 1,000 at most; what was run again before is refused. A row for each. Audited as execution.rerun.';
COMMENT ON FUNCTION ops.rerun IS
'Run a finished execution again, as a new one of its job as the job is now. Gives that, or raises why not. Audited as execution.rerun.';
DROP FUNCTION ops.cancel;
DROP FUNCTION ops.resume;
DROP FUNCTION ops.pause;
DROP FUNCTION ops.jobs_meant;
DROP FUNCTION ops.heed;
CREATE OR REPLACE FUNCTION ops.trigger(job uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    found_job jobs;
    made uuid := execution_id_at(now(), gen_random_uuid());
BEGIN
    SELECT * INTO found_job FROM jobs AS j WHERE j.id = trigger.job FOR NO KEY UPDATE;
    IF found_job.id IS NULL OR found_job.status = 'deleted' THEN
        RAISE no_data_found USING MESSAGE = 'There is no such job, or it is deleted: ' || trigger.job;
    END IF;
    INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank, origin)
    VALUES (
        made, found_job.id, found_job.tenant_id, now(), found_job.priority,
        last_rank(found_job.tenant_id, found_job.priority) + 1, 'manual'
    );
    PERFORM record_audit(
        found_job.tenant_id, 'job.trigger', found_job.id, found_job.id, NULL, jsonb_build_object('execution_id', made)
    );
    PERFORM pg_notify('scheduler_work', '');
    RETURN made;
END
$$;
COMMENT ON FUNCTION ops.trigger IS
'Run a job now, beside its schedule, whatever its state short of deleted. Gives the execution. Audited as job.trigger.';
