-- migrate:up
ALTER TABLE jobs VALIDATE CONSTRAINT jobs_alert_object;
ALTER TABLE execution_queue VALIDATE CONSTRAINT execution_queue_origin_known;

-- migrate:down
SELECT 1;
