-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_log_default_job_ended_idx
ON execution_log_default (job_id, status, scheduled_at DESC, id DESC)
WHERE status <> 'completed';

-- migrate:down
-- It goes with that of the parent, a part of which it is.
