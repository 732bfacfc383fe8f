-- migrate:up
COMMENT ON INDEX execution_queue_front_idx IS
'Serves work.claim: walked, for each priority, from where the last claims ended.';
COMMENT ON INDEX execution_queue_line_idx IS
'Serves tick.materialize and whatever else makes executions pending, through last_rank: the end of a tenant''s line.';

-- migrate:down
COMMENT ON INDEX execution_queue_front_idx IS NULL;
COMMENT ON INDEX execution_queue_line_idx IS NULL;
