"""A tenant sees and touches its own rows only: by the statements, and by the database beneath them."""

from uuid import uuid4

import pytest

from service import executions, history, jobs
from service.errors import NotFound
from tests.api.test_executions import finished

ON_A_JOB = [
    ("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"),
    ("POST", "/trigger"), ("GET", "/executions"), ("GET", "/history"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ON_A_JOB)
def test_job_of_another_tenant_is_not_there(api, make, method, path):
    job = make.job()
    body = {"json": {"name": "mine"}} if method in ("PUT", "PATCH") else {}

    error = api.of("t2").refused(404, method, f"/jobs/{job['id']}{path}", **body)

    assert error["code"] == "NOT_FOUND"
    assert job == make.row("SELECT * FROM jobs")
    assert make.rows("SELECT FROM execution_queue") == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel")])
def test_execution_of_another_tenant_is_not_there(api, make, method, path):
    row = make.execution()

    api.of("t2").refused(404, method, f"/executions/{row['id']}{path}")

    assert make.row("SELECT status FROM execution_queue")["status"] == "pending"


@pytest.mark.parametrize("path", ["/jobs", "/executions", "/history"])
def test_lists_leave_out_other_tenants(api, make, path):
    job = make.job()
    finished(make, job)

    of_job = "" if path == "/jobs" else f"?job_id={job['id']}"
    assert (api.of("t2").page(path)[0], api.of("t2").page(path + of_job)[1]["total"]) == ([], 0)
    assert api.page(path)[1]["total"] == 1


def test_stats_leave_out_other_tenants(api, make):
    job = make.job()
    finished(make, job)
    make.execution(job)
    other = api.of("t2")

    assert other.ok("GET", "/jobs/stats")["total"] == 0
    assert other.ok("GET", "/jobs/stats")["executions"]["total"] == 0
    stats = other.ok("GET", f"/executions/stats?job_id={job['id']}")
    assert (stats["live"]["total"], stats["finished"]["total"], stats["percentiles"]["sampled"]) == (0, 0, 0)
    totals = other.ok("GET", f"/history/stats?job_id={job['id']}")
    assert (totals["totals"]["total"], totals["percentiles"]["sampled"]) == (0, 0)


@pytest.fixture
def unset(api_pool):
    """A session of the API in which no tenant has been set."""
    with api_pool.connection() as conn:
        yield conn


def test_database_shows_nothing_while_no_tenant_is_set(make, unset):
    job = make.job()
    row = finished(make, job)
    make.execution(job)
    which = {"tenant_id": "t1", "job_id": job["id"]}

    for look_up, id in ((jobs.get, job["id"]), (executions.get, row["id"])):
        with pytest.raises(NotFound):
            look_up(unset, tenant_id="t1", id=id)
    assert jobs.count(unset, tenant_id="t1", status=None, key=None, type=None, name_like=None, tag=None, limit=9) == 0
    assert executions.count(unset, executions.Filters(**which), limit=9) == 0
    assert executions.count(unset, executions.Filters("t1"), limit=9) == 0
    assert executions.live_counts(unset, **which, limit=10).pending == 0
    assert executions.totals(unset, **which).completed == 0
    assert executions.percentiles(unset, **which, start_date=None, end_date=None, limit=9).sampled == 0
    assert history.count(unset, **which, start_date="2000-01-01", end_date="2100-01-01", limit=9) == 0


@pytest.mark.parametrize(
    "table", ["jobs", "job_totals", "job_history", "execution_queue", "execution_log", "executions"]
)
def test_tables_show_nothing_while_no_tenant_is_set(make, unset, table):
    job = make.job()
    finished(make, job)
    make.execution(job)

    assert unset.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    assert make.row(f"SELECT count(*) FROM {table}")["count"] >= 1


def test_partitions_cannot_be_read_around_the_policy(unset):
    readable = unset.execute(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON i.inhrelid = c.oid"
        " WHERE i.inhparent = 'execution_log'::regclass AND has_table_privilege(c.oid, 'SELECT')"
    ).fetchall()

    assert readable == []


def test_database_refuses_rows_for_another_tenant(api_pool):
    with api_pool.connection() as conn, conn.transaction():
        conn.execute("SELECT set_config('scheduler.tenant_id', 't1', TRUE)")
        with pytest.raises(Exception, match="row-level security"):
            conn.execute(
                "INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority)"
                " VALUES (%s, %s, 't2', now(), 5)",
                [uuid4(), uuid4()],
            )
