-- name: any :value
-- Whether any job is watched. Params: none. Locks: none.
SELECT EXISTS (SELECT FROM job_alerts);

-- name: take_in :exec
-- Bring the watched jobs up to their newest outcomes: those whose totals have changed since they were looked at, limit of
-- them. Of each the newest 200 executions are read; when none of them is a success, the failures since the last look are
-- added to the streak. Params: limit int. Result: how many. Locks: those rows of job_alerts in job order, SKIP LOCKED.
WITH changed AS (
    SELECT a.job_id, a.since, a.streak, t.completed, t.failed + t.timeout AS failures, a.failures AS failures_before
    FROM job_alerts AS a
    CROSS JOIN LATERAL (SELECT completed, failed, timeout FROM job_totals WHERE job_id = a.job_id OFFSET 0) AS t
    WHERE a.completed <> t.completed OR a.failures <> t.failed + t.timeout
    ORDER BY a.job_id
    LIMIT %(limit)s
    FOR UPDATE OF a SKIP LOCKED
),

looked_at AS (
    SELECT
        c.job_id,
        c.completed,
        c.failures,
        s.success_at,
        coalesce(s.failures_after, c.streak + c.failures - c.failures_before) AS streak
    FROM changed AS c
    LEFT JOIN LATERAL (
        SELECT n.finished_at AS success_at, n.place - 1 AS failures_after
        FROM (
            SELECT l.status, l.finished_at, row_number() OVER (ORDER BY l.scheduled_at DESC, l.id DESC) AS place
            FROM execution_log AS l
            WHERE
                l.job_id = c.job_id
                AND l.status IN ('completed', 'failed', 'timeout')
                AND l.origin <> 'alert'
                AND l.finished_at >= c.since
            ORDER BY l.scheduled_at DESC, l.id DESC
            LIMIT 200
        ) AS n
        WHERE n.status = 'completed'
        ORDER BY n.place
        LIMIT 1
    ) AS s ON TRUE
)

UPDATE job_alerts AS a
SET
    completed = l.completed,
    failures = l.failures,
    streak = l.streak,
    last_success_at = coalesce(l.success_at, a.last_success_at)
FROM looked_at AS l
WHERE a.job_id = l.job_id;

-- name: judge :many
-- Open the incidents of watched jobs that are in trouble, close those of jobs that are not any more, and queue the
-- execution that reports each, all in one statement: an incident is there if and only if its report is. Params: limit int
-- (most to open and most to close), now timestamptz or null. Returns Report. Locks: rows of job_alerts that get an
-- incident, in job order, SKIP LOCKED: who edits or pauses the job at the same time goes first; open incidents that are
-- closed. The unique index on open incidents and the condition on closed_at make sure that two judges report once.
-- late: an instant that the tick has not dealt with, or an execution that has not begun, is older than the job allows.
WITH judged AS (
    SELECT
        a.job_id, a.tenant_id, a.url, a.streak, a.also_on_recovery, j.key, j.name,
        a.streak >= a.after_failures AS failing,
        j.status = 'active' AND a.late_seconds IS NOT NULL AND (
            coalesce(j.next_run_at < n.now - make_interval(secs => a.late_seconds), FALSE)
            OR EXISTS (
                SELECT FROM execution_queue AS q
                WHERE
                    q.job_id = a.job_id
                    AND q.status = 'pending'
                    AND q.started_at IS NULL
                    AND q.origin IN ('schedule', 'manual', 'rerun')
                    AND q.scheduled_at < n.now - make_interval(secs => a.late_seconds)
            )
        ) AS late,
        j.status = 'active' AND coalesce(
            greatest(a.last_success_at, a.since) < n.now - make_interval(secs => a.silent_seconds), FALSE
        ) AS silent
    FROM job_alerts AS a
    CROSS JOIN LATERAL (SELECT key, name, status, next_run_at FROM jobs WHERE id = a.job_id OFFSET 0) AS j
    CROSS JOIN (SELECT coalesce(%(now)s::timestamptz, now()) AS now) AS n
),

troubles AS (
    SELECT g.*, k.kind, k.is_so
    FROM judged AS g
    CROSS JOIN LATERAL (VALUES ('failing', g.failing), ('late', g.late), ('silent', g.silent)) AS k (kind, is_so)
),

opening AS (
    SELECT t.job_id, t.tenant_id, t.kind, t.url, t.streak, t.key, t.name
    FROM troubles AS t
    INNER JOIN job_alerts AS a ON t.job_id = a.job_id
    WHERE
        t.is_so
        AND NOT EXISTS (
            SELECT FROM job_incidents AS i WHERE i.job_id = t.job_id AND i.kind = t.kind AND i.closed_at IS NULL
        )
    ORDER BY t.job_id
    LIMIT %(limit)s
    FOR UPDATE OF a SKIP LOCKED
),

