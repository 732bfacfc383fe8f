-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_tenant_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_tenant_idx ON execution_queue (tenant_id, scheduled_at DESC, id DESC);
