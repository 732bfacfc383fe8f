-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_of_tenant_idx ON execution_queue (tenant_id, scheduled_at DESC, id DESC)
WHERE tenant_id IS NOT NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_of_tenant_idx;