opened AS (
    INSERT INTO job_incidents AS i (job_id, tenant_id, kind, failures, opened_execution_id)
    SELECT job_id, tenant_id, kind, streak, execution_id_at(now(), gen_random_uuid())
    FROM opening
    ON CONFLICT (job_id, kind) WHERE closed_at IS NULL DO NOTHING
    RETURNING i.id, i.job_id, i.tenant_id, i.kind, i.failures, i.opened_at, i.opened_execution_id
),

closing AS (
    SELECT i.id
    FROM job_incidents AS i
    INNER JOIN troubles AS t ON i.job_id = t.job_id AND i.kind = t.kind
    WHERE i.closed_at IS NULL AND NOT t.is_so
    ORDER BY i.id
    LIMIT %(limit)s
    FOR UPDATE OF i SKIP LOCKED
),

closed AS (
    UPDATE job_incidents AS i
    SET
        closed_at = now(),
        outcome = 'recovered',
        closed_execution_id = CASE WHEN g.also_on_recovery THEN execution_id_at(now(), gen_random_uuid()) END
    FROM closing AS c, judged AS g
    WHERE i.id = c.id AND i.job_id = g.job_id
    RETURNING
        i.id, i.job_id, i.tenant_id, i.kind, i.failures, i.opened_at, i.closed_at, i.closed_execution_id,
        g.url, g.key, g.name
),

reports AS (
    SELECT
        o.opened_execution_id AS execution_id, 'job.' || o.kind AS type, o.id, o.job_id, o.tenant_id, o.kind, o.failures,
        o.opened_at, NULL::timestamptz AS closed_at, p.url, p.key, p.name
    FROM opened AS o
    INNER JOIN opening AS p ON o.job_id = p.job_id AND o.kind = p.kind
    UNION ALL
    SELECT
        closed_execution_id, 'job.recovered', id, job_id, tenant_id, kind, failures, opened_at, closed_at, url, key, name
    FROM closed
    WHERE closed_execution_id IS NOT NULL
),

requested AS (
    INSERT INTO alert_requests (execution_id, incident_id, tenant_id, url, body)
    SELECT
        r.execution_id,
        r.id,
        r.tenant_id,
        r.url,
        jsonb_build_object(
            'type', r.type,
            'job', jsonb_build_object('id', r.job_id, 'key', r.key, 'name', r.name, 'tenant', r.tenant_id),
            'incident', jsonb_build_object(
                'id', r.id, 'kind', r.kind, 'opened_at', r.opened_at, 'closed_at', r.closed_at, 'failures', r.failures
            ),
            'execution', (
                SELECT jsonb_build_object(
                    'id', l.id, 'status', l.status, 'scheduled_at', l.scheduled_at, 'started_at', l.started_at,
                    'finished_at', l.finished_at, 'attempt', l.attempt, 'response_status', l.response_status,
                    'error_code', l.error_code, 'error', l.error
                )
                FROM execution_log AS l
                WHERE
                    l.job_id = r.job_id
                    AND l.status IN ('completed', 'failed', 'timeout')
                    AND l.origin <> 'alert'
                ORDER BY l.scheduled_at DESC, l.id DESC
                LIMIT 1
            )
        )
    FROM reports AS r
),

lines AS (
    SELECT tenant_id, last_rank(tenant_id, 10::smallint) AS last_rank
    FROM reports
    GROUP BY tenant_id
)

INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank, origin)
SELECT
    r.execution_id, r.job_id, r.tenant_id, now(), 10,
    l.last_rank + row_number() OVER (PARTITION BY r.tenant_id ORDER BY r.execution_id),
    'alert'
FROM reports AS r
INNER JOIN lines AS l ON r.tenant_id = l.tenant_id
RETURNING id, job_id;

-- name: incidents :many
-- A page of incidents, newest first. Params: tenant_id text, limit int, offset int; and, each NULL for any: job_id uuid,
-- kind text, open boolean, after_at timestamptz and after_id uuid (the last row of the page before). Returns Incident.
-- Locks: none.
SELECT
    id, tenant_id, job_id, kind, failures, opened_at, closed_at, outcome, opened_execution_id, closed_execution_id
FROM job_incidents
WHERE
    tenant_id = %(tenant_id)s
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
    AND (%(open)s::boolean IS NULL OR (closed_at IS NULL) = %(open)s::boolean)
    AND (%(after_at)s::timestamptz IS NULL OR (opened_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY opened_at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: count_incidents :value
-- How many incidents a list has, counted no further than limit. Params: tenant_id text, limit int; and, each NULL for
-- any: job_id uuid, kind text, open boolean. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM job_incidents
    WHERE
        tenant_id = %(tenant_id)s
        AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
        AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
        AND (%(open)s::boolean IS NULL OR (closed_at IS NULL) = %(open)s::boolean)
    LIMIT %(limit)s
) AS counted;
