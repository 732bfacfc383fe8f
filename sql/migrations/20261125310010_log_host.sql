-- migrate:up

-- Of an execution with one attempt, which most are, attempts repeated what stands in the row's other columns: nearly
-- half of the row, and a twentieth of what its delivery costs PostgreSQL. Only the host was not there; with it the view
-- executions makes that entry when somebody asks. Waits briefly for the lock, as readers of the log would wait behind it.
SET LOCAL lock_timeout = '500ms';
ALTER TABLE execution_log ADD COLUMN host text;

CREATE FUNCTION attempt_entry(
    attempt integer, status text, response_status integer, error_code text, error text, started_at timestamptz,
    duration_ms double precision, worker_id uuid, host text
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_array(jsonb_build_object(
    'attempt', attempt, 'status', status, 'response_status', response_status, 'error_code', error_code, 'error', error,
    'started_at', started_at, 'duration_ms', round(duration_ms::numeric, 3), 'worker_id', worker_id, 'host', host
));
COMMENT ON FUNCTION attempt_entry IS
'An ended attempt as attempts lists it: an array of that one entry. duration_ms is rounded to microseconds.';

COMMENT ON COLUMN execution_log.host IS 'Host of the worker that made the last call; NULL: no worker did, or attempts has it.';
COMMENT ON COLUMN execution_log.attempts IS
'Outcomes of its attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host. Empty also where there was one attempt, of which the other columns tell the same; the view executions has it in any case.';

-- migrate:down
SET LOCAL lock_timeout = '500ms';
UPDATE execution_log SET attempts = attempt_entry(
    attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host
)
WHERE host IS NOT NULL AND attempts = '[]';
COMMENT ON COLUMN execution_log.attempts IS
'Outcomes of its attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';
-- squawk-ignore ban-drop-column
ALTER TABLE execution_log DROP COLUMN host;
DROP FUNCTION attempt_entry;
