-- migrate:up
ALTER TABLE workers ADD COLUMN drain_requested_at timestamptz;
COMMENT ON COLUMN workers.drain_requested_at IS
'When ops.drain asked the process to drain, which it heeds at its next heartbeat; NULL: nobody has.';
COMMENT ON COLUMN workers.draining_at IS
'Since when it drains: claims nothing and finishes what runs; then it leaves, or stays where ops.drain has asked. NULL: it does not.';
COMMENT ON COLUMN audit_log.tenant_id IS
'Whose job, execution, key or secret was acted on; empty for what is no tenant''s (worker.drain).';
COMMENT ON COLUMN audit_log.entity_id IS
'The job, execution, key or worker; NULL where it is the tenant''s only one.';

CREATE FUNCTION ops.drain(worker uuid) RETURNS text
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
COMMENT ON FUNCTION ops.drain IS
'SELECT ops.drain(''<worker>''); -- let an engine process claim and tick no more, finish the calls it makes (each has its timeout; ops.cancel is quicker) and give back what it has not begun. It heeds this at once, or at its next heartbeat; ops.workers then shows it as draining, and as drained once nothing runs there. It stays so, with its heartbeats and the API that it may serve, until it is ended or restarted (SIGTERM), which costs no run then; a supervisor leaves it alone. A process of release 1.0.0 does not heed it. Audited as worker.drain.';
REVOKE EXECUTE ON FUNCTION ops.drain FROM public;
GRANT EXECUTE ON FUNCTION ops.drain TO scheduler_ops;

CREATE OR REPLACE VIEW ops.workers AS
SELECT
    w.host, w.pid, w.busy, w.slots, now() - w.heartbeat_at AS silent,
    CASE
        WHEN w.heartbeat_at < now() - 2 * make_interval(secs => w.heartbeat_seconds) THEN 'dead'
        WHEN w.draining_at IS NULL AND w.drain_requested_at IS NULL THEN 'live'
        WHEN w.draining_at IS NULL THEN 'asked to drain'
        WHEN EXISTS (SELECT FROM execution_queue AS q WHERE q.status = 'running' AND q.worker_id = w.id) THEN 'draining'
        ELSE 'drained'
    END AS state,
    w.version, w.started_at, w.draining_at, w.id AS worker_id
FROM workers AS w
ORDER BY w.host, w.pid;
COMMENT ON VIEW ops.workers IS
'Engine processes: how busy each is, and whether it lives. Two heartbeats missed are dead; its calls are then rescued. SELECT ops.drain(worker_id) takes one out of service.';
COMMENT ON COLUMN ops.workers.state IS
'live; asked to drain (and has not heeded it yet); draining (claims nothing, finishes what runs); drained (runs nothing any more: ending it costs nothing); dead (two heartbeats missed, about to be buried).';

CREATE OR REPLACE VIEW service_state AS
SELECT
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'pending' LIMIT 100000) AS q) AS pending,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'running' LIMIT 100000) AS q) AS running,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'retrying' LIMIT 100000) AS q) AS retrying,
    (SELECT min(next_run_at) FROM jobs WHERE next_run_at < now()) AS oldest_overdue_run_at,
    (
        SELECT count(*) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds) AND draining_at IS NULL
    ) AS workers,
    (
        SELECT coalesce(sum(slots), 0) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds) AND draining_at IS NULL
    ) AS slots,
    now() AS at;
COMMENT ON COLUMN service_state.workers IS
'Engine processes that have not missed two heartbeats and are not draining.';
COMMENT ON COLUMN ops.overview.workers IS
'Engine processes that have not missed two heartbeats and are not draining.';

-- migrate:down
COMMENT ON COLUMN ops.overview.workers IS 'Engine processes that have not missed two heartbeats.';
COMMENT ON COLUMN service_state.workers IS 'Engine processes that have not missed two heartbeats.';
CREATE OR REPLACE VIEW service_state AS
SELECT
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'pending' LIMIT 100000) AS q) AS pending,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'running' LIMIT 100000) AS q) AS running,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'retrying' LIMIT 100000) AS q) AS retrying,
    (SELECT min(next_run_at) FROM jobs WHERE next_run_at < now()) AS oldest_overdue_run_at,
    (
        SELECT count(*) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds)
    ) AS workers,
    (
        SELECT coalesce(sum(slots), 0) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds)
    ) AS slots,
    now() AS at;
COMMENT ON COLUMN ops.workers.state IS
'live; draining (claims nothing, finishes what runs, then leaves); dead (two heartbeats missed, about to be buried).';
COMMENT ON VIEW ops.workers IS
'Engine processes: how busy each is, and whether it lives. Two heartbeats missed are dead; its calls are then rescued.';
CREATE OR REPLACE VIEW ops.workers AS
SELECT
    w.host, w.pid, w.busy, w.slots, now() - w.heartbeat_at AS silent,
    CASE
        WHEN w.heartbeat_at < now() - 2 * make_interval(secs => w.heartbeat_seconds) THEN 'dead'
        WHEN w.draining_at IS NOT NULL THEN 'draining'
        ELSE 'live'
    END AS state,
    w.version, w.started_at, w.draining_at, w.id AS worker_id
FROM workers AS w
ORDER BY w.host, w.pid;
DROP FUNCTION ops.drain;
COMMENT ON COLUMN audit_log.entity_id IS 'The job, execution or key; NULL where it is the tenant''s only one.';
COMMENT ON COLUMN audit_log.tenant_id IS 'Whose job, execution, key or secret was acted on.';
COMMENT ON COLUMN workers.draining_at IS
'Since when it drains: claims nothing, finishes what runs, then leaves. NULL: it does not.';
-- squawk-ignore ban-drop-column
ALTER TABLE workers DROP COLUMN drain_requested_at;
