-- name: try_lock :value
-- Whether no other request with this key is being served; none is until this transaction ends, if not.
-- Params: tenant_id text, key text. Locks: an advisory one, tried and not waited for; two keys of one hash cost the later
-- a needless "try again".
SELECT pg_try_advisory_xact_lock(hashtextextended(%(tenant_id)s || ' ' || %(key)s, 6));

-- name: find :maybe
-- The answer that a key has got within a day. Params: tenant_id text, key text. Returns Stored. Locks: none; asked after
-- try_lock, since the answer of who had the lock before is seen only by a later statement.
SELECT request, fingerprint, status, body, etag
FROM idempotency_keys
WHERE tenant_id = %(tenant_id)s AND key = %(key)s AND created_at > now() - INTERVAL '1 day';

-- name: store :exec
-- Keep the answer to a request, in place of one of the same key that has expired. Params: tenant_id text, key text,
-- request text, fingerprint bytea, status int, body text or NULL, etag text or NULL. Locks: that row; try_lock has made
-- sure that nobody else wants it.
INSERT INTO idempotency_keys AS k (tenant_id, key, request, fingerprint, status, body, etag)
VALUES (
    %(tenant_id)s, %(key)s, %(request)s, %(fingerprint)s, %(status)s, %(body)s, %(etag)s
)
ON CONFLICT (tenant_id, key) DO UPDATE SET
    request = excluded.request,
    fingerprint = excluded.fingerprint,
    status = excluded.status,
    body = excluded.body,
    etag = excluded.etag,
    created_at = now();
