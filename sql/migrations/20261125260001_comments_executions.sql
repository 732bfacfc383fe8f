-- migrate:up
COMMENT ON COLUMN workers.id IS
'New each time the process registers: when it starts, and when it comes back after it hung and was buried.';
COMMENT ON COLUMN workers.host IS 'Name of the machine or container, as the process knows it.';
COMMENT ON COLUMN workers.pid IS 'Process id on that host, or within that container.';
COMMENT ON COLUMN workers.version IS 'Release of the service that the process runs.';
COMMENT ON COLUMN workers.busy IS
'Executions it held at its last heartbeat; for a moment more than slots, since some are claimed ahead.';
COMMENT ON COLUMN workers.started_at IS 'When it registered under this id.';
COMMENT ON COLUMN workers.heartbeat_at IS
'Last heartbeat, by the database''s clock; one comes every heartbeat_seconds.';
COMMENT ON COLUMN workers.draining_at IS
'Since when it drains: claims nothing, finishes what runs, then leaves. NULL: it does not.';
COMMENT ON INDEX workers_pkey IS 'Serves upkeep.heartbeat, upkeep.lost_executions and work.finish.';
COMMENT ON COLUMN execution_queue.id IS
'What receivers get as X-Scheduler-Execution-Id and Idempotency-Key, the same for every attempt. Carries the millisecond of scheduled_at; that of a scheduled run is computed, see execution_id.';
COMMENT ON COLUMN execution_queue.job_id IS 'The job that is run; of an alert, the one it reports on.';
COMMENT ON COLUMN execution_queue.worker_id IS 'The process that calls for it, an id of workers; NULL unless running.';
COMMENT ON COLUMN execution_queue.scheduled_at IS
'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for.';
COMMENT ON COLUMN execution_queue.created_at IS
'When it came into the queue: for a scheduled run, when the tick materialized it.';
COMMENT ON COLUMN execution_queue.started_at IS 'When the first attempt was claimed; NULL before.';
COMMENT ON COLUMN execution_queue.claimed_at IS 'When the attempt under way was claimed; NULL unless running.';
COMMENT ON COLUMN execution_queue.retry_at IS
'When it may be claimed again, after an attempt that failed or was put off; otherwise NULL, as while it runs.';
COMMENT ON COLUMN execution_queue.job_version IS
'Version of the job''s definition that the latest attempt sent; NULL before the first claim, and of alerts.';
COMMENT ON COLUMN execution_queue.priority IS
'1 to 10, 10 is claimed first: the job''s when it was made, 1 of backfills, 10 of alerts.';
COMMENT ON COLUMN execution_queue.held_for IS
'overlap: waits until the job''s earlier execution has ended. NULL: does not; what is held then waits for its job to be resumed.';
COMMENT ON COLUMN execution_queue.tenant_id IS
'The job''s tenant, here again for row-level security and for the turns that claims take.';
COMMENT ON COLUMN execution_queue.trace_id IS 'W3C trace id of the latest attempt that has ended; NULL before.';
COMMENT ON COLUMN execution_queue.rerun_of IS
'The finished execution that this one runs again; NULL unless origin is rerun.';
COMMENT ON INDEX execution_queue_pkey IS
'Serves work.claim, work.finish, executions.lock and whatever else knows an execution''s id; with it tick.materialize cannot make a run that lives twice.';
COMMENT ON INDEX execution_queue_worker_idx IS
'Serves upkeep.needed, upkeep.lost_executions and work.return_strays: what a process runs, or one that is gone.';
COMMENT ON INDEX execution_queue_job_idx IS
'Serves executions.list by job, tick.due_jobs, jobs.hold_executions, jobs.lock_waiting, alerts.judge and the completion of exhausted jobs: what lives of a job.';
COMMENT ON COLUMN execution_log.id IS
'What receivers got as X-Scheduler-Execution-Id and Idempotency-Key. Carries the millisecond of scheduled_at; that of a scheduled run or of a skipped row is computed, see execution_id.';
COMMENT ON COLUMN execution_log.job_id IS 'The job that was run; of an alert, the one it reported on.';
COMMENT ON COLUMN execution_log.worker_id IS
'The process that made the last call, an id of workers, whose row may be gone. NULL when no call was under way at the end: cancelled while it waited, or skipped.';
COMMENT ON COLUMN execution_log.scheduled_at IS
'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for; of a skipped row, the first of its instants. Decides the partition.';
COMMENT ON COLUMN execution_log.created_at IS 'When it came into the queue; of a skipped row, when that was written.';
COMMENT ON COLUMN execution_log.started_at IS 'When the first attempt was claimed; NULL: none ever was.';
COMMENT ON COLUMN execution_log.finished_at IS 'When the outcome was recorded; its UTC date is the day in job_history.';
COMMENT ON COLUMN execution_log.duration_ms IS
'How long the last call took, milliseconds; of one that was cancelled or lost, the time since its claim. NULL when no call was under way at the end: cancelled while it waited, or skipped.';
COMMENT ON COLUMN execution_log.job_version IS
'Version of the job''s definition that the last attempt sent, see job_versions; NULL when none was claimed, and of alerts. Of a skipped row, the version then.';
COMMENT ON COLUMN execution_log.response_status IS 'HTTP status that the last call got; NULL: no whole answer.';
COMMENT ON COLUMN execution_log.priority IS '1 to 10: the job''s when it was made, 1 of backfills, 10 of alerts.';
COMMENT ON COLUMN execution_log.response_truncated IS
'Whether the answer''s body went on past the 64 KiB that are kept.';
COMMENT ON COLUMN execution_log.status IS
'completed (2xx), failed, timeout, cancelled (by a client, by overlap_policy replace, or with its deleted job), skipped (instants that never ran, error_code says why).';
COMMENT ON COLUMN execution_log.origin IS
'What made it: schedule, manual (a trigger), backfill, rerun, or alert: the report of an incident, which is no run of its job and counted nowhere.';
COMMENT ON COLUMN execution_log.tenant_id IS
'The job''s tenant, here again for row-level security and for lists of a tenant.';
COMMENT ON COLUMN execution_log.error_code IS
'Kind of failure: http_status, timeout, connection, dns, tls, protocol, response_too_large, egress_denied, invalid_request, secret_unreadable, job_missing, worker_lost, cancelled, unrecordable. Of a skipped row the reason: misfire, deadline, overlap, paused. NULL when it completed.';
COMMENT ON COLUMN execution_log.error IS
'What went wrong in a sentence for people, secrets masked, up to 1,000 characters; of a skipped row, which policy decided. NULL when it completed or was cancelled.';
COMMENT ON COLUMN execution_log.response_body IS
'Body of the last answer as text, secrets masked, the first 64 KiB of it; NULL: no whole answer.';
COMMENT ON COLUMN execution_log.trace_id IS
'W3C trace id that the latest recorded call sent in traceparent; NULL: none was recorded.';
COMMENT ON COLUMN execution_log.attempts IS
'Outcomes of its attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';
COMMENT ON COLUMN execution_log.rerun_of IS
'The finished execution that this one ran again; NULL unless origin is rerun.';
COMMENT ON INDEX execution_log_pkey IS
'Serves executions.get, tick.materialize and, since ids are in the order of time, the windows of ops and report.';
COMMENT ON INDEX execution_log_job_idx IS
'Serves executions.list and executions.percentiles by job, occurrences.recorded, occurrences.latest_before, alerts.take_in and alerts.judge.';
COMMENT ON INDEX execution_log_ended_idx IS
'Serves executions.list by status and executions.dead_letters: what did not complete is rare and must be found fast.';
COMMENT ON VIEW executions IS
'Every execution, live and finished: what the API and people read. A finished one is found fast with a bound on scheduled_at, or see execution_instant.';
COMMENT ON COLUMN executions.id IS
'What receivers get as X-Scheduler-Execution-Id and Idempotency-Key, the same for every attempt; carries the millisecond of scheduled_at.';
COMMENT ON COLUMN executions.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN executions.job_id IS 'The job that is run; of an alert, the one it reports on.';
COMMENT ON COLUMN executions.job_version IS
'Version of the job''s definition that the latest attempt sent, see job_versions; NULL before the first claim, and of alerts. Of a skipped row, the version then.';
COMMENT ON COLUMN executions.status IS
'Live: pending, running, retrying, held. Finished: completed, failed, timeout, cancelled, skipped. See the status of execution_queue and execution_log.';
COMMENT ON COLUMN executions.origin IS
'What made it: schedule, manual (a trigger), backfill, rerun, or alert: the report of an incident, which is no run of its job and counted nowhere.';
COMMENT ON COLUMN executions.scheduled_at IS
'The instant it belongs to, jitter included; of a trigger, rerun or alert, when that was asked for; of a skipped row, the first of its instants.';
COMMENT ON COLUMN executions.created_at IS 'When it came into the queue; of a skipped row, when that was written.';
COMMENT ON COLUMN executions.started_at IS 'When the first attempt was claimed; NULL: none has been.';
COMMENT ON COLUMN executions.finished_at IS 'When the outcome was recorded; NULL while it lives.';
COMMENT ON COLUMN executions.duration_ms IS
'How long the last call took, milliseconds; NULL while it lives, and when no call was under way at the end.';
COMMENT ON COLUMN executions.attempt IS 'Number of the latest attempt; 0 before the first.';
COMMENT ON COLUMN executions.priority IS
'1 to 10, 10 is claimed first: the job''s when it was made, 1 of backfills, 10 of alerts.';
COMMENT ON COLUMN executions.worker_id IS
'The process that calls, or made the last call, an id of workers; NULL when no call is or was under way.';
COMMENT ON COLUMN executions.retry_at IS
'When a live one may be claimed again, after an attempt that failed or was put off; NULL otherwise.';
COMMENT ON COLUMN executions.response_status IS
'HTTP status that the last call got; NULL: no whole answer, or it lives.';
COMMENT ON COLUMN executions.response_body IS
'Body of the last answer as text, secrets masked, the first 64 KiB of it; NULL: no whole answer, or it lives.';
COMMENT ON COLUMN executions.response_truncated IS 'Whether the answer''s body went on past the 64 KiB that are kept.';
COMMENT ON COLUMN executions.error_code IS
'Kind of failure, or of a skipped row the reason; NULL when it completed or lives. The values are under execution_log.error_code.';
COMMENT ON COLUMN executions.error IS
'What went wrong in a sentence for people; NULL when it completed, was cancelled or lives (attempts says how earlier calls went).';
COMMENT ON COLUMN executions.skipped_until IS
'On skipped rows: the last of the instants the row stands for; scheduled_at is the first. NULL on others.';
COMMENT ON COLUMN executions.skipped_count IS 'On skipped rows: how many instants the row stands for. NULL on others.';
COMMENT ON COLUMN executions.trace_id IS
'W3C trace id that the latest recorded call sent in traceparent; NULL: none was recorded.';
COMMENT ON COLUMN executions.attempts IS
'Outcomes of ended attempts, oldest first: attempt, status, response_status, error_code, error, started_at, duration_ms, worker_id, host.';
COMMENT ON COLUMN executions.rerun_of IS
'The finished execution that this one runs again; NULL unless origin is rerun.';
COMMENT ON COLUMN executions.reruns IS 'Executions that ran this one again, oldest first; empty while it lives.';
COMMENT ON VIEW log_partitions IS
'The whole day partitions of execution_log, with all that finished; log_partitions_thinned has the others.';
COMMENT ON COLUMN log_partitions.name IS 'Table that holds the day: execution_log_<YYYYMMDD>.';
COMMENT ON COLUMN log_partitions.day IS 'UTC date of scheduled_at of what it holds.';
COMMENT ON COLUMN log_partitions_thinned.name IS
'Table that holds the day''s failures: execution_log_<YYYYMMDD>_failed.';
COMMENT ON COLUMN log_partitions_thinned.day IS 'UTC date of scheduled_at of what it holds.';
COMMENT ON COLUMN service_state.pending IS 'Executions ready to be claimed, of all tenants.';
COMMENT ON COLUMN service_state.running IS 'Executions that are being called.';
COMMENT ON COLUMN service_state.retrying IS 'Executions that wait for another attempt, or for an open breaker.';
COMMENT ON COLUMN service_state.oldest_overdue_run_at IS
'The earliest next_run_at that has passed, jobs of all tenants; NULL: every due run is materialized.';
COMMENT ON COLUMN service_state.workers IS 'Engine processes that have not missed two heartbeats.';
COMMENT ON COLUMN service_state.slots IS 'Calls that those can make at once, together.';
COMMENT ON COLUMN service_state.at IS 'The database''s time when it was read.';
COMMENT ON TABLE schema_migrations IS
'Migrations that have been applied, a row each. Written by dbmate; the service is ready when its own newest one is here.';
COMMENT ON COLUMN schema_migrations.version IS 'Timestamp that the migration''s file name begins with, as text.';
COMMENT ON INDEX schema_migrations_pkey IS 'Keeps a migration from being applied twice. Serves session.schema_version.';

