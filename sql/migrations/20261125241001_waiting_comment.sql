-- migrate:up
COMMENT ON INDEX execution_queue_waiting_idx IS
'Serves executions.list and executions.live_counts: the few that wait beside many pending ones.';
COMMENT ON INDEX execution_queue_tenant_idx IS 'Serves executions.list.';
COMMENT ON INDEX execution_queue_line_idx IS
'Serves tick.materialize and whatever else makes executions pending, through last_rank: the end of a tenant''s line. Serves executions.live_counts too.';

-- migrate:down
COMMENT ON INDEX execution_queue_line_idx IS
'Serves tick.materialize and whatever else makes executions pending, through last_rank: the end of a tenant''s line.';
COMMENT ON INDEX execution_queue_tenant_idx IS 'Serves executions.list and executions.live_counts.';
