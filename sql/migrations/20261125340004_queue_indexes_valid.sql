-- migrate:up
-- The next migrations drop the indexes that these replace. One whose building was broken off is there, but not used.
DO $$
DECLARE
    invalid text := (
        SELECT string_agg(format('REINDEX INDEX CONCURRENTLY %s;', indexrelid::regclass), ' ')
        FROM pg_index
        WHERE indrelid = 'execution_queue'::regclass AND NOT indisvalid
    );
BEGIN
    IF invalid IS NOT NULL THEN
        RAISE EXCEPTION 'indexes of execution_queue are invalid, their building was broken off'
            USING HINT = 'Run this, then migrate again: ' || invalid;
    END IF;
END
$$;

-- migrate:down
