"""What the API asks stays cheap on a large log: pages walk indexes, and a look-up reads one partition."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from service import db, executions, sql, upkeep
from service.executions import Filters
from service.rows import Placed
from tests.conftest import eventually
from tests.factories import NOON

DAYS = "SELECT make_log_partition(date '2026-03-01' + n) FROM generate_series(0, 9) AS n"
FILL = """
INSERT INTO execution_log (
    id, job_id, tenant_id, scheduled_at, created_at, finished_at, attempt, priority, origin, status
)
SELECT
    execution_id_at(at, gen_random_uuid()), ('00000000-0000-0000-0000-' || lpad((n % 4)::text, 12, '0'))::uuid,
    't' || (n % 2), at, at, at, 1, 5, 'schedule', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END
FROM generate_series(1, 20000) AS n, LATERAL (SELECT timestamptz '2026-03-01 00:00Z' + n * interval '40 s' AS at) AS t
"""
BUSY = "00000000-0000-0000-0000-000000000001"
# A day on which another job of the tenant had 22,000 executions, of which 2,000 failed, and the busy one a failure.
FAIL = f"""
WITH failed AS (
    UPDATE execution_log SET status = 'failed'
    WHERE id = (SELECT id FROM execution_log WHERE job_id = '{BUSY}' AND scheduled_at::date = '2026-03-05' LIMIT 1)
)
INSERT INTO execution_log (id, job_id, tenant_id, scheduled_at, created_at, attempt, priority, origin, status)
SELECT
    gen_random_uuid(), '00000000-0000-0000-0000-000000000003', 't1', timestamptz '2026-03-05Z' + n * interval '1 s',
    now(), 1, 5, 'schedule', CASE WHEN n % 11 = 0 THEN 'failed' ELSE 'completed' END
FROM generate_series(1, 22000) AS n
"""
MAKE_BUSY = f"""
INSERT INTO jobs (
    id, tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries, retry_delay_seconds,
    priority
) VALUES ('{BUSY}', 't1', 'busy', 'interval', '1', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5)
"""
COMPLETED = """
SELECT count(*) FROM execution_log
WHERE
    job_id = %(job_id)s AND status = 'completed' AND scheduled_at >= coalesce(%(since)s, '-infinity'::timestamptz)
    AND scheduled_at <= coalesce(%(until)s, 'infinity'::timestamptz)
