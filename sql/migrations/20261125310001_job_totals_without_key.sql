-- migrate:up

-- Both tables are locked for this, and a statement that holds the one may want the other: the migration gives way before
-- PostgreSQL looks for deadlocks (deadlock_timeout, 1 s) and might end the statement instead. It is tried again then.
SET LOCAL lock_timeout = '200ms';
LOCK TABLE jobs, job_totals IN ACCESS EXCLUSIVE MODE;
-- squawk-ignore ban-drop-constraint
ALTER TABLE job_totals DROP CONSTRAINT job_totals_job_id_fkey;

-- migrate:down
SET LOCAL lock_timeout = '200ms';
LOCK TABLE jobs, job_totals IN ACCESS EXCLUSIVE MODE;
DELETE FROM job_totals AS t WHERE NOT EXISTS (SELECT FROM jobs AS j WHERE j.id = t.job_id);
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE job_totals ADD CONSTRAINT job_totals_job_id_fkey
FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE;
