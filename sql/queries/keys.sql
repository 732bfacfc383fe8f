-- name: find :maybe
-- The key with this hash while it is good, of whatever tenant. Params: hash bytea. Returns FoundKey.
-- Locks: its row, once a minute, to note its use; SKIP LOCKED.
SELECT id, tenant_id, scope, hash FROM find_api_key(%(hash)s);

-- name: create :one
-- Add a key. Params: tenant_id text, name text, prefix text, hash bytea, scope text, lifetime_seconds float8 or NULL
-- for ever. Returns ApiKey.
INSERT INTO api_keys (tenant_id, name, prefix, hash, scope, expires_at)
VALUES (
    %(tenant_id)s, %(name)s, %(prefix)s, %(hash)s, %(scope)s,
    now() + make_interval(secs => %(lifetime_seconds)s::float8)
)
RETURNING id, tenant_id, name, prefix, scope, created_at, expires_at, revoked_at, last_used_at;

-- name: list :many
-- All keys, or a tenant's, oldest first. Params: tenant_id text or NULL. Returns ApiKey. Locks: none.
SELECT id, tenant_id, name, prefix, scope, created_at, expires_at, revoked_at, last_used_at
FROM api_keys
WHERE %(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s::text
ORDER BY tenant_id, created_at, id;

-- name: revoke :maybe
-- Make a key useless; doing it again changes nothing. Params: id uuid. Returns ApiKey, or nothing when there is none.
-- Locks: its row.
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(id)s
RETURNING id, tenant_id, name, prefix, scope, created_at, expires_at, revoked_at, last_used_at;
