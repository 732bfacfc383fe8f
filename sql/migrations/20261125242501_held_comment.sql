-- migrate:up
COMMENT ON INDEX execution_queue_held_idx IS 'Serves upkeep.needed and upkeep.stranded_jobs: what a pause holds, by job.';

-- migrate:down
COMMENT ON INDEX execution_queue_held_idx IS NULL;
