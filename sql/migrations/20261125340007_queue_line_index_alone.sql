-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_line_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_line_idx ON execution_queue (tenant_id, priority, rank)
WHERE status = 'pending';
