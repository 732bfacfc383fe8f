-- migrate:up
COMMENT ON TABLE audit_log IS
'Who changed what. Written through record_audit alone, by the service and by the triggers jobs_audit and api_keys_audit; never changed, and deleted only by retention: no role has INSERT or UPDATE.';
COMMENT ON COLUMN audit_log.id IS 'Tells entries of the same microsecond apart; nothing refers to it.';
COMMENT ON COLUMN audit_log.tenant_id IS 'Whose job, execution, key or secret was acted on.';
COMMENT ON COLUMN audit_log.action IS
'What was done to what: job.create, job.update, job.pause, job.trigger, execution.cancel, execution.rerun, key.revoke, signing.rotate and the like.';
COMMENT ON COLUMN audit_log.request_id IS
'X-Request-ID of the API request, as in the service''s log; NULL when it was none.';
COMMENT ON INDEX audit_log_pkey IS
'Serves audit.list, audit.count and upkeep.purge_audit: a tenant''s entries in the order of time.';
COMMENT ON TRIGGER jobs_watch ON jobs IS
'A change of alert or status goes on to job_alerts and its incidents; ticks name neither column, so they pay nothing.';
COMMENT ON TRIGGER audit_log_insert_only ON audit_log IS
'Nobody changes an entry or empties the record, the owner included.';
COMMENT ON TRIGGER audit_log_kept_a_day ON audit_log IS
'Nobody deletes an entry of the last day, the owner included; retention is for older ones.';
COMMENT ON FUNCTION audit_view_of IS
'What the audit may show of a job, by the API''s names: every column, later ones too, save the sealed secrets and what the engine moves, with a mask for each header that always is secret. A value that must not show has to be left out or masked here; this is the only way from jobs to audit_log.';
COMMENT ON FUNCTION audit_changes IS
'The members of held that other has not, or has otherwise; NULL when there are none. A value of more than 8 KiB is shown by its length and digest: job_versions has payload and headers whole.';
COMMENT ON COLUMN api_keys.id IS 'What the audit log names it by (key:<id>), and what keys revoke takes.';
COMMENT ON COLUMN api_keys.tenant_id IS 'The one tenant that it opens.';
COMMENT ON COLUMN api_keys.name IS 'What whoever made it calls it, for people; need not be unique.';
COMMENT ON COLUMN api_keys.created_at IS 'When keys create made it and showed it, that once.';
COMMENT ON COLUMN api_keys.expires_at IS 'From then on it is refused; NULL: never.';
COMMENT ON COLUMN api_keys.revoked_at IS
'When keys revoke made it useless, which processes that know it take 2 s to notice; NULL: it was not.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Latest use, written once a minute at most; NULL: never used.';
COMMENT ON INDEX api_keys_pkey IS 'Serves keys.revoke.';
COMMENT ON TABLE signing_secrets IS
'What a tenant''s calls are signed with; calls of a tenant without a row are not signed.';
COMMENT ON COLUMN signing_secrets.tenant_id IS 'Whose calls it signs.';
COMMENT ON COLUMN signing_secrets.previous_sealed IS
'The secret before, which calls are signed with too until previous_until, so that receivers can change over; NULL: there was none.';
COMMENT ON COLUMN signing_secrets.previous_until IS
'End of the time in which both are used, a day after the rotation; NULL: there was no secret before.';
COMMENT ON COLUMN signing_secrets.rotated_at IS 'When the present secret was made.';
COMMENT ON INDEX signing_secrets_pkey IS 'Serves work.claim, signing.get, signing.rotate and signing.remove.';
COMMENT ON COLUMN idempotency_keys.tenant_id IS 'Whose request it was; the same key of another tenant is another one.';
COMMENT ON COLUMN idempotency_keys.key IS 'What the client sent as Idempotency-Key.';
COMMENT ON COLUMN idempotency_keys.status IS 'HTTP status of the answer; 429 and 5xx are not kept.';
COMMENT ON COLUMN idempotency_keys.etag IS 'ETag of the answer; NULL where it had none.';
COMMENT ON COLUMN idempotency_keys.created_at IS
'When the answer was given; a day later it no longer counts, and is purged.';
COMMENT ON INDEX idempotency_keys_pkey IS 'Serves idempotency.find and idempotency.store.';
COMMENT ON COLUMN job_alerts.job_id IS 'The job that is watched.';
COMMENT ON COLUMN job_alerts.last_success_at IS 'When the newest success since it is watched finished; NULL: none has.';
COMMENT ON COLUMN job_alerts.completed IS
'job_totals.completed when it was last looked at: a difference says that there are outcomes to take in.';
COMMENT ON COLUMN job_alerts.failures IS 'job_totals.failed and timeout together when they were last looked at.';
COMMENT ON COLUMN job_alerts.after_failures IS 'Streak that makes an incident of kind failing.';
COMMENT ON COLUMN job_alerts.late_seconds IS
'How late a run may begin before that is an incident of kind late (if_late_by); NULL: as late as it likes.';
COMMENT ON COLUMN job_alerts.silent_seconds IS
'How long there may be no success before that is an incident of kind silent (if_no_success_for); NULL: for ever.';
COMMENT ON COLUMN job_alerts.also_on_recovery IS 'Whether the end of an incident is reported too.';
COMMENT ON COLUMN job_alerts.tenant_id IS 'The job''s tenant, here again for row-level security and for the reports.';
COMMENT ON COLUMN job_alerts.url IS 'Where reports are sent, copied from jobs.alert as are the conditions.';
COMMENT ON INDEX job_alerts_pkey IS
'Serves alerts.take_in and alerts.judge, and the trigger that keeps it in step with jobs.';
COMMENT ON COLUMN job_incidents.id IS 'What reports have as incident.id.';
COMMENT ON COLUMN job_incidents.job_id IS 'The job in trouble.';
COMMENT ON COLUMN job_incidents.opened_at IS 'When the trouble was seen, and its report queued.';
COMMENT ON COLUMN job_incidents.closed_at IS 'When it was over, or nobody watched any more; NULL: it goes on.';
COMMENT ON COLUMN job_incidents.opened_execution_id IS 'The execution, of origin alert, that reports it.';
COMMENT ON COLUMN job_incidents.closed_execution_id IS
'The execution, of origin alert, that reports its end; NULL: none does, since it goes on, was withdrawn, or also_on_recovery was off.';
COMMENT ON COLUMN job_incidents.kind IS
'failing (so many failures in a row), late (a run has not begun in time), silent (no success for too long); the job''s alert says how many and how long.';
COMMENT ON COLUMN job_incidents.outcome IS
'recovered; or withdrawn, which is not reported: the job was paused or deleted or the condition taken away, or, of kind late and silent, it completed. NULL: it goes on.';
COMMENT ON COLUMN job_incidents.tenant_id IS
'The job''s tenant, here again for row-level security and for lists of a tenant.';
COMMENT ON INDEX job_incidents_pkey IS
'Serves alerts.judge, when it closes what it has locked, and upkeep.purge_incidents.';
COMMENT ON COLUMN alert_requests.execution_id IS 'The execution, of origin alert, that sends it.';
COMMENT ON COLUMN alert_requests.incident_id IS 'The incident whose beginning or end it reports.';
COMMENT ON COLUMN alert_requests.tenant_id IS 'The job''s tenant, here again for row-level security.';
COMMENT ON COLUMN alert_requests.url IS 'Where it is sent: the alert''s url when the report was queued.';
COMMENT ON COLUMN alert_requests.body IS
'The JSON that is sent: type, job, incident, and the job''s newest finished execution then.';
COMMENT ON INDEX alert_requests_pkey IS 'Serves work.claim and executions.get.';
COMMENT ON COLUMN endpoint_breakers.opened_at IS 'Since when calls to the host are put off.';
COMMENT ON COLUMN endpoint_breakers.tenant_id IS 'Whose calls are put off; other tenants'' go on.';
COMMENT ON INDEX endpoint_breakers_pkey IS
'Serves breakers.open, breakers.take_probes, breakers.put_off and breakers.close.';

