-- migrate:up
ALTER TABLE execution_log ADD COLUMN rerun_of uuid, ADD COLUMN reruns uuid [] NOT NULL DEFAULT '{}';
COMMENT ON TABLE execution_log IS
'Finished executions, insert-only save for reruns, partitioned by UTC day of scheduled_at. Retention drops partitions instead of deleting rows. Columns go from wide and fixed to variable, which saves padding; what came later is last.';
COMMENT ON COLUMN execution_log.rerun_of IS 'The finished execution that this one ran again.';
COMMENT ON COLUMN execution_log.reruns IS
'Executions that ran this one again, oldest first: kept here, since an index on rerun_of of a log that is there could not be built without holding up its writers.';
GRANT UPDATE (reruns) ON execution_log TO scheduler_api;

-- migrate:down
REVOKE UPDATE (reruns) ON execution_log FROM scheduler_api;
-- squawk-ignore ban-drop-column
ALTER TABLE execution_log DROP COLUMN reruns, DROP COLUMN rerun_of;
COMMENT ON TABLE execution_log IS
'Finished executions, insert-only, partitioned by UTC day of scheduled_at. Retention drops partitions instead of deleting rows. Columns go from wide and fixed to variable, which saves padding.';
