-- migrate:up

-- The name tells a thinned partition apart, so that whoever goes by whole days (log_partitions, and the release before)
-- does not take it for one.
CREATE OR REPLACE FUNCTION make_log_partition(day date) RETURNS boolean
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
    IF to_regclass(partition) IS NOT NULL OR to_regclass(partition || '_failed') IS NOT NULL THEN
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

CREATE OR REPLACE FUNCTION drop_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
SET lock_timeout TO '1s'
AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        partition := partition || '_failed';
    END IF;
    IF to_regclass(partition) IS NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION drop_log_partition IS
'Drop the execution_log partition of a UTC day, whole or thinned. False when there was none.';

CREATE FUNCTION thin_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
SET lock_timeout TO '1s'
AS $$
DECLARE
    partition text := 'execution_log_' || to_char(day, 'YYYYMMDD');
    thinned text := partition || '_failed';
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NULL THEN
        RETURN FALSE;
    END IF;
    -- Readers go on; what would write to so old a day waits, or it would be lost between the copy and the drop.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', partition);
    -- With its indexes and the bounds as a constraint, so that ATTACH, which locks the log, has nothing left to do.
    EXECUTE format(
        'CREATE TABLE %I (LIKE execution_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE '
        'INCLUDING INDEXES, CONSTRAINT bounds CHECK (scheduled_at >= %L AND scheduled_at < %L))',
        thinned, since, until
    );
    EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE status IN (''failed'', ''timeout'')', thinned, partition);
    EXECUTE format('DROP TABLE %I', partition);
    EXECUTE format(
        'ALTER TABLE execution_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', thinned, since, until
    );
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT bounds', thinned);
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION thin_log_partition IS
'Put a partition that holds only what failed or timed out in the place of a UTC day''s: the cost follows the failures, and the rest goes without a delete. False when the day has no whole partition. Runs as the owner, since only owners attach partitions.';
REVOKE EXECUTE ON FUNCTION thin_log_partition FROM public;
GRANT EXECUTE ON FUNCTION thin_log_partition TO scheduler_engine;

-- Without pg_class, which executions.percentiles would read in full each time.
CREATE VIEW log_partitions_thinned AS
SELECT
    inhrelid::regclass::text AS name,
    to_date(substring(inhrelid::regclass::text FROM '(\d{8})_failed$'), 'YYYYMMDD') AS day
FROM pg_inherits
WHERE inhparent = 'execution_log'::regclass AND inhrelid::regclass::text ~ 'execution_log_\d{8}_failed$';
COMMENT ON VIEW log_partitions_thinned IS
'The day partitions of execution_log that hold only failures, since the rest of their day is past its retention; log_partitions has the whole ones.';
GRANT SELECT ON log_partitions_thinned TO scheduler_api, scheduler_engine;

-- migrate:down
DROP VIEW log_partitions_thinned;
DROP FUNCTION thin_log_partition;
CREATE OR REPLACE FUNCTION drop_log_partition(day date) RETURNS boolean
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
CREATE OR REPLACE FUNCTION make_log_partition(day date) RETURNS boolean
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