"""
# Rows that this transaction fetched because an index led to them.
FETCHED = "SELECT sum(idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname LIKE 'execution_log%'"
HIDDEN = "SELECT FROM pg_class WHERE relname ~ '^execution_log' AND relkind = 'r' AND relallvisible < relpages"
PLACE = {"after_at": None, "after_id": None, "offset": 0, "counted": 10_001}  # the first page, and a search
FILTERS = {
    "tenant_id": "t1", "job_id": None, "status": None, "start_time": None, "end_time": None, "after_at": None,
    "after_id": None, "limit": 21,
}  # fmt: skip


@pytest.fixture
def log(conn):
    """A log of ten days, with two tenants and four jobs."""
    conn.execute(DAYS)
    conn.execute(FILL)
    conn.execute("ANALYZE execution_log")
    return conn


def vacuumed(conn):
    """Vacuum the log. Returns whether all of it is now known to be visible, which an autoanalyze under way prevents."""
    conn.execute("VACUUM (ANALYZE) execution_log")
    return not conn.execute(HIDDEN).fetchall()


@pytest.fixture
def explain(api_pool):
    """Runs a statement as the API does, and gives the nodes of its plan."""

    def run(name, **params):
        with api_pool.connection() as conn, conn.transaction():
            conn.execute("SELECT set_config('scheduler.tenant_id', 't1', TRUE)")
            text = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.STATEMENTS[name].text
            (found,) = conn.execute(text, params).fetchone()
        return list(nodes(found[0]["Plan"]))

    return run


@pytest.fixture
def plan(log, explain):
    """The same, beside a log of ten days."""
    return explain


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


def blocks(plan):
    """Pages that a statement looked at."""
    return plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"]


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


def test_what_did_not_complete_of_a_busy_job_is_found_by_its_index(plan, log):
    log.execute(FAIL)
    log.execute("ANALYZE execution_log")
    filters = FILTERS | {"job_id": BUSY, "status": "failed", "start_time": NOON.replace(day=5, hour=0)}
    filters |= {"end_time": NOON.replace(day=5, hour=23)}

    found = plan("executions.list", **filters)

    assert "execution_log_20260305_job_id_status_scheduled_at_id_idx" in {node.get("Index Name") for node in found}


def test_look_up_by_id_reads_one_partition(plan, log):
    (row,) = log.execute("SELECT id FROM execution_log WHERE tenant_id = 't1' LIMIT 1").fetchall()

    found = plan("executions.get", tenant_id="t1", id=row["id"])

    assert len(scans(found)) == 3  # the queue, the one partition, and the version of the job that was sent
    assert read(found) == 1


def test_count_stops_at_its_limit(plan):
    filters = {name: FILTERS[name] for name in ("tenant_id", "status", "start_time", "end_time")}

    assert read(plan("executions.count", **filters, limit=100)) < 200


@pytest.mark.parametrize("status", [None, "failed"])
def test_deep_page_is_sought_in_indexes_alone(plan, log, status):
    log.execute("UPDATE execution_log SET status = 'failed' WHERE tenant_id = 't1' AND job_id <> %s", [BUSY])
    eventually(lambda: vacuumed(log))
    filters = {name: FILTERS[name] for name in ("tenant_id", "start_time", "end_time")} | {"status": status}

    found = plan("executions.seek", **filters, place=4000)

    assert "Sort" not in {node["Node Type"] for node in found}
    assert {"Index Only Scan"} == set(scans(found)) - {"Seq Scan"}


@pytest.mark.parametrize(
    ("name", "bound"), [("executions.count_of_job", {"limit": 5000}), ("executions.seek_of_job", {"place": 5000})]
)
def test_executions_of_a_job_are_counted_and_sought_in_indexes_alone(plan, log, name, bound):
    log.execute(MAKE_BUSY)
    eventually(lambda: vacuumed(log))
    log.execute("VACUUM (ANALYZE) execution_queue")
    filters = {"job_id": BUSY} | dict.fromkeys(("status", "start_time", "end_time"))

    (found, *_) = min(
        (plan(name, **filters, **bound) for _ in range(5)), key=blocks
    )  # the first reads the catalogue too

    # 5,000 executions lie on some 200 pages, of which each would be fetched as often as it has one of them.
    assert blocks([found]) < 1000, json.dumps(found)


def test_completed_executions_of_a_job_are_counted_without_a_look_at_them(log, api_pool):
    log.execute(MAKE_BUSY)
    eventually(lambda: vacuumed(log))

    with db.transaction(api_pool, "t1") as conn:
        executions.count(conn, Filters("t1", UUID(BUSY), "completed"), limit=10_000)
        (fetched,) = conn.execute(FETCHED).fetchone()

    assert fetched == 0


@pytest.mark.parametrize("limit", [100, 10_000])
@pytest.mark.parametrize("window", [(None, None), (NOON.replace(day=2), NOON.replace(day=5))])
def test_completed_executions_of_a_job_are_counted_as_the_log_has_them(log, api_pool, limit, window):
    log.execute(MAKE_BUSY)
    log.execute("UPDATE execution_log SET status = 'failed' WHERE job_id = %s AND scheduled_at::time < '06:00'", [BUSY])
    since, until = window
    there = log.execute(COMPLETED, {"job_id": BUSY, "since": since, "until": until}).fetchone()["count"]

    with db.transaction(api_pool, "t1") as conn:
        counted = executions.count(conn, Filters("t1", UUID(BUSY), "completed", since, until), limit=limit)

    assert min(there, limit) == counted


@pytest.mark.parametrize("start_date", [None, "2026-03-02"])
@pytest.mark.parametrize("job_id", [None, "00000000-0000-0000-0000-000000000001"])
def test_percentiles_read_no_more_than_their_sample(plan, job_id, start_date):
    window = {"since": NOON.replace(day=2), "start_date": start_date, "end_date": start_date and date.today()}

    found = plan("executions.percentiles", tenant_id="t1", job_id=job_id, **window, limit=100)

    assert read(found) < 200


def test_percentiles_read_no_more_than_their_sample_where_statistics_are_missing(explain, conn):
    conn.execute(DAYS)
    conn.execute(FILL.replace("40 s", "4 s"))  # all on one day, which is enough for the worse plan to seem the better
    window = dict.fromkeys(("since", "start_date", "end_date"))

    found = explain("executions.percentiles", tenant_id="t1", job_id=None, **window, limit=100)

    assert read(found) < 200


HISTORY = """
INSERT INTO job_history (job_id, tenant_id, day, completed)
SELECT j.id, j.tenant_id, current_date - n, 1 FROM jobs AS j CROSS JOIN generate_series(0, 59) AS n
"""


def test_sums_over_all_jobs_read_closed_days_from_their_sums(plan, make, conn, engine_pool):
    [make.job() for _ in range(100)]
    conn.execute(HISTORY)
    while not upkeep.close_day(engine_pool):
        pass
    conn.execute("ANALYZE")
    window = {"start_date": date.today() - timedelta(days=40), "end_date": date.today()}

    found = plan("history.stats", tenant_id="t1", job_id=None, **window)

    assert read(found) <= 100 + 100 + 60  # today's, perhaps yesterday's still, and the sums of the others


def test_page_of_jobs_walks_its_index(plan, conn):
    conn.execute(
        "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds,"
        " max_retries, retry_delay_seconds, priority)"
        " SELECT 't' || n % 4, 'n', 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5"
        " FROM generate_series(1, 5000) AS n"
    )
    conn.execute("ANALYZE jobs")
    filters = dict.fromkeys(("status", "key", "type", "name_like", "tag", "after_at", "after_id"))

    found = plan("jobs.list", tenant_id="t1", **filters, limit=21, offset=0, counted=21)

    assert "jobs_tenant_listed_idx" in {node.get("Index Name") for node in found}
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

    found = plan(
        "jobs.list_upcoming", tenant_id="t1", upcoming_before=before, **filters, limit=21, offset=0, counted=21
    )

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
    filters = dict.fromkeys(("status", "type", "name_like", "tag")) | PLACE | {"limit": 2}

    found = plan(name, tenant_id="t1", key="1001", **(filters if name == "jobs.list" else {}))

    assert "jobs_key_idx" in {node.get("Index Name") for node in found}
    assert read(found) == 1


JOBS = """
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries, retry_delay_seconds,
    priority, status, created_at
)
SELECT
    't' || n % 2, 'n', 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5,
    CASE WHEN n % 1000 = 1 THEN 'paused' WHEN n % 1000 = 3 THEN 'deleted' ELSE 'active' END, now() + n * interval '1 s'
