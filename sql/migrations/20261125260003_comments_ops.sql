-- migrate:up
COMMENT ON SCHEMA ops IS
'For whoever is on call: what goes on now, over all tenants. Try SELECT * FROM ops.overview; \dv+ ops.* lists the views, \d+ ops.tenants explains the columns of one, \df+ ops.* the functions. Each view says over which window it looks; none reads the whole log.';
COMMENT ON SCHEMA report IS
'How the service did: days, hours, jobs, errors and tenants. \dv+ report.* lists the views and the window of each; read them with a WHERE on tenant_id for one tenant.';
COMMENT ON COLUMN ops.last_hour.id IS 'Id of the execution, as in execution_log.';
COMMENT ON COLUMN ops.last_hour.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN ops.last_hour.job_id IS 'The job that was run.';
COMMENT ON COLUMN ops.last_hour.job_version IS
'Version of the job''s definition that the last attempt sent; NULL when none was claimed. Of a skipped row, the version then.';
COMMENT ON COLUMN ops.last_hour.status IS 'completed, failed, timeout, cancelled or skipped.';
COMMENT ON COLUMN ops.last_hour.origin IS 'What made it: schedule, manual (a trigger), backfill or rerun.';
COMMENT ON COLUMN ops.last_hour.scheduled_at IS
'The instant it belongs to; of a trigger or rerun, when that was asked for; of a skipped row, the first of its instants.';
COMMENT ON COLUMN ops.last_hour.started_at IS 'When the first attempt was claimed; NULL: none ever was.';
COMMENT ON COLUMN ops.last_hour.finished_at IS 'When the outcome was recorded.';
COMMENT ON COLUMN ops.last_hour.duration_ms IS
'How long the last call took, milliseconds; NULL when no call was under way at the end.';
COMMENT ON COLUMN ops.last_hour.attempt IS 'Attempts made; 0 when it ended before its first call.';
COMMENT ON COLUMN ops.last_hour.worker_id IS
'The process that made the last call; NULL when no call was under way at the end.';
COMMENT ON COLUMN ops.last_hour.response_status IS 'HTTP status that the last call got; NULL: no whole answer.';
COMMENT ON COLUMN ops.last_hour.error_code IS
'Kind of failure (http_status, timeout, connection and others); of a skipped row misfire, deadline, overlap or paused. NULL when it completed.';
COMMENT ON COLUMN ops.last_hour.error IS 'What went wrong in a sentence; NULL when it completed or was cancelled.';
COMMENT ON COLUMN ops.last_hour.skipped_until IS
'On skipped rows: the last of the instants the row stands for. NULL on others.';
COMMENT ON COLUMN ops.last_hour.skipped_count IS
'On skipped rows: how many instants the row stands for. NULL on others.';
COMMENT ON COLUMN ops.overview.jobs IS 'Jobs that are not deleted, of all tenants.';
COMMENT ON COLUMN ops.overview.tick_lag_seconds IS
'How long the longest of the due ones has been so, 0 when none is; more than 2 s means that ticks are behind.';
COMMENT ON COLUMN ops.overview.pending IS 'Executions ready to be claimed: the backlog.';
COMMENT ON COLUMN ops.overview.running IS 'Executions that are being called.';
COMMENT ON COLUMN ops.overview.retrying IS 'Executions that wait for another attempt, or for an open breaker.';
COMMENT ON COLUMN ops.overview.workers IS 'Engine processes that have not missed two heartbeats.';
COMMENT ON COLUMN ops.overview.slots IS
'Calls that those can make at once, together; when as many are running, all are in use.';
COMMENT ON COLUMN ops.overview.database_size IS 'Of the whole database on disk, indexes included.';
COMMENT ON COLUMN ops.overdue.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.overdue.job_id IS 'The job; SELECT ops.trigger(job_id) runs it now.';
COMMENT ON COLUMN ops.overdue.name IS 'The job''s name.';
COMMENT ON COLUMN ops.overdue.type IS 'How schedule is read: cron, interval or one_time.';
COMMENT ON COLUMN ops.overdue.schedule IS 'When the job runs, as the tenant wrote it.';
COMMENT ON COLUMN ops.overdue.next_run_at IS 'When the run was to be materialized.';
COMMENT ON COLUMN ops.overdue.late IS 'For how long it has been due.';
COMMENT ON COLUMN ops.running.age IS 'Since the attempt was claimed; the call ends by timeout_seconds after it began.';
COMMENT ON COLUMN ops.running.host IS
'Machine or container of the process that calls; NULL: the process is gone, and the call will be rescued.';
COMMENT ON COLUMN ops.running.pid IS 'Process id on that host; NULL: the process is gone.';
COMMENT ON COLUMN ops.running.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.running.job_id IS 'The job that is run; of an alert, the one it reports on.';
COMMENT ON COLUMN ops.running.name IS 'The job''s name.';
COMMENT ON COLUMN ops.running.execution_id IS
'Id of the execution; the API cancels it by POST /api/v1/executions/:id/cancel.';
COMMENT ON COLUMN ops.running.attempt IS 'Number of the attempt under way, from 1.';
COMMENT ON COLUMN ops.running.timeout_seconds IS
'Bounds the call, as the job says; the report of an alert has 10 s, whatever stands here.';
COMMENT ON COLUMN ops.running.endpoint IS
'URL that is called, without its query; of an alert the job''s, not where the report goes.';
COMMENT ON COLUMN ops.running.scheduled_at IS 'The instant the execution belongs to.';
COMMENT ON COLUMN ops.running.worker_id IS 'The process that calls, as in ops.workers.';
COMMENT ON COLUMN ops.retrying.retry_at IS 'When it may be claimed again.';
COMMENT ON COLUMN ops.retrying.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.retrying.job_id IS 'The job that is run; of an alert, the one it reports on.';
COMMENT ON COLUMN ops.retrying.name IS 'The job''s name.';
COMMENT ON COLUMN ops.retrying.execution_id IS 'Id of the execution; executions.attempts has each of its calls.';
COMMENT ON COLUMN ops.retrying.attempt IS 'Attempts made so far.';
COMMENT ON COLUMN ops.retrying.max_retries IS 'Calls after the first that the job allows.';
COMMENT ON COLUMN ops.retrying.error_code IS
'How the latest attempt failed, as in execution_log; NULL: none was made yet, it was put off.';
COMMENT ON COLUMN ops.retrying.response_status IS 'HTTP status that the latest attempt got; NULL: no whole answer.';
COMMENT ON COLUMN ops.retrying.error IS 'The same in a sentence.';
COMMENT ON COLUMN ops.stuck.status IS 'running, retrying or pending.';
COMMENT ON COLUMN ops.stuck.reason IS
'its worker is gone, its worker is silent (for three heartbeats), it has outlived its timeout, its retry is overdue, or nobody claims it.';
COMMENT ON COLUMN ops.stuck.age IS 'Since its claim, its retry''s time, or else scheduled_at.';
COMMENT ON COLUMN ops.stuck.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.stuck.job_id IS 'The job that is run; of an alert, the one it reports on.';
COMMENT ON COLUMN ops.stuck.name IS 'The job''s name.';
COMMENT ON COLUMN ops.stuck.execution_id IS
'Id of the execution; the API cancels it by POST /api/v1/executions/:id/cancel.';
COMMENT ON COLUMN ops.stuck.attempt IS 'Number of the latest attempt; 0 before the first.';
COMMENT ON COLUMN ops.stuck.host IS
'Machine or container of the process that holds it; NULL: none does, or it is gone.';
COMMENT ON COLUMN ops.stuck.pid IS 'Process id on that host; NULL: none holds it, or it is gone.';
COMMENT ON COLUMN ops.workers.host IS 'Name of the machine or container, as the process knows it.';
COMMENT ON COLUMN ops.workers.pid IS 'Process id on that host, or within that container.';
COMMENT ON COLUMN ops.workers.busy IS
'Executions it held at its last heartbeat; for a moment more than slots, since some are claimed ahead.';
COMMENT ON COLUMN ops.workers.slots IS 'Calls the process can make at once.';
COMMENT ON COLUMN ops.workers.silent IS 'Since its last heartbeat.';
COMMENT ON COLUMN ops.workers.state IS
'live; draining (claims nothing, finishes what runs, then leaves); dead (two heartbeats missed, about to be buried).';
COMMENT ON COLUMN ops.workers.version IS 'Release of the service that the process runs.';
COMMENT ON COLUMN ops.workers.started_at IS
'When it registered under this id: at its start, or when it came back after it hung.';
COMMENT ON COLUMN ops.workers.draining_at IS 'Since when it drains; NULL: it does not.';
COMMENT ON COLUMN ops.workers.worker_id IS 'What executions name it by; new each time it registers.';
COMMENT ON COLUMN ops.tenants.tenant_id IS
'Whose executions; ops.endpoints and report.error_groups tell what of them fails.';
COMMENT ON COLUMN ops.tenants.backlog IS 'Pending executions: ready and not claimed yet.';
COMMENT ON COLUMN ops.tenants.backlog_percent IS 'The backlog''s share of all tenants''; NULL when nobody has one.';
COMMENT ON COLUMN ops.tenants.running IS 'Executions that are being called.';
COMMENT ON COLUMN ops.tenants.retrying IS 'Executions that wait for another attempt, or for an open breaker.';
COMMENT ON COLUMN ops.tenants.oldest_pending_at IS 'The earliest scheduled_at in the backlog; NULL: there is none.';
COMMENT ON COLUMN ops.tenants.finished_last_hour IS
'Executions scheduled in the last hour that have finished, skips and alerts apart.';
COMMENT ON COLUMN ops.tenants.share_percent IS
'finished_last_hour''s share of all tenants''; NULL when nothing has finished.';
COMMENT ON COLUMN ops.tenants.failures_last_hour IS 'Those of finished_last_hour that failed or timed out for good.';
COMMENT ON COLUMN ops.endpoints.tenant_id IS 'Whose jobs call it.';
COMMENT ON COLUMN ops.endpoints.host IS 'Name and port, as in example.org:443.';
COMMENT ON COLUMN ops.endpoints.calls IS 'Executions that completed, failed or timed out; retries of one count once.';
COMMENT ON COLUMN ops.endpoints.failures IS 'Those of calls that failed or timed out for good.';
COMMENT ON COLUMN ops.endpoints.p95_ms IS
'95 in 100 last calls took no longer, milliseconds; NULL when there was none.';
COMMENT ON COLUMN ops.endpoints.first_failure_at IS
'The first failure within the hour; when last_success_at is NULL it has been failing at least since then. NULL: none.';
COMMENT ON COLUMN ops.endpoints.last_failure_at IS 'The newest failure within the hour; NULL: none.';
COMMENT ON COLUMN ops.endpoints.last_success_at IS 'The newest success within the hour; NULL: none.';
COMMENT ON COLUMN ops.endpoints.last_error IS
'HTTP status of the newest failure, or its kind where there was no whole answer; NULL: no failure.';
COMMENT ON COLUMN ops.endpoints.breaker_opened_at IS 'Since when its breaker is open; NULL: it is closed.';
COMMENT ON COLUMN ops.endpoints.breaker_probe_at IS
'When the next call is let through as a probe; NULL: the breaker is closed.';
COMMENT ON VIEW ops.skipped IS
'Why a run did not happen: ranges of instants that were passed over and begin within the last day, the newest first, 1,000 at most, with the reason. GET /api/v1/jobs/:id/occurrences tells it of any instant.';
COMMENT ON COLUMN ops.skipped.scheduled_at IS 'The first instant of the range.';
COMMENT ON COLUMN ops.skipped.skipped_until IS
'The last instant of the range; the first again when it is the only one.';
COMMENT ON COLUMN ops.skipped.skipped_count IS 'How many instants were passed over.';
COMMENT ON COLUMN ops.skipped.reason IS
'misfire (nobody ticked in time), deadline (older than the job''s start_deadline), overlap (an earlier execution lived), paused (the job was).';
COMMENT ON COLUMN ops.skipped.explanation IS 'The same in a sentence, with the job''s policy then.';
COMMENT ON COLUMN ops.skipped.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN ops.skipped.job_id IS 'The job; SELECT ops.trigger(job_id) runs it now.';
COMMENT ON COLUMN ops.skipped.name IS 'The job''s name.';
COMMENT ON COLUMN ops.skipped.execution_id IS 'Id of the skipped row in execution_log, which cannot be rerun.';
COMMENT ON COLUMN ops.migrations.version IS 'Timestamp that the migration''s file name begins with.';
COMMENT ON COLUMN ops.migrations.written_on IS 'The date in it: when it was written, not when it was applied.';
COMMENT ON COLUMN report.daily.day IS 'UTC date on which the executions finished; today is not over.';
COMMENT ON COLUMN report.daily.tenant_id IS 'Whose jobs were run.';
COMMENT ON COLUMN report.daily.completed IS 'Executions that completed.';
COMMENT ON COLUMN report.daily.failed IS 'Executions that failed for good.';
COMMENT ON COLUMN report.daily.timeout IS 'Executions whose last call timed out.';
COMMENT ON COLUMN report.daily.cancelled IS 'Executions that were cancelled, called or not.';
COMMENT ON COLUMN report.daily.skipped IS
'Skipped rows of the log, each a range of instants; report.hourly counts the instants.';
COMMENT ON COLUMN report.daily.calls IS 'Calls made for the executions, retries included.';
COMMENT ON COLUMN report.daily.success_percent IS
'Completed ones of those that completed, failed or timed out; NULL: there were none.';
COMMENT ON COLUMN report.daily.mean_ms IS 'Mean duration of last calls, milliseconds; NULL: there were none.';
COMMENT ON COLUMN report.daily.slowest_ms IS 'Longest last call, milliseconds; 0: there were none.';
COMMENT ON COLUMN report.daily.mean_lag_ms IS
'Mean start lag (started_at - scheduled_at), milliseconds; NULL: nothing started.';
COMMENT ON COLUMN report.daily.worst_lag_ms IS 'Longest start lag, milliseconds; 0: nothing started.';
COMMENT ON COLUMN report.hourly.hour IS
'Hour of scheduled_at, in the session''s time zone; the oldest and the newest are not whole.';
COMMENT ON COLUMN report.hourly.tenant_id IS 'Whose jobs were run.';
COMMENT ON COLUMN report.hourly.completed IS 'Executions that completed.';
COMMENT ON COLUMN report.hourly.failed IS 'Executions that failed for good.';
COMMENT ON COLUMN report.hourly.timeout IS 'Executions whose last call timed out.';
COMMENT ON COLUMN report.hourly.cancelled IS 'Executions that were cancelled, called or not.';
COMMENT ON COLUMN report.hourly.skipped IS 'Instants that were passed over.';
COMMENT ON COLUMN report.hourly.calls IS 'Calls made for the executions, retries included.';
COMMENT ON COLUMN report.hourly.p95_ms IS '95 in 100 last calls took no longer, milliseconds; NULL: there were none.';
COMMENT ON COLUMN report.hourly.p95_lag_ms IS
'95 in 100 start lags (started_at - scheduled_at) were no longer, milliseconds; NULL: nothing started.';
COMMENT ON COLUMN report.slowest.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN report.slowest.job_id IS 'The job whose calls are slow.';
COMMENT ON COLUMN report.slowest.name IS 'The job''s name.';
COMMENT ON COLUMN report.slowest.executions IS 'Those that completed, failed or timed out.';
COMMENT ON COLUMN report.slowest.mean_ms IS 'Mean duration of their last calls, milliseconds.';
COMMENT ON COLUMN report.slowest.slowest_ms IS 'Longest of their last calls, milliseconds.';
COMMENT ON COLUMN report.slowest.total_seconds IS 'Their last calls together: how long they kept slots busy.';
COMMENT ON VIEW report.flakiest IS
'The 100 jobs with the highest share of failures, of those that failed or needed retries in the last 7 UTC days.';
COMMENT ON COLUMN report.flakiest.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN report.flakiest.job_id IS 'The job; SELECT ops.rerun_failed(job_id, since) runs its failures again.';
COMMENT ON COLUMN report.flakiest.name IS 'The job''s name.';
COMMENT ON COLUMN report.flakiest.completed IS 'Executions that completed, at whatever attempt.';
COMMENT ON COLUMN report.flakiest.failures IS 'Executions that failed or timed out for good.';
COMMENT ON COLUMN report.flakiest.failure_percent IS 'failures of both together; NULL: none completed and none failed.';
COMMENT ON COLUMN report.flakiest.retries IS
'Calls beyond the first of each execution; calls of cancelled executions are counted too.';
COMMENT ON COLUMN report.error_groups.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN report.error_groups.job_id IS 'The job that failed.';
COMMENT ON COLUMN report.error_groups.name IS 'The job''s name.';
COMMENT ON COLUMN report.error_groups.status IS 'failed or timeout.';
COMMENT ON COLUMN report.error_groups.error_code IS
'Kind of failure: http_status, timeout, connection and others, see execution_log.';
COMMENT ON COLUMN report.error_groups.response_status IS 'HTTP status that was answered; NULL: no whole answer.';
COMMENT ON COLUMN report.error_groups.failures IS 'Executions that failed so.';
COMMENT ON COLUMN report.error_groups.first_at IS 'When the first of them finished.';
COMMENT ON COLUMN report.error_groups.last_at IS 'When the newest of them finished.';
COMMENT ON COLUMN report.error_groups.last_error IS 'What went wrong with the newest, in a sentence.';
COMMENT ON COLUMN report.error_groups.last_execution_id IS
'The newest of them; SELECT ops.rerun(last_execution_id) runs it again.';
COMMENT ON COLUMN report.tenant_usage.tenant_id IS 'Who used the service.';
COMMENT ON COLUMN report.tenant_usage.jobs IS 'Jobs of which an execution finished, or an instant was skipped.';
COMMENT ON COLUMN report.tenant_usage.executions IS 'Those that completed, failed or timed out.';
COMMENT ON COLUMN report.tenant_usage.calls IS 'Calls made, retries included.';
COMMENT ON COLUMN report.tenant_usage.failures IS 'Executions that failed or timed out for good.';
COMMENT ON COLUMN report.tenant_usage.call_seconds IS
'Last calls of the executions together: how long they kept slots busy, retries apart.';
COMMENT ON COLUMN report.tenant_usage.calls_percent IS 'The tenant''s share of all calls; NULL: nobody made any.';