-- migrate:down
COMMENT ON COLUMN workers.id IS NULL;
COMMENT ON COLUMN workers.host IS NULL;
COMMENT ON COLUMN workers.pid IS NULL;
COMMENT ON COLUMN workers.version IS NULL;
COMMENT ON COLUMN workers.busy IS NULL;
COMMENT ON COLUMN workers.started_at IS NULL;
COMMENT ON COLUMN workers.heartbeat_at IS NULL;
COMMENT ON COLUMN workers.draining_at IS NULL;
COMMENT ON INDEX workers_pkey IS NULL;
COMMENT ON COLUMN execution_queue.id IS NULL;
COMMENT ON COLUMN execution_queue.job_id IS NULL;
COMMENT ON COLUMN execution_queue.worker_id IS NULL;
COMMENT ON COLUMN execution_queue.scheduled_at IS NULL;
COMMENT ON COLUMN execution_queue.created_at IS NULL;
COMMENT ON COLUMN execution_queue.started_at IS 'When the first attempt was claimed.';
COMMENT ON COLUMN execution_queue.claimed_at IS 'When the attempt under way was claimed.';
COMMENT ON COLUMN execution_queue.retry_at IS NULL;
COMMENT ON COLUMN execution_queue.job_version IS 'Version of the job''s definition that the latest attempt sent.';
COMMENT ON COLUMN execution_queue.priority IS NULL;
COMMENT ON COLUMN execution_queue.held_for IS 'overlap: waits until the job''s earlier execution has ended.';
COMMENT ON COLUMN execution_queue.tenant_id IS NULL;
COMMENT ON COLUMN execution_queue.trace_id IS NULL;
COMMENT ON COLUMN execution_queue.rerun_of IS 'The finished execution that this one runs again.';
COMMENT ON INDEX execution_queue_pkey IS NULL;
COMMENT ON INDEX execution_queue_worker_idx IS 'Serves upkeep.lost_executions and work.kept_claims.';
COMMENT ON INDEX execution_queue_job_idx IS
'Serves executions.list by job, jobs.hold_executions, jobs.release_executions and the completion of exhausted jobs.';
COMMENT ON COLUMN execution_log.id IS NULL;
COMMENT ON COLUMN execution_log.job_id IS NULL;
COMMENT ON COLUMN execution_log.worker_id IS 'Engine process that made the last call.';
COMMENT ON COLUMN execution_log.scheduled_at IS NULL;
COMMENT ON COLUMN execution_log.created_at IS NULL;
COMMENT ON COLUMN execution_log.started_at IS NULL;
COMMENT ON COLUMN execution_log.finished_at IS NULL;
COMMENT ON COLUMN execution_log.duration_ms IS 'Duration of the last call, milliseconds; NULL when no call was made.';
COMMENT ON COLUMN execution_log.job_version IS NULL;
COMMENT ON COLUMN execution_log.response_status IS NULL;
COMMENT ON COLUMN execution_log.priority IS NULL;
COMMENT ON COLUMN execution_log.response_truncated IS NULL;
COMMENT ON COLUMN execution_log.status IS NULL;
COMMENT ON COLUMN execution_log.origin IS NULL;
COMMENT ON COLUMN execution_log.tenant_id IS NULL;
COMMENT ON COLUMN execution_log.error_code IS
'Kind of failure (http_status, timeout, connection, worker_lost, ...); on skipped rows the reason (misfire).';
COMMENT ON COLUMN execution_log.error IS NULL;
COMMENT ON COLUMN execution_log.response_body IS NULL;
COMMENT ON COLUMN execution_log.trace_id IS NULL;
COMMENT ON COLUMN execution_log.attempts IS NULL;
COMMENT ON COLUMN execution_log.rerun_of IS 'The finished execution that this one ran again.';
COMMENT ON INDEX execution_log_pkey IS NULL;
COMMENT ON INDEX execution_log_job_idx IS 'Serves executions.list and executions.percentiles by job.';
COMMENT ON INDEX execution_log_ended_idx IS
'Serves executions.list by status: what did not complete is rare and must be found fast.';
COMMENT ON VIEW executions IS 'Every execution, live and finished: what the API and people read.';
COMMENT ON COLUMN executions.id IS NULL;
COMMENT ON COLUMN executions.tenant_id IS NULL;
COMMENT ON COLUMN executions.job_id IS NULL;
COMMENT ON COLUMN executions.job_version IS NULL;
COMMENT ON COLUMN executions.status IS NULL;
COMMENT ON COLUMN executions.origin IS NULL;
COMMENT ON COLUMN executions.scheduled_at IS NULL;
COMMENT ON COLUMN executions.created_at IS NULL;
COMMENT ON COLUMN executions.started_at IS NULL;
COMMENT ON COLUMN executions.finished_at IS NULL;
COMMENT ON COLUMN executions.duration_ms IS NULL;
COMMENT ON COLUMN executions.attempt IS NULL;
COMMENT ON COLUMN executions.priority IS NULL;
COMMENT ON COLUMN executions.worker_id IS NULL;
COMMENT ON COLUMN executions.retry_at IS NULL;
COMMENT ON COLUMN executions.response_status IS NULL;
COMMENT ON COLUMN executions.response_body IS NULL;
COMMENT ON COLUMN executions.response_truncated IS NULL;
COMMENT ON COLUMN executions.error_code IS NULL;
COMMENT ON COLUMN executions.error IS NULL;
COMMENT ON COLUMN executions.skipped_until IS NULL;
COMMENT ON COLUMN executions.skipped_count IS NULL;
COMMENT ON COLUMN executions.trace_id IS NULL;
COMMENT ON COLUMN executions.attempts IS NULL;
COMMENT ON COLUMN executions.rerun_of IS NULL;
COMMENT ON COLUMN executions.reruns IS NULL;
COMMENT ON VIEW log_partitions IS 'The day partitions of execution_log.';
COMMENT ON COLUMN log_partitions.name IS NULL;
COMMENT ON COLUMN log_partitions.day IS NULL;
COMMENT ON COLUMN log_partitions_thinned.name IS NULL;
COMMENT ON COLUMN log_partitions_thinned.day IS NULL;
COMMENT ON COLUMN service_state.pending IS NULL;
COMMENT ON COLUMN service_state.running IS NULL;
COMMENT ON COLUMN service_state.retrying IS NULL;
COMMENT ON COLUMN service_state.oldest_overdue_run_at IS NULL;
COMMENT ON COLUMN service_state.workers IS NULL;
COMMENT ON COLUMN service_state.slots IS NULL;
COMMENT ON COLUMN service_state.at IS NULL;
COMMENT ON TABLE schema_migrations IS NULL;
COMMENT ON COLUMN schema_migrations.version IS NULL;
COMMENT ON INDEX schema_migrations_pkey IS NULL;
