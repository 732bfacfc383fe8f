-- migrate:up transaction:false
-- Concurrently, so that no write waits for it: hence a file of its own. A build that was broken off leaves an invalid
-- index behind; drop it by hand before the migration runs again.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, prefer-robust-stmts
CREATE UNIQUE INDEX CONCURRENTLY execution_queue_rerun_idx ON execution_queue (rerun_of) WHERE rerun_of IS NOT NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY execution_queue_rerun_idx;
