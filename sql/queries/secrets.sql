-- name: stale :many
-- Jobs after the id given whose secrets are not stored as they would be stored now: sealed under another key or none,
-- or in headers that were written before there were secrets. Params: current text (how what is sealed now begins),
-- after_id uuid, limit int. Returns StaleJob. Locks: none.
SELECT id, tenant_id, version, headers, sealed
FROM jobs
WHERE
    id > %(after_id)s
    AND (NOT starts_with(sealed, %(current)s) OR headers <> masked_headers(headers))
ORDER BY id
LIMIT %(limit)s;

-- name: reseal :exec
-- Store secrets anew, of jobs that no edit has changed since they were read. Params, arrays of one length: ids uuid[],
-- versions int[], headers jsonb[], sealed text[]. Result: how many.
-- Locks: those jobs in id order, as an edit does, so it may wait for one and never the other way round.
WITH locked AS (
    SELECT j.id, s.headers, s.sealed
    FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(headers)s::jsonb[], %(sealed)s::text[])
        AS s (id, version, headers, sealed)
    INNER JOIN jobs AS j ON s.id = j.id
    WHERE j.version = s.version
    ORDER BY j.id
    FOR NO KEY UPDATE OF j
)

UPDATE jobs AS j
SET headers = l.headers, sealed = l.sealed
FROM locked AS l
WHERE j.id = l.id;

-- name: mask_versions :exec
-- Mask what old versions of jobs hold in headers that always are secret. Params: ids uuid[]. Result: how many.
-- Locks: those versions, which nothing else writes.
UPDATE job_versions
SET headers = masked_headers(headers)
WHERE job_id = ANY(%(ids)s::uuid[]) AND headers <> masked_headers(headers);

-- name: stale_signing :many
-- Signing secrets after the tenant given that are not sealed as they would be sealed now. Params: current text (how what
-- is sealed now begins), after_tenant text, limit int. Returns StaleSigning. Locks: none.
SELECT tenant_id, sealed, previous_sealed
FROM signing_secrets
WHERE
    tenant_id > %(after_tenant)s
    AND (NOT starts_with(sealed, %(current)s) OR NOT starts_with(previous_sealed, %(current)s))
ORDER BY tenant_id
LIMIT %(limit)s;

-- name: reseal_signing :exec
-- Store one tenant's signing secrets anew, where they have not been changed since they were read. Params: tenant_id
-- text, old text, sealed text, previous_sealed text or NULL. Result: how many. Locks: that row.
UPDATE signing_secrets
SET sealed = %(sealed)s, previous_sealed = %(previous_sealed)s
WHERE tenant_id = %(tenant_id)s AND sealed = %(old)s;
