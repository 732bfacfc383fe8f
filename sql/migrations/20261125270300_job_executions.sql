-- migrate:up

-- These two run as the owner, since row-level security compares tenant_id, which the indexes by job do not have: each
-- execution would be fetched only to see whose it is, 10,000 pages scattered over the log. Instead the job is looked up,
-- once, and its executions are its tenant's. They give no more than a number or a place of the transaction's tenant.
CREATE FUNCTION count_job_executions(
    job uuid, state text, since timestamptz, until timestamptz, most bigint
) RETURNS bigint
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path TO public, pg_temp
SET plan_cache_mode TO force_custom_plan
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM jobs AS j WHERE j.id = job AND j.tenant_id = current_tenant()) THEN
        RETURN 0;
    END IF;
    RETURN (
        SELECT count(*)
        FROM (
            SELECT
            FROM executions AS e
            WHERE
                e.job_id = job
                AND (state IS NULL OR e.status = state)
                AND (since IS NULL OR e.scheduled_at >= since)
                AND (until IS NULL OR e.scheduled_at <= until)
            LIMIT most
        ) AS counted
    );
END
$$;
COMMENT ON FUNCTION count_job_executions IS
'How many executions of a job a filter has, counted no further than most; 0 unless the job is of the transaction''s tenant. Filters that are NULL hold for all. Planned for the values it is given, and so from indexes alone.';

CREATE FUNCTION seek_job_executions(
    job uuid, state text, since timestamptz, until timestamptz, place bigint
) RETURNS TABLE (id uuid, at timestamptz)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path TO public, pg_temp
SET plan_cache_mode TO force_custom_plan
AS $$
BEGIN
    IF EXISTS (SELECT FROM jobs AS j WHERE j.id = job AND j.tenant_id = current_tenant()) THEN
        RETURN QUERY
        SELECT e.id, e.scheduled_at
        FROM executions AS e
        WHERE
            e.job_id = job
            AND (state IS NULL OR e.status = state)
            AND (since IS NULL OR e.scheduled_at >= since)
            AND (until IS NULL OR e.scheduled_at <= until)
        ORDER BY e.scheduled_at DESC, e.id DESC
        LIMIT 1 OFFSET place - 1;
    END IF;
END
$$;
COMMENT ON FUNCTION seek_job_executions IS
'Id and scheduled_at of the execution at a place, from 1, in a job''s list that a filter has, newest first; no row unless the job is of the transaction''s tenant. Else as count_job_executions.';
REVOKE EXECUTE ON FUNCTION count_job_executions, seek_job_executions FROM public;
GRANT EXECUTE ON FUNCTION count_job_executions, seek_job_executions TO scheduler_api;

-- migrate:down
DROP FUNCTION seek_job_executions;
DROP FUNCTION count_job_executions;
