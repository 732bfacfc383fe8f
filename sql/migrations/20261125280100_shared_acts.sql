-- migrate:up

-- What the API and whoever is on call both do, written once. Each runs with its caller's rights: row-level security
-- keeps scheduler_api to its tenant, and ops.* call as the owner. Jobs are locked first and in the order of their ids,
-- then queue rows in the order of theirs, as everywhere. Plans are made for the values and the rows of the moment.

CREATE FUNCTION trigger_job(job uuid, tenant text DEFAULT NULL)
RETURNS TABLE (id uuid, known boolean, refusal text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    found_job jobs;
    made uuid := execution_id_at(now(), gen_random_uuid());  -- chance keeps two triggers within a millisecond apart
BEGIN
    SELECT * INTO found_job
    FROM jobs AS j
    WHERE j.id = trigger_job.job AND (trigger_job.tenant IS NULL OR j.tenant_id = trigger_job.tenant)
    FOR NO KEY UPDATE;
    IF found_job.id IS NULL THEN
        RETURN QUERY SELECT NULL::uuid, FALSE, 'There is no such job.';
        RETURN;
    ELSIF found_job.status = 'deleted' THEN
        RETURN QUERY SELECT NULL::uuid, TRUE, 'The job is deleted.';
        RETURN;
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
    RETURN QUERY SELECT made, TRUE, NULL::text;
END
$$;
COMMENT ON FUNCTION trigger_job IS
'Run a job now, beside its schedule, whatever its state short of deleted. Gives the execution, or why there is none. tenant bounds it to one, NULL to none. Audited as job.trigger.';

CREATE FUNCTION changed_jobs(ids uuid [], tenant text, done uuid [], becomes text, needs text)
RETURNS TABLE (id uuid, known boolean, changed boolean, refusal text)
LANGUAGE sql STABLE
AS $$
    SELECT
        a.id, j.id IS NOT NULL, c.id IS NOT NULL,
        CASE
            WHEN j.id IS NULL THEN 'There is no such job.'
            WHEN j.status <> changed_jobs.becomes THEN 'The job is ' || j.status || '; only ' || changed_jobs.needs || '.'
        END
    FROM (SELECT DISTINCT d.id FROM unnest(changed_jobs.ids) AS d (id)) AS a
    LEFT JOIN jobs AS j ON a.id = j.id AND (changed_jobs.tenant IS NULL OR j.tenant_id = changed_jobs.tenant)
    LEFT JOIN unnest(changed_jobs.done) AS c (id) ON a.id = c.id
    ORDER BY a.id
$$;
COMMENT ON FUNCTION changed_jobs IS
'What has become of jobs that were to get another status: a row for each id, whether there is such a job, whether it is among those changed now, and why it has not the status that it was to get.';

CREATE FUNCTION pause_jobs(ids uuid [], tenant text DEFAULT NULL)
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
COMMENT ON FUNCTION pause_jobs IS
'Pause active jobs: what is due stops, what waits is held, what runs may end. A row for each id: whether there is such a job, whether it was paused now, and why it cannot be; one that is paused already stays as it is. tenant bounds it to one, NULL to none. Audited as job.pause, by jobs_audit.';

CREATE FUNCTION release_executions(job_ids uuid []) RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
DECLARE
    released bigint;
BEGIN
    WITH held AS (
        SELECT q.id, q.tenant_id, q.priority, q.scheduled_at
        FROM execution_queue AS q
        WHERE q.job_id = ANY(release_executions.job_ids) AND q.status = 'held' AND q.held_for IS NULL
        ORDER BY q.id
        FOR UPDATE
    ),

    placed AS (
        SELECT
            h.id, h.tenant_id, h.priority,
            row_number() OVER (PARTITION BY h.tenant_id, h.priority ORDER BY h.scheduled_at, h.id) AS place
        FROM held AS h
    ),

    ranked AS (
        SELECT
            p.id,
            max(CASE WHEN p.place = 1 THEN last_rank(p.tenant_id, p.priority) END)
                OVER (PARTITION BY p.tenant_id, p.priority)
            + p.place AS rank
        FROM placed AS p
    )

    UPDATE execution_queue AS q
    SET
        status = CASE WHEN q.retry_at > now() THEN 'retrying' ELSE 'pending' END,
        retry_at = CASE WHEN q.retry_at > now() THEN q.retry_at END,
        rank = r.rank
    FROM ranked AS r
    WHERE q.id = ANY(ARRAY(SELECT d.id FROM ranked AS d)) AND q.id = r.id;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;
COMMENT ON FUNCTION release_executions IS
'Let what a pause of these jobs held wait for its retry, or run; what waits for a predecessor goes on doing so. It goes to the end of its tenant''s line. Gives how many. Locks those queue rows in id order.';

CREATE FUNCTION resume_jobs(ids uuid [], tenant text DEFAULT NULL)
RETURNS TABLE (id uuid, known boolean, changed boolean, refusal text)
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    resumed uuid[];
BEGIN
    PERFORM
    FROM jobs AS j
    WHERE j.id = ANY(resume_jobs.ids) AND (resume_jobs.tenant IS NULL OR j.tenant_id = resume_jobs.tenant)
    ORDER BY j.id
    FOR NO KEY UPDATE;

    WITH changed AS (
        UPDATE jobs AS j
        SET
            status = 'active',
            paused_at = NULL,
            updated_at = now(),
            next_run_at = now(),
            next_instant_at = NULL,
            resumed_from = coalesce(j.next_instant_at, j.paused_at, now())
        WHERE
            j.id = ANY(resume_jobs.ids)
            AND (resume_jobs.tenant IS NULL OR j.tenant_id = resume_jobs.tenant)
            AND j.status = 'paused'
        RETURNING j.id
    )

    SELECT coalesce(array_agg(c.id), '{}') INTO resumed FROM changed AS c;
    PERFORM release_executions(resumed);
    PERFORM pg_notify('scheduler_jobs', ''), pg_notify('scheduler_work', '') WHERE resumed <> '{}';

    RETURN QUERY
    SELECT c.id, c.known, c.changed, c.refusal
    FROM changed_jobs(resume_jobs.ids, resume_jobs.tenant, resumed, 'active', 'a paused one can be resumed') AS c;
END
$$;
COMMENT ON FUNCTION resume_jobs IS
'Resume paused jobs from now on, without making up, and let go of what was held. A row for each id, as of pause_jobs. No schedule is read here: a job is due at once, and what deals with it plans its next run and makes no execution, see jobs.resumed_from: the tick, or the API in the same transaction. tenant bounds it to one, NULL to none. Audited as job.resume, by jobs_audit.';

CREATE FUNCTION complete_jobs(ids uuid []) RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
DECLARE
    completed bigint;
BEGIN
    UPDATE jobs AS j
    SET status = 'completed'
    WHERE j.id = ANY(ARRAY(
        SELECT e.id
        FROM jobs AS e
        WHERE
            e.id = ANY(complete_jobs.ids)
            AND e.status = 'active'
            AND e.next_run_at IS NULL
            AND NOT EXISTS (SELECT FROM execution_queue AS q WHERE q.job_id = e.id AND q.origin <> 'alert' OFFSET 0)
        FOR NO KEY UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS completed = ROW_COUNT;
    RETURN completed;
END
$$;
COMMENT ON FUNCTION complete_jobs IS
'Complete those of these jobs that have no instant left and nothing alive. Gives how many. Jobs that another holds are left to upkeep.';

CREATE FUNCTION release_overlapped() RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
DECLARE
    released bigint;
BEGIN
    WITH freed AS (
        SELECT w.id, w.tenant_id, w.priority, w.scheduled_at, j.status AS job_status
        FROM execution_queue AS w
        CROSS JOIN LATERAL (SELECT status FROM jobs WHERE id = w.job_id OFFSET 0) AS j
        WHERE
            w.held_for = 'overlap'
            AND NOT EXISTS (
                SELECT FROM execution_queue AS q
                WHERE
                    q.job_id = w.job_id
                    AND q.origin <> 'alert'
                    AND (
                        q.held_for IS NULL
                        OR (q.scheduled_at, q.id) < (w.scheduled_at, w.id)
                    )
            )
        ORDER BY w.id
        FOR UPDATE OF w SKIP LOCKED
    ),

    placed AS (
        SELECT
            f.id, f.tenant_id, f.priority, f.job_status,
            row_number() OVER (PARTITION BY f.tenant_id, f.priority ORDER BY f.scheduled_at, f.id) AS place
        FROM freed AS f
    ),

    ranked AS (
        SELECT
            p.id,
            p.job_status,
            max(CASE WHEN p.place = 1 THEN last_rank(p.tenant_id, p.priority) END)
                OVER (PARTITION BY p.tenant_id, p.priority)
            + p.place AS rank
        FROM placed AS p
    )

    UPDATE execution_queue AS q
    SET
        status = CASE WHEN r.job_status = 'paused' THEN 'held' ELSE 'pending' END,
        held_for = NULL,
        rank = r.rank
    FROM ranked AS r
    WHERE q.id = ANY(ARRAY(SELECT d.id FROM ranked AS d)) AND q.id = r.id;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;
COMMENT ON FUNCTION release_overlapped IS
'Let executions go that were held until their job''s earlier execution had ended, where that is so, the oldest of a job first; they go to the end of their tenant''s line. Gives how many. Locks those queue rows in id order, SKIP LOCKED.';

CREATE FUNCTION cancel_executions(ids uuid []) RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
DECLARE
    ended_jobs uuid[];
    called uuid[];
    ended bigint;
BEGIN
    WITH ending AS MATERIALIZED (
        SELECT
            q.id, q.job_id, q.worker_id, q.scheduled_at, q.created_at, q.started_at, q.attempt, q.job_version, q.priority,
            q.origin, q.tenant_id, q.trace_id, q.rerun_of,
            extract(EPOCH FROM now() - q.claimed_at) * 1000 AS duration_ms,
            q.attempts || CASE WHEN q.status = 'running' THEN jsonb_build_array(jsonb_build_object(
                'attempt', q.attempt, 'status', 'cancelled', 'response_status', NULL,
                'error_code', 'cancelled', 'error', NULL, 'started_at', q.claimed_at,
                'duration_ms', round(extract(EPOCH FROM now() - q.claimed_at) * 1000, 3),
                'worker_id', q.worker_id, 'host', w.host
            )) ELSE '[]' END AS attempts
        FROM execution_queue AS q
        LEFT JOIN LATERAL (SELECT host FROM workers WHERE id = q.worker_id OFFSET 0) AS w ON TRUE
        WHERE q.id = ANY(cancel_executions.ids)
        ORDER BY q.id
        FOR UPDATE OF q
    ),

    removed AS (
        DELETE FROM execution_queue AS q WHERE q.id = ANY(ARRAY(SELECT e.id FROM ending AS e))
    ),

    logged AS (
        INSERT INTO execution_log AS l (
            id, job_id, worker_id, scheduled_at, created_at, started_at, duration_ms, attempt, job_version, priority,
            status, origin, tenant_id, error_code, trace_id, attempts, rerun_of
        )
        SELECT
            e.id, e.job_id, e.worker_id, e.scheduled_at, e.created_at, e.started_at, e.duration_ms, e.attempt, e.job_version,
            e.priority, 'cancelled', e.origin, e.tenant_id, 'cancelled', e.trace_id, e.attempts, e.rerun_of
        FROM ending AS e
        RETURNING
            l.job_id, l.tenant_id, (l.finished_at AT TIME ZONE 'UTC')::date AS day, l.attempt, l.started_at, l.origin
    ),

    totalled AS (
        INSERT INTO job_totals AS t (job_id, tenant_id, cancelled, last_run_at, last_status)
        SELECT l.job_id, l.tenant_id, count(*), max(l.started_at), 'cancelled'
        FROM logged AS l
        WHERE l.origin <> 'alert'
        GROUP BY l.job_id, l.tenant_id
        ORDER BY l.job_id
        ON CONFLICT (job_id) DO UPDATE SET
            cancelled = t.cancelled + excluded.cancelled,
            last_run_at = greatest(t.last_run_at, excluded.last_run_at),
            last_status = excluded.last_status
    ),

    counted AS (
        INSERT INTO job_history AS h (job_id, day, tenant_id, cancelled, attempts)
        SELECT l.job_id, l.day, l.tenant_id, count(*), sum(l.attempt)
        FROM logged AS l
        WHERE l.origin <> 'alert'
        GROUP BY l.job_id, l.day, l.tenant_id
        ORDER BY l.job_id, l.day
        ON CONFLICT (job_id, day) DO UPDATE SET
            cancelled = h.cancelled + excluded.cancelled,
            attempts = h.attempts + excluded.attempts
    )

    SELECT
        coalesce(array_agg(DISTINCT e.job_id), '{}'),
        coalesce(array_agg(e.id) FILTER (WHERE e.worker_id IS NOT NULL), '{}'),
        count(*)
    INTO ended_jobs, called, ended
    FROM ending AS e;

    PERFORM complete_jobs(ended_jobs);
    IF EXISTS (SELECT FROM execution_queue AS q WHERE q.job_id = ANY(ended_jobs) AND q.held_for = 'overlap') THEN
        IF release_overlapped() > 0 THEN
            PERFORM pg_notify('scheduler_work', '');
        END IF;
    END IF;
    PERFORM pg_notify('scheduler_cancel', c.id::text) FROM unnest(called) AS c (id);
    RETURN ended;
END
$$;
COMMENT ON FUNCTION cancel_executions IS
'End live executions as cancelled, in whatever state, and tell who calls for one to stop; what waited for one of them goes on. Gives how many there were. Counts as work.finish does. Locks: the queue rows in id order, then totals and days in job order; jobs SKIP LOCKED.';

CREATE FUNCTION cancel_execution(execution uuid, tenant text DEFAULT NULL)
RETURNS TABLE (id uuid, known boolean, refusal text)
LANGUAGE plpgsql
SET enable_seqscan TO off
SET plan_cache_mode TO force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    live record;
BEGIN
    SELECT q.job_id, q.tenant_id, q.status INTO live
    FROM execution_queue AS q
    WHERE
        q.id = cancel_execution.execution
        AND (cancel_execution.tenant IS NULL OR q.tenant_id = cancel_execution.tenant)
    FOR UPDATE;
    IF FOUND THEN
        PERFORM cancel_executions(ARRAY[cancel_execution.execution]);
        PERFORM record_audit(
            live.tenant_id, 'execution.cancel', cancel_execution.execution, live.job_id,
            jsonb_build_object('status', live.status), jsonb_build_object('status', 'cancelled')
        );
        RETURN QUERY SELECT cancel_execution.execution, TRUE, NULL::text;
    ELSE
        RETURN QUERY
        SELECT
            cancel_execution.execution, l.status IS NOT NULL,
            coalesce('The execution has finished: it is ' || l.status || '.', 'There is no such execution.')
        FROM (SELECT) AS one
        LEFT JOIN execution_log AS l ON
            l.id = cancel_execution.execution
            AND l.scheduled_at >= execution_instant(cancel_execution.execution)
            AND l.scheduled_at < execution_instant(cancel_execution.execution) + INTERVAL '1 ms'
            AND (cancel_execution.tenant IS NULL OR l.tenant_id = cancel_execution.tenant);
    END IF;
END
$$;
COMMENT ON FUNCTION cancel_execution IS
'End one live execution as cancelled, as cancel_executions does. Gives whether there is such an execution, and why it cannot be cancelled. tenant bounds it to one, NULL to none. Audited as execution.cancel.';

REVOKE EXECUTE ON FUNCTION
    trigger_job, changed_jobs, pause_jobs, release_executions, resume_jobs, complete_jobs, release_overlapped,
    cancel_executions, cancel_execution
FROM public;
GRANT EXECUTE ON FUNCTION
    trigger_job, changed_jobs, pause_jobs, release_executions, resume_jobs, complete_jobs, release_overlapped,
    cancel_executions, cancel_execution
TO scheduler_api;
GRANT EXECUTE ON FUNCTION release_executions, complete_jobs, release_overlapped, cancel_executions TO scheduler_engine;

COMMENT ON INDEX execution_queue_pkey IS
'Serves work.claim, work.finish, executions.cancel and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';
COMMENT ON INDEX execution_queue_job_idx IS
'Serves executions.list by job, tick.due_jobs, jobs.pause, jobs.resume, jobs.lock_waiting, alerts.judge and the completion of exhausted jobs: what lives of a job.';

-- migrate:down
COMMENT ON INDEX execution_queue_job_idx IS
'Serves executions.list by job, tick.due_jobs, jobs.hold_executions, jobs.lock_waiting, alerts.judge and the completion of exhausted jobs: what lives of a job.';
COMMENT ON INDEX execution_queue_pkey IS
'Serves work.claim, work.finish, executions.lock and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';
DROP FUNCTION cancel_execution;
DROP FUNCTION cancel_executions;
DROP FUNCTION release_overlapped;
DROP FUNCTION complete_jobs;
DROP FUNCTION resume_jobs;
DROP FUNCTION release_executions;
DROP FUNCTION pause_jobs;
DROP FUNCTION changed_jobs;
DROP FUNCTION trigger_job;
