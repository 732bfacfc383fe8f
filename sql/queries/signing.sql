-- name: get :maybe
-- What is known of a tenant's signing secret, itself apart. Params: tenant_id text. Returns SigningState. Locks: none.
SELECT rotated_at, CASE WHEN previous_until > now() THEN previous_until END AS previous_until
FROM signing_secrets
WHERE tenant_id = %(tenant_id)s;

-- name: rotate :one
-- Give a tenant a new signing secret; the one before stays valid beside it for some time. Params: tenant_id text,
-- sealed text, overlap_seconds int. Returns SigningState. Locks: that row.
INSERT INTO signing_secrets AS s (tenant_id, sealed)
VALUES (%(tenant_id)s, %(sealed)s)
ON CONFLICT (tenant_id) DO UPDATE SET
    sealed = excluded.sealed,
    previous_sealed = s.sealed,
    previous_until = now() + make_interval(secs => %(overlap_seconds)s),
    rotated_at = now()
RETURNING rotated_at, previous_until;

-- name: remove :exec
-- Stop signing a tenant's calls. Params: tenant_id text. Result: how many. Locks: that row.
DELETE FROM signing_secrets WHERE tenant_id = %(tenant_id)s;
