-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_job_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_job_idx ON execution_queue (job_id, scheduled_at DESC, id DESC);
