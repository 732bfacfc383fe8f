-- migrate:up transaction:false
DROP INDEX CONCURRENTLY IF EXISTS jobs_tenant_list_idx;

-- migrate:down transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_tenant_list_idx ON jobs (tenant_id, created_at DESC, id DESC) WHERE status <> 'deleted';
