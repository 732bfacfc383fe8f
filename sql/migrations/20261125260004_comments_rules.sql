-- migrate:up
COMMENT ON CONSTRAINT jobs_tenant_id_pattern ON jobs IS 'The same rule as for X-Tenant-ID.';
COMMENT ON CONSTRAINT jobs_key_pattern ON jobs IS 'A key can stand in a path of the API as it is.';
COMMENT ON CONSTRAINT jobs_endpoint_http ON jobs IS 'Calls go by HTTP or HTTPS and nothing else.';
COMMENT ON CONSTRAINT jobs_bounds_in_order ON jobs IS 'An end_at that is not after start_at would leave no instant.';
COMMENT ON CONSTRAINT jobs_paused_at_iff_paused ON jobs IS 'Only a paused job has paused_at.';
COMMENT ON CONSTRAINT jobs_next_run_only_when_active ON jobs IS
'What is due is found by next_run_at alone, so a job that is not active must not have one.';
COMMENT ON CONSTRAINT job_versions_job_id_fkey ON job_versions IS
'Goes with its job, should someone delete that by hand: the service never does.';
COMMENT ON CONSTRAINT job_totals_job_id_fkey ON job_totals IS
'Goes with its job, should someone delete that by hand: the service never does.';
COMMENT ON CONSTRAINT job_history_job_id_fkey ON job_history IS
'Goes with its job, should someone delete that by hand: the service never does.';
COMMENT ON CONSTRAINT job_alerts_job_id_fkey ON job_alerts IS
'Goes with its job, should someone delete that by hand: the service never does.';
COMMENT ON CONSTRAINT job_incidents_job_id_fkey ON job_incidents IS
'Goes with its job, should someone delete that by hand: the service never does.';
COMMENT ON CONSTRAINT alert_requests_incident_id_fkey ON alert_requests IS
'Goes with its incident, which retention deletes.';
COMMENT ON CONSTRAINT execution_queue_status_known ON execution_queue IS
'Live states only: an execution that is over is a row of execution_log.';
COMMENT ON CONSTRAINT execution_queue_held_for_known ON execution_queue IS
'Only what is held may wait for an earlier execution; held for nothing named is held by a pause.';
COMMENT ON CONSTRAINT execution_queue_worker_iff_running ON execution_queue IS
'A claim is worker and time together, and lasts as long as the execution is running: with it the outcome of a worker presumed dead is told from its successor''s.';
COMMENT ON CONSTRAINT execution_queue_retrying_has_time ON execution_queue IS
'What is retrying becomes pending at retry_at, so it must have one.';
COMMENT ON CONSTRAINT execution_queue_attempt_counted ON execution_queue IS
'A claim counts an attempt: what runs is at its first at least.';
COMMENT ON CONSTRAINT execution_log_status_known ON execution_log IS
'Final states only: a live execution is a row of execution_queue.';
COMMENT ON CONSTRAINT execution_log_skips_counted ON execution_log IS
'A skipped row, and no other, says how many instants it stands for.';
COMMENT ON CONSTRAINT execution_log_response_body_length ON execution_log IS
'64 KiB are kept of an answer, which may grow threefold where they are no UTF-8.';
COMMENT ON CONSTRAINT audit_log_action_pattern ON audit_log IS
'A kind of thing, a dot, and what was done to it: job.update.';
COMMENT ON CONSTRAINT api_keys_tenant_id_pattern ON api_keys IS 'The same rule as for X-Tenant-ID.';
COMMENT ON CONSTRAINT api_keys_hash_length ON api_keys IS 'A SHA-256 digest, so a key cannot be put here itself.';
COMMENT ON CONSTRAINT api_keys_expires_later ON api_keys IS 'A key that never was good is a mistake.';
COMMENT ON CONSTRAINT signing_secrets_tenant_id_pattern ON signing_secrets IS 'The same rule as for X-Tenant-ID.';
COMMENT ON CONSTRAINT signing_secrets_previous_ends ON signing_secrets IS
'The secret before must end some time: both are there, or neither.';
COMMENT ON CONSTRAINT idempotency_keys_status_in_range ON idempotency_keys IS
'An answer of 5xx tells of a fault of the service, and the request may be sent again.';
COMMENT ON CONSTRAINT job_incidents_outcome_iff_closed ON job_incidents IS
'An incident that is closed says why, and one that is open cannot.';
COMMENT ON POLICY engine ON jobs IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON jobs IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_versions IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_versions IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_totals IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_totals IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_history IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_history IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON execution_queue IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON execution_queue IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON execution_log IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON execution_log IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_counts IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_counts IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON audit_log IS 'Retention, as scheduler_engine, reaches the entries of every tenant.';
COMMENT ON POLICY tenant ON audit_log IS
'The API, as scheduler_api, reads the entries of the tenant that its transaction is set to, see current_tenant; it writes them through record_audit.';
COMMENT ON POLICY admin ON api_keys IS 'The command keys, as scheduler_admin, reaches the keys of every tenant.';
COMMENT ON POLICY engine ON signing_secrets IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON signing_secrets IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON idempotency_keys IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON idempotency_keys IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_alerts IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_alerts IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON job_incidents IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON job_incidents IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON alert_requests IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON alert_requests IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';
COMMENT ON POLICY engine ON endpoint_breakers IS 'The engine, as scheduler_engine, reaches the rows of every tenant.';
COMMENT ON POLICY tenant ON endpoint_breakers IS
'The API, as scheduler_api, reaches the rows of the tenant that its transaction is set to and no others, see current_tenant.';

