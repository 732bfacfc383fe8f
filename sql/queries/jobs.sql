-- name: now :value
-- The database's clock: the start of this transaction. Params: none.
SELECT now();

-- name: create :value
-- Add a job, and its definition as the first of its versions. Params: id uuid (known beforehand, since it seeds the
-- jitter), the definition, tenant_id text, anchor_at, next_run_at and next_instant_at timestamptz. Result: its id, or
-- NULL when another job of the tenant has its key: who creates the same key at the same time waits for the first.
WITH created AS (
    INSERT INTO jobs (
        id, tenant_id, key, name, description, type, schedule, timezone, start_at, end_at, max_runs, jitter_seconds,
        misfire_policy, misfire_limit, start_deadline_seconds, overlap_policy, endpoint, method, headers, payload,
        secrets, sealed, timeout_seconds, max_retries, retry_delay_seconds, retry_backoff, retry_max_delay_seconds,
        retry_on, priority, tags, metadata, alert, anchor_at, next_run_at, next_instant_at
    ) VALUES (
        %(id)s, %(tenant_id)s, %(key)s, %(name)s, %(description)s, %(type)s, %(schedule)s, %(timezone)s,
        %(start_at)s, %(end_at)s, %(max_runs)s, %(jitter)s, %(misfire_policy)s, %(misfire_limit)s, %(start_deadline)s,
        %(overlap_policy)s, %(endpoint)s, %(method)s, %(headers)s, %(payload)s, %(secrets)s, %(sealed)s,
        %(timeout)s, %(max_retries)s, %(retry_delay)s, %(retry_backoff)s, %(retry_max_delay)s, %(retry_on)s::text [], %(priority)s,
        %(tags)s::text [], %(metadata)s, %(alert)s, %(anchor_at)s, %(next_run_at)s, %(next_instant_at)s
    )
    ON CONFLICT (tenant_id, key) WHERE key IS NOT NULL AND status <> 'deleted' DO NOTHING
    RETURNING
        id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
        endpoint, method, headers, payload
)

INSERT INTO job_versions (
    job_id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
    endpoint, method, headers, payload
)
SELECT
    id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
    endpoint, method, headers, payload
FROM created
RETURNING job_id;

-- name: read :many
-- Jobs with their lifetime counts, deleted or not, in the order of ids: the one place that names what is read of a job.
-- Params: tenant_id text, ids uuid[]. Returns Job. Locks: none.
SELECT
    j.key, j.name, j.description, j.type, j.schedule, j.timezone, j.start_at, j.end_at, j.max_runs,
    j.jitter_seconds AS jitter, j.misfire_policy, j.misfire_limit, j.start_deadline_seconds AS start_deadline,
    j.overlap_policy, j.endpoint, j.method, j.headers, j.payload, j.secrets,
    j.timeout_seconds AS timeout, j.max_retries,
    j.retry_delay_seconds AS retry_delay, j.retry_backoff, j.retry_max_delay_seconds AS retry_max_delay, j.retry_on,
    j.priority, j.tags, j.metadata, j.alert,
    j.id, j.tenant_id, j.status, j.anchor_at, j.runs, j.paused_at, j.next_run_at,
    coalesce(j.next_instant_at, j.next_run_at) AS next_instant_at, t.last_run_at,
    coalesce(t.completed + t.failed + t.timeout, 0) AS run_count,
    coalesce(t.failed + t.timeout, 0) AS fail_count,
    j.version, j.created_at, j.updated_at, now() AS now
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS w (id, place)
INNER JOIN jobs AS j ON w.id = j.id
LEFT JOIN job_totals AS t ON w.id = t.job_id
WHERE j.tenant_id = %(tenant_id)s
ORDER BY w.place;

-- name: find_key :value
-- The id of the job that has a key, deleted ones apart; NULL when there is none. Params: tenant_id text, key text.
-- Locks: none.
SELECT id
FROM jobs
WHERE tenant_id = %(tenant_id)s AND key = %(key)s AND status <> 'deleted';

