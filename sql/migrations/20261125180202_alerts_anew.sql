-- migrate:up

-- A completed job that an edit makes active again is watched anew: it was not silent while it had nothing to run.
CREATE OR REPLACE FUNCTION watch_job() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF new.alert IS NULL OR new.status IN ('paused', 'deleted') THEN
        DELETE FROM job_alerts WHERE job_id = new.id;
    ELSE
        INSERT INTO job_alerts AS a (
            job_id, tenant_id, url, after_failures, also_on_recovery, late_seconds, silent_seconds, completed, failures
        )
        SELECT
            new.id, new.tenant_id, new.alert ->> 'url', (new.alert ->> 'after_failures')::integer,
            (new.alert ->> 'also_on_recovery')::boolean, (new.alert ->> 'if_late_by')::integer,
            (new.alert ->> 'if_no_success_for')::integer, coalesce(max(t.completed), 0), coalesce(max(t.failed + t.timeout), 0)
        FROM job_totals AS t
        WHERE t.job_id = new.id
        ON CONFLICT (job_id) DO UPDATE SET
            url = excluded.url,
            after_failures = excluded.after_failures,
            also_on_recovery = excluded.also_on_recovery,
            late_seconds = excluded.late_seconds,
            silent_seconds = excluded.silent_seconds,
            since = CASE WHEN old.status IS DISTINCT FROM new.status THEN now() ELSE a.since END;
    END IF;
    UPDATE job_incidents AS i
    SET closed_at = now(), outcome = 'withdrawn'
    WHERE
        i.job_id = new.id
        AND i.closed_at IS NULL
        AND NOT EXISTS (
            SELECT FROM job_alerts AS a
            WHERE
                a.job_id = i.job_id
                AND CASE i.kind
                    WHEN 'failing' THEN TRUE
                    WHEN 'late' THEN a.late_seconds IS NOT NULL AND new.status = 'active'
                    WHEN 'silent' THEN a.silent_seconds IS NOT NULL AND new.status = 'active'
                END
        );
    RETURN NULL;
END
$$;

-- migrate:down
CREATE OR REPLACE FUNCTION watch_job() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    IF new.alert IS NULL OR new.status IN ('paused', 'deleted') THEN
        DELETE FROM job_alerts WHERE job_id = new.id;
    ELSE
        INSERT INTO job_alerts AS a (
            job_id, tenant_id, url, after_failures, also_on_recovery, late_seconds, silent_seconds, completed, failures
        )
        SELECT
            new.id, new.tenant_id, new.alert ->> 'url', (new.alert ->> 'after_failures')::integer,
            (new.alert ->> 'also_on_recovery')::boolean, (new.alert ->> 'if_late_by')::integer,
            (new.alert ->> 'if_no_success_for')::integer, coalesce(max(t.completed), 0), coalesce(max(t.failed + t.timeout), 0)
        FROM job_totals AS t
        WHERE t.job_id = new.id
        ON CONFLICT (job_id) DO UPDATE SET
            url = excluded.url,
            after_failures = excluded.after_failures,
            also_on_recovery = excluded.also_on_recovery,
            late_seconds = excluded.late_seconds,
            silent_seconds = excluded.silent_seconds;
    END IF;
    UPDATE job_incidents AS i
    SET closed_at = now(), outcome = 'withdrawn'
    WHERE
        i.job_id = new.id
        AND i.closed_at IS NULL
        AND NOT EXISTS (
            SELECT FROM job_alerts AS a
            WHERE
                a.job_id = i.job_id
                AND CASE i.kind
                    WHEN 'failing' THEN TRUE
                    WHEN 'late' THEN a.late_seconds IS NOT NULL AND new.status = 'active'
                    WHEN 'silent' THEN a.silent_seconds IS NOT NULL AND new.status = 'active'
                END
        );
    RETURN NULL;
END
$$;
