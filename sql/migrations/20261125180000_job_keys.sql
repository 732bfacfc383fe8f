-- migrate:up
ALTER TABLE jobs ADD COLUMN key text;
COMMENT ON COLUMN jobs.key IS
'A name of the client''s own choosing, by which it finds the job again; unique among a tenant''s jobs that are not deleted.';
ALTER TABLE jobs ADD CONSTRAINT jobs_key_pattern CHECK (key ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$') NOT VALID;

-- migrate:down
-- squawk-ignore ban-drop-column
ALTER TABLE jobs DROP COLUMN key;
