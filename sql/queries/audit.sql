-- name: record :exec
-- Record an action that changes no row of jobs; a change of a job records itself. Params: tenant_id text, action text,
-- entity_id uuid or NULL, job_id uuid or NULL, before and after jsonb or NULL. Locks: none.
SELECT record_audit(
    %(tenant_id)s, %(action)s, %(entity_id)s::uuid, %(job_id)s::uuid, %(before)s::jsonb, %(after)s::jsonb
);

-- name: list :many
-- A page of the audit log, newest first. Params: tenant_id text, limit int, offset int; and, each NULL for any: job_id
-- uuid, entity_id uuid, action text, actor text, start_time and end_time timestamptz (both inclusive), after_at
-- timestamptz and after_id uuid (the last row of the page before). Returns AuditEntry. Locks: none.
SELECT id, at, tenant_id, actor, action, entity_id, job_id, before, after, request_id
FROM audit_log
WHERE
    tenant_id = %(tenant_id)s
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    AND (%(entity_id)s::uuid IS NULL OR entity_id = %(entity_id)s::uuid)
    AND (%(action)s::text IS NULL OR action = %(action)s::text)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s::text)
    AND (%(start_time)s::timestamptz IS NULL OR at >= %(start_time)s::timestamptz)
    AND (%(end_time)s::timestamptz IS NULL OR at <= %(end_time)s::timestamptz)
    AND (%(after_at)s::timestamptz IS NULL OR (at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: count :value
-- How many entries a list has, counted no further than limit. Params: tenant_id text, limit int; and, each NULL for
-- any: job_id uuid, entity_id uuid, action text, actor text, start_time and end_time timestamptz. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM audit_log
    WHERE
        tenant_id = %(tenant_id)s
        AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
        AND (%(entity_id)s::uuid IS NULL OR entity_id = %(entity_id)s::uuid)
        AND (%(action)s::text IS NULL OR action = %(action)s::text)
        AND (%(actor)s::text IS NULL OR actor = %(actor)s::text)
        AND (%(start_time)s::timestamptz IS NULL OR at >= %(start_time)s::timestamptz)
        AND (%(end_time)s::timestamptz IS NULL OR at <= %(end_time)s::timestamptz)
    LIMIT %(limit)s
) AS counted;