-- migrate:down
COMMENT ON SCHEMA ops IS
'For whoever is on call: what goes on now, over all tenants. Try SELECT * FROM ops.overview, then \d+ ops.* for the rest. Each view says over which window it looks; none reads the whole log.';
COMMENT ON SCHEMA report IS
'How the service did: days, hours, jobs, errors and tenants. Each view says over which window it looks; read it with a WHERE on tenant_id for one tenant.';
COMMENT ON COLUMN ops.last_hour.id IS NULL;
COMMENT ON COLUMN ops.last_hour.tenant_id IS NULL;
COMMENT ON COLUMN ops.last_hour.job_id IS NULL;
COMMENT ON COLUMN ops.last_hour.job_version IS NULL;
COMMENT ON COLUMN ops.last_hour.status IS NULL;
COMMENT ON COLUMN ops.last_hour.origin IS NULL;
COMMENT ON COLUMN ops.last_hour.scheduled_at IS NULL;
COMMENT ON COLUMN ops.last_hour.started_at IS NULL;
COMMENT ON COLUMN ops.last_hour.finished_at IS NULL;
COMMENT ON COLUMN ops.last_hour.duration_ms IS NULL;
COMMENT ON COLUMN ops.last_hour.attempt IS NULL;
COMMENT ON COLUMN ops.last_hour.worker_id IS NULL;
COMMENT ON COLUMN ops.last_hour.response_status IS NULL;
COMMENT ON COLUMN ops.last_hour.error_code IS NULL;
COMMENT ON COLUMN ops.last_hour.error IS NULL;
COMMENT ON COLUMN ops.last_hour.skipped_until IS NULL;
COMMENT ON COLUMN ops.last_hour.skipped_count IS NULL;
COMMENT ON COLUMN ops.overview.jobs IS NULL;
COMMENT ON COLUMN ops.overview.tick_lag_seconds IS
'How long the longest of them has been due; more than 2 s means that ticks are behind.';
COMMENT ON COLUMN ops.overview.pending IS NULL;
COMMENT ON COLUMN ops.overview.running IS NULL;
COMMENT ON COLUMN ops.overview.retrying IS NULL;
COMMENT ON COLUMN ops.overview.workers IS 'Engine processes with a fresh heartbeat.';
COMMENT ON COLUMN ops.overview.slots IS 'Calls they can make at once.';
COMMENT ON COLUMN ops.overview.database_size IS NULL;
COMMENT ON COLUMN ops.overdue.tenant_id IS NULL;
COMMENT ON COLUMN ops.overdue.job_id IS NULL;
COMMENT ON COLUMN ops.overdue.name IS NULL;
COMMENT ON COLUMN ops.overdue.type IS NULL;
COMMENT ON COLUMN ops.overdue.schedule IS NULL;
COMMENT ON COLUMN ops.overdue.next_run_at IS NULL;
COMMENT ON COLUMN ops.overdue.late IS NULL;
COMMENT ON COLUMN ops.running.age IS NULL;
COMMENT ON COLUMN ops.running.host IS NULL;
COMMENT ON COLUMN ops.running.pid IS NULL;
COMMENT ON COLUMN ops.running.tenant_id IS NULL;
COMMENT ON COLUMN ops.running.job_id IS NULL;
COMMENT ON COLUMN ops.running.name IS NULL;
COMMENT ON COLUMN ops.running.execution_id IS NULL;
COMMENT ON COLUMN ops.running.attempt IS NULL;
COMMENT ON COLUMN ops.running.timeout_seconds IS NULL;
COMMENT ON COLUMN ops.running.endpoint IS NULL;
COMMENT ON COLUMN ops.running.scheduled_at IS NULL;
COMMENT ON COLUMN ops.running.worker_id IS NULL;
COMMENT ON COLUMN ops.retrying.retry_at IS NULL;
COMMENT ON COLUMN ops.retrying.tenant_id IS NULL;
COMMENT ON COLUMN ops.retrying.job_id IS NULL;
COMMENT ON COLUMN ops.retrying.name IS NULL;
COMMENT ON COLUMN ops.retrying.execution_id IS NULL;
COMMENT ON COLUMN ops.retrying.attempt IS NULL;
COMMENT ON COLUMN ops.retrying.max_retries IS NULL;
COMMENT ON COLUMN ops.retrying.error_code IS NULL;
COMMENT ON COLUMN ops.retrying.response_status IS NULL;
COMMENT ON COLUMN ops.retrying.error IS NULL;
COMMENT ON COLUMN ops.stuck.status IS NULL;
COMMENT ON COLUMN ops.stuck.reason IS NULL;
COMMENT ON COLUMN ops.stuck.age IS NULL;
COMMENT ON COLUMN ops.stuck.tenant_id IS NULL;
COMMENT ON COLUMN ops.stuck.job_id IS NULL;
COMMENT ON COLUMN ops.stuck.name IS NULL;
COMMENT ON COLUMN ops.stuck.execution_id IS NULL;
COMMENT ON COLUMN ops.stuck.attempt IS NULL;
COMMENT ON COLUMN ops.stuck.host IS NULL;
COMMENT ON COLUMN ops.stuck.pid IS NULL;
COMMENT ON COLUMN ops.workers.host IS NULL;
COMMENT ON COLUMN ops.workers.pid IS NULL;
COMMENT ON COLUMN ops.workers.busy IS NULL;
COMMENT ON COLUMN ops.workers.slots IS NULL;
COMMENT ON COLUMN ops.workers.silent IS NULL;
COMMENT ON COLUMN ops.workers.state IS NULL;
COMMENT ON COLUMN ops.workers.version IS NULL;
COMMENT ON COLUMN ops.workers.started_at IS NULL;
COMMENT ON COLUMN ops.workers.draining_at IS NULL;
COMMENT ON COLUMN ops.workers.worker_id IS NULL;
COMMENT ON COLUMN ops.tenants.tenant_id IS NULL;
COMMENT ON COLUMN ops.tenants.backlog IS NULL;
COMMENT ON COLUMN ops.tenants.backlog_percent IS 'Of all pending executions.';
COMMENT ON COLUMN ops.tenants.running IS NULL;
COMMENT ON COLUMN ops.tenants.retrying IS NULL;
COMMENT ON COLUMN ops.tenants.oldest_pending_at IS NULL;
COMMENT ON COLUMN ops.tenants.finished_last_hour IS NULL;
COMMENT ON COLUMN ops.tenants.share_percent IS 'Of all executions finished in the last hour.';
COMMENT ON COLUMN ops.tenants.failures_last_hour IS NULL;
COMMENT ON COLUMN ops.endpoints.tenant_id IS NULL;
COMMENT ON COLUMN ops.endpoints.host IS NULL;
COMMENT ON COLUMN ops.endpoints.calls IS 'Executions that were called; retries of one count once.';
COMMENT ON COLUMN ops.endpoints.failures IS NULL;
COMMENT ON COLUMN ops.endpoints.p95_ms IS '95 in 100 last calls took no longer, milliseconds.';
COMMENT ON COLUMN ops.endpoints.first_failure_at IS
'The first failure within the hour; when last_success_at is NULL it has been failing at least since then.';
COMMENT ON COLUMN ops.endpoints.last_failure_at IS NULL;
COMMENT ON COLUMN ops.endpoints.last_success_at IS NULL;
COMMENT ON COLUMN ops.endpoints.last_error IS
'HTTP status of the newest failure, or its kind where there was no answer.';
COMMENT ON COLUMN ops.endpoints.breaker_opened_at IS NULL;
COMMENT ON COLUMN ops.endpoints.breaker_probe_at IS NULL;
COMMENT ON VIEW ops.skipped IS
'Why a run did not happen: instants of the last day that were passed over, the newest first, 1,000 rows at most, with the reason. A row may stand for many instants.';
COMMENT ON COLUMN ops.skipped.scheduled_at IS NULL;
COMMENT ON COLUMN ops.skipped.skipped_until IS NULL;
COMMENT ON COLUMN ops.skipped.skipped_count IS NULL;
COMMENT ON COLUMN ops.skipped.reason IS NULL;
COMMENT ON COLUMN ops.skipped.explanation IS NULL;
COMMENT ON COLUMN ops.skipped.tenant_id IS NULL;
COMMENT ON COLUMN ops.skipped.job_id IS NULL;
COMMENT ON COLUMN ops.skipped.name IS NULL;
COMMENT ON COLUMN ops.skipped.execution_id IS NULL;
COMMENT ON COLUMN ops.migrations.version IS NULL;
COMMENT ON COLUMN ops.migrations.written_on IS NULL;
COMMENT ON COLUMN report.daily.day IS NULL;
COMMENT ON COLUMN report.daily.tenant_id IS NULL;
COMMENT ON COLUMN report.daily.completed IS NULL;
COMMENT ON COLUMN report.daily.failed IS NULL;
COMMENT ON COLUMN report.daily.timeout IS NULL;
COMMENT ON COLUMN report.daily.cancelled IS NULL;
COMMENT ON COLUMN report.daily.skipped IS NULL;
COMMENT ON COLUMN report.daily.calls IS NULL;
COMMENT ON COLUMN report.daily.success_percent IS NULL;
COMMENT ON COLUMN report.daily.mean_ms IS NULL;
COMMENT ON COLUMN report.daily.slowest_ms IS NULL;
COMMENT ON COLUMN report.daily.mean_lag_ms IS NULL;
COMMENT ON COLUMN report.daily.worst_lag_ms IS NULL;
COMMENT ON COLUMN report.hourly.hour IS NULL;
COMMENT ON COLUMN report.hourly.tenant_id IS NULL;
COMMENT ON COLUMN report.hourly.completed IS NULL;
COMMENT ON COLUMN report.hourly.failed IS NULL;
COMMENT ON COLUMN report.hourly.timeout IS NULL;
COMMENT ON COLUMN report.hourly.cancelled IS NULL;
COMMENT ON COLUMN report.hourly.skipped IS NULL;
COMMENT ON COLUMN report.hourly.calls IS NULL;
COMMENT ON COLUMN report.hourly.p95_ms IS NULL;
COMMENT ON COLUMN report.hourly.p95_lag_ms IS NULL;
COMMENT ON COLUMN report.slowest.tenant_id IS NULL;
COMMENT ON COLUMN report.slowest.job_id IS NULL;
COMMENT ON COLUMN report.slowest.name IS NULL;
COMMENT ON COLUMN report.slowest.executions IS NULL;
COMMENT ON COLUMN report.slowest.mean_ms IS NULL;
COMMENT ON COLUMN report.slowest.slowest_ms IS NULL;
COMMENT ON COLUMN report.slowest.total_seconds IS NULL;
COMMENT ON VIEW report.flakiest IS
'The 100 jobs that failed the most often, of all that failed or needed retries in the last 7 UTC days.';
COMMENT ON COLUMN report.flakiest.tenant_id IS NULL;
COMMENT ON COLUMN report.flakiest.job_id IS NULL;
COMMENT ON COLUMN report.flakiest.name IS NULL;
COMMENT ON COLUMN report.flakiest.completed IS NULL;
COMMENT ON COLUMN report.flakiest.failures IS NULL;
COMMENT ON COLUMN report.flakiest.failure_percent IS NULL;
COMMENT ON COLUMN report.flakiest.retries IS NULL;
COMMENT ON COLUMN report.error_groups.tenant_id IS NULL;
COMMENT ON COLUMN report.error_groups.job_id IS NULL;
COMMENT ON COLUMN report.error_groups.name IS NULL;
COMMENT ON COLUMN report.error_groups.status IS NULL;
COMMENT ON COLUMN report.error_groups.error_code IS NULL;
COMMENT ON COLUMN report.error_groups.response_status IS NULL;
COMMENT ON COLUMN report.error_groups.failures IS NULL;
COMMENT ON COLUMN report.error_groups.first_at IS NULL;
COMMENT ON COLUMN report.error_groups.last_at IS NULL;
COMMENT ON COLUMN report.error_groups.last_error IS NULL;
COMMENT ON COLUMN report.error_groups.last_execution_id IS NULL;
COMMENT ON COLUMN report.tenant_usage.tenant_id IS NULL;
COMMENT ON COLUMN report.tenant_usage.jobs IS NULL;
COMMENT ON COLUMN report.tenant_usage.executions IS NULL;
COMMENT ON COLUMN report.tenant_usage.calls IS NULL;
COMMENT ON COLUMN report.tenant_usage.failures IS NULL;
COMMENT ON COLUMN report.tenant_usage.call_seconds IS NULL;
COMMENT ON COLUMN report.tenant_usage.calls_percent IS NULL;
