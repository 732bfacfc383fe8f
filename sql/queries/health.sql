-- name: state :one
-- Depth of the queue, what is overdue and who works, over all tenants. Params: none. Returns ServiceState. Locks: none.
SELECT
    pending,
    running,
    retrying,
    oldest_overdue_run_at,
    coalesce(extract(EPOCH FROM at - oldest_overdue_run_at), 0)::float8 AS overdue_seconds,
    workers,
    slots,
    at
FROM service_state;
