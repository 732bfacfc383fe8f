-- migrate:up
COMMENT ON INDEX execution_queue_of_job_idx IS
'Serves executions.list by job, tick.due_jobs, jobs.pause, jobs.resume, jobs.lock_waiting, alerts.judge and the completion of exhausted jobs: what lives of a job. Partial, though it holds each row: so it is used where a job is asked for and never for an id alone. While the queue is empty all indexes cost the same to the planner, and a plan of that moment would look ids up in this one, past all that vacuum may not remove.';
COMMENT ON INDEX execution_queue_of_tenant_idx IS
'Serves executions.list. Partial as execution_queue_of_job_idx is, so that it is used where a tenant is asked for.';
COMMENT ON INDEX execution_queue_of_line_idx IS
'Serves tick.materialize and whatever else makes executions pending, through last_rank: the end of a tenant''s line. Serves executions.live_counts too. By tenant_id IS NOT NULL work.claim, which asks for no tenant, cannot use it: it would sort the whole queue.';
COMMENT ON INDEX execution_queue_of_waiting_idx IS
'Serves executions.list and executions.live_counts: the few that wait beside many pending ones. Used where a tenant is asked for.';

COMMENT ON INDEX execution_queue_pkey IS
'Serves work.finish, executions.cancel and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';

-- migrate:down
COMMENT ON INDEX execution_queue_pkey IS
'Serves work.claim, work.finish, executions.cancel and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';
COMMENT ON INDEX execution_queue_of_waiting_idx IS NULL;
COMMENT ON INDEX execution_queue_of_line_idx IS NULL;
COMMENT ON INDEX execution_queue_of_tenant_idx IS NULL;
COMMENT ON INDEX execution_queue_of_job_idx IS NULL;