FROM generate_series(1, 10000) AS n
"""


@pytest.mark.parametrize("name", ["jobs.list", "jobs.count"])
@pytest.mark.parametrize("status", ["paused", "deleted", "completed"])
def test_the_few_jobs_of_a_status_are_found_beside_many_active_ones(plan, conn, name, status):
    conn.execute(JOBS)
    conn.execute("ANALYZE jobs")
    filters = dict.fromkeys(("key", "type", "name_like", "tag")) | {"status": status, "limit": 21}
    place = PLACE if name == "jobs.list" else {}

    found = plan(name, tenant_id="t1", **filters, **place)

    assert "jobs_tenant_inactive_idx" in {node.get("Index Name") for node in found}
    assert read(found) <= 10


NAMED = """
INSERT INTO jobs (
    tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, max_retries, retry_delay_seconds,
    priority, status
)
SELECT
    CASE WHEN n % 3 = 0 THEN 't2' ELSE 't1' END, 'job ' || n, 'interval', '60', 'UTC', 'http://x/', 'GET', 1, 0, 0, 5,
    CASE WHEN n % 2 = 0 THEN 'deleted' ELSE 'active' END
FROM generate_series(1, 9000) AS n
"""
LISTED = 3000  # of t1


@pytest.mark.parametrize("name", ["jobs.list", "jobs.count"])
@pytest.mark.parametrize("filters", [{"name_like": "%job 77%"}, {"type": "cron"}, {"tag": "nightly"}])
def test_a_rare_job_is_sought_among_those_that_a_tenant_has_listed(plan, conn, name, filters):
    conn.execute(NAMED)
    conn.execute("ANALYZE jobs")
    every = dict.fromkeys(("status", "key", "type", "name_like", "tag")) | filters | {"limit": 101}
    place = PLACE if name == "jobs.list" else {}

    found = plan(name, tenant_id="t1", **every, **place)

    assert read(found) <= LISTED


@pytest.mark.parametrize(("name", "place"), [("jobs.list", PLACE), ("jobs.count", {})])
def test_jobs_of_a_type_are_found_without_reading_the_others(plan, conn, name, place):
    conn.execute(NAMED)
    conn.execute("VACUUM (ANALYZE) jobs")
    filters = dict.fromkeys(("status", "key", "name_like", "tag")) | {"type": "cron"}

    found = plan(name, tenant_id="t1", **filters, **place, limit=101)

    assert scans(found) == ["Index Only Scan"]


def test_jobs_are_counted_by_the_indexes_that_tell_their_status(plan, conn):
    conn.execute(NAMED)
    conn.execute("VACUUM (ANALYZE) jobs")

    found = plan("jobs.counts", tenant_id="t1")

    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    assert indexes == {"jobs_tenant_listed_idx", "jobs_tenant_inactive_idx"}
    assert {"Index Only Scan"} == set(scans(found))
    assert read(found) == 2 * LISTED  # those that are listed, and as many that are not active
    assert not [node["Filter"] for node in found if "Filter" in node and "status" in node["Filter"]]


AUDIT = """
INSERT INTO audit_log (tenant_id, actor, action, at)
SELECT
    't1', CASE WHEN n % 1000 = 0 THEN 'role:rare' ELSE 'api' END,
    CASE WHEN n % 1000 = 1 THEN 'job.delete' ELSE 'job.update' END, now() - n * interval '1 s'