-- name: lock_key :value
-- The same, locked: it still has the key then, whoever was changing it. Params: tenant_id text, key text.
-- Locks: that job, NO KEY UPDATE, as `lock`.
SELECT id
FROM jobs
WHERE tenant_id = %(tenant_id)s AND key = %(key)s AND status <> 'deleted'
FOR NO KEY UPDATE;

-- name: list :many
-- A page of jobs, newest first. Params: tenant_id text, limit int, offset int; and, each NULL for any: status text
-- (deleted jobs are left out unless asked for), key text, type text, name_like text (a LIKE pattern), tag text, after_at
-- timestamptz and after_id uuid (the last row of the page before); and counted int, how far to count the list, at least
-- offset and limit: where a filter passes others over, one search finds the page and counts. Returns Listed. Locks: none.
SELECT id, at, count(*) OVER () AS listed
FROM (
    SELECT id, created_at AS at
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND (
            (%(status)s::text IS NULL AND status <> 'deleted')
            OR (%(status)s::text IS NOT NULL AND status = %(status)s::text)
        )
        AND (%(key)s::text IS NULL OR key = %(key)s::text)
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
        AND (
            %(after_at)s::timestamptz IS NULL
            OR (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY created_at DESC, id DESC
    LIMIT %(counted)s
) AS every
ORDER BY at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: count :value
-- How many jobs a list has, counted no further than limit. Params: tenant_id text, limit int; and, each NULL for any:
-- status text, key text, type text, name_like text, tag text. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND (
            (%(status)s::text IS NULL AND status <> 'deleted')
            OR (%(status)s::text IS NOT NULL AND status = %(status)s::text)
        )
        AND (%(key)s::text IS NULL OR key = %(key)s::text)
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
    LIMIT %(limit)s
) AS counted;

-- name: list_upcoming :many
-- A page of active jobs that run before an instant, the earliest first. Params: tenant_id text, upcoming_before
-- timestamptz, limit int, offset int; and, each NULL for any: key text, type text, name_like text (a LIKE pattern), tag text,
-- after_at timestamptz and after_id uuid (next_run_at and id of the page before's last); and counted int, as in `list`.
-- Returns Listed. Locks: none.
SELECT id, at, count(*) OVER () AS listed
FROM (
    SELECT id, next_run_at AS at
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND next_run_at < %(upcoming_before)s::timestamptz
        AND (%(key)s::text IS NULL OR key = %(key)s::text)
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
        AND (
            %(after_at)s::timestamptz IS NULL
            OR (next_run_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY next_run_at, id
    LIMIT %(counted)s
) AS every
ORDER BY at, id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: count_upcoming :value
-- How many jobs list_upcoming has, counted no further than limit. Params: tenant_id text, upcoming_before timestamptz,
-- limit int; and, each NULL for any: key text, type text, name_like text, tag text. Locks: none.
SELECT count(*)
FROM (
    SELECT
    FROM jobs
    WHERE
        tenant_id = %(tenant_id)s
        AND next_run_at < %(upcoming_before)s::timestamptz
        AND (%(key)s::text IS NULL OR key = %(key)s::text)
        AND (%(type)s::text IS NULL OR type = %(type)s::text)
        AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
    LIMIT %(limit)s
) AS counted;

-- name: lock :value
-- Lock a job before changing it, so that an edit and a tick never race: the ticker skips a locked job, and an edit
-- waits for the ticker and then, by `read`, sees what it wrote. Params: tenant_id text, id uuid. Result: whether it was
-- resumed and its next run is yet to be planned; NULL when there is none.
-- Locks: that job, NO KEY UPDATE; the queue rows a change touches are locked after it, in id order.
SELECT next_run_at IS NOT NULL AND next_instant_at IS NULL AND resumed_from IS NOT NULL
FROM jobs
WHERE tenant_id = %(tenant_id)s AND id = %(id)s
FOR NO KEY UPDATE;

-- name: matching :many
-- Jobs that a bulk act would change, in the order they are locked in. Params: tenant_id text, statuses text[] (that the
-- act changes), limit int; and, each NULL for any: ids uuid[], status text, type text, name_like text (a LIKE pattern),
-- tag text. Returns Placed. Locks: none; lock_all looks at the status again.
SELECT id, created_at AS at
FROM jobs
WHERE
    tenant_id = %(tenant_id)s
    AND status <> 'deleted'
    AND status = ANY(%(statuses)s::text[])
    AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
    AND (%(status)s::text IS NULL OR status = %(status)s::text)
    AND (%(type)s::text IS NULL OR type = %(type)s::text)
    AND (%(name_like)s::text IS NULL OR lower(name) LIKE lower(%(name_like)s::text))
    AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(tags))
ORDER BY id
LIMIT %(limit)s;

-- name: lock_all :many
-- Lock jobs before changing them together, as `lock`, those whose status has changed meanwhile left out.
-- Params: tenant_id text, ids uuid[], statuses text[]. Returns Placed. Locks: those jobs in id order, NO KEY UPDATE, so
-- that two bulk acts wait for each other and not in a circle; who holds a queue row never waits for a job.
SELECT id, created_at AS at
FROM jobs
WHERE tenant_id = %(tenant_id)s AND id = ANY(%(ids)s::uuid[]) AND status = ANY(%(statuses)s::text[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: sealed :value
-- The secret values of a job, sealed; NULL when it has none. Params: id uuid. Locks: none; `lock` has locked the job.
SELECT sealed FROM jobs WHERE id = %(id)s;

-- name: update :exec
-- Write a job's definition anew, and keep it as another version. Params: id uuid, the definition, status text, runs int,
-- anchor_at, next_run_at and next_instant_at timestamptz. Locks: that job, which `lock` has locked already.
WITH updated AS (
    UPDATE jobs
    SET
        key = %(key)s,
        name = %(name)s,
        description = %(description)s,
        type = %(type)s,
        schedule = %(schedule)s,
        timezone = %(timezone)s,
        start_at = %(start_at)s,
        end_at = %(end_at)s,
        max_runs = %(max_runs)s,
        jitter_seconds = %(jitter)s,
        misfire_policy = %(misfire_policy)s,
        misfire_limit = %(misfire_limit)s,
        start_deadline_seconds = %(start_deadline)s,
        overlap_policy = %(overlap_policy)s,
        endpoint = %(endpoint)s,
        method = %(method)s,
        headers = %(headers)s,
        payload = %(payload)s,
        secrets = %(secrets)s,
        sealed = %(sealed)s,
        timeout_seconds = %(timeout)s,
        max_retries = %(max_retries)s,
        retry_delay_seconds = %(retry_delay)s,
        retry_backoff = %(retry_backoff)s,
        retry_max_delay_seconds = %(retry_max_delay)s,
        retry_on = %(retry_on)s::text [],
        priority = %(priority)s,
        tags = %(tags)s::text [],
        metadata = %(metadata)s,
        alert = %(alert)s,
        status = %(status)s,
        runs = %(runs)s,
        anchor_at = %(anchor_at)s,
        next_run_at = %(next_run_at)s,
        next_instant_at = %(next_instant_at)s,
        version = version + 1,
        updated_at = now()
    WHERE id = %(id)s
    RETURNING
        id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
        endpoint, method, headers, payload
)

INSERT INTO job_versions (
    job_id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
    endpoint, method, headers, payload
)
SELECT
    id, version, tenant_id, anchor_at, start_at, end_at, jitter_seconds, type, schedule, timezone,
    endpoint, method, headers, payload
FROM updated;

-- name: pause :many
-- Stop what is due of active jobs and hold what waits. Params: tenant_id text, ids uuid[]. Returns Verdict for each id.
-- Locks: those jobs, NO KEY UPDATE, then their queue rows, each in id order.
SELECT id, known, refusal FROM pause_jobs(%(ids)s::uuid[], %(tenant_id)s::text);

-- name: resume :many
-- Let paused jobs go on and what they hold too; the caller plans their next runs, by due.plan_resumed. Params: tenant_id
-- text, ids uuid[]. Returns Verdict for each id. Locks: those jobs, NO KEY UPDATE, then their queue rows, each in id order.
SELECT id, known, refusal FROM resume_jobs(%(ids)s::uuid[], %(tenant_id)s::text);

-- name: complete :value
-- Complete those of some jobs that have no run left and nothing alive. Params: ids uuid[]. Result: how many.
-- Locks: those jobs, SKIP LOCKED.
SELECT complete_jobs(%(ids)s::uuid[]);

-- name: delete :exec
-- Hide jobs for good. Params: ids uuid[]. Locks: those jobs, which `lock` or `lock_all` has locked already.
UPDATE jobs
SET
    status = 'deleted',
    next_run_at = NULL,
    next_instant_at = NULL,
    paused_at = NULL,
    updated_at = now()
WHERE id = ANY(%(ids)s::uuid[]);

-- name: release_executions :value
-- Let go of what a pause held. Params: job_ids uuid[]. Result: how many. Locks: those queue rows, in id order.
SELECT release_executions(%(job_ids)s::uuid[]);

-- name: trigger :one
-- Make a job due at once, beside its schedule. Params: tenant_id text, id uuid. Returns Verdict, with the execution's id.
-- Locks: that job, NO KEY UPDATE.
SELECT id, known, refusal FROM trigger_job(%(id)s::uuid, %(tenant_id)s::text);

-- name: lock_waiting :many
-- Lock what has not begun or waits to be called again, before it is cancelled. Params: job_ids uuid[].
-- Returns LiveExecution. Locks: those queue rows, in id order.
SELECT id, job_id
FROM execution_queue
WHERE job_id = ANY(%(job_ids)s::uuid[]) AND status <> 'running' AND origin <> 'alert'
ORDER BY id
FOR UPDATE;

-- name: has_live :value
-- Whether a job has live executions, alerts apart. Params: job_id uuid. Locks: none.
SELECT EXISTS (SELECT FROM execution_queue WHERE job_id = %(job_id)s AND origin <> 'alert');

-- name: has_run_since :value
-- Whether the schedule of a job has been materialized since it was set. Params: job_id uuid, since timestamptz.
-- Locks: none.
SELECT EXISTS (
    SELECT FROM executions
    WHERE job_id = %(job_id)s AND scheduled_at >= %(since)s::timestamptz AND origin = 'schedule'
);

-- name: counts :one
-- A tenant's jobs by status, and those not deleted by type. Params: tenant_id text. Returns JobCounts. Locks: none.
-- Status stands late in a row, and reading it costs more than all the rest. So it is read from the partial indexes: each
-- part's condition is that of one, which holds for whatever is found in it. What they do not tell, active, is the rest.
SELECT
    listed.jobs - inactive.paused - inactive.completed AS active,
    inactive.paused,
    inactive.completed,
    inactive.deleted,
    listed.cron,
    listed.interval,
    listed.one_time
FROM (
    SELECT
        count(*) AS jobs,
        count(*) FILTER (WHERE type = 'cron') AS cron,
        count(*) FILTER (WHERE type = 'interval') AS interval,
        count(*) FILTER (WHERE type = 'one_time') AS one_time
    FROM jobs
    WHERE tenant_id = %(tenant_id)s AND status <> 'deleted'
) AS listed
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE status = 'paused') AS paused,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'deleted') AS deleted
    FROM jobs
    WHERE tenant_id = %(tenant_id)s AND status <> 'active'
) AS inactive;
