-- migrate:up

-- Sequences, because they have no row versions: an open transaction cannot make them slow, and no claim waits for
-- another. What they say is a hint, on which the order of claims depends but never their correctness.
CREATE SEQUENCE execution_rank_1 MINVALUE 0;
CREATE SEQUENCE execution_rank_2 MINVALUE 0;
CREATE SEQUENCE execution_rank_3 MINVALUE 0;
CREATE SEQUENCE execution_rank_4 MINVALUE 0;
CREATE SEQUENCE execution_rank_5 MINVALUE 0;
CREATE SEQUENCE execution_rank_6 MINVALUE 0;
CREATE SEQUENCE execution_rank_7 MINVALUE 0;
CREATE SEQUENCE execution_rank_8 MINVALUE 0;
CREATE SEQUENCE execution_rank_9 MINVALUE 0;
CREATE SEQUENCE execution_rank_10 MINVALUE 0;
COMMENT ON SEQUENCE execution_rank_1 IS 'Rank of the newest claimed execution of priority 1; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_2 IS 'Rank of the newest claimed execution of priority 2; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_3 IS 'Rank of the newest claimed execution of priority 3; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_4 IS 'Rank of the newest claimed execution of priority 4; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_5 IS 'Rank of the newest claimed execution of priority 5; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_6 IS 'Rank of the newest claimed execution of priority 6; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_7 IS 'Rank of the newest claimed execution of priority 7; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_8 IS 'Rank of the newest claimed execution of priority 8; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_9 IS 'Rank of the newest claimed execution of priority 9; see claimed_rank.';
COMMENT ON SEQUENCE execution_rank_10 IS 'Rank of the newest claimed execution of priority 10; see claimed_rank.';

CREATE FUNCTION claimed_rank(level smallint) RETURNS bigint
LANGUAGE sql
RETURN coalesce(pg_sequence_last_value(('execution_rank_' || level)::regclass), 0);
COMMENT ON FUNCTION claimed_rank IS
'Rank of the newest claimed execution of a priority: how far the queue has come. What becomes pending ranks after it.';

ALTER TABLE execution_queue ADD COLUMN rank bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN execution_queue.rank IS
'Place among the pending executions of its priority, given when it becomes pending: one more than the last of its tenant, or than claimed_rank where the tenant has none waiting. So tenants take turns, and each keeps its own order. 0, where nobody gave one, is before all others.';

CREATE FUNCTION last_rank(tenant text, level smallint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET enable_seqscan TO off
SET enable_bitmapscan TO off
AS $$
DECLARE
    claimed bigint := claimed_rank(level);
BEGIN
    -- Bounded below: the index still has entries of what was claimed, but all of those rank lower.
    RETURN coalesce((
        SELECT q.rank
        FROM execution_queue AS q
        WHERE q.status = 'pending' AND q.tenant_id = tenant AND q.priority = level AND q.rank > claimed
        ORDER BY q.rank DESC
        LIMIT 1
    ), claimed);
END
$$;
COMMENT ON FUNCTION last_rank IS
'The rank after which a tenant''s next pending execution of a priority comes: its own last, or claimed_rank. Its plan is kept for the session, so it must not be one for a small table.';

GRANT SELECT ON SEQUENCE
    execution_rank_1,
    execution_rank_2,
    execution_rank_3,
    execution_rank_4,
    execution_rank_5,
    execution_rank_6,
    execution_rank_7,
    execution_rank_8,
    execution_rank_9,
    execution_rank_10
TO scheduler_api, scheduler_engine;
GRANT UPDATE ON SEQUENCE
    execution_rank_1,
    execution_rank_2,
    execution_rank_3,
    execution_rank_4,
    execution_rank_5,
    execution_rank_6,
    execution_rank_7,
    execution_rank_8,
    execution_rank_9,
    execution_rank_10
TO scheduler_engine;

-- migrate:down
-- squawk-ignore ban-drop-column
ALTER TABLE execution_queue DROP COLUMN rank;
DROP FUNCTION last_rank;
DROP FUNCTION claimed_rank;
-- squawk-ignore ban-drop-sequence
DROP SEQUENCE
    execution_rank_1,
    execution_rank_2,
    execution_rank_3,
    execution_rank_4,
    execution_rank_5,
    execution_rank_6,
    execution_rank_7,
    execution_rank_8,
    execution_rank_9,
    execution_rank_10;
