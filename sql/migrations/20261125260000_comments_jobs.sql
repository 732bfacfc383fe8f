-- migrate:up
COMMENT ON TABLE jobs IS
'What a tenant wants called, and when. Written by clients of the API and by those on call; the engine only advances next_run_at, next_instant_at and runs, and turns a job completed. Never deleted: status deleted hides it. fillfactor 85 leaves room on the page for the advance of next_run_at.';
COMMENT ON COLUMN jobs.id IS 'Given at creation and never to another job; each run''s jitter is worked out from it.';
COMMENT ON COLUMN jobs.tenant_id IS
'Whose job it is: the request''s X-Tenant-ID or its API key''s tenant; 00000000-0000-0000-0000-000000000000 is the default tenant.';
COMMENT ON COLUMN jobs.name IS 'What people call it; two jobs may have the same one, unlike key.';
COMMENT ON COLUMN jobs.description IS 'Free text of the client''s, up to 10,000 characters; NULL: none.';
COMMENT ON COLUMN jobs.type IS 'How schedule is read: cron, interval or one_time.';
COMMENT ON COLUMN jobs.schedule IS
'When it runs. cron: five fields, six with the seconds first, @hourly and the like, or @every 1h30m. interval: seconds. one_time: an RFC 3339 instant.';
COMMENT ON COLUMN jobs.timezone IS
'IANA zone whose clock cron fields go by, unless schedule begins with TZ=; other schedules do not need it.';
COMMENT ON COLUMN jobs.anchor_at IS
'When its schedule was set: at creation, or by the edit that changed it. Origin of interval and @every schedules without start_at: the k-th instant is anchor_at plus k intervals, so runs never drift.';
COMMENT ON COLUMN jobs.endpoint IS 'URL that is called. Not secret: no credentials in it.';
COMMENT ON COLUMN jobs.method IS 'HTTP method of the call; POST where the client named none.';
COMMENT ON COLUMN jobs.payload IS 'JSON body of the call, a mask for each secret value in it; NULL sends no body.';
COMMENT ON COLUMN jobs.timeout_seconds IS 'Bounds the whole call, from connecting to the last byte of the answer.';
COMMENT ON COLUMN jobs.retry_delay_seconds IS
'Wait before the first retry; later ones as retry_backoff says, and any longer where the receiver''s Retry-After asks for it, up to an hour.';
COMMENT ON COLUMN jobs.priority IS
'1 to 10: of what is pending, 10 is claimed first. Executions take it over when they are made, save those of backfills (1) and alerts (10).';
COMMENT ON COLUMN jobs.tags IS 'Labels that lists and bulk acts can select by; nothing else reads them.';
COMMENT ON COLUMN jobs.metadata IS 'The client''s own JSON object: kept and shown, never sent with the call.';
COMMENT ON COLUMN jobs.status IS
'active; paused (nothing is materialized, what waits is held); completed (no instant is left and no execution lives); deleted (hidden for good, the row stays).';
COMMENT ON COLUMN jobs.start_at IS 'No instant is earlier, and an interval counts from here; NULL: no such bound.';
COMMENT ON COLUMN jobs.end_at IS 'No instant is later, and then the job is completed; NULL: no such bound.';
COMMENT ON COLUMN jobs.max_runs IS 'Once runs has reached it, the job is completed; NULL: no such bound.';
COMMENT ON COLUMN jobs.jitter_seconds IS
'Each run is put off by less than this, and not past the next instant, by what job and instant determine; 0: none is.';
COMMENT ON COLUMN jobs.misfire_limit IS 'Most runs that misfire_policy fire_all makes up at once, the newest.';
COMMENT ON COLUMN jobs.start_deadline_seconds IS
'An instant older than this when it is materialized is skipped, whatever misfire_policy says; NULL: none is too old.';
COMMENT ON COLUMN jobs.retry_backoff IS
'How the wait grows from retry to retry: fixed (retry_delay_seconds each time) or exponential (twice as long each time, less up to half of it, so that what failed together comes back apart).';
COMMENT ON COLUMN jobs.retry_max_delay_seconds IS
'Bound of an exponential wait; NULL: an hour, or retry_delay_seconds where that is more.';
COMMENT ON COLUMN jobs.retry_on IS
'What is retried, and nothing else: statuses (503), classes (5xx), timeout, connection. NULL: 408, 425, 429, 5xx, timeouts and lost connections.';
COMMENT ON COLUMN jobs.paused_at IS 'Since when it is paused; NULL when it is not.';
COMMENT ON COLUMN jobs.created_at IS 'When it was registered; lists go by it, the newest first.';
COMMENT ON COLUMN jobs.updated_at IS
'When it was last edited, paused, resumed or deleted; what the engine does leaves it as it is.';
COMMENT ON COLUMN jobs.sealed IS
'The secret values, for which headers and payload hold a mask: v1:<key>:<base64>, AES-GCM bound to tenant and job, or plain:<JSON> where the service had no key; NULL: none. Read by the engine before a call, by an edit that keeps them and by secrets rotate, which seals them anew; by nothing else. Not in job_versions: an old version shows masks only.';
COMMENT ON INDEX jobs_pkey IS
'Serves jobs.read, jobs.lock, tick.materialize, work.claim and whatever else knows a job''s id.';
COMMENT ON INDEX jobs_exhausted_idx IS
'Serves work.finish, upkeep.needed and upkeep.complete_exhausted_jobs: jobs whose last run has been materialized.';
COMMENT ON INDEX jobs_tenant_list_idx IS
'Serves jobs.list, jobs.count and jobs.matching: a tenant''s jobs, newest first.';
COMMENT ON TABLE job_versions IS
'Every definition a job has had, insert-only save that secrets rotate masks headers: what an execution of an earlier version sent, and what the schedule named then.';
COMMENT ON COLUMN job_versions.job_id IS 'The job that was, or is, so defined.';
COMMENT ON COLUMN job_versions.version IS
'jobs.version of that time, and job_version of the executions that sent it; the highest is the job as it is now.';
COMMENT ON COLUMN job_versions.tenant_id IS 'The job''s tenant, here again for row-level security.';
COMMENT ON COLUMN job_versions.created_at IS 'Since when it held; it did until the next version.';
COMMENT ON COLUMN job_versions.anchor_at IS 'jobs.anchor_at of that version: where its intervals counted from.';
COMMENT ON COLUMN job_versions.start_at IS
'jobs.start_at of that version: no instant was earlier; NULL: no such bound.';
COMMENT ON COLUMN job_versions.end_at IS 'jobs.end_at of that version: no instant was later; NULL: no such bound.';
COMMENT ON COLUMN job_versions.jitter_seconds IS
'jobs.jitter_seconds of that version: runs were put off by less than this.';
COMMENT ON COLUMN job_versions.type IS 'jobs.type of that version: cron, interval or one_time.';
COMMENT ON COLUMN job_versions.schedule IS 'jobs.schedule of that version: when it ran.';
COMMENT ON COLUMN job_versions.timezone IS 'jobs.timezone of that version: whose clock its cron fields went by.';
COMMENT ON COLUMN job_versions.endpoint IS 'URL that this version called.';
COMMENT ON COLUMN job_versions.method IS 'HTTP method that this version called it with.';
COMMENT ON COLUMN job_versions.headers IS 'Headers that this version sent, a mask for each secret value.';
COMMENT ON COLUMN job_versions.payload IS
'JSON body that this version sent, a mask for each secret value in it; NULL: none.';
COMMENT ON INDEX job_versions_pkey IS 'Serves executions.get, occurrences.definitions and secrets.mask_versions.';
COMMENT ON COLUMN job_totals.job_id IS 'The job whose executions are counted.';
COMMENT ON COLUMN job_totals.tenant_id IS
'The job''s tenant, here again for row-level security and for sums over a tenant.';
COMMENT ON COLUMN job_totals.completed IS
'Executions that completed since the job was made; retention takes nothing away.';
COMMENT ON COLUMN job_totals.failed IS
'Executions that failed for good since the job was made; retention takes nothing away.';
COMMENT ON COLUMN job_totals.timeout IS
'Executions whose last call timed out since the job was made; retention takes nothing away.';
COMMENT ON COLUMN job_totals.cancelled IS
'Executions cancelled since the job was made, called or not; retention takes nothing away.';
COMMENT ON COLUMN job_totals.skipped IS
'Skipped rows of the log since the job was made; one may stand for many instants.';
COMMENT ON COLUMN job_totals.last_run_at IS
'When the latest of the counted executions started; NULL: none has been claimed yet.';
COMMENT ON COLUMN job_totals.last_status IS
'How the execution that was counted last has ended: completed, failed, timeout or cancelled; NULL: none has.';
COMMENT ON INDEX job_totals_pkey IS
'Serves jobs.read, alerts.take_in and the counting of work.finish, tick.skip and upkeep.fold_counts.';
COMMENT ON COLUMN job_history.job_id IS 'The job whose executions are counted.';
COMMENT ON COLUMN job_history.day IS 'UTC date on which the executions finished, whenever they were scheduled.';
COMMENT ON COLUMN job_history.tenant_id IS
'The job''s tenant, here again for row-level security and for lists of a tenant''s days.';
COMMENT ON COLUMN job_history.completed IS 'Executions of the job that completed on the day.';
COMMENT ON COLUMN job_history.failed IS 'Executions of the job that failed for good on the day.';
COMMENT ON COLUMN job_history.timeout IS 'Executions of the job whose last call timed out on the day.';
COMMENT ON COLUMN job_history.cancelled IS 'Executions of the job that were cancelled on the day, called or not.';
COMMENT ON COLUMN job_history.skipped IS 'Skipped rows that the log got on the day; one may stand for many instants.';
COMMENT ON COLUMN job_history.duration_ms_max IS
'Longest last call of the executions in duration_ms_sum, milliseconds; 0: there were none.';
COMMENT ON COLUMN job_history.lag_ms_max IS
'Longest start lag of the executions in lag_ms_sum, milliseconds; 0: there were none.';
COMMENT ON INDEX job_history_pkey IS 'Serves the counting of work.finish, tick.skip and upkeep.fold_counts.';
COMMENT ON COLUMN job_counts.id IS 'In the order in which the rows were set aside; see the sequence job_counts_folded.';
COMMENT ON COLUMN job_counts.job_id IS 'The job whose executions are counted.';
COMMENT ON COLUMN job_counts.day IS 'UTC date on which the executions finished: their row of job_history.';
COMMENT ON COLUMN job_counts.tenant_id IS
'The job''s tenant, for row-level security and for the rows it is folded into.';
COMMENT ON COLUMN job_counts.completed IS 'Executions of the batch that completed, to be added to totals and day.';
COMMENT ON COLUMN job_counts.failed IS 'Executions of the batch that failed for good, to be added to totals and day.';
COMMENT ON COLUMN job_counts.timeout IS
'Executions of the batch whose last call timed out, to be added to totals and day.';
COMMENT ON COLUMN job_counts.cancelled IS 'Executions of the batch that were cancelled, to be added to totals and day.';
COMMENT ON COLUMN job_counts.attempts IS
'Calls made for the batch''s executions, retries included, to be added to the day.';
COMMENT ON COLUMN job_counts.duration_ms_sum IS 'What the batch adds to job_history.duration_ms_sum, milliseconds.';
COMMENT ON COLUMN job_counts.duration_ms_max IS
'Longest last call in duration_ms_sum, milliseconds; 0: there were none.';
COMMENT ON COLUMN job_counts.lag_ms_sum IS 'What the batch adds to job_history.lag_ms_sum, milliseconds.';
COMMENT ON COLUMN job_counts.lag_ms_max IS 'Longest start lag in lag_ms_sum, milliseconds; 0: there were none.';
COMMENT ON COLUMN job_counts.last_run_at IS
'When the latest of the batch''s executions started; NULL: none was claimed.';
COMMENT ON COLUMN job_counts.last_scheduled_at IS
'Newest scheduled_at of the batch; of rows folded together, the one with the newest gives job_totals.last_status.';
COMMENT ON COLUMN job_counts.last_status IS 'How the batch''s execution with the newest scheduled_at has ended.';
COMMENT ON INDEX job_counts_pkey IS 'Serves upkeep.fold_counts, which goes on about where the last fold ended.';
COMMENT ON SEQUENCE job_counts_id_seq IS
'Ids of job_counts, as many as rows were ever set aside; job_counts_folded says how many of them are folded.';

