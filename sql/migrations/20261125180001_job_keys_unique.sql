-- migrate:up transaction:false
-- Concurrently, so that no write waits for it: hence a file of its own. A build that was broken off leaves an invalid
-- index behind; drop it by hand before the migration runs again.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, prefer-robust-stmts
CREATE UNIQUE INDEX CONCURRENTLY jobs_key_idx ON jobs (tenant_id, key) WHERE key IS NOT NULL AND status <> 'deleted';

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY jobs_key_idx;