FROM generate_series(1, 10000) AS n
"""


@pytest.mark.parametrize("name", ["audit.list", "audit.count"])
@pytest.mark.parametrize("filters", [{"action": "job.delete"}, {"actor": "role:rare"}, {"action": "key.create"}])
def test_rare_entries_of_the_audit_log_are_found_beside_many(plan, conn, name, filters):
    conn.execute(AUDIT)
    conn.execute("ANALYZE audit_log")
    every = dict.fromkeys(("job_id", "entity_id", "action", "actor", "start_time", "end_time")) | {"limit": 21}
    place = dict.fromkeys(("after_at", "after_id")) | {"offset": 0} if name == "audit.list" else {}

    found = plan(name, tenant_id="t1", **every | filters, **place)

    assert read(found) <= 10


INCIDENTS = """
INSERT INTO job_incidents (job_id, tenant_id, kind, failures, opened_at, closed_at, outcome, opened_execution_id)
SELECT
    j.id, 't1', CASE WHEN n % 1000 = 0 THEN 'silent' ELSE 'failing' END, 1, now() - n * interval '1 s', now(),
    'recovered', gen_random_uuid()
FROM generate_series(1, 10000) AS n CROSS JOIN jobs AS j
"""


@pytest.mark.parametrize("name", ["alerts.incidents", "alerts.count_incidents"])
@pytest.mark.parametrize("kind", ["silent", "late"])
def test_rare_incidents_are_found_beside_many(plan, conn, make, name, kind):
    make.job()
    conn.execute(INCIDENTS)
    conn.execute("ANALYZE job_incidents")
    filters = {"job_id": None, "kind": kind, "open": None, "limit": 21}
    place = dict.fromkeys(("after_at", "after_id")) | {"offset": 0} if name == "alerts.incidents" else {}

    found = plan(name, tenant_id="t1", **filters, **place)

    assert read(found) <= 10


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

    assert "execution_queue_of_waiting_idx" in {node.get("Index Name") for node in found}


def test_live_counts_stop_at_their_limit(plan, conn):
    conn.execute(QUEUE)
    conn.execute("ANALYZE execution_queue")

    found = plan("executions.live_counts", tenant_id="t1", job_id=None, limit=100)

    assert "execution_queue_of_waiting_idx" in {node.get("Index Name") for node in found}
    assert read(found) <= 105


@pytest.mark.parametrize("status", [None, "completed", "failed", "pending"])
@pytest.mark.parametrize("job_id", [None, UUID(BUSY)])
@pytest.mark.parametrize("hours", [1, 30, 24 * 400])
def test_what_is_recent_is_looked_at_first_and_the_rest_where_it_does_not_do(
    monkeypatch, log, api_pool, hours, job_id, status
):
    """The same rows, counts and percentiles come of however short a look back."""
    ends = [NOON + timedelta(days=days) for days in (-1, 3, 300)]
    everything = [
        Filters("t1", job_id, status, start, end) for end in ends for start in (None, end - timedelta(days=2))
    ]
    log.execute(MAKE_BUSY)
    log.execute("UPDATE execution_log SET status = 'failed' WHERE tenant_id = 't1' AND scheduled_at::time < '06:00'")

    def found_of(conn, filters):
        day = filters.end_time.date()
        return (
            [row.id for row in executions.page(conn, filters, after=None, offset=0, limit=40)],
            [row.id for row in executions.page(conn, filters, after=None, offset=150, limit=40)],
            [row.id for row in executions.page(conn, filters, after=_after(conn, filters), offset=0, limit=700)],
            executions.count(conn, filters, limit=3000),
            executions.percentiles(conn, tenant_id="t1", job_id=job_id, end_date=day, limit=900),
        )

    def found():
        with db.transaction(api_pool, "t1") as conn:
            return [found_of(conn, filters) for filters in everything]

    expected = found_without_a_look_back(monkeypatch, found)
    monkeypatch.setattr(executions, "RECENT", timedelta(hours=hours))
    monkeypatch.setattr(executions, "FAR", 5 * timedelta(hours=hours))

    assert found() == expected
    assert status == "pending" or expected[2][3] > 0


def found_without_a_look_back(monkeypatch, found):
    with monkeypatch.context() as patched:
        patched.setattr(executions, "_looking_back", lambda find, _size, _enough, filters, **_: find(filters))
        return found()


def _after(conn, filters):
    row = executions.page(conn, filters, after=None, offset=0, limit=100)
    return Placed(row[-1].id, row[-1].scheduled_at) if row else None


def test_percentiles_of_a_few_days_are_asked_for_once(monkeypatch, log, api_pool):
    asked = []
    found = executions._percentiles
    monkeypatch.setattr(executions, "_percentiles", lambda *args, **given: asked.append(given) or found(*args, **given))
    days = {"start_date": date(2026, 3, 4), "end_date": date(2026, 3, 5)}

    with db.transaction(api_pool, "t1") as conn:
        shown = executions.percentiles(conn, tenant_id="t1", job_id=None, **days, limit=5000)

    assert (len(asked), shown.sampled > 0) == (1, True)


def test_an_end_that_lies_ahead_does_not_lengthen_the_look_back(monkeypatch, log, api_pool):
    asked = []
    monkeypatch.setattr(executions, "_page", lambda _conn, **given: asked.append(given["start_time"]) or [1] * 5)

    with db.transaction(api_pool, "t1") as conn:
        executions.page(conn, Filters("t1", end_time=NOON.replace(year=2099)), after=None, offset=0, limit=5)

    (since,) = asked
    assert datetime.now(UTC) - since < executions.RECENT + timedelta(minutes=1)
