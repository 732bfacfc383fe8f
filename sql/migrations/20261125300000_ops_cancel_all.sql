-- migrate:up

-- What an act has changed stays locked until its transaction ends, and the service waits for some of it: engines could
-- not record the outcomes of a job of which a forgotten BEGIN held the counts. Their own sessions wait 5 seconds.
CREATE FUNCTION ops.limit_idle() RETURNS void
LANGUAGE sql
SET search_path TO public, pg_temp
AS $$
    SELECT set_config('idle_in_transaction_session_timeout', '5s', TRUE)
    WHERE current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN '1 ms' AND '5 s'
$$;
COMMENT ON FUNCTION ops.limit_idle IS
'Let the server end this session, and undo what it did, should it be idle for 5 seconds before its transaction has ended; for the functions of ops that lock something.';

-- Many at once, since a statement that calls ops.cancel for each is undone as a whole when one of them finishes
-- meanwhile, and takes its locks in another order than the engines, who record outcomes of the same jobs.
CREATE FUNCTION ops.cancel_all(executions uuid []) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO public, pg_temp
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
DECLARE
    live uuid[];
BEGIN
    PERFORM ops.limit_idle();
    WITH locked AS MATERIALIZED (
        SELECT q.id, q.job_id, q.tenant_id, q.status
        FROM execution_queue AS q
        WHERE q.id = ANY(cancel_all.executions)
        ORDER BY q.id
        FOR UPDATE
    ),

    told AS MATERIALIZED (
        SELECT
            l.id,
            record_audit(
                l.tenant_id, 'execution.cancel', l.id, l.job_id,
                jsonb_build_object('status', l.status), jsonb_build_object('status', 'cancelled')
            ) AS recorded
        FROM locked AS l
    )

    SELECT array_agg(t.id) INTO live FROM told AS t;
    RETURN cancel_executions(live);
END
$$;
COMMENT ON FUNCTION ops.cancel_all IS
'SELECT ops.cancel_all(ARRAY(SELECT execution_id FROM ops.running WHERE age > interval ''1 hour'')); -- end these executions as cancelled, as ops.cancel does, and pass over what has finished meanwhile. Gives how many were live. Audited as execution.cancel, a row for each.';
REVOKE EXECUTE ON FUNCTION ops.limit_idle, ops.cancel_all FROM public;
GRANT EXECUTE ON FUNCTION ops.cancel_all TO scheduler_ops;

COMMENT ON FUNCTION ops.cancel IS
'SELECT ops.cancel(''<execution>''); -- end a live execution as cancelled, in whatever state; the process that calls for it stops at once. Gives the execution, or raises that it has finished. Of several, ops.cancel_all. Audited as execution.cancel.';

-- migrate:down
COMMENT ON FUNCTION ops.cancel IS
'SELECT ops.cancel(''<execution>''); -- end a live execution as cancelled, in whatever state; the process that calls for it stops at once. Gives the execution. Audited as execution.cancel.';
DROP FUNCTION ops.cancel_all;
DROP FUNCTION ops.limit_idle;