-- migrate:down
COMMENT ON CONSTRAINT jobs_tenant_id_pattern ON jobs IS NULL;
COMMENT ON CONSTRAINT jobs_key_pattern ON jobs IS NULL;
COMMENT ON CONSTRAINT jobs_endpoint_http ON jobs IS NULL;
COMMENT ON CONSTRAINT jobs_bounds_in_order ON jobs IS NULL;
COMMENT ON CONSTRAINT jobs_paused_at_iff_paused ON jobs IS NULL;
COMMENT ON CONSTRAINT jobs_next_run_only_when_active ON jobs IS NULL;
COMMENT ON CONSTRAINT job_versions_job_id_fkey ON job_versions IS NULL;
COMMENT ON CONSTRAINT job_totals_job_id_fkey ON job_totals IS NULL;
COMMENT ON CONSTRAINT job_history_job_id_fkey ON job_history IS NULL;
COMMENT ON CONSTRAINT job_alerts_job_id_fkey ON job_alerts IS NULL;
COMMENT ON CONSTRAINT job_incidents_job_id_fkey ON job_incidents IS NULL;
COMMENT ON CONSTRAINT alert_requests_incident_id_fkey ON alert_requests IS NULL;
COMMENT ON CONSTRAINT execution_queue_status_known ON execution_queue IS NULL;
COMMENT ON CONSTRAINT execution_queue_held_for_known ON execution_queue IS NULL;
COMMENT ON CONSTRAINT execution_queue_worker_iff_running ON execution_queue IS NULL;
COMMENT ON CONSTRAINT execution_queue_retrying_has_time ON execution_queue IS NULL;
COMMENT ON CONSTRAINT execution_queue_attempt_counted ON execution_queue IS NULL;
COMMENT ON CONSTRAINT execution_log_status_known ON execution_log IS NULL;
COMMENT ON CONSTRAINT execution_log_skips_counted ON execution_log IS NULL;
COMMENT ON CONSTRAINT execution_log_response_body_length ON execution_log IS NULL;
COMMENT ON CONSTRAINT audit_log_action_pattern ON audit_log IS NULL;
COMMENT ON CONSTRAINT api_keys_tenant_id_pattern ON api_keys IS NULL;
COMMENT ON CONSTRAINT api_keys_hash_length ON api_keys IS NULL;
COMMENT ON CONSTRAINT api_keys_expires_later ON api_keys IS NULL;
COMMENT ON CONSTRAINT signing_secrets_tenant_id_pattern ON signing_secrets IS NULL;
COMMENT ON CONSTRAINT signing_secrets_previous_ends ON signing_secrets IS NULL;
COMMENT ON CONSTRAINT idempotency_keys_status_in_range ON idempotency_keys IS NULL;
COMMENT ON CONSTRAINT job_incidents_outcome_iff_closed ON job_incidents IS NULL;
COMMENT ON POLICY engine ON jobs IS NULL;
COMMENT ON POLICY tenant ON jobs IS NULL;
COMMENT ON POLICY engine ON job_versions IS NULL;
COMMENT ON POLICY tenant ON job_versions IS NULL;
COMMENT ON POLICY engine ON job_totals IS NULL;
COMMENT ON POLICY tenant ON job_totals IS NULL;
COMMENT ON POLICY engine ON job_history IS NULL;
COMMENT ON POLICY tenant ON job_history IS NULL;
COMMENT ON POLICY engine ON execution_queue IS NULL;
COMMENT ON POLICY tenant ON execution_queue IS NULL;
COMMENT ON POLICY engine ON execution_log IS NULL;
COMMENT ON POLICY tenant ON execution_log IS NULL;
COMMENT ON POLICY engine ON job_counts IS NULL;
COMMENT ON POLICY tenant ON job_counts IS NULL;
COMMENT ON POLICY engine ON audit_log IS NULL;
COMMENT ON POLICY tenant ON audit_log IS NULL;
COMMENT ON POLICY admin ON api_keys IS NULL;
COMMENT ON POLICY engine ON signing_secrets IS NULL;
COMMENT ON POLICY tenant ON signing_secrets IS NULL;
COMMENT ON POLICY engine ON idempotency_keys IS NULL;
COMMENT ON POLICY tenant ON idempotency_keys IS NULL;
COMMENT ON POLICY engine ON job_alerts IS NULL;
COMMENT ON POLICY tenant ON job_alerts IS NULL;
COMMENT ON POLICY engine ON job_incidents IS NULL;
COMMENT ON POLICY tenant ON job_incidents IS NULL;
COMMENT ON POLICY engine ON alert_requests IS NULL;
COMMENT ON POLICY tenant ON alert_requests IS NULL;
COMMENT ON POLICY engine ON endpoint_breakers IS NULL;
COMMENT ON POLICY tenant ON endpoint_breakers IS NULL;
