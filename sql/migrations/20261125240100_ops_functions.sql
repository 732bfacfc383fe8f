-- migrate:up

-- Functions that run as the owner, with a fixed search path, so that whoever is on call needs no right to any table. Who
-- called is in the audit: audit_actor gives the login role.

CREATE FUNCTION ops.trigger(job uuid) RETURNS uuid
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

CREATE FUNCTION ops.rerun(execution uuid) RETURNS uuid
LANGUAGE sql SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$ SELECT rerun_execution(execution) $$;
COMMENT ON FUNCTION ops.rerun IS
'Run a finished execution again, as a new one of its job as the job is now. Gives that, or raises why not. Audited as execution.rerun.';

CREATE FUNCTION ops.rerun_failed(job uuid, since timestamptz)
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
COMMENT ON FUNCTION ops.rerun_failed IS
'Run again what failed or timed out of a job since an instant, the oldest 1,000 at most; what was run again before is refused. A row for each. Audited as execution.rerun.';

REVOKE EXECUTE ON FUNCTION ops.trigger, ops.rerun, ops.rerun_failed FROM public;
GRANT EXECUTE ON FUNCTION ops.trigger, ops.rerun, ops.rerun_failed TO scheduler_ops;

-- migrate:down
DROP FUNCTION ops.rerun_failed;
DROP FUNCTION ops.rerun;
DROP FUNCTION ops.trigger;
