-- migrate:up
ALTER TABLE execution_queue VALIDATE CONSTRAINT execution_queue_origin_known;
COMMENT ON INDEX execution_queue_rerun_idx IS 'An execution has one live rerun at most. Serves executions.rerun.';

-- migrate:down
SELECT 1;
