-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS execution_queue_claim_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_queue_claim_idx ON execution_queue (priority DESC, scheduled_at, id)
WHERE status = 'pending';
