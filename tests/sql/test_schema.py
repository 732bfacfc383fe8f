"""What the schema refuses, hides and explains, and how statements and callers fit together."""

import importlib
import pkgutil
import re
from collections import Counter
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql as composing
from psycopg.types.json import Jsonb

import service
from service import db, sql
from tests.factories import NOON

TENANT_TABLES = ["jobs", "job_totals", "job_history", "execution_queue", "execution_log"]

BAD_JOBS = {
    "jobs_tenant_id_pattern": {"tenant_id": "a b"},
    "jobs_name_length": {"name": ""},
    "jobs_description_length": {"description": "x" * 10001},
    "jobs_type_known": {"type": "hourly"},
    "jobs_schedule_length": {"schedule": ""},
    "jobs_timezone_length": {"timezone": "x" * 65},
    "jobs_endpoint_http": {"endpoint": "ftp://h/"},
    "jobs_method_known": {"method": "BREW"},
    "jobs_headers_object": {"headers": Jsonb([])},
    "jobs_timeout_in_range": {"timeout_seconds": 0},
    "jobs_max_retries_in_range": {"max_retries": 101},
    "jobs_retry_delay_in_range": {"retry_delay_seconds": -1},
    "jobs_priority_in_range": {"priority": 11},
    "jobs_tags_count": {"tags": ["x"] * 51},
    "jobs_metadata_object": {"metadata": Jsonb(1)},
    "jobs_status_known": {"status": "asleep"},
    "jobs_next_run_only_when_active": {"status": "paused", "next_run_at": NOON},
}
BAD_EXECUTIONS = {
    "execution_queue_status_known": {"status": "completed"},
    "execution_queue_origin_known": {"origin": "accident"},
    "execution_queue_worker_iff_running": {"worker_id": uuid4()},
    "execution_queue_retrying_has_time": {"status": "retrying"},
    "execution_queue_attempt_counted": {"attempt": -1},
    "execution_queue_priority_in_range": {"priority": 0},
}
BAD_LOG_ROWS = {
    "execution_log_status_known": {"status": "running"},
    "execution_log_error_length": {"error": "x" * 1001},
    "execution_log_response_body_length": {"response_body": "x" * 262145},
    "execution_log_skips_counted": {"status": "skipped"},
}
LOGGED = {"attempt": 1, "status": "completed", "origin": "schedule", "scheduled_at": NOON, "created_at": NOON}


@pytest.fixture
def tenants(make, conn):
    """A job, and a row of every tenant table, of each of t1 and t2; their jobs by tenant."""
    jobs = {tenant: make.job(tenant_id=tenant) for tenant in ("t1", "t2")}
    for tenant, job in jobs.items():
        ids = {"job_id": job["id"], "tenant_id": tenant}
        insert(conn, "job_totals", **ids)
        insert(conn, "job_history", **ids, day=NOON.date())
        insert(conn, "execution_log", **ids, **LOGGED, id=uuid4(), priority=5)
        make.execution(job)
    return jobs


@pytest.fixture
def api(config):
    with db.connect(config, "api") as session:
        yield session


def insert(conn, table, **values):
    statement = composing.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        composing.Identifier(table),
        composing.SQL(", ").join(map(composing.Identifier, values)),
        composing.SQL(", ").join(map(composing.Placeholder, values)),
    )
    conn.execute(statement, values)


def seen(session, table):
    query = composing.SQL("SELECT tenant_id FROM {}").format(composing.Identifier(table))
    return [row[0] for row in session.execute(query)]


@pytest.mark.parametrize("rule", BAD_JOBS)
def test_a_bad_job_is_refused_by_its_rule(make, rule):
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        make.job(**BAD_JOBS[rule])

    assert caught.value.diag.constraint_name == rule


@pytest.mark.parametrize("rule", BAD_EXECUTIONS)
def test_a_bad_execution_is_refused_by_its_rule(make, rule):
    job = make.job()

    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        make.execution(job, **BAD_EXECUTIONS[rule])

    assert caught.value.diag.constraint_name == rule


@pytest.mark.parametrize("rule", BAD_LOG_ROWS)
def test_a_bad_log_row_is_refused_by_its_rule(make, conn, rule):
    row = LOGGED | {"id": uuid4(), "job_id": uuid4(), "tenant_id": "t1", "priority": 5} | BAD_LOG_ROWS[rule]

    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        insert(conn, "execution_log", **row)

    assert caught.value.diag.constraint_name == rule


@pytest.mark.parametrize(("column", "value"), [("slots", 0), ("heartbeat_seconds", 0.0)])
def test_a_worker_that_cannot_work_is_refused(make, column, value):
    with pytest.raises(psycopg.errors.CheckViolation):
        make.worker(**{column: value})


