-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_of_job_idx ON execution_queue (job_id, scheduled_at DESC, id DESC)
WHERE job_id IS NOT NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_of_job_idx;
