-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_held_idx ON execution_queue (job_id)
WHERE status = 'held' AND held_for IS NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_held_idx;
