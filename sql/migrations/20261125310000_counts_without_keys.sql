-- migrate:up

-- Each row that a finish adds to job_totals and job_history had its job looked up and locked for the foreign key: a tenth
-- of what a job's first execution of the day costs PostgreSQL, and a write to a table that nothing of it changes. The
-- queue and the log have no such key either. What the keys did besides goes on by a trigger.
CREATE FUNCTION forget_counts() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
BEGIN
    DELETE FROM job_totals WHERE job_id = ANY(ARRAY(SELECT id FROM gone));
    DELETE FROM job_history WHERE job_id = ANY(ARRAY(SELECT id FROM gone));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_counts IS 'Delete the totals and days of jobs that are deleted for good.';
CREATE TRIGGER jobs_forget_counts AFTER DELETE ON jobs
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION forget_counts();
COMMENT ON TRIGGER jobs_forget_counts ON jobs IS
'Does for job_totals and job_history what a foreign key would, whose checks would lock the job at every finish.';

-- migrate:down
DROP TRIGGER jobs_forget_counts ON jobs;
DROP FUNCTION forget_counts;