-- migrate:down
COMMENT ON TABLE jobs IS
'What a tenant wants called, and when. Written by the API; the engine only advances next_run_at and turns a job completed. Never deleted: status deleted hides it. fillfactor 85 leaves room on the page for the advance of next_run_at.';
COMMENT ON COLUMN jobs.id IS NULL;
COMMENT ON COLUMN jobs.tenant_id IS NULL;
COMMENT ON COLUMN jobs.name IS NULL;
COMMENT ON COLUMN jobs.description IS NULL;
COMMENT ON COLUMN jobs.type IS NULL;
COMMENT ON COLUMN jobs.schedule IS NULL;
COMMENT ON COLUMN jobs.timezone IS NULL;
COMMENT ON COLUMN jobs.anchor_at IS
'Origin of interval and @every schedules: the k-th instant is anchor_at plus k intervals, so runs never drift.';
COMMENT ON COLUMN jobs.endpoint IS NULL;
COMMENT ON COLUMN jobs.method IS NULL;
COMMENT ON COLUMN jobs.payload IS 'JSON body sent with the call; NULL sends no body.';
COMMENT ON COLUMN jobs.timeout_seconds IS NULL;
COMMENT ON COLUMN jobs.retry_delay_seconds IS NULL;
COMMENT ON COLUMN jobs.priority IS NULL;
COMMENT ON COLUMN jobs.tags IS NULL;
COMMENT ON COLUMN jobs.metadata IS NULL;
COMMENT ON COLUMN jobs.status IS NULL;
COMMENT ON COLUMN jobs.start_at IS NULL;
COMMENT ON COLUMN jobs.end_at IS NULL;
COMMENT ON COLUMN jobs.max_runs IS NULL;
COMMENT ON COLUMN jobs.jitter_seconds IS NULL;
COMMENT ON COLUMN jobs.misfire_limit IS NULL;
COMMENT ON COLUMN jobs.start_deadline_seconds IS 'An instant older than this when it is materialized is skipped.';
COMMENT ON COLUMN jobs.retry_backoff IS NULL;
COMMENT ON COLUMN jobs.retry_max_delay_seconds IS NULL;
COMMENT ON COLUMN jobs.retry_on IS
'Status codes and classes (503, 5xx, timeout, connection) that are retried; NULL is the default set.';
COMMENT ON COLUMN jobs.paused_at IS NULL;
COMMENT ON COLUMN jobs.created_at IS NULL;
COMMENT ON COLUMN jobs.updated_at IS NULL;
COMMENT ON COLUMN jobs.sealed IS
'The secret values, for which headers and payload hold a mask: v1:<key>:<base64>, AES-GCM bound to tenant and job, or plain:<JSON> where the service had no key. Read by the engine before a call and by an edit that keeps them, by nothing else. Not in job_versions: an old version shows masks only.';
COMMENT ON INDEX jobs_pkey IS NULL;
COMMENT ON INDEX jobs_exhausted_idx IS
'Serves work.finish and upkeep.complete_exhausted_jobs: jobs whose last run has been materialized.';
COMMENT ON INDEX jobs_tenant_list_idx IS 'Serves jobs.list and jobs.count: a tenant''s jobs, newest first.';
COMMENT ON TABLE job_versions IS
'Every definition a job has had, insert-only: what an execution of an earlier version sent, and what the schedule named then.';
COMMENT ON COLUMN job_versions.job_id IS NULL;
COMMENT ON COLUMN job_versions.version IS NULL;
COMMENT ON COLUMN job_versions.tenant_id IS NULL;
COMMENT ON COLUMN job_versions.created_at IS NULL;
COMMENT ON COLUMN job_versions.anchor_at IS NULL;
COMMENT ON COLUMN job_versions.start_at IS NULL;
COMMENT ON COLUMN job_versions.end_at IS NULL;
COMMENT ON COLUMN job_versions.jitter_seconds IS NULL;
COMMENT ON COLUMN job_versions.type IS NULL;
COMMENT ON COLUMN job_versions.schedule IS NULL;
COMMENT ON COLUMN job_versions.timezone IS NULL;
COMMENT ON COLUMN job_versions.endpoint IS NULL;
COMMENT ON COLUMN job_versions.method IS NULL;
COMMENT ON COLUMN job_versions.headers IS 'Headers of the call; a mask stands for each secret value.';
COMMENT ON COLUMN job_versions.payload IS 'JSON body of the call; a mask stands for each secret value.';
COMMENT ON INDEX job_versions_pkey IS NULL;
COMMENT ON COLUMN job_totals.job_id IS NULL;
COMMENT ON COLUMN job_totals.tenant_id IS NULL;
COMMENT ON COLUMN job_totals.completed IS NULL;
COMMENT ON COLUMN job_totals.failed IS NULL;
COMMENT ON COLUMN job_totals.timeout IS NULL;
COMMENT ON COLUMN job_totals.cancelled IS NULL;
COMMENT ON COLUMN job_totals.skipped IS NULL;
COMMENT ON COLUMN job_totals.last_run_at IS 'When the latest counted execution started.';
COMMENT ON COLUMN job_totals.last_status IS NULL;
COMMENT ON INDEX job_totals_pkey IS NULL;
COMMENT ON COLUMN job_history.job_id IS NULL;
COMMENT ON COLUMN job_history.day IS NULL;
COMMENT ON COLUMN job_history.tenant_id IS NULL;
COMMENT ON COLUMN job_history.completed IS NULL;
COMMENT ON COLUMN job_history.failed IS NULL;
COMMENT ON COLUMN job_history.timeout IS NULL;
COMMENT ON COLUMN job_history.cancelled IS NULL;
COMMENT ON COLUMN job_history.skipped IS NULL;
COMMENT ON COLUMN job_history.duration_ms_max IS NULL;
COMMENT ON COLUMN job_history.lag_ms_max IS NULL;
COMMENT ON INDEX job_history_pkey IS NULL;
COMMENT ON COLUMN job_counts.id IS NULL;
COMMENT ON COLUMN job_counts.job_id IS NULL;
COMMENT ON COLUMN job_counts.day IS NULL;
COMMENT ON COLUMN job_counts.tenant_id IS NULL;
COMMENT ON COLUMN job_counts.completed IS NULL;
COMMENT ON COLUMN job_counts.failed IS NULL;
COMMENT ON COLUMN job_counts.timeout IS NULL;
COMMENT ON COLUMN job_counts.cancelled IS NULL;
COMMENT ON COLUMN job_counts.attempts IS NULL;
COMMENT ON COLUMN job_counts.duration_ms_sum IS NULL;
COMMENT ON COLUMN job_counts.duration_ms_max IS NULL;
COMMENT ON COLUMN job_counts.lag_ms_sum IS NULL;
COMMENT ON COLUMN job_counts.lag_ms_max IS NULL;
COMMENT ON COLUMN job_counts.last_run_at IS NULL;
COMMENT ON COLUMN job_counts.last_scheduled_at IS NULL;
COMMENT ON COLUMN job_counts.last_status IS NULL;
COMMENT ON INDEX job_counts_pkey IS NULL;
COMMENT ON SEQUENCE job_counts_id_seq IS NULL;
