-- migrate:up

-- Roles belong to the cluster, so another database may have made them already.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['scheduler_api', 'scheduler_engine'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        IF NOT pg_has_role(current_user, role_name, 'SET') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION current_tenant() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN current_setting('scheduler.tenant_id', TRUE);
COMMENT ON FUNCTION current_tenant IS
'Tenant of the transaction, set by the API with set_config; without it nothing is visible to scheduler_api.';

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON jobs TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON job_versions TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON job_totals TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON job_history TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON execution_queue TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY tenant ON execution_log TO scheduler_api USING (tenant_id = current_tenant());

CREATE POLICY engine ON jobs TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON job_versions TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON job_totals TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON job_history TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON execution_queue TO scheduler_engine USING (TRUE);
CREATE POLICY engine ON execution_log TO scheduler_engine USING (TRUE);

GRANT SELECT, INSERT, UPDATE ON jobs, job_totals, job_history TO scheduler_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_queue TO scheduler_api;
GRANT SELECT, INSERT ON execution_log, job_versions TO scheduler_api;
GRANT SELECT ON executions, workers TO scheduler_api;

GRANT SELECT, UPDATE ON jobs TO scheduler_engine;
GRANT SELECT ON job_versions TO scheduler_engine;
GRANT SELECT, INSERT, UPDATE ON job_totals, job_history TO scheduler_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_queue, workers TO scheduler_engine;
GRANT SELECT, INSERT ON execution_log TO scheduler_engine;
GRANT SELECT, DELETE ON execution_log_default TO scheduler_engine;
GRANT SELECT ON executions, log_partitions TO scheduler_engine;

REVOKE EXECUTE ON FUNCTION make_log_partition, drop_log_partition FROM public;
GRANT EXECUTE ON FUNCTION make_log_partition, drop_log_partition TO scheduler_engine;

-- Without security_invoker on purpose: it counts across tenants and shows numbers only.
CREATE VIEW service_state AS
SELECT
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'pending' LIMIT 100000) AS q) AS pending,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'running' LIMIT 100000) AS q) AS running,
    (SELECT count(*) FROM (SELECT FROM execution_queue WHERE status = 'retrying' LIMIT 100000) AS q) AS retrying,
    (SELECT min(next_run_at) FROM jobs WHERE next_run_at < now()) AS oldest_overdue_run_at,
    (
        SELECT count(*) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds)
    ) AS workers,
    (
        SELECT coalesce(sum(slots), 0) FROM workers
        WHERE heartbeat_at > now() - 2 * make_interval(secs => heartbeat_seconds)
    ) AS slots,
    now() AS at;
COMMENT ON VIEW service_state IS 'Depth of the queue (each count stops at 100,000), oldest run not yet materialized, live workers.';
GRANT SELECT ON service_state TO scheduler_api, scheduler_engine;

-- The service compares the schema's version with the one it expects before it says it is ready.
GRANT SELECT ON schema_migrations TO scheduler_api, scheduler_engine;

-- migrate:down
DROP VIEW service_state;
REVOKE SELECT ON schema_migrations FROM scheduler_api, scheduler_engine;
REVOKE EXECUTE ON FUNCTION make_log_partition, drop_log_partition FROM scheduler_engine;
GRANT EXECUTE ON FUNCTION make_log_partition, drop_log_partition TO public;
REVOKE ALL ON executions, log_partitions FROM scheduler_api, scheduler_engine;
REVOKE ALL ON jobs, job_versions, job_totals, job_history, execution_queue, execution_log, execution_log_default, workers
FROM scheduler_api, scheduler_engine;
DROP POLICY tenant ON jobs;
DROP POLICY tenant ON job_versions;
DROP POLICY tenant ON job_totals;
DROP POLICY tenant ON job_history;
DROP POLICY tenant ON execution_queue;
DROP POLICY tenant ON execution_log;
DROP POLICY engine ON jobs;
DROP POLICY engine ON job_versions;
DROP POLICY engine ON job_totals;
DROP POLICY engine ON job_history;
DROP POLICY engine ON execution_queue;
DROP POLICY engine ON execution_log;
ALTER TABLE jobs DISABLE ROW LEVEL SECURITY;
ALTER TABLE job_versions DISABLE ROW LEVEL SECURITY;
ALTER TABLE job_totals DISABLE ROW LEVEL SECURITY;
ALTER TABLE job_history DISABLE ROW LEVEL SECURITY;
ALTER TABLE execution_queue DISABLE ROW LEVEL SECURITY;
ALTER TABLE execution_log DISABLE ROW LEVEL SECURITY;
DROP FUNCTION current_tenant;

-- A role that another database of the cluster still uses stays.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['scheduler_api', 'scheduler_engine'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', role_name);
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
            RAISE NOTICE 'role % stays: it is in use elsewhere', role_name;
        END;
    END LOOP;
END
$$;
