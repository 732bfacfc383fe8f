-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_actor_idx ON audit_log (tenant_id, actor, at, id);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS audit_log_actor_idx;
