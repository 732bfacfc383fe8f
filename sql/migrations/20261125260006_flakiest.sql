-- migrate:up
-- A job of which nothing but retried executions was cancelled has a share of none: that must not fail the whole report.
CREATE OR REPLACE VIEW report.flakiest AS
SELECT
    h.tenant_id, h.job_id, j.name, sum(h.completed) AS completed, sum(h.failed + h.timeout) AS failures,
    round(100.0 * sum(h.failed + h.timeout) / nullif(sum(h.completed + h.failed + h.timeout), 0), 2) AS failure_percent,
    sum(h.attempts) - sum(h.completed + h.failed + h.timeout) AS retries
FROM job_history AS h
INNER JOIN jobs AS j ON h.job_id = j.id
WHERE h.day > (now() AT TIME ZONE 'UTC')::date - 7
GROUP BY h.tenant_id, h.job_id, j.name
HAVING sum(h.failed + h.timeout) > 0 OR sum(h.attempts) > sum(h.completed + h.failed + h.timeout + h.cancelled)
ORDER BY 6 DESC NULLS LAST, 5 DESC, 7 DESC
LIMIT 100;

-- migrate:down
CREATE OR REPLACE VIEW report.flakiest AS
SELECT
    h.tenant_id, h.job_id, j.name, sum(h.completed) AS completed, sum(h.failed + h.timeout) AS failures,
    round(100.0 * sum(h.failed + h.timeout) / sum(h.completed + h.failed + h.timeout), 2) AS failure_percent,
    sum(h.attempts) - sum(h.completed + h.failed + h.timeout) AS retries
FROM job_history AS h
INNER JOIN jobs AS j ON h.job_id = j.id
WHERE h.day > (now() AT TIME ZONE 'UTC')::date - 7
GROUP BY h.tenant_id, h.job_id, j.name
HAVING sum(h.failed + h.timeout) > 0 OR sum(h.attempts) > sum(h.completed + h.failed + h.timeout + h.cancelled)
ORDER BY 6 DESC NULLS LAST, 5 DESC, 7 DESC
LIMIT 100;
