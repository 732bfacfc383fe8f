-- migrate:up
-- Queue, log and view are changed in files of their own: who reads the view locks all three, and would wait in a
-- circle for a migration that does so in another order.
ALTER TABLE execution_queue ADD COLUMN rerun_of uuid;
COMMENT ON COLUMN execution_queue.rerun_of IS 'The finished execution that this one runs again.';
-- squawk-ignore ban-drop-constraint
ALTER TABLE execution_queue DROP CONSTRAINT execution_queue_origin_known;
-- Added without a look at the rows that are there, which another migration has: this one locks the tables.
ALTER TABLE execution_queue ADD CONSTRAINT execution_queue_origin_known
CHECK (origin IN ('schedule', 'manual', 'backfill', 'alert', 'rerun')) NOT VALID;
COMMENT ON COLUMN execution_queue.origin IS
'What made it: the schedule, a trigger, a backfill, a rerun, or an alert. The last sends what alert_requests says; it is no run of its job: neither counted, nor held by a pause, nor in the way of a run or of completion.';

-- migrate:down
UPDATE execution_queue SET origin = 'manual' WHERE origin = 'rerun';
-- squawk-ignore ban-drop-constraint
ALTER TABLE execution_queue DROP CONSTRAINT execution_queue_origin_known;
ALTER TABLE execution_queue ADD CONSTRAINT execution_queue_origin_known
CHECK (origin IN ('schedule', 'manual', 'backfill', 'alert')) NOT VALID;
COMMENT ON COLUMN execution_queue.origin IS
'What made it: the schedule, a trigger, a backfill, or an alert. The last sends what alert_requests says; it is no run of its job: neither counted, nor held by a pause, nor in the way of a run or of completion.';
-- squawk-ignore ban-drop-column
ALTER TABLE execution_queue DROP COLUMN rerun_of;
