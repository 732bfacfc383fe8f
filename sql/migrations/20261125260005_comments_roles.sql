-- migrate:up
-- Roles belong to the cluster: where another database's owner made them, this one may not be allowed to describe them.
DO $$
DECLARE
    role_name text;
    purpose text;
BEGIN
    FOR role_name, purpose IN VALUES
        ('scheduler_api', 'What the API works as: the rows of one tenant at a time, the one that the transaction is set to.'),
        ('scheduler_engine', 'What ticker, workers and upkeep work as: the rows of every tenant.'),
        ('scheduler_admin', 'What the command keys works as: the API keys of every tenant, and nothing else.'),
        (
            'scheduler_ops',
            'For those on call, to be granted to their login roles: reads the schemas ops and report and calls the functions of ops.'
        ),
        (
            'scheduler_report',
            'For those who only look, to be granted to their login roles: reads the schemas ops and report, and nothing else.'
        )
    LOOP
        BEGIN
            EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, purpose);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'role % stays without a comment: it is another owner''s', role_name;
        END;
    END LOOP;
END
$$;

-- migrate:down
-- Another database of the cluster may still have the roles; their comments go with them.
SELECT 1;
