-- name: open :exec
-- Open the breakers of hosts that do not answer, and let the other engines know. Params: worker_id uuid,
-- probe_seconds float8 (until the first probe), and arrays of one length: tenant_ids text[], hosts text[],
-- failures int[]. Result: rows touched; one that is open already stays as it is. Locks: none that wait for long.
WITH opened AS (
    INSERT INTO endpoint_breakers (tenant_id, host, failures, probe_at, changed_by)
    SELECT b.tenant_id, b.host, b.failures, now() + make_interval(secs => %(probe_seconds)s), %(worker_id)s
    FROM unnest(%(tenant_ids)s::text[], %(hosts)s::text[], %(failures)s::int[]) AS b (tenant_id, host, failures)
    ORDER BY b.tenant_id, b.host
    ON CONFLICT (tenant_id, host) DO NOTHING
    RETURNING tenant_id
)

SELECT pg_notify('scheduler_breakers', '') FROM opened LIMIT 1;

-- name: list_open :many
-- The breakers that are open. Params: none. Returns Breaker. Locks: none.
SELECT tenant_id, host FROM endpoint_breakers;

-- name: take_probes :many
-- Let one call through for each of these breakers whose time has come, whichever engine asks first; the time until the
-- next one doubles up to a minute. Params: worker_id uuid, probe_seconds float8, tenant_ids text[], hosts text[].
-- Returns Breaker for each probe granted. Locks: those rows, SKIP LOCKED: who holds one is granted its probe.
WITH ripe AS (
    SELECT b.tenant_id, b.host
    FROM endpoint_breakers AS b
    INNER JOIN unnest(%(tenant_ids)s::text[], %(hosts)s::text[]) AS a (tenant_id, host)
        ON b.tenant_id = a.tenant_id AND b.host = a.host
    WHERE b.probe_at <= now()
    FOR UPDATE OF b SKIP LOCKED
)

UPDATE endpoint_breakers AS b
SET
    probe_at = now() + make_interval(
        secs => least(%(probe_seconds)s::float8 * power(2, least(b.probes + 1, 20)), greatest(60, %(probe_seconds)s))
    ),
    probes = b.probes + 1,
    changed_by = %(worker_id)s
FROM ripe AS r
WHERE b.tenant_id = r.tenant_id AND b.host = r.host
RETURNING b.tenant_id, b.host;

-- name: put_off :exec
-- Let claimed executions wait, uncalled and with their attempt unspent. Params: worker_id uuid, and arrays of one
-- length: ids uuid[], attempts int[] (fencing, as in work.hand_back), hosts text[] (whose breaker they wait for; NULL
-- waits for none), delays float8[] (seconds; 0 where the breaker has been closed meanwhile). tick.promote_retries
-- ranks them when they become pending again. Result: rows put off. Locks: those queue rows in id order.
WITH mine AS (
    SELECT q.id, j.status AS job_status, h.host AS asked, b.host, h.delay
    FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(hosts)s::text[], %(delays)s::float8[])
        AS h (id, attempt, host, delay)
    INNER JOIN execution_queue AS q ON h.id = q.id AND h.attempt = q.attempt
    CROSS JOIN LATERAL (SELECT status FROM jobs WHERE id = q.job_id OFFSET 0) AS j
    LEFT JOIN LATERAL (
        SELECT host FROM endpoint_breakers WHERE tenant_id = q.tenant_id AND host = h.host OFFSET 0
    ) AS b ON TRUE
    WHERE q.id = ANY(%(ids)s::uuid[]) AND q.worker_id = %(worker_id)s
    ORDER BY q.id
    FOR UPDATE OF q
)

UPDATE execution_queue AS q
SET
    status = CASE WHEN m.job_status = 'paused' AND q.origin <> 'alert' THEN 'held' ELSE 'retrying' END,
    worker_id = NULL,
    claimed_at = NULL,
    attempt = q.attempt - 1,
    started_at = CASE WHEN q.attempt > 1 THEN q.started_at END,
    put_off_for = m.host,
    retry_at = now() + CASE
        WHEN m.asked IS NULL OR m.host IS NOT NULL THEN make_interval(secs => m.delay) ELSE interval '0'
    END
FROM mine AS m
WHERE q.id = ANY(ARRAY(SELECT id FROM mine)) AND q.id = m.id;

-- name: invite_probes :exec
-- Where a probe may be made, make one of the executions that wait for it due now: the first. Wakes the tickers.
-- Params: none. Result: breakers someone was invited for. Locks: those queue rows, SKIP LOCKED.
WITH invited AS (
    SELECT q.id
    FROM endpoint_breakers AS b
    CROSS JOIN LATERAL (
        SELECT w.id
        FROM execution_queue AS w
        WHERE w.status = 'retrying' AND w.tenant_id = b.tenant_id AND w.put_off_for = b.host AND w.retry_at > now()
        ORDER BY w.priority DESC, w.scheduled_at, w.id
        LIMIT 1
        FOR UPDATE OF w SKIP LOCKED
    ) AS q
    WHERE b.probe_at <= now()
),

moved AS (
    UPDATE execution_queue AS q
    SET retry_at = now()
    FROM invited AS i
    WHERE q.id = i.id
    RETURNING q.id
)

SELECT pg_notify('scheduler_jobs', '') FROM moved LIMIT 1;

-- name: close :exec
-- Close the breakers of hosts that have answered, make all that waits for them due now, and wake tickers and engines.
-- Params: tenant_ids text[], hosts text[]. Result: 1 when any was open. Locks: the breakers' rows, then those queue
-- rows SKIP LOCKED: one that is busy keeps its own time.
WITH closed AS (
    DELETE FROM endpoint_breakers AS b
    USING unnest(%(tenant_ids)s::text[], %(hosts)s::text[]) AS a (tenant_id, host)
    WHERE b.tenant_id = a.tenant_id AND b.host = a.host
    RETURNING b.tenant_id, b.host
),

waiting AS (
    SELECT q.id
    FROM execution_queue AS q
    INNER JOIN closed AS c ON q.tenant_id = c.tenant_id AND q.put_off_for = c.host
    WHERE q.status = 'retrying' AND q.retry_at > now()
    FOR UPDATE OF q SKIP LOCKED
),

moved AS (
    UPDATE execution_queue AS q
    SET retry_at = now(), put_off_for = NULL
    FROM waiting AS w
    WHERE q.id = w.id
)

SELECT pg_notify('scheduler_jobs', ''), pg_notify('scheduler_breakers', '') FROM closed LIMIT 1;

-- name: forget :exec
-- Drop the breakers that nothing has been called through for ten minutes after their probe's time: nobody calls there.
-- Params: none. Result: how many. Locks: those rows.
DELETE FROM endpoint_breakers WHERE probe_at < now() - interval '10 minutes';
