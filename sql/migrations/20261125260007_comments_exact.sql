-- migrate:up
COMMENT ON COLUMN jobs.status IS
'active; paused (nothing is materialized, what waits is held); completed (no instant is left, and what its schedule made has ended); deleted (hidden for good, the row stays).';
COMMENT ON COLUMN execution_log.status IS
'completed (2xx), failed, timeout, cancelled (on request, by overlap_policy replace, or with its deleted job), skipped (instants that never ran, error_code says why).';
COMMENT ON COLUMN execution_log.error_code IS
'Kind of failure: http_status, timeout, connection, dns, tls, protocol, response_too_large, egress_denied, invalid_request, secret_unreadable, job_missing, worker_lost, cancelled. Of a skipped row the reason: misfire, deadline, overlap, paused. NULL when it completed, save unrecordable: it ended as status says, but its answer could not be stored.';
COMMENT ON COLUMN ops.retrying.max_retries IS
'Calls after the first that the job allows; the report of an alert has 8, whatever stands here.';

-- migrate:down
COMMENT ON COLUMN jobs.status IS
'active; paused (nothing is materialized, what waits is held); completed (no instant is left and no execution lives); deleted (hidden for good, the row stays).';
COMMENT ON COLUMN execution_log.status IS
'completed (2xx), failed, timeout, cancelled (by a client, by overlap_policy replace, or with its deleted job), skipped (instants that never ran, error_code says why).';
COMMENT ON COLUMN execution_log.error_code IS
'Kind of failure: http_status, timeout, connection, dns, tls, protocol, response_too_large, egress_denied, invalid_request, secret_unreadable, job_missing, worker_lost, cancelled, unrecordable. Of a skipped row the reason: misfire, deadline, overlap, paused. NULL when it completed.';
COMMENT ON COLUMN ops.retrying.max_retries IS 'Calls after the first that the job allows.';