-- migrate:down
COMMENT ON TABLE audit_log IS
'Who changed what. Written by record_audit and the trigger jobs_audit alone, never changed, and deleted only by retention: no role has INSERT or UPDATE. The primary key serves audit.list and audit.count: a tenant''s rows, newest first.';
COMMENT ON COLUMN audit_log.id IS NULL;
COMMENT ON COLUMN audit_log.tenant_id IS NULL;
COMMENT ON COLUMN audit_log.action IS 'What was done to what: job.update, execution.cancel, key.revoke and the like.';
COMMENT ON COLUMN audit_log.request_id IS 'X-Request-ID of the API request, as the service''s log has it too.';
COMMENT ON INDEX audit_log_pkey IS NULL;
COMMENT ON TRIGGER jobs_watch ON jobs IS
'The advance of next_run_at does not name these columns, so a tick pays nothing.';
COMMENT ON TRIGGER audit_log_insert_only ON audit_log IS NULL;
COMMENT ON TRIGGER audit_log_kept_a_day ON audit_log IS NULL;
COMMENT ON FUNCTION audit_view_of IS
'What the audit may show of a job, by the API''s names: every column, later ones too, save what the engine moves. A secret value must be masked here; this is the only way from jobs to audit_log.';
COMMENT ON FUNCTION audit_changes IS
'The members of held that other has not, or has otherwise; NULL when there are none. A value of more than 8 KiB is shown by its length and digest: job_versions has it whole.';
COMMENT ON COLUMN api_keys.id IS NULL;
COMMENT ON COLUMN api_keys.tenant_id IS NULL;
COMMENT ON COLUMN api_keys.name IS NULL;
COMMENT ON COLUMN api_keys.created_at IS NULL;
COMMENT ON COLUMN api_keys.expires_at IS NULL;
COMMENT ON COLUMN api_keys.revoked_at IS NULL;
COMMENT ON COLUMN api_keys.last_used_at IS 'Written once a minute at most.';
COMMENT ON INDEX api_keys_pkey IS NULL;
COMMENT ON TABLE signing_secrets IS
'What a tenant''s calls are signed with; calls of a tenant without a row are not signed. The primary key serves work.claim.';
COMMENT ON COLUMN signing_secrets.tenant_id IS NULL;
COMMENT ON COLUMN signing_secrets.previous_sealed IS
'The secret before, which calls are signed with too until previous_until, so that receivers can change over.';
COMMENT ON COLUMN signing_secrets.previous_until IS NULL;
COMMENT ON COLUMN signing_secrets.rotated_at IS NULL;
COMMENT ON INDEX signing_secrets_pkey IS NULL;
COMMENT ON COLUMN idempotency_keys.tenant_id IS NULL;
COMMENT ON COLUMN idempotency_keys.key IS NULL;
COMMENT ON COLUMN idempotency_keys.status IS NULL;
COMMENT ON COLUMN idempotency_keys.etag IS NULL;
COMMENT ON COLUMN idempotency_keys.created_at IS NULL;
COMMENT ON INDEX idempotency_keys_pkey IS NULL;
COMMENT ON COLUMN job_alerts.job_id IS NULL;
COMMENT ON COLUMN job_alerts.last_success_at IS NULL;
COMMENT ON COLUMN job_alerts.completed IS
'job_totals.completed as it was last looked at; failures likewise, of failed and timeout.';
COMMENT ON COLUMN job_alerts.failures IS NULL;
COMMENT ON COLUMN job_alerts.after_failures IS NULL;
COMMENT ON COLUMN job_alerts.late_seconds IS NULL;
COMMENT ON COLUMN job_alerts.silent_seconds IS NULL;
COMMENT ON COLUMN job_alerts.also_on_recovery IS NULL;
COMMENT ON COLUMN job_alerts.tenant_id IS NULL;
COMMENT ON COLUMN job_alerts.url IS NULL;
COMMENT ON INDEX job_alerts_pkey IS NULL;
COMMENT ON COLUMN job_incidents.id IS NULL;
COMMENT ON COLUMN job_incidents.job_id IS NULL;
COMMENT ON COLUMN job_incidents.opened_at IS NULL;
COMMENT ON COLUMN job_incidents.closed_at IS NULL;
COMMENT ON COLUMN job_incidents.opened_execution_id IS NULL;
COMMENT ON COLUMN job_incidents.closed_execution_id IS NULL;
COMMENT ON COLUMN job_incidents.kind IS NULL;
COMMENT ON COLUMN job_incidents.outcome IS
'recovered; or withdrawn, when the job was paused, deleted or completed or its alert taken away, which is not reported.';
COMMENT ON COLUMN job_incidents.tenant_id IS NULL;
COMMENT ON INDEX job_incidents_pkey IS NULL;
COMMENT ON COLUMN alert_requests.execution_id IS NULL;
COMMENT ON COLUMN alert_requests.incident_id IS NULL;
COMMENT ON COLUMN alert_requests.tenant_id IS NULL;
COMMENT ON COLUMN alert_requests.url IS NULL;
COMMENT ON COLUMN alert_requests.body IS NULL;
COMMENT ON INDEX alert_requests_pkey IS NULL;
COMMENT ON COLUMN endpoint_breakers.opened_at IS NULL;
COMMENT ON COLUMN endpoint_breakers.tenant_id IS NULL;
COMMENT ON INDEX endpoint_breakers_pkey IS NULL;
