-- migrate:up

-- What is kept as JSON is kept in UTC, as the service's own sessions write it, whatever the time zone of a psql session.
ALTER FUNCTION cancel_executions SET timezone TO 'UTC';
ALTER FUNCTION audit_job SET timezone TO 'UTC';
ALTER FUNCTION audit_key SET timezone TO 'UTC';

-- migrate:down
ALTER FUNCTION audit_key RESET timezone;
ALTER FUNCTION audit_job RESET timezone;
ALTER FUNCTION cancel_executions RESET timezone;
