-- migrate:up

CREATE FUNCTION make_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
SET lock_timeout TO '1s'
AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    -- First of all, and so waiting for whoever writes to it: a row of this day that came after the move below
    -- would make ATTACH fail.
    LOCK TABLE execution_log_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'CREATE TABLE %I (LIKE execution_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', partition
    );
    EXECUTE format(
        'WITH moved AS (DELETE FROM execution_log_default WHERE scheduled_at >= $1 AND scheduled_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', partition
    ) USING since, until;
    EXECUTE format(
        'ALTER TABLE execution_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, since, until
    );
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION make_log_partition IS
'Make the execution_log partition of a UTC day, taking over what the default partition holds of it. False when it was there. Runs as the owner, since only owners attach partitions.';

CREATE FUNCTION drop_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
SET lock_timeout TO '1s'
AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION drop_log_partition IS 'Drop the execution_log partition of a UTC day. False when there was none.';

CREATE VIEW log_partitions AS
SELECT
    c.oid::regclass::text AS name,
    to_date(right(c.relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits AS i
INNER JOIN pg_class AS c ON i.inhrelid = c.oid
WHERE i.inhparent = 'execution_log'::regclass AND c.relname ~ '^execution_log_\d{8}$';
COMMENT ON VIEW log_partitions IS 'The day partitions of execution_log.';

-- migrate:down
DROP VIEW log_partitions;
DROP FUNCTION drop_log_partition;
DROP FUNCTION make_log_partition;
