-- migrate:up
COMMENT ON INDEX audit_log_action_idx IS 'Serves audit.list and audit.count by action: a rare one among many.';
COMMENT ON INDEX audit_log_actor_idx IS 'Serves audit.list and audit.count by actor: one who did little among many entries.';
COMMENT ON INDEX job_incidents_kind_idx IS 'Serves alerts.incidents and alerts.count_incidents by kind.';
COMMENT ON INDEX jobs_tenant_inactive_idx IS
'Serves jobs.list and jobs.count by status: what is paused, completed or deleted beside many active jobs. Those are not in it, so a tick never writes to it.';

-- migrate:down
COMMENT ON INDEX jobs_tenant_inactive_idx IS NULL;
COMMENT ON INDEX job_incidents_kind_idx IS NULL;
COMMENT ON INDEX audit_log_actor_idx IS NULL;
COMMENT ON INDEX audit_log_action_idx IS NULL;
