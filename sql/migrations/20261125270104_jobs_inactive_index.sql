-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_tenant_inactive_idx ON jobs (tenant_id, status, created_at DESC, id DESC)
WHERE status <> 'active';

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS jobs_tenant_inactive_idx;
