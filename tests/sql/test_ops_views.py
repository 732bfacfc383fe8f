"""What whoever is on call sees in the schemas ops and report, and who may see it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql as composing


def now():
    return datetime.now(UTC)


@pytest.fixture
def views(make):
    rows = make.rows("SELECT schemaname AS s, viewname AS v FROM pg_views WHERE schemaname IN ('ops', 'report')")
    return [(row["s"], row["v"]) for row in rows]


def read(conn, view):
    return conn.execute(composing.SQL("SELECT * FROM {}").format(composing.Identifier(*view))).fetchall()


@pytest.mark.parametrize("role", ["scheduler_ops", "scheduler_report"])
def test_either_role_reads_every_view_over_all_tenants(make, conn, views, role):
    make.execution(make.job(tenant_id="t2"))
    conn.execute(composing.SQL("SET ROLE {}").format(composing.Identifier(role)))

    assert len([read(conn, view) for view in views]) == 17
    assert [row["tenant_id"] for row in read(conn, ("ops", "tenants"))] == ["t2"]


@pytest.mark.parametrize("role", ["scheduler_ops", "scheduler_report"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM jobs",
        "SELECT FROM execution_log",
        "SELECT FROM api_keys",
        "DELETE FROM ops.migrations",
    ],
)
def test_neither_role_goes_past_the_views(conn, role, statement):
    conn.execute(composing.SQL("SET ROLE {}").format(composing.Identifier(role)))

    with pytest.raises(psycopg.Error):
        conn.execute(statement)


@pytest.mark.parametrize("role", ["scheduler_api", "scheduler_engine"])
def test_the_services_own_roles_do_not_see_over_tenants(conn, role):
    conn.execute(composing.SQL("SET ROLE {}").format(composing.Identifier(role)))

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT FROM ops.tenants")


def test_overview_counts_what_is_due_and_what_failed(make):
    make.worker()
    job = make.job(next_run_at=now() - timedelta(minutes=1))
    make.logged(job, "failed")
    make.logged(job, "failed", origin="alert")

    row = make.row("SELECT * FROM ops.overview")

    assert (row["jobs"], row["due"], row["failures_last_hour"], row["workers"]) == (1, 1, 1, 1)
    assert row["ticker"] == "behind"
    assert row["tick_lag_seconds"] >= 60


def test_a_call_of_a_lost_worker_is_stuck(make):
    lost = make.running(uuid4())
    make.running(make.worker())

    found = make.rows("SELECT execution_id, reason FROM ops.stuck")

    assert found == [{"execution_id": lost["id"], "reason": "its worker is gone"}]


def test_running_names_host_and_process_oldest_first(make):
    worker = make.worker(host="h9", pid=77)
    newer, older = make.running(worker), make.running(worker, claimed_at=now() - timedelta(seconds=9))

    found = make.rows("SELECT execution_id, host, pid FROM ops.running")

    assert found == [{"execution_id": row["id"], "host": "h9", "pid": 77} for row in (older, newer)]


def test_the_tenant_that_floods_comes_first(make):
    quiet, loud = make.job(tenant_id="quiet"), make.job(tenant_id="loud")
    [make.execution(job) for job in (quiet, loud, loud, loud)]

    found = make.rows("SELECT tenant_id, backlog, backlog_percent::int FROM ops.tenants")

    assert [tuple(row.values()) for row in found] == [("loud", 3, 75), ("quiet", 1, 25)]


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://example.org/a?b=c", "example.org:443"),
        ("http://EXAMPLE.org", "example.org:80"),
        ("http://u:p@h:81/x", "h:81"),
        ("http://h?x=1", "h:80"),
    ],
)
def test_endpoints_tell_what_fails_by_host(make, endpoint, host):
    make.logged(make.job(endpoint=endpoint), response_status=503)

    row = make.row("SELECT * FROM ops.endpoints")

    assert (row["host"], row["calls"], row["failures"], row["last_error"]) == (host, 1, 1, "503")


def test_an_open_breaker_shows_beside_its_endpoint(make, conn):
    make.logged(make.job(endpoint="http://h:81/x"))
    conn.execute("INSERT INTO endpoint_breakers VALUES (now(), now(), NULL, 0, 5, 't1', 'h:81')")

    assert [row["breaker"] for row in make.rows("SELECT * FROM ops.endpoints")] == ["open"]


def test_skipped_says_why_a_run_did_not_happen(make):
    job = make.job()
    make.logged(job, "skipped", error_code="overlap", skipped_count=2)

    row = make.row("SELECT * FROM ops.skipped")

    assert (row["job_id"], row["reason"], row["skipped_count"]) == (job["id"], "overlap", 2)


def test_error_groups_put_the_most_frequent_first(make):
    job = make.job()
    [make.logged(job, error_code="http_status", response_status=status) for status in (500, 503, 503)]

    found = make.rows("SELECT response_status, failures FROM report.error_groups")

    assert [tuple(row.values()) for row in found] == [(503, 2), (500, 1)]


def test_a_job_of_which_only_a_retried_execution_was_cancelled_has_no_share_of_failures(make, conn):
    job = make.job()
    conn.execute(
        "INSERT INTO job_history (job_id, day, tenant_id, cancelled, attempts)"
        " VALUES (%s, now() AT TIME ZONE 'UTC', 't1', 1, 3)",
        [job["id"]],
    )

    row = make.row("SELECT * FROM report.flakiest")

    assert (row["job_id"], row["failure_percent"], row["failures"]) == (job["id"], None, 0)


def test_the_hour_that_is_counted_is_a_range_of_the_primary_key(conn):
    conn.execute("SET enable_seqscan = off")

    plan = "\n".join(row["QUERY PLAN"] for row in conn.execute("EXPLAIN SELECT count(*) FROM ops.last_hour"))

    assert "Index Cond: ((id >=" in plan
    assert "Seq Scan" not in plan


def test_every_line_that_readme_has_for_those_on_call_runs(make, conn):
    make.logged(make.job(), error_code="timeout")
    section = Path("README.md").read_text().split("### On call")[1].split("\n## ")[0]
    statements = [part for block in re.findall(r"```sql\n(.*?)```", section, re.DOTALL) for part in block.split(";\n")]
    lines = [part for block in statements for part in re.split(r"(?<=;) +--.*\n", block) if part.strip()]

    assert len([conn.execute(line) for line in lines]) == 15
