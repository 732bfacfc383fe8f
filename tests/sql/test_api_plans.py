"""What the API asks stays cheap on a large log: pages walk indexes, and a look-up reads one partition."""

import json
from uuid import uuid4

import pytest

from service import sql
from tests.factories import NOON

DAYS = "SELECT make_log_partition(date '2026-03-01' + n) FROM generate_series(0, 9) AS n"
FILL = """
INSERT INTO execution_log (id, job_id, tenant_id, scheduled_at, created_at, attempt, priority, origin, status)
SELECT
    execution_id_at(at, gen_random_uuid()), ('00000000-0000-0000-0000-' || lpad((n % 4)::text, 12, '0'))::uuid,
    't' || (n % 2), at, at, 1, 5, 'schedule', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END
FROM generate_series(1, 20000) AS n, LATERAL (SELECT timestamptz '2026-03-01 00:00Z' + n * interval '40 s' AS at) AS t
"""
FILTERS = {
    "tenant_id": "t1", "job_id": None, "status": None, "start_time": None, "end_time": None, "after_at": None,
    "after_id": None, "limit": 21, "offset": 0,
}  # fmt: skip


@pytest.fixture
def log(conn):
    """A log of ten days, with two tenants and four jobs."""
    conn.execute(DAYS)
    conn.execute(FILL)
    conn.execute("ANALYZE execution_log")
    return conn


@pytest.fixture
def plan(log, api_pool):
    """Runs a statement as the API does, and gives the nodes of its plan."""

    def run(name, **params):
        with api_pool.connection() as conn, conn.transaction():
            conn.execute("SELECT set_config('scheduler.tenant_id', 't1', TRUE)")
            text = b"EXPLAIN (ANALYZE, FORMAT JSON) " + sql.STATEMENTS[name].text
            (found,) = conn.execute(text, params).fetchone()
        return list(nodes(found[0]["Plan"]))

    return run


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def read(plan):
    """Rows that the scans of a plan gave or threw away."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if "Relation Name" in node
    )


def scans(plan):
    return [node["Node Type"] for node in plan if "Relation Name" in node and node["Actual Loops"]]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"job_id": "00000000-0000-0000-0000-000000000001"},
        {"status": "failed"},
        {"start_time": NOON.replace(day=2), "end_time": NOON.replace(day=5)},
        {"after_at": NOON.replace(day=4), "after_id": uuid4()},
        {"status": "completed", "after_at": NOON.replace(day=4), "after_id": uuid4()},
    ],
)
def test_page_of_executions_walks_indexes(plan, filters):
    found = plan("executions.list", **(FILTERS | filters))

    assert "Sort" not in {node["Node Type"] for node in found}, json.dumps(found[0], indent=1)
    assert {"Index Scan"} == set(scans(found)) - {"Seq Scan"}
    assert read(found) < 100


def test_look_up_by_id_reads_one_partition(plan, log):
    (row,) = log.execute("SELECT id FROM execution_log WHERE tenant_id = 't1' LIMIT 1").fetchall()

    found = plan("executions.get", tenant_id="t1", id=row["id"])

    assert len(scans(found)) == 3  # the queue, the one partition, and the version of the job that was sent
    assert read(found) == 1


def test_count_stops_at_its_limit(plan):
    filters = {name: FILTERS[name] for name in ("tenant_id", "job_id", "status", "start_time", "end_time")}

    assert read(plan("executions.count", **filters, limit=100)) < 200


def test_percentiles_read_no_more_than_their_sample(plan):
    found = plan("executions.percentiles", tenant_id="t1", job_id=None, start_date=None, end_date=None, limit=100)

    assert read(found) < 200


def test_page_of_jobs_walks_its_index(plan, conn):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds,"
        " max_retries, retry_delay_seconds, priority)"
        " SELECT 't' || n % 4, 'n', 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5"
        " FROM generate_series(1, 5000) AS n"
    )
    conn.execute("ANALYZE jobs")
    filters = dict.fromkeys(("status", "key", "type", "name_like", "tag", "after_at", "after_id"))

    found = plan("jobs.list", tenant_id="t1", **filters, limit=21, offset=0)

    assert "jobs_tenant_list_idx" in {node.get("Index Name") for node in found}
    assert read(found) < 100


@pytest.mark.parametrize("after", [{}, {"after_at": NOON.replace(day=12), "after_id": uuid4()}])
def test_page_of_upcoming_jobs_walks_its_index(plan, conn, after):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds,"
        " max_retries, retry_delay_seconds, priority, next_run_at)"
        " SELECT 't' || n %% 50, 'n', 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5,"
        " %s + n * interval '1 min' FROM generate_series(1, 5000) AS n",
        [NOON],
    )
    conn.execute("ANALYZE jobs")
    filters = dict.fromkeys(("key", "type", "name_like", "tag", "after_at", "after_id")) | after
    before = NOON.replace(month=12)

    found = plan("jobs.list_upcoming", tenant_id="t1", upcoming_before=before, **filters, limit=21, offset=0)

    assert "jobs_tenant_upcoming_idx" in {node.get("Index Name") for node in found}
    assert read(found) < 100


@pytest.mark.parametrize("name", ["jobs.find_key", "jobs.lock_key", "jobs.list"])
def test_job_is_found_by_its_key(plan, conn, name):
    conn.execute(
        "INSERT INTO jobs (tenant_id, key, name, type, schedule, timezone, endpoint, method, timeout_seconds,"
        " max_retries, retry_delay_seconds, priority)"
        " SELECT 't' || n % 4, n, 'n', 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5"
        " FROM generate_series(1, 5000) AS n"
    )
    conn.execute("ANALYZE jobs")
    filters = dict.fromkeys(("status", "type", "name_like", "tag", "after_at", "after_id")) | {"limit": 2, "offset": 0}

    found = plan(name, tenant_id="t1", key="1001", **(filters if name == "jobs.list" else {}))

    assert "jobs_key_idx" in {node.get("Index Name") for node in found}
    assert read(found) == 1


QUEUE = """
INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, status)
SELECT
    execution_id_at(now(), gen_random_uuid()), gen_random_uuid(), 't1', now(), 5,
    CASE WHEN n % 4000 = 0 THEN 'held' ELSE 'pending' END
FROM generate_series(1, 20000) AS n
"""


def test_the_few_that_wait_are_found_beside_many_pending_ones(plan, conn):
    conn.execute(QUEUE)
    conn.execute("ANALYZE execution_queue")

    found = plan("executions.list", **FILTERS | {"status": "held"})

    assert "execution_queue_waiting_idx" in {node.get("Index Name") for node in found}


def test_live_counts_stop_at_their_limit(plan, conn):
    conn.execute(QUEUE)
    conn.execute("ANALYZE execution_queue")

    found = plan("executions.live_counts", tenant_id="t1", job_id=None, limit=100)

    assert "execution_queue_waiting_idx" in {node.get("Index Name") for node in found}
    assert read(found) <= 105
