-- migrate:up
-- The next migration drops the index that this one replaces. One whose building was broken off is there, but not used.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = 'jobs_tenant_listed_idx'::regclass AND NOT indisvalid) THEN
        RAISE EXCEPTION 'index jobs_tenant_listed_idx is invalid, its building was broken off'
            USING HINT = 'Run this, then migrate again: REINDEX INDEX CONCURRENTLY jobs_tenant_listed_idx;';
    END IF;
END
$$;

COMMENT ON INDEX jobs_tenant_listed_idx IS
'Serves jobs.list, jobs.count, jobs.counts and jobs.matching: a tenant''s jobs, newest first. With the type, so that jobs of a type are listed and counted without reading the others.';

-- migrate:down
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = 'jobs_tenant_list_idx'::regclass AND NOT indisvalid) THEN
        RAISE EXCEPTION 'index jobs_tenant_list_idx is invalid, its building was broken off'
            USING HINT = 'Run this, then step down again: REINDEX INDEX CONCURRENTLY jobs_tenant_list_idx;';
    END IF;
END
$$;

COMMENT ON INDEX jobs_tenant_list_idx IS
'Serves jobs.list, jobs.count and jobs.matching: a tenant''s jobs, newest first.';
