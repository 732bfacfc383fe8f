-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_waiting_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_waiting_idx ON execution_queue (tenant_id, status, scheduled_at DESC, id DESC)
WHERE status IN ('retrying', 'held');