def test_a_running_execution_needs_an_attempt(make):
    with pytest.raises(psycopg.errors.CheckViolation, match="execution_queue_attempt_counted"):
        make.running(make.worker(), attempt=0)


@pytest.mark.parametrize("table", [*TENANT_TABLES, "executions"])
def test_the_api_sees_nothing_without_a_tenant(tenants, api, table):
    assert seen(api, table) == []


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_api_sees_its_tenants_rows_only(tenants, api, table):
    with api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)
        inside = seen(api, table)
    after = seen(api, table)

    assert (inside, after) == (["t1"], [])


@pytest.mark.parametrize("table", ["jobs", "job_totals", "job_history", "execution_queue"])
def test_the_api_changes_its_tenants_rows_only(tenants, api, table):
    statement = composing.SQL("UPDATE {} SET tenant_id = tenant_id").format(composing.Identifier(table))
    with api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)

        assert api.execute(statement).rowcount == 1


def test_the_api_deletes_its_tenants_rows_only(tenants, api, make):
    with api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)
        api.execute("DELETE FROM execution_queue")

    assert [row["tenant_id"] for row in make.rows("SELECT tenant_id FROM execution_queue")] == ["t2"]


def test_the_api_cannot_give_a_row_to_another_tenant(tenants, api):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)
        api.execute("UPDATE jobs SET tenant_id = 't2'")


@pytest.mark.parametrize("table", ["job_totals", "job_history", "execution_queue", "execution_log"])
def test_the_api_cannot_insert_for_another_tenant(make, api, table):
    row = {"job_id": make.job(tenant_id="t2")["id"], "tenant_id": "t2"} | {
        "job_totals": {},
        "job_history": {"day": NOON.date()},
        "execution_queue": {"id": uuid4(), "scheduled_at": NOON, "priority": 5},
        "execution_log": {**LOGGED, "id": uuid4(), "priority": 5},
    }[table]

    with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)
        insert(api, table, **row)


def test_the_api_cannot_insert_a_job_for_another_tenant(api):
    columns = ["name", "type", "schedule", "timezone", "endpoint", "method"]
    numbers = ["timeout_seconds", "max_retries", "retry_delay_seconds", "priority"]
    row = dict.fromkeys(columns, "cron") | {"endpoint": "http://h/", "method": "GET"} | dict.fromkeys(numbers, 1)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)
        insert(api, "jobs", **row, tenant_id="t2")


@pytest.mark.parametrize(
    "statement", ["SELECT FROM execution_log_default", "DELETE FROM execution_log", "DELETE FROM jobs"]
)
def test_the_api_cannot_go_round_the_rules(api, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement)


def test_every_index_says_which_statements_it_serves(make):
    indexes = make.rows(
        "SELECT c.relname AS name, i.indisprimary AS is_key, obj_description(c.oid, 'pg_class') AS comment"
        " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND NOT t.relispartition AND t.relname <> 'schema_migrations'"
    )
    named = {row["name"]: set(re.findall(r"\b[a-z]+\.[a-z_]+\b", row["comment"] or "")) for row in indexes}

    assert [row["name"] for row in indexes if not row["is_key"] and not named[row["name"]]] == []
    assert set().union(*named.values()) - set(sql.STATEMENTS) == set()


def test_every_statement_is_bound_once():
    names = [item.name for item in pkgutil.walk_packages(service.__path__, "service.") if "__main__" not in item.name]
    [importlib.import_module(name) for name in names]

    bound = Counter(sql.BOUND)
    assert sorted(set(sql.STATEMENTS) - set(bound)) == []
    assert [name for name, times in bound.items() if times > 1] == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"missing \['limit', 'now'\], surplus \[\]"),
        ({"limit": 1, "now": None, "extra": 1}, r"missing \[\], surplus \['extra'\]"),
    ],
)
def test_a_call_with_other_arguments_than_the_statement_names_is_refused(given, message):
    with pytest.raises(TypeError, match=message):
        sql.STATEMENTS["tick.due_jobs"].check(given)


def test_a_statement_cannot_be_bound_as_what_it_is_not():
    with pytest.raises(ValueError, match="is :many, bound as"):
        sql.value("work.claim")


@pytest.mark.parametrize(
    "text",
    ["-- name: a :one\nSELECT 1;\n-- name: a :one\nSELECT 2;\n", "-- name: a :some\nSELECT 1;\n"],
    ids=["defined twice", "unknown cardinality"],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, text):
    (tmp_path / "f.sql").write_text(text)

    with pytest.raises(ValueError, match=r"f\.a: defined twice, or of unknown cardinality"):
        sql._read(tmp_path)
