-- migrate:up

-- Of the parent alone, which holds no rows, so it takes no time. New partitions get theirs when they are attached; those
-- that are there, by upkeep, see index_log_partition: CONCURRENTLY cannot be said of partitions that a migration does
-- not know by name, and without it writers of all days would wait.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX execution_log_job_ended_idx ON ONLY execution_log (job_id, status, scheduled_at DESC, id DESC)
WHERE status <> 'completed';
COMMENT ON INDEX execution_log_job_ended_idx IS
'Serves executions.list and executions.count by job and status: what did not complete, of a job with very many executions. Of those that completed there is nothing in it, so they do not pay for it.';

CREATE FUNCTION index_log_partition(but date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
SET lock_timeout TO '1s'
AS $$
DECLARE
    partition text := (
        SELECT c.relname
        FROM pg_inherits AS h
        INNER JOIN pg_class AS c ON h.inhrelid = c.oid
        WHERE
            h.inhparent = 'execution_log'::regclass
            AND c.relname ~ '^execution_log_\d{8}'
            AND to_date(substring(c.relname FROM '\d{8}'), 'YYYYMMDD') <> but
            AND NOT EXISTS (
                SELECT
                FROM pg_index AS i
                INNER JOIN pg_inherits AS a ON i.indexrelid = a.inhrelid
                WHERE i.indrelid = c.oid AND a.inhparent = 'execution_log_job_ended_idx'::regclass
            )
        ORDER BY c.relname DESC
        LIMIT 1
    );
BEGIN
    IF partition IS NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format(
        'CREATE INDEX %I ON %I (job_id, status, scheduled_at DESC, id DESC) WHERE status <> ''completed''',
        partition || '_job_ended_idx', partition
    );
    EXECUTE format('ALTER INDEX execution_log_job_ended_idx ATTACH PARTITION %I', partition || '_job_ended_idx');
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION index_log_partition IS
'Give the newest partition of execution_log that has no part of execution_log_job_ended_idx its part, that of the given UTC day left out. False when the others have it. Who writes to that day waits meanwhile, a second or so for a million rows, so today is given. Runs as the owner, since only owners make indexes.';
REVOKE EXECUTE ON FUNCTION index_log_partition FROM public;
GRANT EXECUTE ON FUNCTION index_log_partition TO scheduler_engine;

-- migrate:down
DROP FUNCTION index_log_partition;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX execution_log_job_ended_idx;
