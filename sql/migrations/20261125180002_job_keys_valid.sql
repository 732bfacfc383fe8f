-- migrate:up
COMMENT ON INDEX jobs_key_idx IS 'Serves jobs.find_key, and refuses a second job of the same key.';
ALTER TABLE jobs VALIDATE CONSTRAINT jobs_key_pattern;

-- migrate:down
COMMENT ON INDEX jobs_key_idx IS NULL;
