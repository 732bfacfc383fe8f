SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: ops; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA ops;

--
-- Name: SCHEMA ops; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA ops IS 'For whoever is on call: what goes on now, over all tenants. Try SELECT * FROM ops.overview; \dv+ ops.* lists the views, \d+ ops.tenants explains the columns of one, \df+ ops.* the functions. Each view says over which window it looks; none reads the whole log.';

--
-- Name: report; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA report;

--
-- Name: SCHEMA report; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA report IS 'How the service did: days, hours, jobs, errors and tenants. \dv+ report.* lists the views and the window of each; read them with a WHERE on tenant_id for one tenant.';

--
-- Name: cancel(uuid); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.cancel(execution uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION cancel(execution uuid); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.cancel(execution uuid) IS 'SELECT ops.cancel(''<execution>''); -- end a live execution as cancelled, in whatever state; the process that calls for it stops at once. Gives the execution, or raises that it has finished. Of several, ops.cancel_all. Audited as execution.cancel.';

--
-- Name: cancel_all(uuid[]); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.cancel_all(executions uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION cancel_all(executions uuid[]); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.cancel_all(executions uuid[]) IS 'SELECT ops.cancel_all(ARRAY(SELECT execution_id FROM ops.running WHERE age > interval ''1 hour'')); -- end these executions as cancelled, as ops.cancel does, and pass over what has finished meanwhile. Gives how many were live. Audited as execution.cancel, a row for each.';

--
-- Name: drain(uuid); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.drain(worker uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION drain(worker uuid); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.drain(worker uuid) IS 'SELECT ops.drain(''<worker>''); -- let an engine process claim and tick no more, finish the calls it makes (each has its timeout; ops.cancel is quicker) and give back what it has not begun. It heeds this at once, or at its next heartbeat; ops.workers then shows it as draining, and as drained once nothing runs there. It stays so, with its heartbeats and the API that it may serve, until it is ended or restarted (SIGTERM), which costs no run then; a supervisor leaves it alone. A process of release 1.0.0 does not heed it. Audited as worker.drain.';

--
-- Name: execution_id_at(timestamp with time zone, uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.execution_id_at(at timestamp with time zone, rest uuid) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    digits text := replace(rest::text, '-', '');
BEGIN
    RETURN (
        lpad(to_hex(floor(extract(EPOCH FROM at) * 1000)::bigint), 12, '0')
        || '7' || substr(digits, 14, 3)
        || translate(substr(digits, 18, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(digits, 18, 15)
    )::uuid;
END
$$;

--
-- Name: FUNCTION execution_id_at(at timestamp with time zone, rest uuid); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.execution_id_at(at timestamp with time zone, rest uuid) IS 'UUID in the UUIDv7 layout (RFC 9562, 5.7): milliseconds of the instant, then 74 bits of rest.';

--
-- Name: first_id(timestamp with time zone); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.first_id(since timestamp with time zone) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN public.execution_id_at(since, '00000000-0000-0000-0000-000000000000'::uuid);

--
-- Name: FUNCTION first_id(since timestamp with time zone); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.first_id(since timestamp with time zone) IS 'The lowest id that an execution scheduled at or after an instant can have: ids are in the order of time, so the primary key of execution_log finds a window of it.';

--
-- Name: heed(boolean, text, text, uuid); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.heed(known boolean, refusal text, what text, id uuid) RETURNS void
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

--
-- Name: FUNCTION heed(known boolean, refusal text, what text, id uuid); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.heed(known boolean, refusal text, what text, id uuid) IS 'Raise what a function of the service says against an act; for the functions of ops.';

--
-- Name: jobs_meant(uuid, text, text, timestamp with time zone); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.jobs_meant(job uuid, tenant text, status text, since timestamp with time zone) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION jobs_meant(job uuid, tenant text, status text, since timestamp with time zone); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.jobs_meant(job uuid, tenant text, status text, since timestamp with time zone) IS 'The jobs that ops.pause and ops.resume act on: the one named, or those of a tenant that have a status, and were paused since an instant where one is given.';

--
-- Name: limit_idle(); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.limit_idle() RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('idle_in_transaction_session_timeout', '5s', TRUE)
    WHERE current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN '1 ms' AND '5 s'
$$;

--
-- Name: FUNCTION limit_idle(); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.limit_idle() IS 'Let the server end this session, and undo what it did, should it be idle for 5 seconds before its transaction has ended; for the functions of ops that lock something.';

--
-- Name: pause(uuid, text); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.pause(job uuid DEFAULT NULL::uuid, tenant text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION pause(job uuid, tenant text); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.pause(job uuid, tenant text) IS 'SELECT ops.pause(''<job>''); or SELECT ops.pause(tenant => ''<tenant>''); -- stop what is due of an active job, or of all of a tenant''s, and hold what waits; what runs may end (ops.cancel stops it). Gives how many jobs were paused: 0 where they were already. Jobs that are made later run. Audited as job.pause, a row for each job.';

--
-- Name: rerun(uuid); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.rerun(execution uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION rerun(execution uuid); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.rerun(execution uuid) IS 'SELECT ops.rerun(''<execution>''); -- run a finished execution again, as a new one of its job as the job is now. Gives that, or raises why not. Audited as execution.rerun.';

--
-- Name: rerun_failed(uuid, timestamp with time zone); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.rerun_failed(job uuid, since timestamp with time zone) RETURNS TABLE(id uuid, rerun_id uuid, refusal text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION rerun_failed(job uuid, since timestamp with time zone); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.rerun_failed(job uuid, since timestamp with time zone) IS 'SELECT * FROM ops.rerun_failed(''<job>'', now() - interval ''1 hour''); -- run again what failed or timed out of a job since then, the oldest 1,000 at most; what was run again before is refused. A row for each. Audited as execution.rerun.';

--
-- Name: resume(uuid, text, timestamp with time zone); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.resume(job uuid DEFAULT NULL::uuid, tenant text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION resume(job uuid, tenant text, since timestamp with time zone); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.resume(job uuid, tenant text, since timestamp with time zone) IS 'SELECT ops.resume(''<job>''); or SELECT ops.resume(tenant => ''<tenant>'', since => now() - interval ''1 hour''); -- let a paused job, or those of a tenant that were paused since then (all, where it is left out), go on from now, without making up; what was held goes on at once, and the next tick plans the next run. Gives how many jobs were resumed: 0 where they were active. Audited as job.resume, a row for each job.';

--
-- Name: trigger(uuid); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.trigger(job uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION trigger(job uuid); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.trigger(job uuid) IS 'SELECT ops.trigger(''<job>''); -- run a job now, beside its schedule, whatever its state short of deleted. Gives the execution. Audited as job.trigger.';

--
-- Name: why(uuid, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: ops; Owner: -
--

CREATE FUNCTION ops.why(job uuid, since timestamp with time zone DEFAULT (now() - '7 days'::interval), until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS TABLE(at timestamp with time zone, what text, why text, execution_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT s.at, s.what, s.why, s.execution_id
    FROM (
        SELECT
            0 AS place,
            coalesce(j.next_run_at, j.paused_at, t.last_run_at, j.updated_at) AS at,
            CASE
                WHEN j.status <> 'active' THEN 'job is ' || j.status
                WHEN j.next_run_at IS NULL THEN 'no next run'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'run is overdue'
                ELSE 'next run'
            END AS what,
            CASE
                WHEN j.status = 'paused' THEN 'what comes due is passed over, and what waits is held, until it is resumed'
                WHEN j.status = 'deleted' THEN 'it does not run any more'
                WHEN j.status = 'completed' AND j.type = 'one_time' THEN 'its one instant has run'
                WHEN j.status = 'completed' AND j.runs >= j.max_runs THEN 'all its runs are made; max_runs is ' || j.max_runs
                WHEN j.status = 'completed' THEN 'its schedule has no instant left; end_at is ' || coalesce(j.end_at::text, 'not set')
                WHEN j.next_run_at IS NULL THEN 'its last run has been made and has yet to end'
                WHEN j.next_run_at < now() - interval '2 seconds' THEN 'no tick has dealt with it; see ops.overview and ops.workers'
                ELSE concat_ws(' ', j.type, j.schedule, CASE WHEN j.type = 'cron' THEN j.timezone END)
            END AS why,
            NULL::uuid AS execution_id
        FROM jobs AS j
        LEFT JOIN job_totals AS t ON j.id = t.job_id
        WHERE j.id = why.job
        UNION ALL
        (
            SELECT
                1, q.scheduled_at, q.status,
                CASE q.status
                    WHEN 'pending' THEN CASE
                        WHEN (SELECT v.workers FROM service_state AS v) = 0 THEN 'no engine process claims it; see ops.workers'
                        ELSE 'waits for a free slot; see ops.workers and ops.tenants'
                    END
                    WHEN 'running' THEN 'attempt ' || q.attempt || ' is called since ' || q.claimed_at
                        || coalesce(' by process ' || w.pid || ' on ' || w.host, ' by a process that is gone')
                    WHEN 'retrying' THEN CASE
                        WHEN q.put_off_for IS NOT NULL THEN 'put off: the breaker of ' || q.put_off_for || ' is open; see ops.endpoints'
                        ELSE 'attempt ' || q.attempt || ' failed: '
                            || coalesce(q.attempts -> -1 ->> 'error', q.attempts -> -1 ->> 'error_code', 'no reason is on record')
                    END || '; again at ' || q.retry_at
                    ELSE CASE
                        WHEN q.held_for = 'overlap' THEN 'waits until the job''s earlier execution has ended'
                        ELSE 'held while its job is paused'
                    END
                END,
                q.id
            FROM execution_queue AS q
            LEFT JOIN workers AS w ON q.worker_id = w.id
            WHERE q.job_id = why.job AND q.scheduled_at <= why.until AND q.origin <> 'alert'
            ORDER BY q.scheduled_at DESC, q.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, l.scheduled_at, l.status,
                concat_ws(
                    '; ',
                    coalesce(
                        l.error,
                        CASE WHEN l.status = 'completed' THEN 'answered ' || l.response_status END,
                        CASE WHEN l.status = 'cancelled' THEN coalesce(
                            (
                                SELECT 'by ' || a.actor FROM audit_log AS a
                                WHERE a.entity_id = l.id AND a.action = 'execution.cancel'
                                ORDER BY a.at DESC
                                LIMIT 1
                            ),
                            'with its job, or by the run that replaced it'
                        ) END,
                        l.error_code
                    ),
                    CASE WHEN l.skipped_count > 1 THEN l.skipped_count || ' instants until ' || l.skipped_until END,
                    CASE WHEN l.attempt > 1 THEN l.attempt || ' attempts' END,
                    CASE WHEN l.origin <> 'schedule' THEN l.origin END
                ),
                l.id
            FROM execution_log AS l
            WHERE l.job_id = why.job AND l.scheduled_at BETWEEN why.since AND why.until AND l.origin <> 'alert'
            ORDER BY l.scheduled_at DESC, l.id DESC
            LIMIT 100
        )
        UNION ALL
        (
            SELECT
                1, a.at, a.action,
                'by ' || a.actor || coalesce(': ' || (
                    SELECT string_agg(k.field, ', ' ORDER BY k.field)
                    FROM jsonb_object_keys(coalesce(a.after, a.before)) AS k (field)
                    WHERE a.action = 'job.update'
                ), ''),
                nullif(a.entity_id, a.job_id)
            FROM audit_log AS a
            WHERE a.job_id = why.job AND a.at BETWEEN why.since AND why.until
            ORDER BY a.at DESC
            LIMIT 100
        )
    ) AS s
    ORDER BY s.place, s.at DESC
    LIMIT 100
$$;

--
-- Name: FUNCTION why(job uuid, since timestamp with time zone, until timestamp with time zone); Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON FUNCTION ops.why(job uuid, since timestamp with time zone, until timestamp with time zone) IS 'SELECT * FROM ops.why(''<job>''); -- why a run did or did not happen: first the job''s state and next run, then its live and finished executions, what was passed over, and who changed it, the newest first; 100 rows at most, of 7 days, or since an instant, or of the time around one, as in ops.why(''<job>'', ''2026-11-25 02:50Z'', ''2026-11-25 03:10Z''). By name: SELECT w.* FROM ops.jobs AS j, ops.why(j.job_id) AS w WHERE j.name = ''nightly''. GET /api/v1/jobs/:id/occurrences tells it of each instant.';

--
-- Name: attempt_entry(integer, text, integer, text, text, timestamp with time zone, double precision, uuid, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.attempt_entry(attempt integer, status text, response_status integer, error_code text, error text, started_at timestamp with time zone, duration_ms double precision, worker_id uuid, host text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_array(jsonb_build_object('attempt', attempt, 'status', status, 'response_status', response_status, 'error_code', error_code, 'error', error, 'started_at', started_at, 'duration_ms', round((duration_ms)::numeric, 3), 'worker_id', worker_id, 'host', host));

--
-- Name: FUNCTION attempt_entry(attempt integer, status text, response_status integer, error_code text, error text, started_at timestamp with time zone, duration_ms double precision, worker_id uuid, host text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.attempt_entry(attempt integer, status text, response_status integer, error_code text, error text, started_at timestamp with time zone, duration_ms double precision, worker_id uuid, host text) IS 'An ended attempt as attempts lists it: an array of that one entry. duration_ms is rounded to microseconds.';

--
-- Name: audit_actor(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_actor() RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN (current_setting('role'::text) = 'scheduler_api'::text) THEN COALESCE(NULLIF(current_setting('scheduler.actor'::text, true), ''::text), 'api'::text) ELSE ('role:'::text || (SESSION_USER)::text) END;

--
-- Name: FUNCTION audit_actor(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.audit_actor() IS 'Who acts in this transaction: what the API has set, or else whoever is logged in. Only scheduler_api is believed.';

--
-- Name: audit_changes(jsonb, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_changes(held jsonb, other jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_object_agg(h.key, CASE WHEN (octet_length((h.value)::text) > 8192) THEN jsonb_build_object('bytes', octet_length((h.value)::text), 'sha256', encode(sha256(convert_to((h.value)::text, 'UTF8'::name)), 'hex'::text)) ELSE h.value END) AS jsonb_object_agg FROM jsonb_each(audit_changes.held) h(key, value) WHERE ((audit_changes.other IS NULL) OR ((audit_changes.other -> h.key) IS DISTINCT FROM h.value)));

--
-- Name: FUNCTION audit_changes(held jsonb, other jsonb); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.audit_changes(held jsonb, other jsonb) IS 'The members of held that other has not, or has otherwise; NULL when there are none. A value of more than 8 KiB is shown by its length and digest: job_versions has payload and headers whole.';

--
-- Name: audit_job(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_job() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
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

--
-- Name: FUNCTION audit_job(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.audit_job() IS 'Record a change of a job, whoever makes it and by whatever statement.';

--
-- Name: audit_key(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    hidden text [] := ARRAY['id', 'tenant_id', 'hash', 'last_used_at'];
    key api_keys := coalesce(new, old);
    was jsonb := CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) - hidden END;
    is_now jsonb := CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) - hidden END;
BEGIN
    IF was = is_now AND new.hash = old.hash AND new.tenant_id = old.tenant_id THEN
        RETURN NULL;
    END IF;
    PERFORM record_audit(
        key.tenant_id,
        CASE
            WHEN tg_op = 'INSERT' THEN 'key.create'
            WHEN tg_op = 'DELETE' THEN 'key.purge'
            WHEN old.revoked_at IS NULL AND new.revoked_at IS NOT NULL THEN 'key.revoke'
            ELSE 'key.update'
        END,
        key.id, NULL, audit_changes(was, is_now), audit_changes(is_now, was)
    );
    RETURN NULL;
END
$$;

--
-- Name: FUNCTION audit_key(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.audit_key() IS 'Record what happens to a key, whoever does it; its hash is not shown.';

--
-- Name: masked_headers(jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.masked_headers(headers jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT COALESCE(jsonb_object_agg(h.key, CASE WHEN (lower(h.key) = ANY (ARRAY['authorization'::text, 'proxy-authorization'::text, 'cookie'::text, 'api-key'::text, 'x-api-key'::text, 'x-auth-token'::text, 'x-access-token'::text])) THEN '"********"'::jsonb ELSE h.value END), '{}'::jsonb) AS "coalesce" FROM jsonb_each(masked_headers.headers) h(key, value));

--
-- Name: FUNCTION masked_headers(headers jsonb); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.masked_headers(headers jsonb) IS 'Headers with a mask for each that always is secret, whoever wrote the row.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id text NOT NULL,
    name text NOT NULL,
    description text,
    type text NOT NULL,
    schedule text NOT NULL,
    timezone text NOT NULL,
    anchor_at timestamp with time zone DEFAULT now() NOT NULL,
    endpoint text NOT NULL,
    method text NOT NULL,
    headers jsonb DEFAULT '{}'::jsonb NOT NULL,
    payload jsonb,
    timeout_seconds integer NOT NULL,
    max_retries integer NOT NULL,
    retry_delay_seconds integer NOT NULL,
    priority smallint NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    next_run_at timestamp with time zone,
    next_instant_at timestamp with time zone,
    start_at timestamp with time zone,
    end_at timestamp with time zone,
    max_runs integer,
    runs integer DEFAULT 0 NOT NULL,
    jitter_seconds integer DEFAULT 0 NOT NULL,
    misfire_policy text DEFAULT 'fire_once'::text NOT NULL,
    misfire_limit integer DEFAULT 100 NOT NULL,
    start_deadline_seconds integer,
    overlap_policy text DEFAULT 'allow'::text NOT NULL,
    retry_backoff text DEFAULT 'fixed'::text NOT NULL,
    retry_max_delay_seconds integer,
    retry_on text[],
    paused_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    secrets jsonb DEFAULT '{"headers": [], "payload": []}'::jsonb NOT NULL,
    sealed text,
    key text,
    alert jsonb,
    resumed_from timestamp with time zone,
    CONSTRAINT jobs_alert_object CHECK ((jsonb_typeof(alert) = 'object'::text)),
    CONSTRAINT jobs_bounds_in_order CHECK ((end_at > start_at)),
    CONSTRAINT jobs_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT jobs_endpoint_http CHECK (((endpoint ~* '^https?://'::text) AND (char_length(endpoint) <= 2048))),
    CONSTRAINT jobs_headers_object CHECK ((jsonb_typeof(headers) = 'object'::text)),
    CONSTRAINT jobs_jitter_in_range CHECK (((jitter_seconds >= 0) AND (jitter_seconds <= 86400))),
    CONSTRAINT jobs_key_pattern CHECK ((key ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$'::text)),
    CONSTRAINT jobs_max_retries_in_range CHECK (((max_retries >= 0) AND (max_retries <= 100))),
    CONSTRAINT jobs_max_runs_in_range CHECK ((max_runs >= 1)),
    CONSTRAINT jobs_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT jobs_method_known CHECK ((method = ANY (ARRAY['GET'::text, 'HEAD'::text, 'POST'::text, 'PUT'::text, 'PATCH'::text, 'DELETE'::text, 'OPTIONS'::text]))),
    CONSTRAINT jobs_misfire_limit_in_range CHECK (((misfire_limit >= 1) AND (misfire_limit <= 1000))),
    CONSTRAINT jobs_misfire_policy_known CHECK ((misfire_policy = ANY (ARRAY['fire_once'::text, 'skip'::text, 'fire_all'::text]))),
    CONSTRAINT jobs_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT jobs_next_run_only_when_active CHECK (((next_run_at IS NULL) OR (status = 'active'::text))),
    CONSTRAINT jobs_overlap_policy_known CHECK ((overlap_policy = ANY (ARRAY['allow'::text, 'skip'::text, 'queue'::text, 'replace'::text]))),
    CONSTRAINT jobs_paused_at_iff_paused CHECK (((paused_at IS NULL) OR (status = 'paused'::text))),
    CONSTRAINT jobs_priority_in_range CHECK (((priority >= 1) AND (priority <= 10))),
    CONSTRAINT jobs_retry_backoff_known CHECK ((retry_backoff = ANY (ARRAY['fixed'::text, 'exponential'::text]))),
    CONSTRAINT jobs_retry_delay_in_range CHECK (((retry_delay_seconds >= 0) AND (retry_delay_seconds <= 86400))),
    CONSTRAINT jobs_retry_max_delay_in_range CHECK (((retry_max_delay_seconds >= 1) AND (retry_max_delay_seconds <= 86400))),
    CONSTRAINT jobs_retry_on_count CHECK ((cardinality(retry_on) <= 50)),
    CONSTRAINT jobs_schedule_length CHECK (((char_length(schedule) >= 1) AND (char_length(schedule) <= 4095))),
    CONSTRAINT jobs_start_deadline_in_range CHECK ((start_deadline_seconds >= 1)),
    CONSTRAINT jobs_status_known CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'completed'::text, 'deleted'::text]))),
    CONSTRAINT jobs_tags_count CHECK ((cardinality(tags) <= 50)),
    CONSTRAINT jobs_tenant_id_pattern CHECK ((tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'::text)),
    CONSTRAINT jobs_timeout_in_range CHECK (((timeout_seconds >= 1) AND (timeout_seconds <= 3600))),
    CONSTRAINT jobs_timezone_length CHECK (((char_length(timezone) >= 1) AND (char_length(timezone) <= 64))),
    CONSTRAINT jobs_type_known CHECK ((type = ANY (ARRAY['cron'::text, 'interval'::text, 'one_time'::text])))
)
WITH (fillfactor='85');

--
-- Name: TABLE jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.jobs IS 'What a tenant wants called, and when. Written by clients of the API and by those on call; the engine only advances next_run_at, next_instant_at and runs, and turns a job completed. Never deleted: status deleted hides it. fillfactor 85 leaves room on the page for the advance of next_run_at.';

--
-- Name: COLUMN jobs.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.id IS 'Given at creation and never to another job; each run''s jitter is worked out from it.';

--
-- Name: COLUMN jobs.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.tenant_id IS 'Whose job it is: the request''s X-Tenant-ID or its API key''s tenant; 00000000-0000-0000-0000-000000000000 is the default tenant.';

--
-- Name: COLUMN jobs.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.name IS 'What people call it; two jobs may have the same one, unlike key.';

--
-- Name: COLUMN jobs.description; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.description IS 'Free text of the client''s, up to 10,000 characters; NULL: none.';

--
-- Name: COLUMN jobs.type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.type IS 'How schedule is read: cron, interval or one_time.';

--
-- Name: COLUMN jobs.schedule; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.schedule IS 'When it runs. cron: five fields, six with the seconds first, @hourly and the like, or @every 1h30m. interval: seconds. one_time: an RFC 3339 instant.';

--
-- Name: COLUMN jobs.timezone; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.timezone IS 'IANA zone whose clock cron fields go by, unless schedule begins with TZ=; other schedules do not need it.';

--
-- Name: COLUMN jobs.anchor_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.anchor_at IS 'When its schedule was set: at creation, or by the edit that changed it. Origin of interval and @every schedules without start_at: the k-th instant is anchor_at plus k intervals, so runs never drift.';

--
-- Name: COLUMN jobs.endpoint; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.endpoint IS 'URL that is called. Not secret: no credentials in it.';

--
-- Name: COLUMN jobs.method; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.method IS 'HTTP method of the call; POST where the client named none.';

--
-- Name: COLUMN jobs.headers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.headers IS 'Headers of the call; a mask stands for each secret value.';

--
-- Name: COLUMN jobs.payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.payload IS 'JSON body of the call, a mask for each secret value in it; NULL sends no body.';

--
-- Name: COLUMN jobs.timeout_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.timeout_seconds IS 'Bounds the whole call, from connecting to the last byte of the answer.';

--
-- Name: COLUMN jobs.max_retries; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.max_retries IS 'Calls after the first: 3 means at most 4 calls.';

--
-- Name: COLUMN jobs.retry_delay_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.retry_delay_seconds IS 'Wait before the first retry; later ones as retry_backoff says, and any longer where the receiver''s Retry-After asks for it, up to an hour.';

--
-- Name: COLUMN jobs.priority; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.priority IS '1 to 10: of what is pending, 10 is claimed first. Executions take it over when they are made, save those of backfills (1) and alerts (10).';

--
-- Name: COLUMN jobs.tags; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.tags IS 'Labels that lists and bulk acts can select by; nothing else reads them.';

--
-- Name: COLUMN jobs.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.metadata IS 'The client''s own JSON object: kept and shown, never sent with the call.';

--
-- Name: COLUMN jobs.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.status IS 'active; paused (nothing is materialized, what waits is held); completed (no instant is left, and what its schedule made has ended); deleted (hidden for good, the row stays).';

--
-- Name: COLUMN jobs.next_run_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.next_run_at IS 'The coming instant, or NULL when none is left or the job is not active. An active job with NULL here has had its last run materialized.';

--
-- Name: COLUMN jobs.next_instant_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.next_instant_at IS 'The schedule''s own instant behind next_run_at, which is later by the jitter offset; NULL means the same as next_run_at. Of a paused job: the first instant that the pause swallows.';

--
-- Name: COLUMN jobs.start_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.start_at IS 'No instant is earlier, and an interval counts from here; NULL: no such bound.';

--
-- Name: COLUMN jobs.end_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.end_at IS 'No instant is later, and then the job is completed; NULL: no such bound.';

--
-- Name: COLUMN jobs.max_runs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.max_runs IS 'Once runs has reached it, the job is completed; NULL: no such bound.';

--
-- Name: COLUMN jobs.runs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.runs IS 'Runs the schedule has materialized since it was set; max_runs bounds it.';

--
-- Name: COLUMN jobs.jitter_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.jitter_seconds IS 'Each run is put off by less than this, and not past the next instant, by what job and instant determine; 0: none is.';

--
-- Name: COLUMN jobs.misfire_policy; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.misfire_policy IS 'For instants that passed while nobody ticked: fire_once (the newest runs), skip (none), fire_all (at most misfire_limit).';

--
-- Name: COLUMN jobs.misfire_limit; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.misfire_limit IS 'Most runs that misfire_policy fire_all makes up at once, the newest.';

--
-- Name: COLUMN jobs.start_deadline_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.start_deadline_seconds IS 'An instant older than this when it is materialized is skipped, whatever misfire_policy says; NULL: none is too old.';

--
-- Name: COLUMN jobs.overlap_policy; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.overlap_policy IS 'For an instant that comes due while an earlier execution lives: allow, skip, queue (one waits), replace (the earlier is cancelled).';

--
-- Name: COLUMN jobs.retry_backoff; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.retry_backoff IS 'How the wait grows from retry to retry: fixed (retry_delay_seconds each time) or exponential (twice as long each time, less up to half of it, so that what failed together comes back apart).';

--
-- Name: COLUMN jobs.retry_max_delay_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.retry_max_delay_seconds IS 'Bound of an exponential wait; NULL: an hour, or retry_delay_seconds where that is more.';

--
-- Name: COLUMN jobs.retry_on; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.retry_on IS 'What is retried, and nothing else: statuses (503), classes (5xx), timeout, connection. NULL: 408, 425, 429, 5xx, timeouts and lost connections.';

--
-- Name: COLUMN jobs.paused_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.paused_at IS 'Since when it is paused; NULL when it is not.';

--
-- Name: COLUMN jobs.version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.version IS 'Counts the edits of the definition, from 1.';

--
-- Name: COLUMN jobs.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.created_at IS 'When it was registered; lists go by it, the newest first.';

--
-- Name: COLUMN jobs.updated_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.updated_at IS 'When it was last edited, paused, resumed or deleted; what the engine does leaves it as it is.';

--
-- Name: COLUMN jobs.secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.secrets IS 'What the job names secret, beside the headers that always are: names of headers, JSON pointers into payload.';

--
-- Name: COLUMN jobs.sealed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.sealed IS 'The secret values, for which headers and payload hold a mask: v1:<key>:<base64>, AES-GCM bound to tenant and job, or plain:<JSON> where the service had no key; NULL: none. Read by the engine before a call, by an edit that keeps them and by secrets rotate, which seals them anew; by nothing else. Not in job_versions: an old version shows masks only.';

--
-- Name: COLUMN jobs.key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.key IS 'A name of the client''s own choosing, by which it finds the job again; unique among a tenant''s jobs that are not deleted.';

--
-- Name: COLUMN jobs.alert; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.alert IS 'Where to report trouble of the job, and which: url, after_failures, also_on_recovery, if_late_by, if_no_success_for; NULL reports none.';

--
-- Name: COLUMN jobs.resumed_from; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.jobs.resumed_from IS 'Of a job that was resumed and whose next run the tick has yet to plan: the first instant that the pause has swallowed. next_run_at is then the time of the resume, and next_instant_at NULL; whatever sets next_instant_at ends that state, and this column says nothing any more.';

--
-- Name: CONSTRAINT jobs_bounds_in_order ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_bounds_in_order ON public.jobs IS 'An end_at that is not after start_at would leave no instant.';

--
-- Name: CONSTRAINT jobs_endpoint_http ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_endpoint_http ON public.jobs IS 'Calls go by HTTP or HTTPS and nothing else.';

--
-- Name: CONSTRAINT jobs_key_pattern ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_key_pattern ON public.jobs IS 'A key can stand in a path of the API as it is.';

--
-- Name: CONSTRAINT jobs_next_run_only_when_active ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_next_run_only_when_active ON public.jobs IS 'What is due is found by next_run_at alone, so a job that is not active must not have one.';

--
-- Name: CONSTRAINT jobs_paused_at_iff_paused ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_paused_at_iff_paused ON public.jobs IS 'Only a paused job has paused_at.';

--
-- Name: CONSTRAINT jobs_tenant_id_pattern ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT jobs_tenant_id_pattern ON public.jobs IS 'The same rule as for X-Tenant-ID.';

--
-- Name: audit_view_of(public.jobs); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_view_of(job public.jobs) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN ((to_jsonb(job) - ARRAY['id'::text, 'tenant_id'::text, 'anchor_at'::text, 'next_run_at'::text, 'next_instant_at'::text, 'resumed_from'::text, 'runs'::text, 'created_at'::text, 'updated_at'::text, 'sealed'::text, 'timeout_seconds'::text, 'retry_delay_seconds'::text, 'retry_max_delay_seconds'::text, 'jitter_seconds'::text, 'start_deadline_seconds'::text]) || jsonb_build_object('timeout', (job).timeout_seconds, 'retry_delay', (job).retry_delay_seconds, 'retry_max_delay', (job).retry_max_delay_seconds, 'jitter', (job).jitter_seconds, 'start_deadline', (job).start_deadline_seconds, 'headers', public.masked_headers((job).headers)));

--
-- Name: FUNCTION audit_view_of(job public.jobs); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.audit_view_of(job public.jobs) IS 'What the audit may show of a job, by the API''s names: every column, later ones too, save the sealed secrets and what the engine moves, with a mask for each header that always is secret. A value that must not show has to be left out or masked here; this is the only way from jobs to audit_log.';

--
-- Name: cancel_execution(uuid, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.cancel_execution(execution uuid, tenant text DEFAULT NULL::text) RETURNS TABLE(id uuid, known boolean, refusal text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION cancel_execution(execution uuid, tenant text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.cancel_execution(execution uuid, tenant text) IS 'End one live execution as cancelled, as cancel_executions does. Gives whether there is such an execution, and why it cannot be cancelled. tenant bounds it to one, NULL to none. Audited as execution.cancel.';

--
-- Name: cancel_executions(uuid[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.cancel_executions(ids uuid[]) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET "TimeZone" TO 'UTC'
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

--
-- Name: FUNCTION cancel_executions(ids uuid[]); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.cancel_executions(ids uuid[]) IS 'End live executions as cancelled, in whatever state, and tell who calls for one to stop; what waited for one of them goes on. Gives how many there were. Counts as work.finish does. Locks: the queue rows in id order, then totals and days in job order; jobs SKIP LOCKED.';

--
-- Name: changed_jobs(uuid[], text, uuid[], text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.changed_jobs(ids uuid[], tenant text, done uuid[], becomes text, needs text) RETURNS TABLE(id uuid, known boolean, changed boolean, refusal text)
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

--
-- Name: FUNCTION changed_jobs(ids uuid[], tenant text, done uuid[], becomes text, needs text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.changed_jobs(ids uuid[], tenant text, done uuid[], becomes text, needs text) IS 'What has become of jobs that were to get another status: a row for each id, whether there is such a job, whether it is among those changed now, and why it has not the status that it was to get.';

--
-- Name: claimed_rank(smallint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.claimed_rank(level smallint) RETURNS bigint
    LANGUAGE sql
    RETURN COALESCE(pg_sequence_last_value((('execution_rank_'::text || level))::regclass), (0)::bigint);

--
-- Name: FUNCTION claimed_rank(level smallint); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.claimed_rank(level smallint) IS 'Rank of the newest claimed execution of a priority: how far the queue has come. What becomes pending ranks after it.';

--
-- Name: complete_jobs(uuid[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.complete_jobs(ids uuid[]) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION complete_jobs(ids uuid[]); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.complete_jobs(ids uuid[]) IS 'Complete those of these jobs that have no instant left and nothing alive. Gives how many. Jobs that another holds are left to upkeep.';

--
-- Name: count_job_executions(uuid, text, timestamp with time zone, timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, most bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    others bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM jobs AS j WHERE j.id = job AND j.tenant_id = current_tenant()) THEN
        RETURN 0;
    END IF;
    -- No index tells that an execution completed, and each row would be fetched to see it: 10,000 pages scattered over
    -- the log. But one tells of those that did not: so all are counted, and they are taken away.
    IF state = 'completed' THEN
        SELECT count(*) INTO others
        FROM execution_log AS l
        WHERE
            l.job_id = job
            AND l.status <> 'completed'
            AND (since IS NULL OR l.scheduled_at >= since)
            AND (until IS NULL OR l.scheduled_at <= until);
        RETURN (
            SELECT count(*) - others
            FROM (
                SELECT
                FROM execution_log AS l
                WHERE
                    l.job_id = job
                    AND (since IS NULL OR l.scheduled_at >= since)
                    AND (until IS NULL OR l.scheduled_at <= until)
                LIMIT most + others
            ) AS counted
        );
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

--
-- Name: FUNCTION count_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, most bigint); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.count_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, most bigint) IS 'How many executions of a job a filter has, counted no further than most; 0 unless the job is of the transaction''s tenant. Filters that are NULL hold for all. Planned for the values it is given, and so from indexes alone.';

--
-- Name: current_tenant(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.current_tenant() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('scheduler.tenant_id'::text, true);

--
-- Name: FUNCTION current_tenant(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.current_tenant() IS 'Tenant of the transaction, set by the API with set_config; without it nothing is visible to scheduler_api.';

--
-- Name: drop_log_partition(date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.drop_log_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        partition := partition || '_failed';
    END IF;
    IF to_regclass(partition) IS NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN TRUE;
END
$$;

--
-- Name: FUNCTION drop_log_partition(day date); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.drop_log_partition(day date) IS 'Drop the execution_log partition of a UTC day, whole or thinned. False when there was none.';

--
-- Name: execution_id(uuid, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.execution_id(job_id uuid, scheduled_at timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN execution_id_at(
        scheduled_at, md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text)::uuid
    );
END
$$;

--
-- Name: FUNCTION execution_id(job_id uuid, scheduled_at timestamp with time zone); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.execution_id(job_id uuid, scheduled_at timestamp with time zone) IS 'Id of the execution of a job at an instant of its schedule: the same pair gives the same id, so materializing twice cannot make two.';

--
-- Name: execution_instant(uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.execution_instant(id uuid) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp((((((('x'::text || lpad(substr(replace((id)::text, '-'::text, ''::text), 1, 12), 16, '0'::text)))::bit(64))::bigint)::numeric / 1000.0))::double precision);

--
-- Name: FUNCTION execution_instant(id uuid); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.execution_instant(id uuid) IS 'The millisecond an execution id carries. scheduled_at lies within it, so a look-up by id that also bounds scheduled_at reads one partition.';

--
-- Name: api_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scope text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_expires_later CHECK ((expires_at > created_at)),
    CONSTRAINT api_keys_hash_length CHECK ((octet_length(hash) = 32)),
    CONSTRAINT api_keys_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT api_keys_prefix_length CHECK (((char_length(prefix) >= 1) AND (char_length(prefix) <= 16))),
    CONSTRAINT api_keys_scope_known CHECK ((scope = ANY (ARRAY['read'::text, 'write'::text, 'admin'::text]))),
    CONSTRAINT api_keys_tenant_id_pattern CHECK ((tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'::text))
);

--
-- Name: TABLE api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.api_keys IS 'Keys that open the API, each to one tenant. Revoked ones stay, so that the audit log can be read.';

--
-- Name: COLUMN api_keys.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.id IS 'What the audit log names it by (key:<id>), and what keys revoke takes.';

--
-- Name: COLUMN api_keys.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.tenant_id IS 'The one tenant that it opens.';

--
-- Name: COLUMN api_keys.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.name IS 'What whoever made it calls it, for people; need not be unique.';

--
-- Name: COLUMN api_keys.prefix; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.prefix IS 'How the key begins, to recognize it by.';

--
-- Name: COLUMN api_keys.hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.hash IS 'SHA-256 of the key, which find_api_key looks up. A key is 256 random bits, so nobody finds it by trying: a slow hash, which guards what people choose, would only cost every request.';

--
-- Name: COLUMN api_keys.scope; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.scope IS 'read (GET only), write (all but the audit log), admin (all).';

--
-- Name: COLUMN api_keys.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.created_at IS 'When keys create made it and showed it, that once.';

--
-- Name: COLUMN api_keys.expires_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.expires_at IS 'From then on it is refused; NULL: never.';

--
-- Name: COLUMN api_keys.revoked_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.revoked_at IS 'When keys revoke made it useless, which processes that know it take 2 s to notice; NULL: it was not.';

--
-- Name: COLUMN api_keys.last_used_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.api_keys.last_used_at IS 'Latest use, written once a minute at most; NULL: never used.';

--
-- Name: CONSTRAINT api_keys_expires_later ON api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT api_keys_expires_later ON public.api_keys IS 'A key that never was good is a mistake.';

--
-- Name: CONSTRAINT api_keys_hash_length ON api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT api_keys_hash_length ON public.api_keys IS 'A SHA-256 digest, so a key cannot be put here itself.';

--
-- Name: CONSTRAINT api_keys_tenant_id_pattern ON api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT api_keys_tenant_id_pattern ON public.api_keys IS 'The same rule as for X-Tenant-ID.';

--
-- Name: find_api_key(bytea); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.find_api_key(digest bytea) RETURNS TABLE(id uuid, tenant_id text, scope text, hash bytea)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 WITH live AS (
          SELECT k.id,
             k.tenant_id,
             k.scope,
             k.hash
            FROM public.api_keys k
           WHERE ((k.hash = find_api_key.digest) AND (k.revoked_at IS NULL) AND ((k.expires_at > now()) OR (k.expires_at IS NULL)))
         ), stale AS (
          SELECT k.id
            FROM (public.api_keys k
              JOIN live l_1 ON ((k.id = l_1.id)))
           WHERE ((k.last_used_at < (now() - '00:01:00'::interval)) OR (k.last_used_at IS NULL))
          FOR UPDATE OF k SKIP LOCKED
         ), used AS (
          UPDATE public.api_keys k SET last_used_at = now()
            FROM stale s
           WHERE (k.id = s.id)
         )
  SELECT l.id,
     l.tenant_id,
     l.scope,
     l.hash
    FROM live l;
END;

--
-- Name: FUNCTION find_api_key(digest bytea); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.find_api_key(digest bytea) IS 'The key with this hash, unless it is revoked or has expired, whoever''s it is: a request''s tenant is not known before. Runs as the owner, so that the API can look up a key it was shown and no other.';

--
-- Name: forget_counts(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_counts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM job_totals WHERE job_id = ANY(ARRAY(SELECT id FROM gone));
    DELETE FROM job_history WHERE job_id = ANY(ARRAY(SELECT id FROM gone));
    RETURN NULL;
END
$$;

--
-- Name: FUNCTION forget_counts(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.forget_counts() IS 'Delete the totals and days of jobs that are deleted for good.';

--
-- Name: forget_history(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM sum_history(g.tenant_id, g.day)
    FROM (SELECT DISTINCT tenant_id, day FROM gone) AS g
    INNER JOIN closed_days AS c ON g.day = c.day;
    RETURN NULL;
END
$$;

--
-- Name: FUNCTION forget_history(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.forget_history() IS 'Sum up closed days anew when rows of them are deleted from job_history, as they are with their job.';

--
-- Name: index_log_partition(date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.index_log_partition(but date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $$
DECLARE
    partition text := (
        SELECT c.relname
        FROM pg_inherits AS h
        INNER JOIN pg_class AS c ON h.inhrelid = c.oid
        WHERE
            h.inhparent = 'execution_log'::regclass
            AND c.relname ~ '^execution_log_\d{8}'
            AND to_date(substring(c.relname FROM '\d{8}'), 'YYYYMMDD') <> but
            AND NOT EXISTS (
                SELECT
                FROM pg_index AS i
                INNER JOIN pg_inherits AS a ON i.indexrelid = a.inhrelid
                WHERE i.indrelid = c.oid AND a.inhparent = 'execution_log_job_ended_idx'::regclass
            )
        ORDER BY c.relname DESC
        LIMIT 1
    );
BEGIN
    IF partition IS NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format(
        'CREATE INDEX %I ON %I (job_id, status, scheduled_at DESC, id DESC) WHERE status <> ''completed''',
        partition || '_job_ended_idx', partition
    );
    EXECUTE format('ALTER INDEX execution_log_job_ended_idx ATTACH PARTITION %I', partition || '_job_ended_idx');
    RETURN TRUE;
END
$$;

--
-- Name: FUNCTION index_log_partition(but date); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.index_log_partition(but date) IS 'Give the newest partition of execution_log that has no part of execution_log_job_ended_idx its part, that of the given UTC day left out. False when the others have it. Who writes to that day waits meanwhile, a second or so for a million rows, so today is given. Runs as the owner, since only owners make indexes.';

--
-- Name: last_rank(text, smallint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.last_rank(tenant text, level smallint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
DECLARE
    claimed bigint := claimed_rank(level);
BEGIN
    -- Bounded below: the index still has entries of what was claimed, but all of those rank lower.
    RETURN coalesce((
        SELECT q.rank
        FROM execution_queue AS q
        WHERE q.status = 'pending' AND q.tenant_id = tenant AND q.priority = level AND q.rank > claimed
        ORDER BY q.rank DESC
        LIMIT 1
    ), claimed);
END
$$;

--
-- Name: FUNCTION last_rank(tenant text, level smallint); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.last_rank(tenant text, level smallint) IS 'The rank after which a tenant''s next pending execution of a priority comes: its own last, or claimed_rank. Its plan is kept for the session, so it must not be one for a small table.';

--
-- Name: make_log_partition(date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.make_log_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $_$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NOT NULL OR to_regclass(partition || '_failed') IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    -- First of all, and so waiting for whoever writes to it: a row of this day that came after the move below
    -- would make ATTACH fail.
    LOCK TABLE execution_log_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'CREATE TABLE %I (LIKE execution_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', partition
    );
    EXECUTE format(
        'WITH moved AS (DELETE FROM execution_log_default WHERE scheduled_at >= $1 AND scheduled_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', partition
    ) USING since, until;
    EXECUTE format(
        'ALTER TABLE execution_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, since, until
    );
    RETURN TRUE;
END
$_$;

--
-- Name: FUNCTION make_log_partition(day date); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.make_log_partition(day date) IS 'Make the execution_log partition of a UTC day, taking over what the default partition holds of it. False when it was there. Runs as the owner, since only owners attach partitions.';

--
-- Name: pause_jobs(uuid[], text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.pause_jobs(ids uuid[], tenant text DEFAULT NULL::text) RETURNS TABLE(id uuid, known boolean, changed boolean, refusal text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION pause_jobs(ids uuid[], tenant text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.pause_jobs(ids uuid[], tenant text) IS 'Pause active jobs: what is due stops, what waits is held, what runs may end. A row for each id: whether there is such a job, whether it was paused now, and why it cannot be; one that is paused already stays as it is. tenant bounds it to one, NULL to none. Audited as job.pause, by jobs_audit.';

--
-- Name: record_audit(text, text, uuid, uuid, jsonb, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.record_audit(tenant_id text, action text, entity_id uuid, job_id uuid DEFAULT NULL::uuid, before jsonb DEFAULT NULL::jsonb, after jsonb DEFAULT NULL::jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION record_audit(tenant_id text, action text, entity_id uuid, job_id uuid, before jsonb, after jsonb); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.record_audit(tenant_id text, action text, entity_id uuid, job_id uuid, before jsonb, after jsonb) IS 'Record an action that changes no row of jobs; those that do are recorded by the trigger jobs_audit. Actor and request are the transaction''s. Runs as the owner, so that no role needs INSERT and none can name another actor.';

--
-- Name: refuse_audit_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE insufficient_privilege USING
        MESSAGE = 'audit_log is insert-only', HINT = 'Retention deletes what is older than a day; nothing changes a row.';
END
$$;

--
-- Name: FUNCTION refuse_audit_change(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.refuse_audit_change() IS 'Refuse to change the record, whoever asks.';

--
-- Name: release_executions(uuid[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.release_executions(job_ids uuid[]) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION release_executions(job_ids uuid[]); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.release_executions(job_ids uuid[]) IS 'Let what a pause of these jobs held wait for its retry, or run; what waits for a predecessor goes on doing so. It goes to the end of its tenant''s line. Gives how many. Locks those queue rows in id order.';

--
-- Name: release_overlapped(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.release_overlapped() RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION release_overlapped(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.release_overlapped() IS 'Let executions go that were held until their job''s earlier execution had ended, where that is so, the oldest of a job first; they go to the end of their tenant''s line. Gives how many. Locks those queue rows in id order, SKIP LOCKED.';

--
-- Name: rerun_execution(uuid, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rerun_execution(execution uuid, tenant text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    done record;
BEGIN
    SELECT r.rerun_id, r.refusal INTO done FROM rerun_executions(ARRAY[execution], tenant) AS r;
    IF done.rerun_id IS NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = coalesce(done.refusal, 'There is no such execution.');
    END IF;
    RETURN done.rerun_id;
END
$$;

--
-- Name: FUNCTION rerun_execution(execution uuid, tenant text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.rerun_execution(execution uuid, tenant text) IS 'Run one finished execution again, as rerun_executions does. Gives the new execution, or raises why there is none.';

--
-- Name: rerun_executions(uuid[], text, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rerun_executions(ids uuid[], tenant text DEFAULT NULL::text, again boolean DEFAULT true) RETURNS TABLE(id uuid, rerun_id uuid, known boolean, refusal text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
BEGIN
    -- Jobs first and in the order of their ids, as whoever changes them locks them: none is deleted meanwhile, and of
    -- two who rerun the same execution the second sees, in its next statement, what the first has done.
    PERFORM
    FROM jobs AS j
    WHERE j.id = ANY(ARRAY(
        SELECT (
            SELECT l.job_id
            FROM execution_log AS l
            WHERE
                l.id = a.id
                AND l.scheduled_at >= execution_instant(a.id)
                AND l.scheduled_at < execution_instant(a.id) + INTERVAL '1 ms'
        )
        FROM unnest(rerun_executions.ids) AS a (id)
    ))
    ORDER BY j.id
    FOR NO KEY UPDATE;

    RETURN QUERY
    WITH asked AS (
        SELECT DISTINCT a.id FROM unnest(rerun_executions.ids) AS a (id)
    ),

    found AS MATERIALIZED (
        SELECT
            a.id, e.job_id, e.tenant_id, e.scheduled_at, j.priority, e.id IS NOT NULL AS known,
            CASE
                WHEN e.id IS NULL THEN 'There is no such execution.'
                WHEN e.origin = 'alert' THEN 'It is the report of an alert, and no run of its job.'
                WHEN e.finished_at IS NULL THEN 'The execution has not finished: it is ' || e.status || '.'
                WHEN e.status = 'skipped' THEN 'The execution was skipped, so there is no run to repeat; trigger its job, or backfill.'
                WHEN j.id IS NULL OR j.status = 'deleted' THEN 'The job is deleted: ' || e.job_id || '.'
                WHEN q.id IS NOT NULL THEN 'The execution is being run again already, as ' || q.id || '.'
                WHEN NOT rerun_executions.again AND cardinality(e.reruns) > 0
                    THEN 'The execution was run again already, as ' || e.reruns[cardinality(e.reruns)] || '.'
            END AS refusal
        FROM asked AS a
        LEFT JOIN LATERAL (
            SELECT e.id, e.job_id, e.tenant_id, e.scheduled_at, e.finished_at, e.origin, e.status, e.reruns
            FROM executions AS e
            WHERE
                e.id = a.id
                AND e.scheduled_at >= execution_instant(a.id)
                AND e.scheduled_at < execution_instant(a.id) + INTERVAL '1 ms'
                AND (rerun_executions.tenant IS NULL OR e.tenant_id = rerun_executions.tenant)
            OFFSET 0
        ) AS e ON TRUE
        LEFT JOIN jobs AS j ON e.job_id = j.id
        LEFT JOIN execution_queue AS q ON a.id = q.rerun_of
    ),

    lines AS (
        SELECT f.tenant_id, f.priority, last_rank(f.tenant_id, f.priority) AS last_rank
        FROM found AS f
        WHERE f.refusal IS NULL
        GROUP BY f.tenant_id, f.priority
    ),

    made AS (
        INSERT INTO execution_queue AS q (id, job_id, tenant_id, scheduled_at, priority, rank, origin, rerun_of)
        SELECT
            execution_id_at(now(), gen_random_uuid()), f.job_id, f.tenant_id, now(), f.priority,
            l.last_rank
            + row_number() OVER (PARTITION BY f.tenant_id, f.priority ORDER BY f.scheduled_at, f.id),
            'rerun', f.id
        FROM found AS f
        INNER JOIN lines AS l ON f.tenant_id = l.tenant_id AND f.priority = l.priority
        WHERE f.refusal IS NULL
        RETURNING q.id, q.rerun_of
    ),

    marked AS (
        UPDATE execution_log AS l
        SET reruns = l.reruns || m.id
        FROM found AS f
        INNER JOIN made AS m ON f.id = m.rerun_of
        WHERE l.id = f.id AND l.scheduled_at = f.scheduled_at
    ),

    told AS MATERIALIZED (
        SELECT
            m.id, m.rerun_of,
            record_audit(
                f.tenant_id, 'execution.rerun', f.id, f.job_id, NULL, jsonb_build_object('execution_id', m.id)
            ) AS recorded
        FROM made AS m
        INNER JOIN found AS f ON m.rerun_of = f.id
    )

    SELECT f.id, t.id, f.known, f.refusal
    FROM found AS f
    LEFT JOIN told AS t ON f.id = t.rerun_of
    ORDER BY f.scheduled_at, f.id;
    PERFORM pg_notify('scheduler_work', '');
END
$$;

--
-- Name: FUNCTION rerun_executions(ids uuid[], tenant text, again boolean); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.rerun_executions(ids uuid[], tenant text, again boolean) IS 'Run finished executions again, now, each as a new execution of its job as the job is today: beside its schedule and whatever its state short of deleted, as a trigger does. One row for each id, with the new execution or with why there is none; again false refuses those that have been run again before. tenant bounds it to one, NULL to none. Audited as execution.rerun.';

--
-- Name: resume_jobs(uuid[], text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.resume_jobs(ids uuid[], tenant text DEFAULT NULL::text) RETURNS TABLE(id uuid, known boolean, changed boolean, refusal text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION resume_jobs(ids uuid[], tenant text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.resume_jobs(ids uuid[], tenant text) IS 'Resume paused jobs from now on, without making up, and let go of what was held. A row for each id, as of pause_jobs. No schedule is read here: a job is due at once, and what deals with it plans its next run and makes no execution, see jobs.resumed_from: the tick, or the API in the same transaction. tenant bounds it to one, NULL to none. Audited as job.resume, by jobs_audit.';

--
-- Name: seek_job_executions(uuid, text, timestamp with time zone, timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.seek_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, place bigint) RETURNS TABLE(id uuid, at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
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

--
-- Name: FUNCTION seek_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, place bigint); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.seek_job_executions(job uuid, state text, since timestamp with time zone, until timestamp with time zone, place bigint) IS 'Id and scheduled_at of the execution at a place, from 1, in a job''s list that a filter has, newest first; no row unless the job is of the transaction''s tenant. Else as count_job_executions.';

--
-- Name: job_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_history (
    job_id uuid NOT NULL,
    day date NOT NULL,
    tenant_id text NOT NULL,
    completed integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    timeout integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    duration_ms_sum double precision DEFAULT 0 NOT NULL,
    duration_ms_max double precision DEFAULT 0 NOT NULL,
    lag_ms_sum double precision DEFAULT 0 NOT NULL,
    lag_ms_max double precision DEFAULT 0 NOT NULL
)
WITH (fillfactor='70');

--
-- Name: TABLE job_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_history IS 'One row per job and UTC day on which executions finished, kept by ON CONFLICT upserts in work.finish. fillfactor 70: updated in place (HOT).';

--
-- Name: COLUMN job_history.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.job_id IS 'The job whose executions are counted.';

--
-- Name: COLUMN job_history.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.day IS 'UTC date on which the executions finished, whenever they were scheduled.';

--
-- Name: COLUMN job_history.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.tenant_id IS 'The job''s tenant, here again for row-level security and for lists of a tenant''s days.';

--
-- Name: COLUMN job_history.completed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.completed IS 'Executions of the job that completed on the day.';

--
-- Name: COLUMN job_history.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.failed IS 'Executions of the job that failed for good on the day.';

--
-- Name: COLUMN job_history.timeout; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.timeout IS 'Executions of the job whose last call timed out on the day.';

--
-- Name: COLUMN job_history.cancelled; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.cancelled IS 'Executions of the job that were cancelled on the day, called or not.';

--
-- Name: COLUMN job_history.skipped; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.skipped IS 'Skipped rows that the log got on the day; one may stand for many instants.';

--
-- Name: COLUMN job_history.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.attempts IS 'Calls made for the executions that finished on the day, retries included.';

--
-- Name: COLUMN job_history.duration_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.duration_ms_sum IS 'Sum over completed, failed and timeout executions of the last call''s duration in milliseconds.';

--
-- Name: COLUMN job_history.duration_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.duration_ms_max IS 'Longest last call of the executions in duration_ms_sum, milliseconds; 0: there were none.';

--
-- Name: COLUMN job_history.lag_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.lag_ms_sum IS 'Sum over completed, failed and timeout executions of start lag (started_at - scheduled_at) in milliseconds.';

--
-- Name: COLUMN job_history.lag_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_history.lag_ms_max IS 'Longest start lag of the executions in lag_ms_sum, milliseconds; 0: there were none.';

--
-- Name: tenant_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tenant_history (
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
    lag_ms_max double precision
);

--
-- Name: TABLE tenant_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.tenant_history IS 'job_history of closed days added up over each tenant''s jobs, a row per tenant and day on which something finished. Only history.stats reads it: it saves that from adding up a row per job and day. Written by sum_history, never on the way of an execution.';

--
-- Name: COLUMN tenant_history.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.tenant_id IS 'Whose jobs'' days are added up.';

--
-- Name: COLUMN tenant_history.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.day IS 'The UTC day on which the executions finished; it is in closed_days.';

--
-- Name: COLUMN tenant_history.completed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.completed IS 'Executions that succeeded.';

--
-- Name: COLUMN tenant_history.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.failed IS 'Executions that failed for good.';

--
-- Name: COLUMN tenant_history.timeout; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.timeout IS 'Executions whose last call took too long.';

--
-- Name: COLUMN tenant_history.cancelled; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.cancelled IS 'Executions that somebody or an overlap_policy ended.';

--
-- Name: COLUMN tenant_history.skipped; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.skipped IS 'Ranges of instants that were passed over.';

--
-- Name: COLUMN tenant_history.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.attempts IS 'Calls made for the executions that finished on the day, retries included.';

--
-- Name: COLUMN tenant_history.duration_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.duration_ms_sum IS 'Sum over completed, failed and timeout executions of the last call''s duration in milliseconds.';

--
-- Name: COLUMN tenant_history.duration_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.duration_ms_max IS 'The longest of these durations; NULL on a day on which none ran to an end.';

--
-- Name: COLUMN tenant_history.lag_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.lag_ms_sum IS 'Sum over completed, failed and timeout executions of start lag (started_at - scheduled_at) in milliseconds.';

--
-- Name: COLUMN tenant_history.lag_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tenant_history.lag_ms_max IS 'The longest start lag; NULL on a day on which none ran to an end.';

--
-- Name: sum_history(text, date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.sum_history(tenant text, of_day date) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 DELETE FROM public.tenant_history t
   WHERE ((t.tenant_id = sum_history.tenant) AND (t.day = sum_history.of_day));
 INSERT INTO public.tenant_history (tenant_id, day, completed, failed, timeout, cancelled, skipped, attempts, duration_ms_sum, duration_ms_max, lag_ms_sum, lag_ms_max)  SELECT h.tenant_id,
             h.day,
             sum(h.completed) AS sum,
             sum(h.failed) AS sum,
             sum(h.timeout) AS sum,
             sum(h.cancelled) AS sum,
             sum(h.skipped) AS sum,
             sum(h.attempts) AS sum,
             sum(h.duration_ms_sum) AS sum,
             max(h.duration_ms_max) FILTER (WHERE (((h.completed + h.failed) + h.timeout) > 0)) AS max,
             sum(h.lag_ms_sum) AS sum,
             max(h.lag_ms_max) FILTER (WHERE (((h.completed + h.failed) + h.timeout) > 0)) AS max
            FROM public.job_history h
           WHERE ((h.tenant_id = sum_history.tenant) AND (h.day = sum_history.of_day))
           GROUP BY h.tenant_id, h.day;
END;

--
-- Name: FUNCTION sum_history(tenant text, of_day date); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.sum_history(tenant text, of_day date) IS 'Sum up a tenant''s day in tenant_history anew, from job_history. To be called for a closed day whose rows were corrected by hand.';

--
-- Name: thin_log_partition(date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.thin_log_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
    thinned text := partition || '_failed';
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NULL THEN
        RETURN FALSE;
    END IF;
    -- Readers go on; what would write to so old a day waits, or it would be lost between the copy and the drop.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', partition);
    -- With its indexes and the bounds as a constraint, so that ATTACH, which locks the log, has nothing left to do.
    EXECUTE format(
        'CREATE TABLE %I (LIKE execution_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE '
        'INCLUDING INDEXES, CONSTRAINT bounds CHECK (scheduled_at >= %L AND scheduled_at < %L))',
        thinned, since, until
    );
    EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE status IN (''failed'', ''timeout'')', thinned, partition);
    EXECUTE format('DROP TABLE %I', partition);
    EXECUTE format(
        'ALTER TABLE execution_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', thinned, since, until
    );
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT bounds', thinned);
    RETURN TRUE;
END
$$;

--
-- Name: FUNCTION thin_log_partition(day date); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.thin_log_partition(day date) IS 'Put a partition that holds only what failed or timed out in the place of a UTC day''s: the cost follows the failures, and the rest goes without a delete. False when the day has no whole partition. Runs as the owner, since only owners attach partitions.';

--
-- Name: trigger_job(uuid, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trigger_job(job uuid, tenant text DEFAULT NULL::text) RETURNS TABLE(id uuid, known boolean, refusal text)
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

--
-- Name: FUNCTION trigger_job(job uuid, tenant text); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.trigger_job(job uuid, tenant text) IS 'Run a job now, beside its schedule, whatever its state short of deleted. Gives the execution, or why there is none. tenant bounds it to one, NULL to none. Audited as job.trigger.';

--
-- Name: watch_job(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.watch_job() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

--
-- Name: FUNCTION watch_job(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.watch_job() IS 'Keep job_alerts in step with a job, whoever changes it, and close incidents that nobody watches any more. Runs as the owner, since the API only reads them.';

--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    tenant_id text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    entity_id uuid,
    job_id uuid,
    before jsonb,
    after jsonb,
    request_id text,
    CONSTRAINT audit_log_action_pattern CHECK ((action ~ '^[a-z_]{1,40}[.][a-z_]{1,40}$'::text)),
    CONSTRAINT audit_log_actor_length CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 200))),
    CONSTRAINT audit_log_request_id_length CHECK ((char_length(request_id) <= 200))
);

--
-- Name: TABLE audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.audit_log IS 'Who changed what. Written through record_audit alone, by the service and by the triggers jobs_audit and api_keys_audit; never changed, and deleted only by retention: no role has INSERT or UPDATE.';

--
-- Name: COLUMN audit_log.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.id IS 'Tells entries of the same microsecond apart; nothing refers to it.';

--
-- Name: COLUMN audit_log.at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.at IS 'The clock''s time, not the transaction''s, so that rows of one transaction keep their order.';

--
-- Name: COLUMN audit_log.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.tenant_id IS 'Whose job, execution, key or secret was acted on; empty for what is no tenant''s (worker.drain).';

--
-- Name: COLUMN audit_log.actor; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.actor IS 'key:<id> of the API key; api for a request without one; role:<name> for whoever is logged in to the database.';

--
-- Name: COLUMN audit_log.action; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.action IS 'What was done to what: job.create, job.update, job.pause, job.trigger, execution.cancel, execution.rerun, key.revoke, signing.rotate and the like.';

--
-- Name: COLUMN audit_log.entity_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.entity_id IS 'The job, execution, key or worker; NULL where it is the tenant''s only one.';

--
-- Name: COLUMN audit_log.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.job_id IS 'The job concerned: of job and execution actions.';

--
-- Name: COLUMN audit_log.before; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.before IS 'What changed, as it was; NULL when there was nothing before.';

--
-- Name: COLUMN audit_log.after; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.after IS 'What changed, as it became, or what was asked for; NULL when nothing is left.';

--
-- Name: COLUMN audit_log.request_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_log.request_id IS 'X-Request-ID of the API request, as in the service''s log; NULL when it was none.';

--
-- Name: CONSTRAINT audit_log_action_pattern ON audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT audit_log_action_pattern ON public.audit_log IS 'A kind of thing, a dot, and what was done to it: job.update.';

--
-- Name: audit; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.audit AS
 SELECT a.at,
    a.actor,
    a.action,
    a.tenant_id,
    j.name,
    a.job_id,
    a.entity_id,
    ARRAY( SELECT k.field
           FROM jsonb_object_keys(COALESCE(a.after, a.before)) k(field)
          ORDER BY k.field) AS fields,
    a.request_id
   FROM (public.audit_log a
     LEFT JOIN public.jobs j ON ((a.job_id = j.id)))
  WHERE (a.at > (now() - '1 day'::interval))
  ORDER BY a.at DESC
 LIMIT 1000;

--
-- Name: VIEW audit; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.audit IS 'Who changed what: the last day of the audit log over all tenants, the newest first, 1,000 at most. GET /api/v1/audit tells a tenant the values before and after, too.';

--
-- Name: COLUMN audit.at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.at IS 'When it was done.';

--
-- Name: COLUMN audit.actor; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.actor IS 'key:<id> of the API key; api for a request without one; role:<name> for whoever is logged in to the database.';

--
-- Name: COLUMN audit.action; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.action IS 'What was done to what: job.update, job.pause, execution.cancel, worker.drain and the like.';

--
-- Name: COLUMN audit.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.tenant_id IS 'Whose it was; empty for what is no tenant''s.';

--
-- Name: COLUMN audit.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.name IS 'The job''s name as it is now; NULL: no job was concerned.';

--
-- Name: COLUMN audit.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.job_id IS 'The job concerned: of job and execution actions.';

--
-- Name: COLUMN audit.entity_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.entity_id IS 'The job, execution, key or worker; NULL where it is the tenant''s only one.';

--
-- Name: COLUMN audit.fields; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.fields IS 'What of it changed, or what was noted of the act.';

--
-- Name: COLUMN audit.request_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.audit.request_id IS 'X-Request-ID of the API request, as in the log; NULL when it was none.';

--
-- Name: execution_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.execution_log (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    worker_id uuid,
    scheduled_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT now() NOT NULL,
    skipped_until timestamp with time zone,
    duration_ms double precision,
    attempt integer NOT NULL,
    job_version integer,
    skipped_count integer,
    response_status integer,
    priority smallint NOT NULL,
    response_truncated boolean DEFAULT false NOT NULL,
    status text NOT NULL,
    origin text NOT NULL,
    tenant_id text NOT NULL,
    error_code text,
    error text,
    response_body text,
    trace_id text,
    attempts jsonb DEFAULT '[]'::jsonb NOT NULL,
    rerun_of uuid,
    reruns uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    host text,
    CONSTRAINT execution_log_error_length CHECK ((char_length(error) <= 1000)),
    CONSTRAINT execution_log_response_body_length CHECK ((octet_length(response_body) <= 262144)),
    CONSTRAINT execution_log_skips_counted CHECK (((status = 'skipped'::text) = (skipped_count IS NOT NULL))),
    CONSTRAINT execution_log_status_known CHECK ((status = ANY (ARRAY['completed'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text, 'skipped'::text])))
)
PARTITION BY RANGE (scheduled_at);

--
-- Name: TABLE execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.execution_log IS 'Finished executions, insert-only save for reruns, partitioned by UTC day of scheduled_at. Retention drops partitions instead of deleting rows. Columns go from wide and fixed to variable, which saves padding; what came later is last.';

--
-- Name: COLUMN execution_log.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.id IS 'What receivers got as X-Scheduler-Execution-Id and Idempotency-Key. Carries the millisecond of scheduled_at; that of a scheduled run or of a skipped row is computed, see execution_id.';

--
-- Name: COLUMN execution_log.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.job_id IS 'The job that was run; of an alert, the one it reported on.';

--
-- Name: COLUMN execution_log.worker_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.worker_id IS 'The process that made the last call, an id of workers, whose row may be gone. NULL when no call was under way at the end: cancelled while it waited, or skipped.';

--
-- Name: COLUMN execution_log.scheduled_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.scheduled_at IS 'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for; of a skipped row, the first of its instants. Decides the partition.';

--
-- Name: COLUMN execution_log.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.created_at IS 'When it came into the queue; of a skipped row, when that was written.';

--
-- Name: COLUMN execution_log.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.started_at IS 'When the first attempt was claimed; NULL: none ever was.';

--
-- Name: COLUMN execution_log.finished_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.finished_at IS 'When the outcome was recorded; its UTC date is the day in job_history.';

--
-- Name: COLUMN execution_log.skipped_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.skipped_until IS 'On skipped rows: the last of the instants the row stands for; scheduled_at is the first.';

--
-- Name: COLUMN execution_log.duration_ms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.duration_ms IS 'How long the last call took, milliseconds; of one that was cancelled or lost, the time since its claim. NULL when no call was under way at the end: cancelled while it waited, or skipped.';

--
-- Name: COLUMN execution_log.attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.attempt IS 'Attempts made; 0 when it ended before its first call.';

--
-- Name: COLUMN execution_log.job_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.job_version IS 'Version of the job''s definition that the last attempt sent, see job_versions; NULL when none was claimed, and of alerts. Of a skipped row, the version then.';

--
-- Name: COLUMN execution_log.skipped_count; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.skipped_count IS 'On skipped rows: how many instants the row stands for.';

--
-- Name: COLUMN execution_log.response_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.response_status IS 'HTTP status that the last call got; NULL: no whole answer.';

--
-- Name: COLUMN execution_log.priority; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.priority IS '1 to 10: the job''s when it was made, 1 of backfills, 10 of alerts.';

--
-- Name: COLUMN execution_log.response_truncated; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.response_truncated IS 'Whether the answer''s body went on past the 64 KiB that are kept.';

--
-- Name: COLUMN execution_log.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.status IS 'completed (2xx), failed, timeout, cancelled (on request, by overlap_policy replace, or with its deleted job), skipped (instants that never ran, error_code says why).';

--
-- Name: COLUMN execution_log.origin; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.origin IS 'What made it: schedule, manual (a trigger), backfill, rerun, or alert: the report of an incident, which is no run of its job and counted nowhere.';

--
-- Name: COLUMN execution_log.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.tenant_id IS 'The job''s tenant, here again for row-level security and for lists of a tenant.';

--
-- Name: COLUMN execution_log.error_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.error_code IS 'Kind of failure: http_status, timeout, connection, dns, tls, protocol, response_too_large, egress_denied, invalid_request, secret_unreadable, job_missing, worker_lost, cancelled. Of a skipped row the reason: misfire, deadline, overlap, paused. NULL when it completed, save unrecordable: it ended as status says, but its answer could not be stored.';

--
-- Name: COLUMN execution_log.error; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.error IS 'What went wrong in a sentence for people, secrets masked, up to 1,000 characters; of a skipped row, which policy decided. NULL when it completed or was cancelled.';

--
-- Name: COLUMN execution_log.response_body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.response_body IS 'Body of the last answer as text, secrets masked, the first 64 KiB of it; NULL: no whole answer.';

--
-- Name: COLUMN execution_log.trace_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.trace_id IS 'W3C trace id that the latest recorded call sent in traceparent; NULL: none was recorded.';

--
-- Name: COLUMN execution_log.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.attempts IS 'Outcomes of its attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host. Empty also where there was one attempt, of which the other columns tell the same; the view executions has it in any case.';

--
-- Name: COLUMN execution_log.rerun_of; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.rerun_of IS 'The finished execution that this one ran again; NULL unless origin is rerun.';

--
-- Name: COLUMN execution_log.reruns; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.reruns IS 'Executions that ran this one again, oldest first: kept here, since an index on rerun_of of a log that is there could not be built without holding up its writers.';

--
-- Name: COLUMN execution_log.host; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_log.host IS 'Host of the worker that made the last call; NULL: no worker did, or attempts has it.';

--
-- Name: CONSTRAINT execution_log_response_body_length ON execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_log_response_body_length ON public.execution_log IS '64 KiB are kept of an answer, which may grow threefold where they are no UTF-8.';

--
-- Name: CONSTRAINT execution_log_skips_counted ON execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_log_skips_counted ON public.execution_log IS 'A skipped row, and no other, says how many instants it stands for.';

--
-- Name: CONSTRAINT execution_log_status_known ON execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_log_status_known ON public.execution_log IS 'Final states only: a live execution is a row of execution_queue.';

--
-- Name: last_hour; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.last_hour AS
 SELECT id,
    tenant_id,
    job_id,
    job_version,
    status,
    origin,
    scheduled_at,
    started_at,
    finished_at,
    duration_ms,
    attempt,
    worker_id,
    response_status,
    error_code,
    error,
    skipped_until,
    skipped_count
   FROM public.execution_log l
  WHERE ((id >= ops.first_id((now() - '01:00:00'::interval))) AND (scheduled_at >= (now() - '01:00:00'::interval)) AND (origin <> 'alert'::text));

--
-- Name: VIEW last_hour; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.last_hour IS 'Finished executions that were scheduled in the last hour, alerts left out: what the views here count. One range of the primary key of one or two day partitions.';

--
-- Name: COLUMN last_hour.id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.id IS 'Id of the execution, as in execution_log.';

--
-- Name: COLUMN last_hour.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.tenant_id IS 'The job''s tenant.';

--
-- Name: COLUMN last_hour.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.job_id IS 'The job that was run.';

--
-- Name: COLUMN last_hour.job_version; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.job_version IS 'Version of the job''s definition that the last attempt sent; NULL when none was claimed. Of a skipped row, the version then.';

--
-- Name: COLUMN last_hour.status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.status IS 'completed, failed, timeout, cancelled or skipped.';

--
-- Name: COLUMN last_hour.origin; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.origin IS 'What made it: schedule, manual (a trigger), backfill or rerun.';

--
-- Name: COLUMN last_hour.scheduled_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.scheduled_at IS 'The instant it belongs to; of a trigger or rerun, when that was asked for; of a skipped row, the first of its instants.';

--
-- Name: COLUMN last_hour.started_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.started_at IS 'When the first attempt was claimed; NULL: none ever was.';

--
-- Name: COLUMN last_hour.finished_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.finished_at IS 'When the outcome was recorded.';

--
-- Name: COLUMN last_hour.duration_ms; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.duration_ms IS 'How long the last call took, milliseconds; NULL when no call was under way at the end.';

--
-- Name: COLUMN last_hour.attempt; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.attempt IS 'Attempts made; 0 when it ended before its first call.';

--
-- Name: COLUMN last_hour.worker_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.worker_id IS 'The process that made the last call; NULL when no call was under way at the end.';

--
-- Name: COLUMN last_hour.response_status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.response_status IS 'HTTP status that the last call got; NULL: no whole answer.';

--
-- Name: COLUMN last_hour.error_code; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.error_code IS 'Kind of failure (http_status, timeout, connection and others); of a skipped row misfire, deadline, overlap or paused. NULL when it completed.';

--
-- Name: COLUMN last_hour.error; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.error IS 'What went wrong in a sentence; NULL when it completed or was cancelled.';

--
-- Name: COLUMN last_hour.skipped_until; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.skipped_until IS 'On skipped rows: the last of the instants the row stands for. NULL on others.';

--
-- Name: COLUMN last_hour.skipped_count; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.last_hour.skipped_count IS 'On skipped rows: how many instants the row stands for. NULL on others.';

--
-- Name: endpoint_breakers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.endpoint_breakers (
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    probe_at timestamp with time zone NOT NULL,
    changed_by uuid,
    probes integer DEFAULT 0 NOT NULL,
    failures integer NOT NULL,
    tenant_id text NOT NULL,
    host text NOT NULL,
    CONSTRAINT endpoint_breakers_host_length CHECK ((char_length(host) <= 2048))
);

--
-- Name: TABLE endpoint_breakers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.endpoint_breakers IS 'Hosts that a tenant''s executions are not called at for now, since calls to them failed to connect or timed out many times in a row. A breaker that closes is deleted. While it is here, one call is let through as a probe whenever probe_at has come.';

--
-- Name: COLUMN endpoint_breakers.opened_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.opened_at IS 'Since when calls to the host are put off.';

--
-- Name: COLUMN endpoint_breakers.probe_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.probe_at IS 'When the next call may go through: sooner after the first probes, later after more.';

--
-- Name: COLUMN endpoint_breakers.changed_by; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.changed_by IS 'The worker that opened it, or let the newest probe through.';

--
-- Name: COLUMN endpoint_breakers.probes; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.probes IS 'Probes let through since it was opened.';

--
-- Name: COLUMN endpoint_breakers.failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.failures IS 'Failures in a row after which it was opened.';

--
-- Name: COLUMN endpoint_breakers.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.tenant_id IS 'Whose calls are put off; other tenants'' go on.';

--
-- Name: COLUMN endpoint_breakers.host; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.endpoint_breakers.host IS 'Name and port, as in example.org:443.';

--
-- Name: endpoints; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.endpoints AS
 WITH ended AS (
         SELECT l.tenant_id,
            split_part(split_part(j.endpoint, '://'::text, 2), '/'::text, 1) AS authority,
            split_part(j.endpoint, '://'::text, 1) AS scheme,
            l.status,
            l.duration_ms,
            l.finished_at,
            l.error_code,
            l.response_status
           FROM (ops.last_hour l
             JOIN public.jobs j ON ((l.job_id = j.id)))
          WHERE (l.status = ANY (ARRAY['completed'::text, 'failed'::text, 'timeout'::text]))
        ), named AS (
         SELECT ended.tenant_id,
            (lower(regexp_replace(split_part(ended.authority, '?'::text, 1), '^.*@'::text, ''::text)) ||
                CASE
                    WHEN (ended.authority ~ ':\d+$'::text) THEN ''::text
                    WHEN (lower(ended.scheme) = 'https'::text) THEN ':443'::text
                    ELSE ':80'::text
                END) AS host,
            ended.status,
            ended.duration_ms,
            ended.finished_at,
            ended.error_code,
            ended.response_status
           FROM ended
        ), called AS (
         SELECT named.tenant_id,
            named.host,
            named.status,
            named.duration_ms,
            named.finished_at,
            named.error_code,
            named.response_status,
            max(named.finished_at) FILTER (WHERE (named.status = 'completed'::text)) OVER (PARTITION BY named.tenant_id, named.host) AS last_success_at
           FROM named
        ), counted AS (
         SELECT called.tenant_id,
            called.host,
            count(*) AS calls,
            count(*) FILTER (WHERE (called.status <> 'completed'::text)) AS failures,
            percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY called.duration_ms) AS p95_ms,
            max(called.last_success_at) AS last_success_at,
            max(called.finished_at) FILTER (WHERE (called.status <> 'completed'::text)) AS last_failure_at,
            min(called.finished_at) FILTER (WHERE (called.status <> 'completed'::text)) AS first_failure_at,
            min(called.finished_at) FILTER (WHERE ((called.status <> 'completed'::text) AND ((called.finished_at > called.last_success_at) IS NOT FALSE))) AS failing_since,
            (array_agg(COALESCE((called.response_status)::text, called.error_code) ORDER BY called.finished_at DESC) FILTER (WHERE (called.status <> 'completed'::text)))[1] AS last_error
           FROM called
          GROUP BY called.tenant_id, called.host
        )
 SELECT tenant_id,
    host,
    COALESCE(c.calls, (0)::bigint) AS calls,
    COALESCE(c.failures, (0)::bigint) AS failures,
    c.p95_ms,
    c.first_failure_at,
    c.last_failure_at,
    c.last_success_at,
    c.last_error,
        CASE
            WHEN (b.opened_at IS NULL) THEN 'closed'::text
            ELSE 'open'::text
        END AS breaker,
    b.opened_at AS breaker_opened_at,
    b.probe_at AS breaker_probe_at,
    c.failing_since
   FROM (counted c
     FULL JOIN public.endpoint_breakers b USING (tenant_id, host))
  ORDER BY COALESCE(c.failures, (0)::bigint) DESC, COALESCE(c.calls, (0)::bigint) DESC, tenant_id, host;

--
-- Name: VIEW endpoints; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.endpoints IS 'Which endpoint fails, and since when: per tenant and host the executions of the last hour, most failures first, and hosts whose breaker is open. The host is that of the job as it is now.';

--
-- Name: COLUMN endpoints.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.tenant_id IS 'Whose jobs call it.';

--
-- Name: COLUMN endpoints.host; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.host IS 'Name and port, as in example.org:443.';

--
-- Name: COLUMN endpoints.calls; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.calls IS 'Executions that completed, failed or timed out; retries of one count once.';

--
-- Name: COLUMN endpoints.failures; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.failures IS 'Those of calls that failed or timed out for good.';

--
-- Name: COLUMN endpoints.p95_ms; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.p95_ms IS '95 in 100 last calls took no longer, milliseconds; NULL when there was none.';

--
-- Name: COLUMN endpoints.first_failure_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.first_failure_at IS 'The first failure within the hour; when last_success_at is NULL it has been failing at least since then. NULL: none.';

--
-- Name: COLUMN endpoints.last_failure_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.last_failure_at IS 'The newest failure within the hour; NULL: none.';

--
-- Name: COLUMN endpoints.last_success_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.last_success_at IS 'The newest success within the hour; NULL: none.';

--
-- Name: COLUMN endpoints.last_error; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.last_error IS 'HTTP status of the newest failure, or its kind where there was no whole answer; NULL: no failure.';

--
-- Name: COLUMN endpoints.breaker; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.breaker IS 'open: calls are put off until the host answers a probe. closed: called as ever.';

--
-- Name: COLUMN endpoints.breaker_opened_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.breaker_opened_at IS 'Since when its breaker is open; NULL: it is closed.';

--
-- Name: COLUMN endpoints.breaker_probe_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.breaker_probe_at IS 'When the next call is let through as a probe; NULL: the breaker is closed.';

--
-- Name: COLUMN endpoints.failing_since; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.endpoints.failing_since IS 'The first failure after the newest success: since then every call has failed. Where last_success_at is NULL it was failing an hour ago already, or is called seldom: report.error_groups looks back a day. NULL: the newest call succeeded.';

--
-- Name: job_totals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_totals (
    job_id uuid NOT NULL,
    tenant_id text NOT NULL,
    completed bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    timeout bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    last_run_at timestamp with time zone,
    last_status text
)
WITH (fillfactor='70');

--
-- Name: TABLE job_totals; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_totals IS 'Lifetime counters and last outcome per job, apart from jobs so that counting never locks a definition. fillfactor 70: every finish updates it in place (HOT), since no index names a counter.';

--
-- Name: COLUMN job_totals.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.job_id IS 'The job whose executions are counted.';

--
-- Name: COLUMN job_totals.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.tenant_id IS 'The job''s tenant, here again for row-level security and for sums over a tenant.';

--
-- Name: COLUMN job_totals.completed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.completed IS 'Executions that completed since the job was made; retention takes nothing away.';

--
-- Name: COLUMN job_totals.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.failed IS 'Executions that failed for good since the job was made; retention takes nothing away.';

--
-- Name: COLUMN job_totals.timeout; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.timeout IS 'Executions whose last call timed out since the job was made; retention takes nothing away.';

--
-- Name: COLUMN job_totals.cancelled; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.cancelled IS 'Executions cancelled since the job was made, called or not; retention takes nothing away.';

--
-- Name: COLUMN job_totals.skipped; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.skipped IS 'Skipped rows of the log since the job was made; one may stand for many instants.';

--
-- Name: COLUMN job_totals.last_run_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.last_run_at IS 'When the latest of the counted executions started; NULL: none has been claimed yet.';

--
-- Name: COLUMN job_totals.last_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_totals.last_status IS 'How the execution that was counted last has ended: completed, failed, timeout or cancelled; NULL: none has.';

--
-- Name: jobs; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.jobs AS
 SELECT j.tenant_id,
    j.name,
    j.key,
    j.id AS job_id,
    j.status,
    j.type,
    j.schedule,
    j.timezone,
    j.next_run_at,
    j.paused_at,
    t.last_run_at,
    t.last_status,
    COALESCE(t.completed, (0)::bigint) AS completed,
    COALESCE((t.failed + t.timeout), (0)::bigint) AS failures,
    split_part(j.endpoint, '?'::text, 1) AS endpoint
   FROM (public.jobs j
     LEFT JOIN public.job_totals t ON ((j.id = t.job_id)));

--
-- Name: VIEW jobs; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.jobs IS 'Jobs of all tenants, deleted ones too: read it with a WHERE on name, key or tenant_id. The functions of ops take its job_id, as in SELECT ops.pause(job_id) FROM ops.jobs WHERE name = ''nightly'' AND status = ''active''.';

--
-- Name: COLUMN jobs.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN jobs.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.name IS 'The job''s name; several jobs may have the same.';

--
-- Name: COLUMN jobs.key; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.key IS 'The tenant''s own unique name of it; NULL: it has none.';

--
-- Name: COLUMN jobs.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.job_id IS 'What the API and the functions of ops know it by.';

--
-- Name: COLUMN jobs.status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.status IS 'active, paused, completed (no run is left) or deleted.';

--
-- Name: COLUMN jobs.type; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.type IS 'cron, interval or one_time.';

--
-- Name: COLUMN jobs.schedule; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.schedule IS 'As its type reads it: a cron expression, seconds, or an instant.';

--
-- Name: COLUMN jobs.timezone; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.timezone IS 'IANA zone in which a cron expression is read.';

--
-- Name: COLUMN jobs.next_run_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.next_run_at IS 'Its coming run; NULL: it is not active, or its last run has been made.';

--
-- Name: COLUMN jobs.paused_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.paused_at IS 'Since when it is paused; NULL: it is not.';

--
-- Name: COLUMN jobs.last_run_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.last_run_at IS 'When the latest of its finished executions started; NULL: there is none.';

--
-- Name: COLUMN jobs.last_status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.last_status IS 'How that one ended; NULL: there is none.';

--
-- Name: COLUMN jobs.completed; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.completed IS 'Executions that completed, since ever.';

--
-- Name: COLUMN jobs.failures; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.failures IS 'Executions that failed or timed out for good, since ever.';

--
-- Name: COLUMN jobs.endpoint; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.jobs.endpoint IS 'URL that it calls, without its query.';

--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

--
-- Name: TABLE schema_migrations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.schema_migrations IS 'Migrations that have been applied, a row each. Written by dbmate; the service is ready when its own newest one is here.';

--
-- Name: COLUMN schema_migrations.version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.schema_migrations.version IS 'Timestamp that the migration''s file name begins with, as text.';

--
-- Name: migrations; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.migrations AS
 SELECT version,
    to_date("left"((version)::text, 8), 'YYYYMMDD'::text) AS written_on
   FROM public.schema_migrations
  ORDER BY version DESC;

--
-- Name: VIEW migrations; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.migrations IS 'Migrations that this database has, the newest first.';

--
-- Name: COLUMN migrations.version; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.migrations.version IS 'Timestamp that the migration''s file name begins with.';

--
-- Name: COLUMN migrations.written_on; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.migrations.written_on IS 'The date in it: when it was written, not when it was applied.';

--
-- Name: overdue; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.overdue AS
 SELECT tenant_id,
    id AS job_id,
    name,
    type,
    schedule,
    next_run_at,
    (now() - next_run_at) AS late
   FROM public.jobs j
  WHERE (next_run_at < (now() - '00:00:02'::interval))
  ORDER BY next_run_at
 LIMIT 1000;

--
-- Name: VIEW overdue; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.overdue IS 'Jobs whose run nobody has materialized 2 s after its time, the longest overdue first, 1,000 at most. Empty, or ticks are behind.';

--
-- Name: COLUMN overdue.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN overdue.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.job_id IS 'The job; SELECT ops.trigger(job_id) runs it now.';

--
-- Name: COLUMN overdue.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.name IS 'The job''s name.';

--
-- Name: COLUMN overdue.type; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.type IS 'How schedule is read: cron, interval or one_time.';

--
-- Name: COLUMN overdue.schedule; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.schedule IS 'When the job runs, as the tenant wrote it.';

--
-- Name: COLUMN overdue.next_run_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.next_run_at IS 'When the run was to be materialized.';

--
-- Name: COLUMN overdue.late; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overdue.late IS 'For how long it has been due.';

--
-- Name: execution_queue; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.execution_queue (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    worker_id uuid,
    scheduled_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    claimed_at timestamp with time zone,
    retry_at timestamp with time zone,
    attempt integer DEFAULT 0 NOT NULL,
    job_version integer,
    priority smallint NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    held_for text,
    origin text DEFAULT 'schedule'::text NOT NULL,
    tenant_id text NOT NULL,
    trace_id text,
    attempts jsonb DEFAULT '[]'::jsonb NOT NULL,
    rank bigint DEFAULT 0 NOT NULL,
    put_off_for text,
    rerun_of uuid,
    CONSTRAINT execution_queue_attempt_counted CHECK (((attempt >= 0) AND ((status <> 'running'::text) OR (attempt >= 1)))),
    CONSTRAINT execution_queue_held_for_known CHECK (((held_for IS NULL) OR ((held_for = 'overlap'::text) AND (status = 'held'::text)))),
    CONSTRAINT execution_queue_origin_known CHECK ((origin = ANY (ARRAY['schedule'::text, 'manual'::text, 'backfill'::text, 'alert'::text, 'rerun'::text]))),
    CONSTRAINT execution_queue_priority_in_range CHECK (((priority >= 1) AND (priority <= 10))),
    CONSTRAINT execution_queue_retrying_has_time CHECK (((status <> 'retrying'::text) OR (retry_at IS NOT NULL))),
    CONSTRAINT execution_queue_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'retrying'::text, 'held'::text]))),
    CONSTRAINT execution_queue_worker_iff_running CHECK ((((status = 'running'::text) = (worker_id IS NOT NULL)) AND ((status = 'running'::text) = (claimed_at IS NOT NULL))))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='10000', autovacuum_analyze_scale_factor='0.2', autovacuum_analyze_threshold='5000', autovacuum_vacuum_cost_delay='0');

--
-- Name: TABLE execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.execution_queue IS 'Live executions only, so that a claim touches a table about as big as the backlog. Each row changes status two or three times under partial indexes on status (never HOT) and is then deleted: autovacuum goes by a fixed count of dead rows and does not pause. No foreign key to jobs: its share lock would write to the job''s row on every insert; jobs are never deleted.';

--
-- Name: COLUMN execution_queue.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.id IS 'What receivers get as X-Scheduler-Execution-Id and Idempotency-Key, the same for every attempt. Carries the millisecond of scheduled_at; that of a scheduled run is computed, see execution_id.';

--
-- Name: COLUMN execution_queue.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.job_id IS 'The job that is run; of an alert, the one it reports on.';

--
-- Name: COLUMN execution_queue.worker_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.worker_id IS 'The process that calls for it, an id of workers; NULL unless running.';

--
-- Name: COLUMN execution_queue.scheduled_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.scheduled_at IS 'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for.';

--
-- Name: COLUMN execution_queue.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.created_at IS 'When it came into the queue: for a scheduled run, when the tick materialized it.';

--
-- Name: COLUMN execution_queue.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.started_at IS 'When the first attempt was claimed; NULL before.';

--
-- Name: COLUMN execution_queue.claimed_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.claimed_at IS 'When the attempt under way was claimed; NULL unless running.';

--
-- Name: COLUMN execution_queue.retry_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.retry_at IS 'When it may be claimed again, after an attempt that failed or was put off; otherwise NULL, as while it runs.';

--
-- Name: COLUMN execution_queue.attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.attempt IS 'Number of the latest attempt; 0 before the first claim.';

--
-- Name: COLUMN execution_queue.job_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.job_version IS 'Version of the job''s definition that the latest attempt sent; NULL before the first claim, and of alerts.';

--
-- Name: COLUMN execution_queue.priority; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.priority IS '1 to 10, 10 is claimed first: the job''s when it was made, 1 of backfills, 10 of alerts.';

--
-- Name: COLUMN execution_queue.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.status IS 'pending (ready to be claimed), running (claimed by worker_id), retrying (waits for retry_at), held (its job is paused, or held_for says why).';

--
-- Name: COLUMN execution_queue.held_for; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.held_for IS 'overlap: waits until the job''s earlier execution has ended. NULL: does not; what is held then waits for its job to be resumed.';

--
-- Name: COLUMN execution_queue.origin; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.origin IS 'What made it: the schedule, a trigger, a backfill, a rerun, or an alert. The last sends what alert_requests says; it is no run of its job: neither counted, nor held by a pause, nor in the way of a run or of completion.';

--
-- Name: COLUMN execution_queue.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.tenant_id IS 'The job''s tenant, here again for row-level security and for the turns that claims take.';

--
-- Name: COLUMN execution_queue.trace_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.trace_id IS 'W3C trace id of the latest attempt that has ended; NULL before.';

--
-- Name: COLUMN execution_queue.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.attempts IS 'Outcomes of ended attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';

--
-- Name: COLUMN execution_queue.rank; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.rank IS 'Place among the pending executions of its priority, given when it becomes pending: one more than the last of its tenant, or than claimed_rank where the tenant has none waiting. So tenants take turns, and each keeps its own order. 0, where nobody gave one, is before all others.';

--
-- Name: COLUMN execution_queue.put_off_for; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.put_off_for IS 'The host whose open breaker this execution waits for: it was claimed, not called, and put off with its attempt unspent. The next claim empties it.';

--
-- Name: COLUMN execution_queue.rerun_of; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.execution_queue.rerun_of IS 'The finished execution that this one runs again; NULL unless origin is rerun.';

--
-- Name: CONSTRAINT execution_queue_attempt_counted ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_queue_attempt_counted ON public.execution_queue IS 'A claim counts an attempt: what runs is at its first at least.';

--
-- Name: CONSTRAINT execution_queue_held_for_known ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_queue_held_for_known ON public.execution_queue IS 'Only what is held may wait for an earlier execution; held for nothing named is held by a pause.';

--
-- Name: CONSTRAINT execution_queue_retrying_has_time ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_queue_retrying_has_time ON public.execution_queue IS 'What is retrying becomes pending at retry_at, so it must have one.';

--
-- Name: CONSTRAINT execution_queue_status_known ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_queue_status_known ON public.execution_queue IS 'Live states only: an execution that is over is a row of execution_log.';

--
-- Name: CONSTRAINT execution_queue_worker_iff_running ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT execution_queue_worker_iff_running ON public.execution_queue IS 'A claim is worker and time together, and lasts as long as the execution is running: with it the outcome of a worker presumed dead is told from its successor''s.';

--
-- Name: workers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workers (
    id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    slots integer NOT NULL,
    busy integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat_seconds double precision NOT NULL,
    draining_at timestamp with time zone,
    drain_requested_at timestamp with time zone,
    CONSTRAINT workers_heartbeat_positive CHECK ((heartbeat_seconds > (0)::double precision)),
    CONSTRAINT workers_slots_positive CHECK ((slots > 0))
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='50', autovacuum_vacuum_scale_factor='0');

--
-- Name: TABLE workers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.workers IS 'One row per live engine process. fillfactor 50 and no index on what a heartbeat writes: every heartbeat is HOT.';

--
-- Name: COLUMN workers.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.id IS 'New each time the process registers: when it starts, and when it comes back after it hung and was buried.';

--
-- Name: COLUMN workers.host; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.host IS 'Name of the machine or container, as the process knows it.';

--
-- Name: COLUMN workers.pid; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.pid IS 'Process id on that host, or within that container.';

--
-- Name: COLUMN workers.version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.version IS 'Release of the service that the process runs.';

--
-- Name: COLUMN workers.slots; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.slots IS 'Calls the process can make at once.';

--
-- Name: COLUMN workers.busy; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.busy IS 'Executions it held at its last heartbeat; for a moment more than slots, since some are claimed ahead.';

--
-- Name: COLUMN workers.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.started_at IS 'When it registered under this id.';

--
-- Name: COLUMN workers.heartbeat_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.heartbeat_at IS 'Last heartbeat, by the database''s clock; one comes every heartbeat_seconds.';

--
-- Name: COLUMN workers.heartbeat_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.heartbeat_seconds IS 'Heartbeat period of this process. Two of them without a heartbeat mean dead.';

--
-- Name: COLUMN workers.draining_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.draining_at IS 'Since when it drains: claims nothing and finishes what runs; then it leaves, or stays where ops.drain has asked. NULL: it does not.';

--
-- Name: COLUMN workers.drain_requested_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.workers.drain_requested_at IS 'When ops.drain asked the process to drain, which it heeds at its next heartbeat; NULL: nobody has.';

--
-- Name: service_state; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.service_state AS
 SELECT ( SELECT count(*) AS count
           FROM ( SELECT
                   FROM public.execution_queue
                  WHERE (execution_queue.status = 'pending'::text)
                 LIMIT 100000) q) AS pending,
    ( SELECT count(*) AS count
           FROM ( SELECT
                   FROM public.execution_queue
                  WHERE (execution_queue.status = 'running'::text)
                 LIMIT 100000) q) AS running,
    ( SELECT count(*) AS count
           FROM ( SELECT
                   FROM public.execution_queue
                  WHERE (execution_queue.status = 'retrying'::text)
                 LIMIT 100000) q) AS retrying,
    ( SELECT min(jobs.next_run_at) AS min
           FROM public.jobs
          WHERE (jobs.next_run_at < now())) AS oldest_overdue_run_at,
    ( SELECT count(*) AS count
           FROM public.workers
          WHERE ((workers.heartbeat_at > (now() - ((2)::double precision * make_interval(secs => workers.heartbeat_seconds)))) AND (workers.draining_at IS NULL))) AS workers,
    ( SELECT COALESCE(sum(workers.slots), (0)::bigint) AS "coalesce"
           FROM public.workers
          WHERE ((workers.heartbeat_at > (now() - ((2)::double precision * make_interval(secs => workers.heartbeat_seconds)))) AND (workers.draining_at IS NULL))) AS slots,
    now() AS at;

--
-- Name: VIEW service_state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.service_state IS 'Depth of the queue (each count stops at 100,000), oldest run not yet materialized, live workers.';

--
-- Name: COLUMN service_state.pending; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.pending IS 'Executions ready to be claimed, of all tenants.';

--
-- Name: COLUMN service_state.running; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.running IS 'Executions that are being called.';

--
-- Name: COLUMN service_state.retrying; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.retrying IS 'Executions that wait for another attempt, or for an open breaker.';

--
-- Name: COLUMN service_state.oldest_overdue_run_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.oldest_overdue_run_at IS 'The earliest next_run_at that has passed, jobs of all tenants; NULL: every due run is materialized.';

--
-- Name: COLUMN service_state.workers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.workers IS 'Engine processes that have not missed two heartbeats and are not draining.';

--
-- Name: COLUMN service_state.slots; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.slots IS 'Calls that those can make at once, together.';

--
-- Name: COLUMN service_state.at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_state.at IS 'The database''s time when it was read.';

--
-- Name: overview; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.overview AS
 SELECT ( SELECT count(*) AS count
           FROM public.jobs
          WHERE (jobs.status <> 'deleted'::text)) AS jobs,
    ( SELECT count(*) AS count
           FROM ( SELECT
                   FROM public.jobs
                  WHERE (jobs.next_run_at <= now())
                 LIMIT 100000) due) AS due,
    COALESCE(EXTRACT(epoch FROM (now() - ( SELECT min(jobs.next_run_at) AS min
           FROM public.jobs
          WHERE (jobs.next_run_at <= now())))), (0)::numeric) AS tick_lag_seconds,
    ( SELECT min(jobs.next_run_at) AS min
           FROM public.jobs
          WHERE (jobs.next_run_at < (now() - '00:00:02'::interval))) AS oldest_overdue_at,
    pending,
    running,
    retrying,
    ( SELECT count(*) AS count
           FROM ops.last_hour
          WHERE (last_hour.status = ANY (ARRAY['failed'::text, 'timeout'::text]))) AS failures_last_hour,
        CASE
            WHEN (workers = 0) THEN 'no workers'::text
            WHEN (EXISTS ( SELECT
               FROM public.jobs
              WHERE (jobs.next_run_at < (now() - '00:00:05'::interval)))) THEN 'behind'::text
            ELSE 'on time'::text
        END AS ticker,
    workers,
    slots,
    age(( SELECT pg_database.datfrozenxid
           FROM pg_database
          WHERE (pg_database.datname = current_database()))) AS database_age,
    pg_size_pretty(pg_database_size(current_database())) AS database_size
   FROM public.service_state s;

--
-- Name: VIEW overview; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.overview IS 'The service in one row. Counts of due, pending, running and retrying stop at 100,000.';

--
-- Name: COLUMN overview.jobs; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.jobs IS 'Jobs that are not deleted, of all tenants.';

--
-- Name: COLUMN overview.due; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.due IS 'Jobs whose next run has come and is not yet materialized.';

--
-- Name: COLUMN overview.tick_lag_seconds; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.tick_lag_seconds IS 'How long the longest of the due ones has been so, 0 when none is; more than 2 s means that ticks are behind.';

--
-- Name: COLUMN overview.oldest_overdue_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.oldest_overdue_at IS 'The earliest run that should have been materialized more than 2 s ago; NULL is well.';

--
-- Name: COLUMN overview.pending; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.pending IS 'Executions ready to be claimed: the backlog.';

--
-- Name: COLUMN overview.running; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.running IS 'Executions that are being called.';

--
-- Name: COLUMN overview.retrying; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.retrying IS 'Executions that wait for another attempt, or for an open breaker.';

--
-- Name: COLUMN overview.failures_last_hour; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.failures_last_hour IS 'Executions scheduled in the last hour that failed or timed out for good.';

--
-- Name: COLUMN overview.ticker; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.ticker IS 'on time; behind (a run is overdue by more than 5 s, which no loss of the lease may cause); no workers. Who holds the lease is in Redis.';

--
-- Name: COLUMN overview.workers; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.workers IS 'Engine processes that have not missed two heartbeats and are not draining.';

--
-- Name: COLUMN overview.slots; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.slots IS 'Calls that those can make at once, together; when as many are running, all are in use.';

--
-- Name: COLUMN overview.database_age; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.database_age IS 'Transactions since the oldest unfrozen one: vacuum must bring it down long before 2,000,000,000.';

--
-- Name: COLUMN overview.database_size; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.overview.database_size IS 'Of the whole database on disk, indexes included.';

--
-- Name: retrying; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.retrying AS
 SELECT q.retry_at,
    q.tenant_id,
    q.job_id,
    j.name,
    q.id AS execution_id,
    q.attempt,
    j.max_retries,
    ((q.attempts -> '-1'::integer) ->> 'error_code'::text) AS error_code,
    (((q.attempts -> '-1'::integer) ->> 'response_status'::text))::integer AS response_status,
    ((q.attempts -> '-1'::integer) ->> 'error'::text) AS error,
    q.put_off_for AS breaker
   FROM (public.execution_queue q
     JOIN public.jobs j ON ((q.job_id = j.id)))
  WHERE (q.status = 'retrying'::text)
  ORDER BY q.retry_at
 LIMIT 1000;

--
-- Name: VIEW retrying; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.retrying IS 'Executions that wait for another attempt, the next first, 1,000 at most, with what the last attempt came to.';

--
-- Name: COLUMN retrying.retry_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.retry_at IS 'When it may be claimed again.';

--
-- Name: COLUMN retrying.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN retrying.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.job_id IS 'The job that is run; of an alert, the one it reports on.';

--
-- Name: COLUMN retrying.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.name IS 'The job''s name.';

--
-- Name: COLUMN retrying.execution_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.execution_id IS 'Id of the execution; executions.attempts has each of its calls.';

--
-- Name: COLUMN retrying.attempt; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.attempt IS 'Attempts made so far.';

--
-- Name: COLUMN retrying.max_retries; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.max_retries IS 'Calls after the first that the job allows; the report of an alert has 8, whatever stands here.';

--
-- Name: COLUMN retrying.error_code; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.error_code IS 'How the latest attempt failed, as in execution_log; NULL: none was made yet, it was put off.';

--
-- Name: COLUMN retrying.response_status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.response_status IS 'HTTP status that the latest attempt got; NULL: no whole answer.';

--
-- Name: COLUMN retrying.error; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.error IS 'The same in a sentence.';

--
-- Name: COLUMN retrying.breaker; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.retrying.breaker IS 'The host whose open breaker it waits for, with its attempt unspent; NULL where it waits for its retry.';

--
-- Name: running; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.running AS
 SELECT (now() - q.claimed_at) AS age,
    w.host,
    w.pid,
    q.tenant_id,
    q.job_id,
    j.name,
    q.id AS execution_id,
    q.attempt,
    j.timeout_seconds,
    split_part(j.endpoint, '?'::text, 1) AS endpoint,
    q.scheduled_at,
    q.worker_id
   FROM ((public.execution_queue q
     JOIN public.jobs j ON ((q.job_id = j.id)))
     LEFT JOIN public.workers w ON ((q.worker_id = w.id)))
  WHERE (q.status = 'running'::text)
  ORDER BY q.claimed_at
 LIMIT 1000;

--
-- Name: VIEW running; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.running IS 'Calls under way, the oldest first, 1,000 at most, with the process that makes each. Without a host, the process is gone and the call will be rescued.';

--
-- Name: COLUMN running.age; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.age IS 'Since the attempt was claimed; the call ends by timeout_seconds after it began.';

--
-- Name: COLUMN running.host; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.host IS 'Machine or container of the process that calls; NULL: the process is gone, and the call will be rescued.';

--
-- Name: COLUMN running.pid; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.pid IS 'Process id on that host; NULL: the process is gone.';

--
-- Name: COLUMN running.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN running.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.job_id IS 'The job that is run; of an alert, the one it reports on.';

--
-- Name: COLUMN running.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.name IS 'The job''s name.';

--
-- Name: COLUMN running.execution_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.execution_id IS 'Id of the execution; the API cancels it by POST /api/v1/executions/:id/cancel.';

--
-- Name: COLUMN running.attempt; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.attempt IS 'Number of the attempt under way, from 1.';

--
-- Name: COLUMN running.timeout_seconds; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.timeout_seconds IS 'Bounds the call, as the job says; the report of an alert has 10 s, whatever stands here.';

--
-- Name: COLUMN running.endpoint; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.endpoint IS 'URL that is called, without its query; of an alert the job''s, not where the report goes.';

--
-- Name: COLUMN running.scheduled_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.scheduled_at IS 'The instant the execution belongs to.';

--
-- Name: COLUMN running.worker_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.running.worker_id IS 'The process that calls, as in ops.workers.';

--
-- Name: skipped; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.skipped AS
 SELECT l.scheduled_at,
    l.skipped_until,
    l.skipped_count,
    l.error_code AS reason,
    l.error AS explanation,
    l.tenant_id,
    l.job_id,
    j.name,
    l.id AS execution_id
   FROM (public.execution_log l
     JOIN public.jobs j ON ((l.job_id = j.id)))
  WHERE ((l.id >= ops.first_id((now() - '1 day'::interval))) AND (l.scheduled_at >= (now() - '1 day'::interval)) AND (l.status = 'skipped'::text))
  ORDER BY l.scheduled_at DESC
 LIMIT 1000;

--
-- Name: VIEW skipped; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.skipped IS 'Why a run did not happen: ranges of instants that were passed over and begin within the last day, the newest first, 1,000 at most, with the reason. GET /api/v1/jobs/:id/occurrences tells it of any instant.';

--
-- Name: COLUMN skipped.scheduled_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.scheduled_at IS 'The first instant of the range.';

--
-- Name: COLUMN skipped.skipped_until; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.skipped_until IS 'The last instant of the range; the first again when it is the only one.';

--
-- Name: COLUMN skipped.skipped_count; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.skipped_count IS 'How many instants were passed over.';

--
-- Name: COLUMN skipped.reason; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.reason IS 'misfire (nobody ticked in time), deadline (older than the job''s start_deadline), overlap (an earlier execution lived), paused (the job was).';

--
-- Name: COLUMN skipped.explanation; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.explanation IS 'The same in a sentence, with the job''s policy then.';

--
-- Name: COLUMN skipped.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN skipped.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.job_id IS 'The job; SELECT ops.trigger(job_id) runs it now.';

--
-- Name: COLUMN skipped.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.name IS 'The job''s name.';

--
-- Name: COLUMN skipped.execution_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.skipped.execution_id IS 'Id of the skipped row in execution_log, which cannot be rerun.';

--
-- Name: stuck; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.stuck AS
 SELECT q.status,
        CASE
            WHEN ((q.status = 'running'::text) AND (w.id IS NULL)) THEN 'its worker is gone'::text
            WHEN ((q.status = 'running'::text) AND (w.heartbeat_at < (now() - ((3)::double precision * make_interval(secs => w.heartbeat_seconds))))) THEN 'its worker is silent'::text
            WHEN (q.status = 'running'::text) THEN 'it has outlived its timeout'::text
            WHEN (q.status = 'retrying'::text) THEN 'its retry is overdue'::text
            ELSE 'nobody claims it'::text
        END AS reason,
    (now() - COALESCE(q.claimed_at, q.retry_at, q.scheduled_at)) AS age,
    q.tenant_id,
    q.job_id,
    j.name,
    q.id AS execution_id,
    q.attempt,
    w.host,
    w.pid
   FROM ((public.execution_queue q
     JOIN public.jobs j ON ((q.job_id = j.id)))
     LEFT JOIN public.workers w ON ((q.worker_id = w.id)))
  WHERE (((q.status = 'running'::text) AND ((w.id IS NULL) OR (w.heartbeat_at < (now() - ((3)::double precision * make_interval(secs => w.heartbeat_seconds)))) OR (q.claimed_at < (now() - make_interval(secs => ((j.timeout_seconds + 30))::double precision))))) OR ((q.status = 'retrying'::text) AND (q.retry_at < (now() - '00:00:10'::interval))) OR ((q.status = 'pending'::text) AND (q.scheduled_at < (now() - '00:05:00'::interval)) AND (q.created_at < (now() - '00:05:00'::interval))))
 LIMIT 1000;

--
-- Name: VIEW stuck; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.stuck IS 'Live executions that should have gone on and have not, 1,000 at most: calls of lost workers or 30 s past their timeout, retries 10 s overdue, pending ones 5 minutes old (a backlog, or nobody claims). Reads the queue, which is as big as the backlog.';

--
-- Name: COLUMN stuck.status; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.status IS 'running, retrying or pending.';

--
-- Name: COLUMN stuck.reason; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.reason IS 'its worker is gone, its worker is silent (for three heartbeats), it has outlived its timeout, its retry is overdue, or nobody claims it.';

--
-- Name: COLUMN stuck.age; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.age IS 'Since its claim, its retry''s time, or else scheduled_at.';

--
-- Name: COLUMN stuck.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN stuck.job_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.job_id IS 'The job that is run; of an alert, the one it reports on.';

--
-- Name: COLUMN stuck.name; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.name IS 'The job''s name.';

--
-- Name: COLUMN stuck.execution_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.execution_id IS 'Id of the execution; the API cancels it by POST /api/v1/executions/:id/cancel.';

--
-- Name: COLUMN stuck.attempt; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.attempt IS 'Number of the latest attempt; 0 before the first.';

--
-- Name: COLUMN stuck.host; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.host IS 'Machine or container of the process that holds it; NULL: none does, or it is gone.';

--
-- Name: COLUMN stuck.pid; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.stuck.pid IS 'Process id on that host; NULL: none holds it, or it is gone.';

--
-- Name: tenants; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.tenants AS
 WITH waiting AS (
         SELECT execution_queue.tenant_id,
            count(*) FILTER (WHERE (execution_queue.status = 'pending'::text)) AS backlog,
            count(*) FILTER (WHERE (execution_queue.status = 'running'::text)) AS running,
            count(*) FILTER (WHERE (execution_queue.status = 'retrying'::text)) AS retrying,
            count(*) FILTER (WHERE (execution_queue.status = 'held'::text)) AS held,
            min(execution_queue.scheduled_at) FILTER (WHERE (execution_queue.status = 'pending'::text)) AS oldest_pending_at
           FROM public.execution_queue
          GROUP BY execution_queue.tenant_id
        ), ended AS (
         SELECT last_hour.tenant_id,
            count(*) AS finished,
            count(*) FILTER (WHERE (last_hour.status = ANY (ARRAY['failed'::text, 'timeout'::text]))) AS failures
           FROM ops.last_hour
          WHERE (last_hour.status <> 'skipped'::text)
          GROUP BY last_hour.tenant_id
        )
 SELECT tenant_id,
    COALESCE(w.backlog, (0)::bigint) AS backlog,
    round(((100.0 * (COALESCE(w.backlog, (0)::bigint))::numeric) / NULLIF(sum(w.backlog) OVER (), (0)::numeric)), 1) AS backlog_percent,
    COALESCE(w.running, (0)::bigint) AS running,
    COALESCE(w.retrying, (0)::bigint) AS retrying,
    w.oldest_pending_at,
    COALESCE(e.finished, (0)::bigint) AS finished_last_hour,
    round(((100.0 * (COALESCE(e.finished, (0)::bigint))::numeric) / NULLIF(sum(e.finished) OVER (), (0)::numeric)), 1) AS share_percent,
    COALESCE(e.failures, (0)::bigint) AS failures_last_hour,
    COALESCE(w.held, (0)::bigint) AS held
   FROM (waiting w
     FULL JOIN ended e USING (tenant_id))
  ORDER BY COALESCE(w.backlog, (0)::bigint) DESC, COALESCE(e.finished, (0)::bigint) DESC, tenant_id;

--
-- Name: VIEW tenants; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.tenants IS 'Who floods: tenants with live executions or with finished ones of the last hour, the largest backlog first. Reads the queue, which is as big as the backlog, and an hour of the log.';

--
-- Name: COLUMN tenants.tenant_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.tenant_id IS 'Whose executions; ops.endpoints and report.error_groups tell what of them fails.';

--
-- Name: COLUMN tenants.backlog; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.backlog IS 'Pending executions: ready and not claimed yet.';

--
-- Name: COLUMN tenants.backlog_percent; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.backlog_percent IS 'The backlog''s share of all tenants''; NULL when nobody has one.';

--
-- Name: COLUMN tenants.running; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.running IS 'Executions that are being called.';

--
-- Name: COLUMN tenants.retrying; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.retrying IS 'Executions that wait for another attempt, or for an open breaker.';

--
-- Name: COLUMN tenants.oldest_pending_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.oldest_pending_at IS 'The earliest scheduled_at in the backlog; NULL: there is none.';

--
-- Name: COLUMN tenants.finished_last_hour; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.finished_last_hour IS 'Executions scheduled in the last hour that have finished, skips and alerts apart.';

--
-- Name: COLUMN tenants.share_percent; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.share_percent IS 'finished_last_hour''s share of all tenants''; NULL when nothing has finished.';

--
-- Name: COLUMN tenants.failures_last_hour; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.failures_last_hour IS 'Those of finished_last_hour that failed or timed out for good.';

--
-- Name: COLUMN tenants.held; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.tenants.held IS 'Executions that a pause holds, or that wait for an earlier one of their job.';

--
-- Name: workers; Type: VIEW; Schema: ops; Owner: -
--

CREATE VIEW ops.workers AS
 SELECT host,
    pid,
    busy,
    slots,
    (now() - heartbeat_at) AS silent,
        CASE
            WHEN (heartbeat_at < (now() - ((2)::double precision * make_interval(secs => heartbeat_seconds)))) THEN 'dead'::text
            WHEN ((draining_at IS NULL) AND (drain_requested_at IS NULL)) THEN 'live'::text
            WHEN (draining_at IS NULL) THEN 'asked to drain'::text
            WHEN (EXISTS ( SELECT
               FROM public.execution_queue q
              WHERE ((q.status = 'running'::text) AND (q.worker_id = w.id)))) THEN 'draining'::text
            ELSE 'drained'::text
        END AS state,
    version,
    started_at,
    draining_at,
    id AS worker_id
   FROM public.workers w
  ORDER BY host, pid;

--
-- Name: VIEW workers; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON VIEW ops.workers IS 'Engine processes: how busy each is, and whether it lives. Two heartbeats missed are dead; its calls are then rescued. SELECT ops.drain(worker_id) takes one out of service.';

--
-- Name: COLUMN workers.host; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.host IS 'Name of the machine or container, as the process knows it.';

--
-- Name: COLUMN workers.pid; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.pid IS 'Process id on that host, or within that container.';

--
-- Name: COLUMN workers.busy; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.busy IS 'Executions it held at its last heartbeat; for a moment more than slots, since some are claimed ahead.';

--
-- Name: COLUMN workers.slots; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.slots IS 'Calls the process can make at once.';

--
-- Name: COLUMN workers.silent; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.silent IS 'Since its last heartbeat.';

--
-- Name: COLUMN workers.state; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.state IS 'live; asked to drain (and has not heeded it yet); draining (claims nothing, finishes what runs); drained (runs nothing any more: ending it costs nothing); dead (two heartbeats missed, about to be buried).';

--
-- Name: COLUMN workers.version; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.version IS 'Release of the service that the process runs.';

--
-- Name: COLUMN workers.started_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.started_at IS 'When it registered under this id: at its start, or when it came back after it hung.';

--
-- Name: COLUMN workers.draining_at; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.draining_at IS 'Since when it drains; NULL: it does not.';

--
-- Name: COLUMN workers.worker_id; Type: COMMENT; Schema: ops; Owner: -
--

COMMENT ON COLUMN ops.workers.worker_id IS 'What executions name it by; new each time it registers.';

--
-- Name: alert_requests; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alert_requests (
    execution_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    tenant_id text NOT NULL,
    url text NOT NULL,
    body jsonb NOT NULL
);

--
-- Name: TABLE alert_requests; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.alert_requests IS 'What executions of origin alert send, and where.';

--
-- Name: COLUMN alert_requests.execution_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.alert_requests.execution_id IS 'The execution, of origin alert, that sends it.';

--
-- Name: COLUMN alert_requests.incident_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.alert_requests.incident_id IS 'The incident whose beginning or end it reports.';

--
-- Name: COLUMN alert_requests.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.alert_requests.tenant_id IS 'The job''s tenant, here again for row-level security.';

--
-- Name: COLUMN alert_requests.url; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.alert_requests.url IS 'Where it is sent: the alert''s url when the report was queued.';

--
-- Name: COLUMN alert_requests.body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.alert_requests.body IS 'The JSON that is sent: type, job, incident, and the job''s newest finished execution then.';

--
-- Name: closed_days; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.closed_days (
    day date NOT NULL,
    closed_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE closed_days; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.closed_days IS 'UTC days whose counts in job_history no longer change, and which tenant_history has therefore summed up: every day up to the newest here. upkeep.close_day adds them, one after the other.';

--
-- Name: COLUMN closed_days.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.closed_days.day IS 'A day on which nothing can finish any more: it ended an hour before or earlier.';

--
-- Name: COLUMN closed_days.closed_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.closed_days.closed_at IS 'When it was summed up.';

--
-- Name: execution_log_default; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.execution_log_default (
    id uuid CONSTRAINT execution_log_id_not_null NOT NULL,
    job_id uuid CONSTRAINT execution_log_job_id_not_null NOT NULL,
    worker_id uuid,
    scheduled_at timestamp with time zone CONSTRAINT execution_log_scheduled_at_not_null NOT NULL,
    created_at timestamp with time zone CONSTRAINT execution_log_created_at_not_null NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT now() CONSTRAINT execution_log_finished_at_not_null NOT NULL,
    skipped_until timestamp with time zone,
    duration_ms double precision,
    attempt integer CONSTRAINT execution_log_attempt_not_null NOT NULL,
    job_version integer,
    skipped_count integer,
    response_status integer,
    priority smallint CONSTRAINT execution_log_priority_not_null NOT NULL,
    response_truncated boolean DEFAULT false CONSTRAINT execution_log_response_truncated_not_null NOT NULL,
    status text CONSTRAINT execution_log_status_not_null NOT NULL,
    origin text CONSTRAINT execution_log_origin_not_null NOT NULL,
    tenant_id text CONSTRAINT execution_log_tenant_id_not_null NOT NULL,
    error_code text,
    error text,
    response_body text,
    trace_id text,
    attempts jsonb DEFAULT '[]'::jsonb CONSTRAINT execution_log_attempts_not_null NOT NULL,
    rerun_of uuid,
    reruns uuid[] DEFAULT '{}'::uuid[] CONSTRAINT execution_log_reruns_not_null NOT NULL,
    host text,
    CONSTRAINT execution_log_error_length CHECK ((char_length(error) <= 1000)),
    CONSTRAINT execution_log_response_body_length CHECK ((octet_length(response_body) <= 262144)),
    CONSTRAINT execution_log_skips_counted CHECK (((status = 'skipped'::text) = (skipped_count IS NOT NULL))),
    CONSTRAINT execution_log_status_known CHECK ((status = ANY (ARRAY['completed'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text, 'skipped'::text])))
);

--
-- Name: TABLE execution_log_default; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.execution_log_default IS 'Takes rows of days without a partition, so that no insert ever fails; upkeep moves them out or deletes them by finished_at.';

--
-- Name: execution_rank_1; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_1
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_1; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_1 IS 'Rank of the newest claimed execution of priority 1; see claimed_rank.';

--
-- Name: execution_rank_10; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_10
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_10; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_10 IS 'Rank of the newest claimed execution of priority 10; see claimed_rank.';

--
-- Name: execution_rank_2; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_2
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_2; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_2 IS 'Rank of the newest claimed execution of priority 2; see claimed_rank.';

--
-- Name: execution_rank_3; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_3
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_3; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_3 IS 'Rank of the newest claimed execution of priority 3; see claimed_rank.';

--
-- Name: execution_rank_4; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_4
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_4; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_4 IS 'Rank of the newest claimed execution of priority 4; see claimed_rank.';

--
-- Name: execution_rank_5; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_5
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_5; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_5 IS 'Rank of the newest claimed execution of priority 5; see claimed_rank.';

--
-- Name: execution_rank_6; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_6
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_6; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_6 IS 'Rank of the newest claimed execution of priority 6; see claimed_rank.';

--
-- Name: execution_rank_7; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_7
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_7; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_7 IS 'Rank of the newest claimed execution of priority 7; see claimed_rank.';

--
-- Name: execution_rank_8; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_8
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_8; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_8 IS 'Rank of the newest claimed execution of priority 8; see claimed_rank.';

--
-- Name: execution_rank_9; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.execution_rank_9
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE execution_rank_9; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.execution_rank_9 IS 'Rank of the newest claimed execution of priority 9; see claimed_rank.';

--
-- Name: executions; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.executions WITH (security_invoker='true') AS
 SELECT execution_queue.id,
    execution_queue.tenant_id,
    execution_queue.job_id,
    execution_queue.job_version,
    execution_queue.status,
    execution_queue.origin,
    execution_queue.scheduled_at,
    execution_queue.created_at,
    execution_queue.started_at,
    NULL::timestamp with time zone AS finished_at,
    NULL::double precision AS duration_ms,
    execution_queue.attempt,
    execution_queue.priority,
    execution_queue.worker_id,
    execution_queue.retry_at,
    NULL::integer AS response_status,
    NULL::text AS response_body,
    false AS response_truncated,
    NULL::text AS error_code,
    NULL::text AS error,
    NULL::timestamp with time zone AS skipped_until,
    NULL::integer AS skipped_count,
    execution_queue.trace_id,
    execution_queue.attempts,
    execution_queue.rerun_of,
    '{}'::uuid[] AS reruns
   FROM public.execution_queue
UNION ALL
 SELECT execution_log.id,
    execution_log.tenant_id,
    execution_log.job_id,
    execution_log.job_version,
    execution_log.status,
    execution_log.origin,
    execution_log.scheduled_at,
    execution_log.created_at,
    execution_log.started_at,
    execution_log.finished_at,
    execution_log.duration_ms,
    execution_log.attempt,
    execution_log.priority,
    execution_log.worker_id,
    NULL::timestamp with time zone AS retry_at,
    execution_log.response_status,
    execution_log.response_body,
    execution_log.response_truncated,
    execution_log.error_code,
    execution_log.error,
    execution_log.skipped_until,
    execution_log.skipped_count,
    execution_log.trace_id,
        CASE
            WHEN ((execution_log.host IS NULL) OR (execution_log.attempts <> '[]'::jsonb)) THEN execution_log.attempts
            ELSE public.attempt_entry(execution_log.attempt, execution_log.status, execution_log.response_status, execution_log.error_code, execution_log.error, execution_log.started_at, execution_log.duration_ms, execution_log.worker_id, execution_log.host)
        END AS attempts,
    execution_log.rerun_of,
    execution_log.reruns
   FROM public.execution_log;

--
-- Name: VIEW executions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.executions IS 'Every execution, live and finished: what the API and people read. A finished one is found fast with a bound on scheduled_at, or see execution_instant.';

--
-- Name: COLUMN executions.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.id IS 'What receivers get as X-Scheduler-Execution-Id and Idempotency-Key, the same for every attempt; carries the millisecond of scheduled_at.';

--
-- Name: COLUMN executions.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.tenant_id IS 'The job''s tenant.';

--
-- Name: COLUMN executions.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.job_id IS 'The job that is run; of an alert, the one it reports on.';

--
-- Name: COLUMN executions.job_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.job_version IS 'Version of the job''s definition that the latest attempt sent, see job_versions; NULL before the first claim, and of alerts. Of a skipped row, the version then.';

--
-- Name: COLUMN executions.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.status IS 'Live: pending, running, retrying, held. Finished: completed, failed, timeout, cancelled, skipped. See the status of execution_queue and execution_log.';

--
-- Name: COLUMN executions.origin; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.origin IS 'What made it: schedule, manual (a trigger), backfill, rerun, or alert: the report of an incident, which is no run of its job and counted nowhere.';

--
-- Name: COLUMN executions.scheduled_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.scheduled_at IS 'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for; of a skipped row, the first of its instants.';

--
-- Name: COLUMN executions.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.created_at IS 'When it came into the queue; of a skipped row, when that was written.';

--
-- Name: COLUMN executions.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.started_at IS 'When the first attempt was claimed; NULL: none has been.';

--
-- Name: COLUMN executions.finished_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.finished_at IS 'When the outcome was recorded; NULL while it lives.';

--
-- Name: COLUMN executions.duration_ms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.duration_ms IS 'How long the last call took, milliseconds; NULL while it lives, and when no call was under way at the end.';

--
-- Name: COLUMN executions.attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.attempt IS 'Number of the latest attempt; 0 before the first.';

--
-- Name: COLUMN executions.priority; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.priority IS '1 to 10, 10 is claimed first: the job''s when it was made, 1 of backfills, 10 of alerts.';

--
-- Name: COLUMN executions.worker_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.worker_id IS 'The process that calls, or made the last call, an id of workers; NULL when no call is or was under way.';

--
-- Name: COLUMN executions.retry_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.retry_at IS 'When a live one may be claimed again, after an attempt that failed or was put off; NULL otherwise.';

--
-- Name: COLUMN executions.response_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.response_status IS 'HTTP status that the last call got; NULL: no whole answer, or it lives.';

--
-- Name: COLUMN executions.response_body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.response_body IS 'Body of the last answer as text, secrets masked, the first 64 KiB of it; NULL: no whole answer, or it lives.';

--
-- Name: COLUMN executions.response_truncated; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.response_truncated IS 'Whether the answer''s body went on past the 64 KiB that are kept.';

--
-- Name: COLUMN executions.error_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.error_code IS 'Kind of failure, or of a skipped row the reason; NULL when it completed or lives. The values are under execution_log.error_code.';

--
-- Name: COLUMN executions.error; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.error IS 'What went wrong in a sentence for people; NULL when it completed, was cancelled or lives (attempts says how earlier calls went).';

--
-- Name: COLUMN executions.skipped_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.skipped_until IS 'On skipped rows: the last of the instants the row stands for; scheduled_at is the first. NULL on others.';

--
-- Name: COLUMN executions.skipped_count; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.skipped_count IS 'On skipped rows: how many instants the row stands for. NULL on others.';

--
-- Name: COLUMN executions.trace_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.trace_id IS 'W3C trace id that the latest recorded call sent in traceparent; NULL: none was recorded.';

--
-- Name: COLUMN executions.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.attempts IS 'Outcomes of ended attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';

--
-- Name: COLUMN executions.rerun_of; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.rerun_of IS 'The finished execution that this one runs again; NULL unless origin is rerun.';

--
-- Name: COLUMN executions.reruns; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.executions.reruns IS 'Executions that ran this one again, oldest first; empty while it lives.';

--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    tenant_id text NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body text,
    etag text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_key_length CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT idempotency_keys_status_in_range CHECK (((status >= 200) AND (status <= 499)))
);

--
-- Name: TABLE idempotency_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.idempotency_keys IS 'Answers to POST requests that came with an Idempotency-Key, each written in the transaction of what the request did, so that neither is there without the other. Kept for a day.';

--
-- Name: COLUMN idempotency_keys.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.tenant_id IS 'Whose request it was; the same key of another tenant is another one.';

--
-- Name: COLUMN idempotency_keys.key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.key IS 'What the client sent as Idempotency-Key.';

--
-- Name: COLUMN idempotency_keys.request; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.request IS 'Method and path that the key was first sent with.';

--
-- Name: COLUMN idempotency_keys.fingerprint; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.fingerprint IS 'Digest of the parameters and the body that it was first sent with: HMAC-SHA-256 under the secrets key, or plain SHA-256 where there is none.';

--
-- Name: COLUMN idempotency_keys.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.status IS 'HTTP status of the answer; 429 and 5xx are not kept.';

--
-- Name: COLUMN idempotency_keys.body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.body IS 'The answer''s text as it was sent; NULL where it had none.';

--
-- Name: COLUMN idempotency_keys.etag; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.etag IS 'ETag of the answer; NULL where it had none.';

--
-- Name: COLUMN idempotency_keys.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.idempotency_keys.created_at IS 'When the answer was given; a day later it no longer counts, and is purged.';

--
-- Name: CONSTRAINT idempotency_keys_status_in_range ON idempotency_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT idempotency_keys_status_in_range ON public.idempotency_keys IS 'An answer of 5xx tells of a fault of the service, and the request may be sent again.';

--
-- Name: job_alerts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_alerts (
    job_id uuid NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    last_success_at timestamp with time zone,
    completed bigint NOT NULL,
    failures bigint NOT NULL,
    streak integer DEFAULT 0 NOT NULL,
    after_failures integer NOT NULL,
    late_seconds integer,
    silent_seconds integer,
    also_on_recovery boolean NOT NULL,
    tenant_id text NOT NULL,
    url text NOT NULL
)
WITH (fillfactor='70');

--
-- Name: TABLE job_alerts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_alerts IS 'The jobs that are watched: those with an alert that are neither paused nor deleted. The trigger jobs_watch keeps it so; alerts.take_in updates it in place (HOT).';

--
-- Name: COLUMN job_alerts.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.job_id IS 'The job that is watched.';

--
-- Name: COLUMN job_alerts.since; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.since IS 'Since when it is watched; what ended earlier does not count.';

--
-- Name: COLUMN job_alerts.last_success_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.last_success_at IS 'When the newest success since it is watched finished; NULL: none has.';

--
-- Name: COLUMN job_alerts.completed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.completed IS 'job_totals.completed when it was last looked at: a difference says that there are outcomes to take in.';

--
-- Name: COLUMN job_alerts.failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.failures IS 'job_totals.failed and timeout together when they were last looked at.';

--
-- Name: COLUMN job_alerts.streak; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.streak IS 'Failures after the newest success, by scheduled_at.';

--
-- Name: COLUMN job_alerts.after_failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.after_failures IS 'Streak that makes an incident of kind failing.';

--
-- Name: COLUMN job_alerts.late_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.late_seconds IS 'How late a run may begin before that is an incident of kind late (if_late_by); NULL: as late as it likes.';

--
-- Name: COLUMN job_alerts.silent_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.silent_seconds IS 'How long there may be no success before that is an incident of kind silent (if_no_success_for); NULL: for ever.';

--
-- Name: COLUMN job_alerts.also_on_recovery; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.also_on_recovery IS 'Whether the end of an incident is reported too.';

--
-- Name: COLUMN job_alerts.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.tenant_id IS 'The job''s tenant, here again for row-level security and for the reports.';

--
-- Name: COLUMN job_alerts.url; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_alerts.url IS 'Where reports are sent, copied from jobs.alert as are the conditions.';

--
-- Name: job_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_counts (
    id bigint NOT NULL,
    job_id uuid NOT NULL,
    day date NOT NULL,
    tenant_id text NOT NULL,
    completed integer NOT NULL,
    failed integer NOT NULL,
    timeout integer NOT NULL,
    cancelled integer NOT NULL,
    attempts integer NOT NULL,
    duration_ms_sum double precision NOT NULL,
    duration_ms_max double precision NOT NULL,
    lag_ms_sum double precision NOT NULL,
    lag_ms_max double precision NOT NULL,
    last_run_at timestamp with time zone,
    last_scheduled_at timestamp with time zone NOT NULL,
    last_status text NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

--
-- Name: TABLE job_counts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_counts IS 'Counts set aside by work.finish, a row per batch, job and day, until upkeep.fold_counts adds them to job_totals and job_history. Used only while an open transaction keeps old versions of those rows: each update walks past them all, and soon that would cost more than the work that is counted.';

--
-- Name: COLUMN job_counts.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.id IS 'In the order in which the rows were set aside; see the sequence job_counts_folded.';

--
-- Name: COLUMN job_counts.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.job_id IS 'The job whose executions are counted.';

--
-- Name: COLUMN job_counts.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.day IS 'UTC date on which the executions finished: their row of job_history.';

--
-- Name: COLUMN job_counts.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.tenant_id IS 'The job''s tenant, for row-level security and for the rows it is folded into.';

--
-- Name: COLUMN job_counts.completed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.completed IS 'Executions of the batch that completed, to be added to totals and day.';

--
-- Name: COLUMN job_counts.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.failed IS 'Executions of the batch that failed for good, to be added to totals and day.';

--
-- Name: COLUMN job_counts.timeout; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.timeout IS 'Executions of the batch whose last call timed out, to be added to totals and day.';

--
-- Name: COLUMN job_counts.cancelled; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.cancelled IS 'Executions of the batch that were cancelled, to be added to totals and day.';

--
-- Name: COLUMN job_counts.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.attempts IS 'Calls made for the batch''s executions, retries included, to be added to the day.';

--
-- Name: COLUMN job_counts.duration_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.duration_ms_sum IS 'What the batch adds to job_history.duration_ms_sum, milliseconds.';

--
-- Name: COLUMN job_counts.duration_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.duration_ms_max IS 'Longest last call in duration_ms_sum, milliseconds; 0: there were none.';

--
-- Name: COLUMN job_counts.lag_ms_sum; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.lag_ms_sum IS 'What the batch adds to job_history.lag_ms_sum, milliseconds.';

--
-- Name: COLUMN job_counts.lag_ms_max; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.lag_ms_max IS 'Longest start lag in lag_ms_sum, milliseconds; 0: there were none.';

--
-- Name: COLUMN job_counts.last_run_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.last_run_at IS 'When the latest of the batch''s executions started; NULL: none was claimed.';

--
-- Name: COLUMN job_counts.last_scheduled_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.last_scheduled_at IS 'Newest scheduled_at of the batch; of rows folded together, the one with the newest gives job_totals.last_status.';

--
-- Name: COLUMN job_counts.last_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_counts.last_status IS 'How the batch''s execution with the newest scheduled_at has ended.';

--
-- Name: job_counts_folded; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.job_counts_folded
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: SEQUENCE job_counts_folded; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.job_counts_folded IS 'Newest id that upkeep.fold_counts has folded: a hint, where to begin.';

--
-- Name: job_counts_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.job_counts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_counts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: SEQUENCE job_counts_id_seq; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.job_counts_id_seq IS 'Ids of job_counts, as many as rows were ever set aside; job_counts_folded says how many of them are folded.';

--
-- Name: job_incidents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_incidents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    job_id uuid NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    opened_execution_id uuid NOT NULL,
    closed_execution_id uuid,
    failures integer NOT NULL,
    kind text NOT NULL,
    outcome text,
    tenant_id text NOT NULL,
    CONSTRAINT job_incidents_kind_known CHECK ((kind = ANY (ARRAY['failing'::text, 'late'::text, 'silent'::text]))),
    CONSTRAINT job_incidents_outcome_iff_closed CHECK (((closed_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT job_incidents_outcome_known CHECK ((outcome = ANY (ARRAY['recovered'::text, 'withdrawn'::text])))
);

--
-- Name: TABLE job_incidents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_incidents IS 'Trouble of jobs that was reported: opened and closed by alerts.judge together with the execution that reports it, so each is reported once.';

--
-- Name: COLUMN job_incidents.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.id IS 'What reports have as incident.id.';

--
-- Name: COLUMN job_incidents.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.job_id IS 'The job in trouble.';

--
-- Name: COLUMN job_incidents.opened_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.opened_at IS 'When the trouble was seen, and its report queued.';

--
-- Name: COLUMN job_incidents.closed_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.closed_at IS 'When it was over, or nobody watched any more; NULL: it goes on.';

--
-- Name: COLUMN job_incidents.opened_execution_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.opened_execution_id IS 'The execution, of origin alert, that reports it.';

--
-- Name: COLUMN job_incidents.closed_execution_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.closed_execution_id IS 'The execution, of origin alert, that reports its end; NULL: none does, since it goes on, was withdrawn, or also_on_recovery was off.';

--
-- Name: COLUMN job_incidents.failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.failures IS 'Failures in a row when it was opened.';

--
-- Name: COLUMN job_incidents.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.kind IS 'failing (so many failures in a row), late (a run has not begun in time), silent (no success for too long); the job''s alert says how many and how long.';

--
-- Name: COLUMN job_incidents.outcome; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.outcome IS 'recovered; or withdrawn, which is not reported: the job was paused or deleted or the condition taken away, or, of kind late and silent, it completed. NULL: it goes on.';

--
-- Name: COLUMN job_incidents.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_incidents.tenant_id IS 'The job''s tenant, here again for row-level security and for lists of a tenant.';

--
-- Name: CONSTRAINT job_incidents_outcome_iff_closed ON job_incidents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT job_incidents_outcome_iff_closed ON public.job_incidents IS 'An incident that is closed says why, and one that is open cannot.';

--
-- Name: job_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_versions (
    job_id uuid NOT NULL,
    version integer NOT NULL,
    tenant_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    anchor_at timestamp with time zone NOT NULL,
    start_at timestamp with time zone,
    end_at timestamp with time zone,
    jitter_seconds integer NOT NULL,
    type text NOT NULL,
    schedule text NOT NULL,
    timezone text NOT NULL,
    endpoint text NOT NULL,
    method text NOT NULL,
    headers jsonb NOT NULL,
    payload jsonb
);

--
-- Name: TABLE job_versions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.job_versions IS 'Every definition a job has had, insert-only save that secrets rotate masks headers: what an execution of an earlier version sent, and what the schedule named then.';

--
-- Name: COLUMN job_versions.job_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.job_id IS 'The job that was, or is, so defined.';

--
-- Name: COLUMN job_versions.version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.version IS 'jobs.version of that time, and job_version of the executions that sent it; the highest is the job as it is now.';

--
-- Name: COLUMN job_versions.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.tenant_id IS 'The job''s tenant, here again for row-level security.';

--
-- Name: COLUMN job_versions.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.created_at IS 'Since when it held; it did until the next version.';

--
-- Name: COLUMN job_versions.anchor_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.anchor_at IS 'jobs.anchor_at of that version: where its intervals counted from.';

--
-- Name: COLUMN job_versions.start_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.start_at IS 'jobs.start_at of that version: no instant was earlier; NULL: no such bound.';

--
-- Name: COLUMN job_versions.end_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.end_at IS 'jobs.end_at of that version: no instant was later; NULL: no such bound.';

--
-- Name: COLUMN job_versions.jitter_seconds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.jitter_seconds IS 'jobs.jitter_seconds of that version: runs were put off by less than this.';

--
-- Name: COLUMN job_versions.type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.type IS 'jobs.type of that version: cron, interval or one_time.';

--
-- Name: COLUMN job_versions.schedule; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.schedule IS 'jobs.schedule of that version: when it ran.';

--
-- Name: COLUMN job_versions.timezone; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.timezone IS 'jobs.timezone of that version: whose clock its cron fields went by.';

--
-- Name: COLUMN job_versions.endpoint; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.endpoint IS 'URL that this version called.';

--
-- Name: COLUMN job_versions.method; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.method IS 'HTTP method that this version called it with.';

--
-- Name: COLUMN job_versions.headers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.headers IS 'Headers that this version sent, a mask for each secret value.';

--
-- Name: COLUMN job_versions.payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.job_versions.payload IS 'JSON body that this version sent, a mask for each secret value in it; NULL: none.';

--
-- Name: log_partitions; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.log_partitions AS
 SELECT ((c.oid)::regclass)::text AS name,
    to_date("right"((c.relname)::text, 8), 'YYYYMMDD'::text) AS day
   FROM (pg_inherits i
     JOIN pg_class c ON ((i.inhrelid = c.oid)))
  WHERE ((i.inhparent = ('public.execution_log'::regclass)::oid) AND (c.relname ~ '^execution_log_\d{8}$'::text));

--
-- Name: VIEW log_partitions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.log_partitions IS 'The whole day partitions of execution_log, with all that finished; log_partitions_thinned has the others.';

--
-- Name: COLUMN log_partitions.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.log_partitions.name IS 'Table that holds the day: execution_log_<YYYYMMDD>.';

--
-- Name: COLUMN log_partitions.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.log_partitions.day IS 'UTC date of scheduled_at of what it holds.';

--
-- Name: log_partitions_thinned; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.log_partitions_thinned AS
 SELECT ((inhrelid)::regclass)::text AS name,
    to_date("substring"(((inhrelid)::regclass)::text, '(\d{8})_failed$'::text), 'YYYYMMDD'::text) AS day
   FROM pg_inherits
  WHERE ((inhparent = ('public.execution_log'::regclass)::oid) AND (((inhrelid)::regclass)::text ~ 'execution_log_\d{8}_failed$'::text));

--
-- Name: VIEW log_partitions_thinned; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.log_partitions_thinned IS 'The day partitions of execution_log that hold only failures, since the rest of their day is past its retention; log_partitions has the whole ones.';

--
-- Name: COLUMN log_partitions_thinned.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.log_partitions_thinned.name IS 'Table that holds the day''s failures: execution_log_<YYYYMMDD>_failed.';

--
-- Name: COLUMN log_partitions_thinned.day; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.log_partitions_thinned.day IS 'UTC date of scheduled_at of what it holds.';

--
-- Name: signing_secrets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.signing_secrets (
    tenant_id text NOT NULL,
    sealed text NOT NULL,
    previous_sealed text,
    previous_until timestamp with time zone,
    rotated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT signing_secrets_previous_ends CHECK (((previous_sealed IS NULL) = (previous_until IS NULL))),
    CONSTRAINT signing_secrets_tenant_id_pattern CHECK ((tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'::text))
);

--
-- Name: TABLE signing_secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.signing_secrets IS 'What a tenant''s calls are signed with; calls of a tenant without a row are not signed.';

--
-- Name: COLUMN signing_secrets.tenant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.signing_secrets.tenant_id IS 'Whose calls it signs.';

--
-- Name: COLUMN signing_secrets.sealed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.signing_secrets.sealed IS 'The secret, sealed as jobs.sealed is, bound to its tenant.';

--
-- Name: COLUMN signing_secrets.previous_sealed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.signing_secrets.previous_sealed IS 'The secret before, which calls are signed with too until previous_until, so that receivers can change over; NULL: there was none.';

--
-- Name: COLUMN signing_secrets.previous_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.signing_secrets.previous_until IS 'End of the time in which both are used, a day after the rotation; NULL: there was no secret before.';

--
-- Name: COLUMN signing_secrets.rotated_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.signing_secrets.rotated_at IS 'When the present secret was made.';

--
-- Name: CONSTRAINT signing_secrets_previous_ends ON signing_secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT signing_secrets_previous_ends ON public.signing_secrets IS 'The secret before must end some time: both are there, or neither.';

--
-- Name: CONSTRAINT signing_secrets_tenant_id_pattern ON signing_secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT signing_secrets_tenant_id_pattern ON public.signing_secrets IS 'The same rule as for X-Tenant-ID.';

--
-- Name: daily; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.daily AS
 SELECT day,
    tenant_id,
    sum(completed) AS completed,
    sum(failed) AS failed,
    sum(timeout) AS timeout,
    sum(cancelled) AS cancelled,
    sum(skipped) AS skipped,
    sum(attempts) AS calls,
    round(((100.0 * (sum(completed))::numeric) / (NULLIF(sum(((completed + failed) + timeout)), 0))::numeric), 2) AS success_percent,
    (sum(duration_ms_sum) / (NULLIF(sum(((completed + failed) + timeout)), 0))::double precision) AS mean_ms,
    max(duration_ms_max) AS slowest_ms,
    (sum(lag_ms_sum) / (NULLIF(sum(((completed + failed) + timeout)), 0))::double precision) AS mean_lag_ms,
    max(lag_ms_max) AS worst_lag_ms
   FROM public.job_history h
  WHERE (day > (((now() AT TIME ZONE 'UTC'::text))::date - 30))
  GROUP BY day, tenant_id
  ORDER BY day DESC, tenant_id;

--
-- Name: VIEW daily; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.daily IS 'How each tenant''s days went: the last 30 UTC days, by when executions finished. Reads job_history, a row per job and day.';

--
-- Name: COLUMN daily.day; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.day IS 'UTC date on which the executions finished; today is not over.';

--
-- Name: COLUMN daily.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.tenant_id IS 'Whose jobs were run.';

--
-- Name: COLUMN daily.completed; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.completed IS 'Executions that completed.';

--
-- Name: COLUMN daily.failed; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.failed IS 'Executions that failed for good.';

--
-- Name: COLUMN daily.timeout; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.timeout IS 'Executions whose last call timed out.';

--
-- Name: COLUMN daily.cancelled; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.cancelled IS 'Executions that were cancelled, called or not.';

--
-- Name: COLUMN daily.skipped; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.skipped IS 'Skipped rows of the log, each a range of instants; report.hourly counts the instants.';

--
-- Name: COLUMN daily.calls; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.calls IS 'Calls made for the executions, retries included.';

--
-- Name: COLUMN daily.success_percent; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.success_percent IS 'Completed ones of those that completed, failed or timed out; NULL: there were none.';

--
-- Name: COLUMN daily.mean_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.mean_ms IS 'Mean duration of last calls, milliseconds; NULL: there were none.';

--
-- Name: COLUMN daily.slowest_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.slowest_ms IS 'Longest last call, milliseconds; 0: there were none.';

--
-- Name: COLUMN daily.mean_lag_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.mean_lag_ms IS 'Mean start lag (started_at - scheduled_at), milliseconds; NULL: nothing started.';

--
-- Name: COLUMN daily.worst_lag_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.daily.worst_lag_ms IS 'Longest start lag, milliseconds; 0: nothing started.';

--
-- Name: error_groups; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.error_groups AS
 SELECT l.tenant_id,
    l.job_id,
    j.name,
    l.status,
    l.error_code,
    l.response_status,
    count(*) AS failures,
    min(l.finished_at) AS first_at,
    max(l.finished_at) AS last_at,
    (array_agg(l.error ORDER BY l.finished_at DESC))[1] AS last_error,
    (array_agg(l.id ORDER BY l.finished_at DESC))[1] AS last_execution_id
   FROM (public.execution_log l
     JOIN public.jobs j ON ((l.job_id = j.id)))
  WHERE ((l.id >= ops.first_id((now() - '1 day'::interval))) AND (l.scheduled_at >= (now() - '1 day'::interval)) AND (l.status = ANY (ARRAY['failed'::text, 'timeout'::text])) AND (l.origin <> 'alert'::text))
  GROUP BY l.tenant_id, l.job_id, j.name, l.status, l.error_code, l.response_status
  ORDER BY (count(*)) DESC;

--
-- Name: VIEW error_groups; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.error_groups IS 'What failed in the last 24 hours and why, the most frequent first: a row per job and kind of failure, with the newest of them.';

--
-- Name: COLUMN error_groups.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN error_groups.job_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.job_id IS 'The job that failed.';

--
-- Name: COLUMN error_groups.name; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.name IS 'The job''s name.';

--
-- Name: COLUMN error_groups.status; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.status IS 'failed or timeout.';

--
-- Name: COLUMN error_groups.error_code; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.error_code IS 'Kind of failure: http_status, timeout, connection and others, see execution_log.';

--
-- Name: COLUMN error_groups.response_status; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.response_status IS 'HTTP status that was answered; NULL: no whole answer.';

--
-- Name: COLUMN error_groups.failures; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.failures IS 'Executions that failed so.';

--
-- Name: COLUMN error_groups.first_at; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.first_at IS 'When the first of them finished.';

--
-- Name: COLUMN error_groups.last_at; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.last_at IS 'When the newest of them finished.';

--
-- Name: COLUMN error_groups.last_error; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.last_error IS 'What went wrong with the newest, in a sentence.';

--
-- Name: COLUMN error_groups.last_execution_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.error_groups.last_execution_id IS 'The newest of them; SELECT ops.rerun(last_execution_id) runs it again.';

--
-- Name: flakiest; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.flakiest AS
 SELECT h.tenant_id,
    h.job_id,
    j.name,
    sum(h.completed) AS completed,
    sum((h.failed + h.timeout)) AS failures,
    round(((100.0 * (sum((h.failed + h.timeout)))::numeric) / (NULLIF(sum(((h.completed + h.failed) + h.timeout)), 0))::numeric), 2) AS failure_percent,
    (sum(h.attempts) - sum(((h.completed + h.failed) + h.timeout))) AS retries
   FROM (public.job_history h
     JOIN public.jobs j ON ((h.job_id = j.id)))
  WHERE (h.day > (((now() AT TIME ZONE 'UTC'::text))::date - 7))
  GROUP BY h.tenant_id, h.job_id, j.name
 HAVING ((sum((h.failed + h.timeout)) > 0) OR (sum(h.attempts) > sum((((h.completed + h.failed) + h.timeout) + h.cancelled))))
  ORDER BY (round(((100.0 * (sum((h.failed + h.timeout)))::numeric) / (NULLIF(sum(((h.completed + h.failed) + h.timeout)), 0))::numeric), 2)) DESC NULLS LAST, (sum((h.failed + h.timeout))) DESC, (sum(h.attempts) - sum(((h.completed + h.failed) + h.timeout))) DESC
 LIMIT 100;

--
-- Name: VIEW flakiest; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.flakiest IS 'The 100 jobs with the highest share of failures, of those that failed or needed retries in the last 7 UTC days.';

--
-- Name: COLUMN flakiest.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN flakiest.job_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.job_id IS 'The job; SELECT ops.rerun_failed(job_id, since) runs its failures again.';

--
-- Name: COLUMN flakiest.name; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.name IS 'The job''s name.';

--
-- Name: COLUMN flakiest.completed; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.completed IS 'Executions that completed, at whatever attempt.';

--
-- Name: COLUMN flakiest.failures; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.failures IS 'Executions that failed or timed out for good.';

--
-- Name: COLUMN flakiest.failure_percent; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.failure_percent IS 'failures of both together; NULL: none completed and none failed.';

--
-- Name: COLUMN flakiest.retries; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.flakiest.retries IS 'Calls beyond the first of each execution; calls of cancelled executions are counted too.';

--
-- Name: hourly; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.hourly AS
 SELECT date_trunc('hour'::text, scheduled_at) AS hour,
    tenant_id,
    count(*) FILTER (WHERE (status = 'completed'::text)) AS completed,
    count(*) FILTER (WHERE (status = 'failed'::text)) AS failed,
    count(*) FILTER (WHERE (status = 'timeout'::text)) AS timeout,
    count(*) FILTER (WHERE (status = 'cancelled'::text)) AS cancelled,
    COALESCE(sum(skipped_count), (0)::bigint) AS skipped,
    sum(attempt) AS calls,
    percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms,
    percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY (((EXTRACT(epoch FROM (started_at - scheduled_at)) * (1000)::numeric))::double precision)) AS p95_lag_ms
   FROM public.execution_log l
  WHERE ((id >= ops.first_id((now() - '1 day'::interval))) AND (scheduled_at >= (now() - '1 day'::interval)) AND (origin <> 'alert'::text))
  GROUP BY (date_trunc('hour'::text, scheduled_at)), tenant_id
  ORDER BY (date_trunc('hour'::text, scheduled_at)) DESC, tenant_id;

--
-- Name: VIEW hourly; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.hourly IS 'How each tenant''s hours went: executions scheduled in the last 24 hours. Reads a day of the log.';

--
-- Name: COLUMN hourly.hour; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.hour IS 'Hour of scheduled_at, in the session''s time zone; the oldest and the newest are not whole.';

--
-- Name: COLUMN hourly.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.tenant_id IS 'Whose jobs were run.';

--
-- Name: COLUMN hourly.completed; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.completed IS 'Executions that completed.';

--
-- Name: COLUMN hourly.failed; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.failed IS 'Executions that failed for good.';

--
-- Name: COLUMN hourly.timeout; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.timeout IS 'Executions whose last call timed out.';

--
-- Name: COLUMN hourly.cancelled; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.cancelled IS 'Executions that were cancelled, called or not.';

--
-- Name: COLUMN hourly.skipped; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.skipped IS 'Instants that were passed over.';

--
-- Name: COLUMN hourly.calls; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.calls IS 'Calls made for the executions, retries included.';

--
-- Name: COLUMN hourly.p95_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.p95_ms IS '95 in 100 last calls took no longer, milliseconds; NULL: there were none.';

--
-- Name: COLUMN hourly.p95_lag_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.hourly.p95_lag_ms IS '95 in 100 start lags (started_at - scheduled_at) were no longer, milliseconds; NULL: nothing started.';

--
-- Name: slowest; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.slowest AS
 SELECT h.tenant_id,
    h.job_id,
    j.name,
    sum(((h.completed + h.failed) + h.timeout)) AS executions,
    (sum(h.duration_ms_sum) / (sum(((h.completed + h.failed) + h.timeout)))::double precision) AS mean_ms,
    max(h.duration_ms_max) AS slowest_ms,
    (sum(h.duration_ms_sum) / (1000)::double precision) AS total_seconds
   FROM (public.job_history h
     JOIN public.jobs j ON ((h.job_id = j.id)))
  WHERE (h.day > (((now() AT TIME ZONE 'UTC'::text))::date - 7))
  GROUP BY h.tenant_id, h.job_id, j.name
 HAVING (sum(((h.completed + h.failed) + h.timeout)) > 0)
  ORDER BY (sum(h.duration_ms_sum) / (sum(((h.completed + h.failed) + h.timeout)))::double precision) DESC
 LIMIT 100;

--
-- Name: VIEW slowest; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.slowest IS 'The 100 jobs whose calls took longest on average in the last 7 UTC days.';

--
-- Name: COLUMN slowest.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.tenant_id IS 'Whose job it is.';

--
-- Name: COLUMN slowest.job_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.job_id IS 'The job whose calls are slow.';

--
-- Name: COLUMN slowest.name; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.name IS 'The job''s name.';

--
-- Name: COLUMN slowest.executions; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.executions IS 'Those that completed, failed or timed out.';

--
-- Name: COLUMN slowest.mean_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.mean_ms IS 'Mean duration of their last calls, milliseconds.';

--
-- Name: COLUMN slowest.slowest_ms; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.slowest_ms IS 'Longest of their last calls, milliseconds.';

--
-- Name: COLUMN slowest.total_seconds; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.slowest.total_seconds IS 'Their last calls together: how long they kept slots busy.';

--
-- Name: tenant_usage; Type: VIEW; Schema: report; Owner: -
--

CREATE VIEW report.tenant_usage AS
 SELECT tenant_id,
    count(DISTINCT job_id) AS jobs,
    sum(((completed + failed) + timeout)) AS executions,
    sum(attempts) AS calls,
    sum((failed + timeout)) AS failures,
    (sum(duration_ms_sum) / (1000)::double precision) AS call_seconds,
    round(((100.0 * (sum(attempts))::numeric) / NULLIF(sum(sum(attempts)) OVER (), (0)::numeric)), 2) AS calls_percent
   FROM public.job_history h
  WHERE (day > (((now() AT TIME ZONE 'UTC'::text))::date - 30))
  GROUP BY tenant_id
  ORDER BY (sum(attempts)) DESC, tenant_id;

--
-- Name: VIEW tenant_usage; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON VIEW report.tenant_usage IS 'What each tenant used in the last 30 UTC days, the busiest first: jobs that ran, calls with their retries, seconds of last calls.';

--
-- Name: COLUMN tenant_usage.tenant_id; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.tenant_id IS 'Who used the service.';

--
-- Name: COLUMN tenant_usage.jobs; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.jobs IS 'Jobs of which an execution finished, or an instant was skipped.';

--
-- Name: COLUMN tenant_usage.executions; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.executions IS 'Those that completed, failed or timed out.';

--
-- Name: COLUMN tenant_usage.calls; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.calls IS 'Calls made, retries included.';

--
-- Name: COLUMN tenant_usage.failures; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.failures IS 'Executions that failed or timed out for good.';

--
-- Name: COLUMN tenant_usage.call_seconds; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.call_seconds IS 'Last calls of the executions together: how long they kept slots busy, retries apart.';

--
-- Name: COLUMN tenant_usage.calls_percent; Type: COMMENT; Schema: report; Owner: -
--

COMMENT ON COLUMN report.tenant_usage.calls_percent IS 'The tenant''s share of all calls; NULL: nobody made any.';

--
-- Name: execution_log_default; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.execution_log ATTACH PARTITION public.execution_log_default DEFAULT;

--
-- Name: alert_requests alert_requests_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alert_requests
    ADD CONSTRAINT alert_requests_pkey PRIMARY KEY (execution_id);

--
-- Name: api_keys api_keys_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_hash_key UNIQUE (hash);

--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, at, id);

--
-- Name: closed_days closed_days_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.closed_days
    ADD CONSTRAINT closed_days_pkey PRIMARY KEY (day);

--
-- Name: endpoint_breakers endpoint_breakers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.endpoint_breakers
    ADD CONSTRAINT endpoint_breakers_pkey PRIMARY KEY (tenant_id, host);

--
-- Name: execution_log execution_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.execution_log
    ADD CONSTRAINT execution_log_pkey PRIMARY KEY (id, scheduled_at);

--
-- Name: execution_log_default execution_log_default_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.execution_log_default
    ADD CONSTRAINT execution_log_default_pkey PRIMARY KEY (id, scheduled_at);

--
-- Name: execution_queue execution_queue_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.execution_queue
    ADD CONSTRAINT execution_queue_pkey PRIMARY KEY (id);

--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key);

--
-- Name: job_alerts job_alerts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_alerts
    ADD CONSTRAINT job_alerts_pkey PRIMARY KEY (job_id);

--
-- Name: job_counts job_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_counts
    ADD CONSTRAINT job_counts_pkey PRIMARY KEY (id);

--
-- Name: job_history job_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_history
    ADD CONSTRAINT job_history_pkey PRIMARY KEY (job_id, day);

--
-- Name: job_incidents job_incidents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_incidents
    ADD CONSTRAINT job_incidents_pkey PRIMARY KEY (id);

--
-- Name: job_totals job_totals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_totals
    ADD CONSTRAINT job_totals_pkey PRIMARY KEY (job_id);

--
-- Name: job_versions job_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_versions
    ADD CONSTRAINT job_versions_pkey PRIMARY KEY (job_id, version);

--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

--
-- Name: signing_secrets signing_secrets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.signing_secrets
    ADD CONSTRAINT signing_secrets_pkey PRIMARY KEY (tenant_id);

--
-- Name: tenant_history tenant_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tenant_history
    ADD CONSTRAINT tenant_history_pkey PRIMARY KEY (tenant_id, day);

--
-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

--
-- Name: alert_requests_incident_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX alert_requests_incident_idx ON public.alert_requests USING btree (incident_id);

--
-- Name: INDEX alert_requests_incident_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.alert_requests_incident_idx IS 'Serves upkeep.purge_incidents: what goes with an incident.';

--
-- Name: INDEX alert_requests_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.alert_requests_pkey IS 'Serves work.claim and executions.get.';

--
-- Name: INDEX api_keys_hash_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.api_keys_hash_key IS 'Serves keys.find, through find_api_key.';

--
-- Name: INDEX api_keys_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.api_keys_pkey IS 'Serves keys.revoke.';

--
-- Name: api_keys_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_keys_tenant_idx ON public.api_keys USING btree (tenant_id, created_at, id);

--
-- Name: INDEX api_keys_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.api_keys_tenant_idx IS 'Serves keys.list.';

--
-- Name: audit_log_action_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_action_idx ON public.audit_log USING btree (tenant_id, action, at, id);

--
-- Name: INDEX audit_log_action_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_action_idx IS 'Serves audit.list and audit.count by action: a rare one among many.';

--
-- Name: audit_log_actor_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_actor_idx ON public.audit_log USING btree (tenant_id, actor, at, id);

--
-- Name: INDEX audit_log_actor_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_actor_idx IS 'Serves audit.list and audit.count by actor: one who did little among many entries.';

--
-- Name: audit_log_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_at_idx ON public.audit_log USING brin (at) WITH (pages_per_range='16');

--
-- Name: INDEX audit_log_at_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_at_idx IS 'Serves upkeep.purge_audit: rows lie in the order of time.';

--
-- Name: audit_log_entity_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_entity_idx ON public.audit_log USING btree (entity_id, at, id) WHERE (entity_id IS NOT NULL);

--
-- Name: INDEX audit_log_entity_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_entity_idx IS 'Serves audit.list and audit.count by entity.';

--
-- Name: audit_log_job_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_job_idx ON public.audit_log USING btree (job_id, at, id) WHERE (job_id IS NOT NULL);

--
-- Name: INDEX audit_log_job_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_job_idx IS 'Serves audit.list and audit.count by job.';

--
-- Name: INDEX audit_log_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.audit_log_pkey IS 'Serves audit.list, audit.count and upkeep.purge_audit: a tenant''s entries in the order of time.';

--
-- Name: INDEX closed_days_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.closed_days_pkey IS 'A day is closed once. Serves history.stats and upkeep.close_day: the newest.';

--
-- Name: INDEX endpoint_breakers_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.endpoint_breakers_pkey IS 'Serves breakers.open, breakers.take_probes, breakers.put_off and breakers.close.';

--
-- Name: execution_log_job_ended_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_job_ended_idx ON ONLY public.execution_log USING btree (job_id, status, scheduled_at DESC, id DESC) WHERE (status <> 'completed'::text);

--
-- Name: INDEX execution_log_job_ended_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_log_job_ended_idx IS 'Serves executions.list and executions.count by job and status: what did not complete, of a job with very many executions. Of those that completed there is nothing in it, so they do not pay for it.';

--
-- Name: execution_log_default_job_ended_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_default_job_ended_idx ON public.execution_log_default USING btree (job_id, status, scheduled_at DESC, id DESC) WHERE (status <> 'completed'::text);

--
-- Name: execution_log_job_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_job_idx ON ONLY public.execution_log USING btree (job_id, scheduled_at DESC, id DESC);

--
-- Name: INDEX execution_log_job_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_log_job_idx IS 'Serves executions.list and executions.percentiles by job, occurrences.recorded, occurrences.latest_before, alerts.take_in and alerts.judge.';

--
-- Name: execution_log_default_job_id_scheduled_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_default_job_id_scheduled_at_id_idx ON public.execution_log_default USING btree (job_id, scheduled_at DESC, id DESC);

--
-- Name: INDEX execution_log_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_log_pkey IS 'Serves executions.get, tick.materialize and, since ids are in the order of time, the windows of ops and report.';

--
-- Name: execution_log_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_tenant_idx ON ONLY public.execution_log USING btree (tenant_id, scheduled_at DESC, id DESC);

--
-- Name: INDEX execution_log_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_log_tenant_idx IS 'Serves executions.list and executions.percentiles: a tenant''s executions, newest first.';

--
-- Name: execution_log_default_tenant_id_scheduled_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_default_tenant_id_scheduled_at_id_idx ON public.execution_log_default USING btree (tenant_id, scheduled_at DESC, id DESC);

--
-- Name: execution_log_ended_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_ended_idx ON ONLY public.execution_log USING btree (tenant_id, status, scheduled_at DESC, id DESC) WHERE (status <> 'completed'::text);

--
-- Name: INDEX execution_log_ended_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_log_ended_idx IS 'Serves executions.list by status and executions.dead_letters: what did not complete is rare and must be found fast.';

--
-- Name: execution_log_default_tenant_id_status_scheduled_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_log_default_tenant_id_status_scheduled_at_id_idx ON public.execution_log_default USING btree (tenant_id, status, scheduled_at DESC, id DESC) WHERE (status <> 'completed'::text);

--
-- Name: execution_queue_front_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_front_idx ON public.execution_queue USING btree (priority, rank, scheduled_at, id) WHERE (status = 'pending'::text);

--
-- Name: INDEX execution_queue_front_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_front_idx IS 'Serves work.claim: walked, for each priority, from where the last claims ended.';

--
-- Name: execution_queue_held_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_held_idx ON public.execution_queue USING btree (job_id) WHERE ((status = 'held'::text) AND (held_for IS NULL));

--
-- Name: INDEX execution_queue_held_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_held_idx IS 'Serves upkeep.needed and upkeep.stranded_jobs: what a pause holds, by job.';

--
-- Name: execution_queue_of_job_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_of_job_idx ON public.execution_queue USING btree (job_id, scheduled_at DESC, id DESC) WHERE (job_id IS NOT NULL);

--
-- Name: INDEX execution_queue_of_job_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_of_job_idx IS 'Serves executions.list by job, tick.due_jobs, jobs.pause, jobs.resume, jobs.lock_waiting, alerts.judge and the completion of exhausted jobs: what lives of a job. Partial, though it holds each row: so it is used where a job is asked for and never for an id alone. While the queue is empty all indexes cost the same to the planner, and a plan of that moment would look ids up in this one, past all that vacuum may not remove.';

--
-- Name: execution_queue_of_line_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_of_line_idx ON public.execution_queue USING btree (tenant_id, priority, rank) WHERE ((status = 'pending'::text) AND (tenant_id IS NOT NULL));

--
-- Name: INDEX execution_queue_of_line_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_of_line_idx IS 'Serves tick.materialize and whatever else makes executions pending, through last_rank: the end of a tenant''s line. Serves executions.live_counts too. By tenant_id IS NOT NULL work.claim, which asks for no tenant, cannot use it: it would sort the whole queue.';

--
-- Name: execution_queue_of_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_of_tenant_idx ON public.execution_queue USING btree (tenant_id, scheduled_at DESC, id DESC) WHERE (tenant_id IS NOT NULL);

--
-- Name: INDEX execution_queue_of_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_of_tenant_idx IS 'Serves executions.list. Partial as execution_queue_of_job_idx is, so that it is used where a tenant is asked for.';

--
-- Name: execution_queue_of_waiting_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_of_waiting_idx ON public.execution_queue USING btree (tenant_id, status, scheduled_at DESC, id DESC) WHERE ((status = ANY (ARRAY['retrying'::text, 'held'::text])) AND (tenant_id IS NOT NULL));

--
-- Name: INDEX execution_queue_of_waiting_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_of_waiting_idx IS 'Serves executions.list and executions.live_counts: the few that wait beside many pending ones. Used where a tenant is asked for.';

--
-- Name: execution_queue_overlap_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_overlap_idx ON public.execution_queue USING btree (job_id) WHERE (held_for = 'overlap'::text);

--
-- Name: INDEX execution_queue_overlap_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_overlap_idx IS 'Serves upkeep.release_overlapped, work.finish and tick.due_jobs: those that wait for a predecessor.';

--
-- Name: INDEX execution_queue_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_pkey IS 'Serves work.finish, executions.cancel and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';

--
-- Name: execution_queue_rerun_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX execution_queue_rerun_idx ON public.execution_queue USING btree (rerun_of) WHERE (rerun_of IS NOT NULL);

--
-- Name: INDEX execution_queue_rerun_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_rerun_idx IS 'An execution has one live rerun at most. Serves executions.rerun.';

--
-- Name: execution_queue_retry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_retry_idx ON public.execution_queue USING btree (retry_at) WHERE (status = 'retrying'::text);

--
-- Name: INDEX execution_queue_retry_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_retry_idx IS 'Serves tick.promote_retries and tick.next_due.';

--
-- Name: execution_queue_worker_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX execution_queue_worker_idx ON public.execution_queue USING btree (worker_id) WHERE (status = 'running'::text);

--
-- Name: INDEX execution_queue_worker_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.execution_queue_worker_idx IS 'Serves upkeep.needed, upkeep.lost_executions and work.return_strays: what a process runs, or one that is gone.';

--
-- Name: idempotency_keys_created_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_created_idx ON public.idempotency_keys USING btree (created_at);

--
-- Name: INDEX idempotency_keys_created_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.idempotency_keys_created_idx IS 'Serves upkeep.purge_idempotency_keys.';

--
-- Name: INDEX idempotency_keys_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.idempotency_keys_pkey IS 'Serves idempotency.find and idempotency.store.';

--
-- Name: INDEX job_alerts_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_alerts_pkey IS 'Serves alerts.take_in and alerts.judge, and the trigger that keeps it in step with jobs.';

--
-- Name: INDEX job_counts_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_counts_pkey IS 'Serves upkeep.fold_counts, which goes on about where the last fold ended.';

--
-- Name: INDEX job_history_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_history_pkey IS 'Serves the counting of work.finish, tick.skip and upkeep.fold_counts.';

--
-- Name: job_history_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_history_tenant_idx ON public.job_history USING btree (tenant_id, day DESC, job_id);

--
-- Name: INDEX job_history_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_history_tenant_idx IS 'Serves history.list and history.stats: a tenant''s days, newest first.';

--
-- Name: job_incidents_closed_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_incidents_closed_idx ON public.job_incidents USING btree (closed_at) WHERE (closed_at IS NOT NULL);

--
-- Name: INDEX job_incidents_closed_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_closed_idx IS 'Serves upkeep.purge_incidents.';

--
-- Name: job_incidents_job_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_incidents_job_idx ON public.job_incidents USING btree (job_id, opened_at DESC, id DESC);

--
-- Name: INDEX job_incidents_job_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_job_idx IS 'Serves alerts.incidents by job.';

--
-- Name: job_incidents_kind_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_incidents_kind_idx ON public.job_incidents USING btree (tenant_id, kind, opened_at DESC, id DESC);

--
-- Name: INDEX job_incidents_kind_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_kind_idx IS 'Serves alerts.incidents and alerts.count_incidents by kind.';

--
-- Name: job_incidents_open_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX job_incidents_open_idx ON public.job_incidents USING btree (job_id, kind) WHERE (closed_at IS NULL);

--
-- Name: INDEX job_incidents_open_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_open_idx IS 'Serves alerts.judge: a job has one open incident of a kind.';

--
-- Name: INDEX job_incidents_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_pkey IS 'Serves alerts.judge, when it closes what it has locked, and upkeep.purge_incidents.';

--
-- Name: job_incidents_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_incidents_tenant_idx ON public.job_incidents USING btree (tenant_id, opened_at DESC, id DESC);

--
-- Name: INDEX job_incidents_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_incidents_tenant_idx IS 'Serves alerts.incidents: a tenant''s, newest first.';

--
-- Name: INDEX job_totals_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_totals_pkey IS 'Serves jobs.read, alerts.take_in and the counting of work.finish, tick.skip and upkeep.fold_counts.';

--
-- Name: job_totals_tenant_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_totals_tenant_idx ON public.job_totals USING btree (tenant_id);

--
-- Name: INDEX job_totals_tenant_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_totals_tenant_idx IS 'Serves executions.totals: a tenant''s lifetime counts.';

--
-- Name: INDEX job_versions_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.job_versions_pkey IS 'Serves executions.get, occurrences.definitions and secrets.mask_versions.';

--
-- Name: jobs_due_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_due_idx ON public.jobs USING btree (next_run_at) WHERE (next_run_at IS NOT NULL);

--
-- Name: INDEX jobs_due_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_due_idx IS 'Serves tick.due_jobs and tick.next_due: only jobs with a coming instant are in it.';

--
-- Name: jobs_exhausted_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_exhausted_idx ON public.jobs USING btree (id) WHERE ((status = 'active'::text) AND (next_run_at IS NULL));

--
-- Name: INDEX jobs_exhausted_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_exhausted_idx IS 'Serves work.finish, upkeep.needed and upkeep.complete_exhausted_jobs: jobs whose last run has been materialized.';

--
-- Name: jobs_key_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX jobs_key_idx ON public.jobs USING btree (tenant_id, key) WHERE ((key IS NOT NULL) AND (status <> 'deleted'::text));

--
-- Name: INDEX jobs_key_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_key_idx IS 'Serves jobs.find_key, and refuses a second job of the same key.';

--
-- Name: INDEX jobs_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_pkey IS 'Serves jobs.read, jobs.lock, tick.materialize, work.claim and whatever else knows a job''s id.';

--
-- Name: jobs_tenant_inactive_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_tenant_inactive_idx ON public.jobs USING btree (tenant_id, status, created_at DESC, id DESC) WHERE (status <> 'active'::text);

--
-- Name: INDEX jobs_tenant_inactive_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_tenant_inactive_idx IS 'Serves jobs.list and jobs.count by status: what is paused, completed or deleted beside many active jobs. Those are not in it, so a tick never writes to it.';

--
-- Name: jobs_tenant_listed_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_tenant_listed_idx ON public.jobs USING btree (tenant_id, created_at DESC, id DESC) INCLUDE (type) WHERE (status <> 'deleted'::text);

--
-- Name: INDEX jobs_tenant_listed_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_tenant_listed_idx IS 'Serves jobs.list, jobs.count, jobs.counts and jobs.matching: a tenant''s jobs, newest first. With the type, so that jobs of a type are listed and counted without reading the others.';

--
-- Name: jobs_tenant_upcoming_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_tenant_upcoming_idx ON public.jobs USING btree (tenant_id, next_run_at, id) WHERE (next_run_at IS NOT NULL);

--
-- Name: INDEX jobs_tenant_upcoming_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.jobs_tenant_upcoming_idx IS 'Serves jobs.list_upcoming and jobs.count_upcoming: a tenant''s coming runs, the earliest first.';

--
-- Name: INDEX schema_migrations_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.schema_migrations_pkey IS 'Keeps a migration from being applied twice. Serves session.schema_version.';

--
-- Name: INDEX signing_secrets_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.signing_secrets_pkey IS 'Serves work.claim, signing.get, signing.rotate and signing.remove.';

--
-- Name: INDEX tenant_history_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.tenant_history_pkey IS 'A tenant has one row a day. Serves history.stats: a tenant''s days.';

--
-- Name: INDEX workers_pkey; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.workers_pkey IS 'Serves upkeep.heartbeat, upkeep.lost_executions and work.finish.';

--
-- Name: execution_log_default_job_ended_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.execution_log_job_ended_idx ATTACH PARTITION public.execution_log_default_job_ended_idx;

--
-- Name: execution_log_default_job_id_scheduled_at_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.execution_log_job_idx ATTACH PARTITION public.execution_log_default_job_id_scheduled_at_id_idx;

--
-- Name: execution_log_default_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.execution_log_pkey ATTACH PARTITION public.execution_log_default_pkey;

--
-- Name: execution_log_default_tenant_id_scheduled_at_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.execution_log_tenant_idx ATTACH PARTITION public.execution_log_default_tenant_id_scheduled_at_id_idx;

--
-- Name: execution_log_default_tenant_id_status_scheduled_at_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.execution_log_ended_idx ATTACH PARTITION public.execution_log_default_tenant_id_status_scheduled_at_id_idx;

--
-- Name: api_keys api_keys_audit; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER api_keys_audit AFTER INSERT OR DELETE OR UPDATE OF id, tenant_id, name, prefix, hash, scope, created_at, expires_at, revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.audit_key();

--
-- Name: TRIGGER api_keys_audit ON api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER api_keys_audit ON public.api_keys IS 'Every change of a key goes to audit_log, save its last use.';

--
-- Name: audit_log audit_log_insert_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_log_insert_only BEFORE UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();

--
-- Name: TRIGGER audit_log_insert_only ON audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER audit_log_insert_only ON public.audit_log IS 'Nobody changes an entry or empties the record, the owner included.';

--
-- Name: audit_log audit_log_kept_a_day; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_log_kept_a_day BEFORE DELETE ON public.audit_log FOR EACH ROW WHEN ((old.at > (now() - '1 day'::interval))) EXECUTE FUNCTION public.refuse_audit_change();

--
-- Name: TRIGGER audit_log_kept_a_day ON audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER audit_log_kept_a_day ON public.audit_log IS 'Nobody deletes an entry of the last day, the owner included; retention is for older ones.';

--
-- Name: job_history job_history_forget; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER job_history_forget AFTER DELETE ON public.job_history REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.forget_history();

--
-- Name: TRIGGER job_history_forget ON job_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER job_history_forget ON public.job_history IS 'Keeps tenant_history right when somebody deletes a job for good; the service never does.';

--
-- Name: jobs jobs_audit; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER jobs_audit AFTER INSERT OR DELETE OR UPDATE ON public.jobs FOR EACH ROW WHEN ((current_setting('role'::text) <> 'scheduler_engine'::text)) EXECUTE FUNCTION public.audit_job();

--
-- Name: TRIGGER jobs_audit ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER jobs_audit ON public.jobs IS 'Every change of a job goes to audit_log, save the engine''s: those come from the job''s own schedule.';

--
-- Name: jobs jobs_forget_counts; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER jobs_forget_counts AFTER DELETE ON public.jobs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.forget_counts();

--
-- Name: TRIGGER jobs_forget_counts ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER jobs_forget_counts ON public.jobs IS 'Does for job_totals and job_history what a foreign key would, whose checks would lock the job at every finish.';

--
-- Name: jobs jobs_watch; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER jobs_watch AFTER UPDATE OF alert, status ON public.jobs FOR EACH ROW WHEN (((old.alert IS DISTINCT FROM new.alert) OR ((new.alert IS NOT NULL) AND (old.status <> new.status)))) EXECUTE FUNCTION public.watch_job();

--
-- Name: TRIGGER jobs_watch ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER jobs_watch ON public.jobs IS 'A change of alert or status goes on to job_alerts and its incidents; ticks name neither column, so they pay nothing.';

--
-- Name: jobs jobs_watch_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER jobs_watch_new AFTER INSERT ON public.jobs FOR EACH ROW WHEN ((new.alert IS NOT NULL)) EXECUTE FUNCTION public.watch_job();

--
-- Name: TRIGGER jobs_watch_new ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER jobs_watch_new ON public.jobs IS 'A job with an alert is watched from its first run.';

--
-- Name: alert_requests alert_requests_incident_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alert_requests
    ADD CONSTRAINT alert_requests_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES public.job_incidents(id) ON DELETE CASCADE;

--
-- Name: CONSTRAINT alert_requests_incident_id_fkey ON alert_requests; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT alert_requests_incident_id_fkey ON public.alert_requests IS 'Goes with its incident, which retention deletes.';

--
-- Name: job_alerts job_alerts_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_alerts
    ADD CONSTRAINT job_alerts_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

--
-- Name: CONSTRAINT job_alerts_job_id_fkey ON job_alerts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT job_alerts_job_id_fkey ON public.job_alerts IS 'Goes with its job, should someone delete that by hand: the service never does.';

--
-- Name: job_incidents job_incidents_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_incidents
    ADD CONSTRAINT job_incidents_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

--
-- Name: CONSTRAINT job_incidents_job_id_fkey ON job_incidents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT job_incidents_job_id_fkey ON public.job_incidents IS 'Goes with its job, should someone delete that by hand: the service never does.';

--
-- Name: job_versions job_versions_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_versions
    ADD CONSTRAINT job_versions_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

--
-- Name: CONSTRAINT job_versions_job_id_fkey ON job_versions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT job_versions_job_id_fkey ON public.job_versions IS 'Goes with its job, should someone delete that by hand: the service never does.';

--
-- Name: api_keys admin; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY admin ON public.api_keys TO scheduler_admin USING (true);

--
-- Name: POLICY admin ON api_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY admin ON public.api_keys IS 'The command keys, as scheduler_admin, reaches the keys of every tenant.';

--
-- Name: alert_requests; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.alert_requests ENABLE ROW LEVEL SECURITY;

--
-- Name: api_keys; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: endpoint_breakers; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.endpoint_breakers ENABLE ROW LEVEL SECURITY;

--
-- Name: alert_requests engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.alert_requests TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON alert_requests; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.alert_requests IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: audit_log engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.audit_log TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.audit_log IS 'Retention, as scheduler_engine, reaches the entries of every tenant.';

--
-- Name: endpoint_breakers engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.endpoint_breakers TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON endpoint_breakers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.endpoint_breakers IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: execution_log engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.execution_log TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.execution_log IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: execution_queue engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.execution_queue TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.execution_queue IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: idempotency_keys engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.idempotency_keys TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON idempotency_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.idempotency_keys IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_alerts engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_alerts TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_alerts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_alerts IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_counts engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_counts TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_counts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_counts IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_history engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_history TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_history IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_incidents engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_incidents TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_incidents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_incidents IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_totals engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_totals TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_totals; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_totals IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: job_versions engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.job_versions TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON job_versions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.job_versions IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: jobs engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.jobs TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.jobs IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: signing_secrets engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.signing_secrets TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON signing_secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.signing_secrets IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';

--
-- Name: tenant_history engine; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY engine ON public.tenant_history TO scheduler_engine USING (true);

--
-- Name: POLICY engine ON tenant_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY engine ON public.tenant_history IS 'Upkeep sums up every tenant''s days.';

--
-- Name: execution_log; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.execution_log ENABLE ROW LEVEL SECURITY;

--
-- Name: execution_queue; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.execution_queue ENABLE ROW LEVEL SECURITY;

--
-- Name: idempotency_keys; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: job_alerts; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_alerts ENABLE ROW LEVEL SECURITY;

--
-- Name: job_counts; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_counts ENABLE ROW LEVEL SECURITY;

--
-- Name: job_history; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_history ENABLE ROW LEVEL SECURITY;

--
-- Name: job_incidents; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_incidents ENABLE ROW LEVEL SECURITY;

--
-- Name: job_totals; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_totals ENABLE ROW LEVEL SECURITY;

--
-- Name: job_versions; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.job_versions ENABLE ROW LEVEL SECURITY;

--
-- Name: jobs; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY;

--
-- Name: signing_secrets; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.signing_secrets ENABLE ROW LEVEL SECURITY;

--
-- Name: alert_requests tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.alert_requests TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON alert_requests; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.alert_requests IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: audit_log tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.audit_log FOR SELECT TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON audit_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.audit_log IS 'The API, as scheduler_api, reads the entries of the tenant that its transaction is set to, see current_tenant; it writes them through record_audit.';

--
-- Name: endpoint_breakers tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.endpoint_breakers TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON endpoint_breakers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.endpoint_breakers IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: execution_log tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.execution_log TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON execution_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.execution_log IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: execution_queue tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.execution_queue TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON execution_queue; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.execution_queue IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: idempotency_keys tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.idempotency_keys TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON idempotency_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.idempotency_keys IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_alerts tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_alerts TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_alerts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_alerts IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_counts tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_counts TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_counts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_counts IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_history tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_history TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_history IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_incidents tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_incidents TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_incidents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_incidents IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_totals tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_totals TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_totals; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_totals IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: job_versions tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.job_versions TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON job_versions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.job_versions IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: jobs tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.jobs TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.jobs IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: signing_secrets tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.signing_secrets TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON signing_secrets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.signing_secrets IS 'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

--
-- Name: tenant_history tenant; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY tenant ON public.tenant_history TO scheduler_api USING ((tenant_id = public.current_tenant()));

--
-- Name: POLICY tenant ON tenant_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON POLICY tenant ON public.tenant_history IS 'The API sees and writes rows of the tenant its transaction is set to, and no others.';

--
-- Name: tenant_history; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.tenant_history ENABLE ROW LEVEL SECURITY;

--
-- PostgreSQL database dump complete
--

--
-- Dbmate schema migrations
--

INSERT INTO public.schema_migrations (version) VALUES
    ('20261125080000'),
    ('20261125080100'),
    ('20261125080200'),
    ('20261125080300'),
    ('20261125150000'),
    ('20261125150100'),
    ('20261125150200'),
    ('20261125150300'),
    ('20261125150400'),
    ('20261125150500'),
    ('20261125160100'),
    ('20261125160200'),
    ('20261125170000'),
    ('20261125170100'),
    ('20261125180000'),
    ('20261125180001'),
    ('20261125180002'),
    ('20261125180100'),
    ('20261125180200'),
    ('20261125180201'),
    ('20261125225000'),
    ('20261125230000'),
    ('20261125230001'),
    ('20261125230002'),
    ('20261125230003'),
    ('20261125230004'),
    ('20261125230100'),
    ('20261125240000'),
    ('20261125240100'),
    ('20261125241000'),
    ('20261125241001'),
    ('20261125242500'),
    ('20261125242501'),
    ('20261125260000'),
    ('20261125260001'),
    ('20261125260002'),
    ('20261125260003'),
    ('20261125260004'),
    ('20261125260005'),
    ('20261125260006'),
    ('20261125260007'),
    ('20261125270000'),
    ('20261125270101'),
    ('20261125270102'),
    ('20261125270103'),
    ('20261125270104'),
    ('20261125270105'),
    ('20261125270200'),
    ('20261125270201'),
    ('20261125270202'),
    ('20261125270300'),
    ('20261125280000'),
    ('20261125280100'),
    ('20261125280200'),
    ('20261125280300'),
    ('20261125280400'),
    ('20261125290000'),
    ('20261125300000'),
    ('20261125300100'),
    ('20261125300200'),
    ('20261125300300'),
    ('20261125310000'),
    ('20261125310001'),
    ('20261125310002'),
    ('20261125310010'),
    ('20261125310011'),
    ('20261125320000'),
    ('20261125340000'),
    ('20261125340001'),
    ('20261125340002'),
    ('20261125340003'),
    ('20261125340004'),
    ('20261125340005'),
    ('20261125340006'),
    ('20261125340007'),
    ('20261125340008'),
    ('20261125340009'),
    ('20261125350000'),
    ('20261125350001'),
    ('20261125350002');
