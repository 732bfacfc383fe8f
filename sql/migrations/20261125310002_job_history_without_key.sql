-- migrate:up

-- Gives way for the reason told in the migration before.
SET LOCAL lock_timeout = '200ms';
LOCK TABLE jobs, job_history IN ACCESS EXCLUSIVE MODE;
-- squawk-ignore ban-drop-constraint
ALTER TABLE job_history DROP CONSTRAINT job_history_job_id_fkey;

-- migrate:down
SET LOCAL lock_timeout = '200ms';
LOCK TABLE jobs, job_history IN ACCESS EXCLUSIVE MODE;
DELETE FROM job_history AS t WHERE NOT EXISTS (SELECT FROM jobs AS j WHERE j.id = t.job_id);
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE job_history ADD CONSTRAINT job_history_job_id_fkey
FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE;
