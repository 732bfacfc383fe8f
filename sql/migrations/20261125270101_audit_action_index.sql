-- migrate:up transaction:false
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_action_idx ON audit_log (tenant_id, action, at, id);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS audit_log_action_idx;
