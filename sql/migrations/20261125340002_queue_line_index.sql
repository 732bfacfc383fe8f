-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_of_line_idx ON execution_queue (tenant_id, priority, rank)
WHERE status = 'pending' AND tenant_id IS NOT NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_of_line_idx;
