-- migrate:up

CREATE OR REPLACE FUNCTION pause_jobs(ids uuid [], tenant text DEFAULT NULL)
RETURNS TABLE (id uuid, known boolean, changed boolean, refusal text)
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    paused uuid[];
BEGIN
    PERFORM
    FROM jobs AS j
    WHERE j.id = ANY(pause_jobs.ids) AND (pause_jobs.tenant IS NULL OR j.tenant_id = pause_jobs.tenant)
    ORDER BY j.id
    FOR NO KEY UPDATE;

    WITH changed AS (
        UPDATE jobs AS j
        SET
            status = 'paused',
            paused_at = now(),
            updated_at = now(),
            next_run_at = NULL,
            -- The first instant that the pause swallows: of one that was just resumed, that of the pause before.
            next_instant_at = coalesce(
                j.next_instant_at, CASE WHEN j.next_run_at IS NOT NULL THEN coalesce(j.resumed_from, j.next_run_at) END
            ),
            resumed_from = NULL
        WHERE
            j.id = ANY(pause_jobs.ids)
            AND (pause_jobs.tenant IS NULL OR j.tenant_id = pause_jobs.tenant)
            AND j.status = 'active'
        RETURNING j.id
    )

    SELECT coalesce(array_agg(c.id), '{}') INTO paused FROM changed AS c;

    -- Locked first, and then looked at again: one that is claimed meanwhile is not waiting any more, and runs on; one
    -- that waited for its predecessor may have been let go.
    PERFORM
    FROM execution_queue AS w
    WHERE
        w.job_id = ANY(paused)
        AND (w.status IN ('pending', 'retrying') OR w.held_for = 'overlap')
        AND w.origin <> 'alert'
    ORDER BY w.id
    FOR UPDATE;

    -- What is locked by others now has begun to wait since then, and is being claimed.
    UPDATE execution_queue AS q
    SET status = 'held'
    WHERE q.id = ANY(ARRAY(
        SELECT w.id
        FROM execution_queue AS w
        WHERE w.job_id = ANY(paused) AND w.status IN ('pending', 'retrying') AND w.origin <> 'alert'
        ORDER BY w.id
        FOR UPDATE SKIP LOCKED
    ));
    PERFORM pg_notify('scheduler_jobs', '') WHERE paused <> '{}';

    RETURN QUERY
    SELECT c.id, c.known, c.changed, c.refusal
    FROM changed_jobs(pause_jobs.ids, pause_jobs.tenant, paused, 'paused', 'an active one can be paused') AS c;
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION pause_jobs(ids uuid [], tenant text DEFAULT NULL)
RETURNS TABLE (id uuid, known boolean, changed boolean, refusal text)
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    paused uuid[];
BEGIN
    PERFORM
    FROM jobs AS j
    WHERE j.id = ANY(pause_jobs.ids) AND (pause_jobs.tenant IS NULL OR j.tenant_id = pause_jobs.tenant)
    ORDER BY j.id
    FOR NO KEY UPDATE;

    WITH changed AS (
        UPDATE jobs AS j
        SET
            status = 'paused',
            paused_at = now(),
            updated_at = now(),
            next_run_at = NULL,
            -- The first instant that the pause swallows: of one that was just resumed, that of the pause before.
            next_instant_at = coalesce(
                j.next_instant_at, CASE WHEN j.next_run_at IS NOT NULL THEN coalesce(j.resumed_from, j.next_run_at) END
            ),
            resumed_from = NULL
        WHERE
            j.id = ANY(pause_jobs.ids)
            AND (pause_jobs.tenant IS NULL OR j.tenant_id = pause_jobs.tenant)
            AND j.status = 'active'
        RETURNING j.id
    )

    SELECT coalesce(array_agg(c.id), '{}') INTO paused FROM changed AS c;

    -- One that is claimed meanwhile is not waiting any more when its lock is free, and runs on.
    UPDATE execution_queue AS q
    SET status = 'held'
    WHERE q.id = ANY(ARRAY(
        SELECT w.id
        FROM execution_queue AS w
        WHERE w.job_id = ANY(paused) AND w.status IN ('pending', 'retrying') AND w.origin <> 'alert'
        ORDER BY w.id
        FOR UPDATE
    ));
    PERFORM pg_notify('scheduler_jobs', '') WHERE paused <> '{}';

    RETURN QUERY
    SELECT c.id, c.known, c.changed, c.refusal
    FROM changed_jobs(pause_jobs.ids, pause_jobs.tenant, paused, 'paused', 'an active one can be paused') AS c;
END
$$;
