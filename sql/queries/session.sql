-- name: enter_role :exec
-- Work as a database role for the rest of the session. Params: role text (scheduler_api, scheduler_engine or scheduler_admin).
SELECT set_config('role', %(role)s, FALSE);

-- name: enter_tenant :exec
-- Set the tenant that row-level security compares with, and what the audit log is told, for this transaction only.
-- Params: tenant text; actor text and request_id text, or NULL.
SELECT
    set_config('scheduler.tenant_id', %(tenant)s, TRUE),
    set_config('scheduler.actor', coalesce(%(actor)s, ''), TRUE),
    set_config('scheduler.request_id', coalesce(%(request_id)s, ''), TRUE);

-- name: allow_seconds :exec
-- Let statements of this transaction take so long, whatever the session's limit. Params: seconds int.
SELECT set_config('statement_timeout', %(seconds)s::int || 's', TRUE);

-- name: allow_gathering :exec
-- Let statements of this transaction gather rows of many pages before they read them, as sums over all that a tenant has
-- do best; lists are walked, see service/db.py. Params: none.
SELECT set_config('enable_bitmapscan', 'on', TRUE);

-- name: discard_plans :exec
-- Plan anew what this session has prepared. Params: none. Locks: none.
DISCARD PLANS;

-- name: schema_version :value
-- Version of the newest applied migration, text.
SELECT max(version) FROM schema_migrations;

-- name: invalid_indexes :value
-- Names of the indexes whose building was broken off, or goes on, text[]. Params: none.
SELECT coalesce(array_agg(c.relname::text), '{}')
FROM pg_index AS i
INNER JOIN pg_class AS c ON i.indexrelid = c.oid
WHERE NOT i.indisvalid AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'i';

-- name: try_migration_lock :value
-- Take the right to migrate this database, for as long as the session lives; boolean, false while another has it.
-- It is asked for again and again instead of waited for: a statement that waits holds a snapshot, CREATE INDEX
-- CONCURRENTLY waits for every snapshot, and so the two would wait for each other.
SELECT pg_try_advisory_lock(hashtextextended('scheduler.migrate', 0));
