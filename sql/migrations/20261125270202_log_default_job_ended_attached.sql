-- migrate:up
ALTER INDEX execution_log_job_ended_idx ATTACH PARTITION execution_log_default_job_ended_idx;

-- migrate:down
-- A part of an index cannot be detached; the migration that made the whole drops both.
