-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_tenant_listed_idx ON jobs (tenant_id, created_at DESC, id DESC) INCLUDE (type)
WHERE status <> 'deleted';

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS jobs_tenant_listed_idx;
