"""Row-level security stands by itself: without their tenant conditions the API's statements find the same rows."""

import re
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from service import sql
from tests.factories import NOON, execution_id_at

CONDITION = re.compile(rb"(?:\w+\.)?tenant_id = %\(tenant_id\)s")
API_FILES = ("alerts", "audit", "executions", "history", "idempotency", "jobs", "occurrences", "signing", "tick")

# Statements of those files that do not run for a request, and why they need no tenant.
OTHERS = {
    "alerts.any": "the engine's", "alerts.judge": "the engine's", "alerts.take_in": "the engine's",
    "executions.whole_since": "reads the catalogue",
    "jobs.now": "reads the clock", "tick.due_jobs": "the engine's", "tick.next_due": "the engine's",
    "tick.notify_jobs": "reads no table", "tick.notify_work": "reads no table",
    "tick.promote_retries": "the engine's",
}  # fmt: skip

# Statements that write a tenant's rows, or call what does: for another tenant they are refused.
WRITES = (
    "audit.record", "idempotency.store", "jobs.create",
    "signing.rotate",
)  # fmt: skip
NO_ROWS = ("idempotency.try_lock",)  # takes an advisory lock

# Statements that run as the owner and look themselves whose job it is.
NOTHING_OF = {"executions.count_of_job": [(0,)], "executions.seek_of_job": []}
AS_OWNER_OF_A_JOB = tuple(NOTHING_OF)

# Functions that tell whether they know what they are to act on, and what of the other tenant it is.
ACTS = {
    "executions.cancel": "live", "executions.rerun": "done", "jobs.pause": "job", "jobs.resume": "idle",
    "jobs.trigger": "job",
}  # fmt: skip

NO_SUCH = {"executions": "There is no such execution.", "jobs": "There is no such job."}

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LISTS = ("jobs.list", "jobs.count", "jobs.list_upcoming", "jobs.count_upcoming")
OPTIONAL = (
    "status", "start_time", "end_time", "after_at", "after_id", "kind", "open", "actor", "action", "entity_id",
    "error_code", "type", "tag", "name_like", "start_date", "end_date", "after_date", "job_id", "ids", "before",
    "after", "body", "etag", "description", "start_at", "end_at", "max_runs", "start_deadline", "payload", "sealed",
    "retry_max_delay", "retry_on", "alert", "next_run_at", "next_instant_at",
)  # fmt: skip
GIVEN = {
    "tenant_id": "a", "limit": 100, "offset": 0, "counted": 100, "key": "k", "statuses": ["failed", "active"],
    "at": NOON + DAY,
    "ats": [NOON - HOUR], "dry_run": False, "since": NOON - DAY, "upcoming_before": NOON + DAY, "again": True,
    "now": NOON, "next_run_ats": [None, None], "next_instant_ats": [None, None], "runs": [1, 1],
    "run_ats": [NOON, NOON], "run_waits": [False, False], "firsts": [NOON, NOON + DAY], "lasts": [NOON, NOON + DAY],
    "counts": [1, 1], "reasons": ["paused", "paused"], "priority": 5, "request": "POST /", "fingerprint": b"",
    "overlap_seconds": 1, "sealed": "plain:1", "action": "job.trigger",
}  # fmt: skip
DEFINITION = {
    "name": "n", "type": "interval", "schedule": "60", "timezone": "UTC", "jitter": 0, "misfire_policy": "skip",
    "misfire_limit": 1, "overlap_policy": "allow", "endpoint": "http://h", "method": "POST", "headers": Jsonb({}),
    "secrets": None, "timeout": 1, "max_retries": 0, "retry_delay": 0, "retry_backoff": "fixed", "tags": [],
    "metadata": Jsonb({}), "anchor_at": NOON, "status": "active", "runs": 0, "sealed": None,
}  # fmt: skip


@pytest.fixture
def tenants(conn, make):
    """The same for two tenants: a job with all that hangs on it. Gives what parameters name the second one's."""
    return [_fill(conn, make, tenant) for tenant in ("a", "b")][1]


def _fill(conn, make, tenant):
    job = make.job(tenant_id=tenant, key="k", next_run_at=NOON, anchor_at=NOON, next_instant_at=NOON)
    idle, over = make.job(tenant_id=tenant, status="paused"), make.job(tenant_id=tenant)
    ids = {"tenant_id": tenant, "job_id": job["id"]}
    live = make.execution(job, scheduled_at=NOON, status="held", held_for="overlap")
    conn.execute("UPDATE execution_queue SET held_for = NULL WHERE id = %s", [live["id"]])
    make.execution(job, scheduled_at=NOON + HOUR)
    conn.execute(
        "INSERT INTO job_versions (job_id, version, tenant_id, anchor_at, jitter_seconds, type, schedule, timezone, "
        "endpoint, method, headers) VALUES (%(job_id)s, 1, %(tenant_id)s, '2026-03-10', 0, 'interval', '60', 'UTC', "
        "'http://h', 'POST', '{}')",
        ids,
    )
    done = _logged(conn, execution_id_at(NOON), **ids)
    conn.execute("INSERT INTO job_totals (job_id, tenant_id, failed) VALUES (%(job_id)s, %(tenant_id)s, 1)", ids)
    conn.execute(
        "INSERT INTO job_history (job_id, tenant_id, day, failed) VALUES (%(job_id)s, %(tenant_id)s, '2026-03-10', 1)",
        ids,
    )
    conn.execute("INSERT INTO closed_days VALUES ('2026-03-09') ON CONFLICT DO NOTHING")
    conn.execute("INSERT INTO tenant_history VALUES (%(tenant_id)s, '2026-03-09', 0, 1, 0, 0, 0, 1, 0, 0, 0, 0)", ids)
    conn.execute(
        "INSERT INTO job_incidents (job_id, tenant_id, kind, failures, opened_execution_id) "
        "VALUES (%(job_id)s, %(tenant_id)s, 'failing', 1, gen_random_uuid())",
        ids,
    )
    conn.execute("INSERT INTO signing_secrets (tenant_id, sealed) VALUES (%(tenant_id)s, 'plain:1')", ids)
    conn.execute(
        "INSERT INTO idempotency_keys (tenant_id, key, request, fingerprint, status) "
        "VALUES (%(tenant_id)s, 'k', 'POST /', '', 201)", ids,
    )  # fmt: skip
    return {"job": job["id"], "idle": idle["id"], "over": over["id"], "live": live["id"], "done": done}


def _logged(conn, id, job_id, tenant_id):
    conn.execute(
        "INSERT INTO execution_log (id, job_id, tenant_id, scheduled_at, created_at, started_at, attempt, priority, "
        "status, origin, job_version) VALUES (%s, %s, %s, %s, %s, %s, 1, 5, 'failed', 'schedule', 1)",
        [id, job_id, tenant_id, NOON, NOON, NOON],
    )
    return id


def _parameters(name, names, theirs):
    """Values that let a statement find the other tenant's rows, and every row where it has filters."""
    file, jobs = name.split(".")[0], [theirs["job"], theirs["idle"]]
    own = {"id": theirs["job"], "job_ids": jobs, "run_job_ids": jobs}
    if file == "executions":
        own = {"id": theirs["done"], "ids": [theirs["live"]]}
    if file == "history":
        own = {"start_date": NOON - DAY, "end_date": NOON + DAY}
    if file == "occurrences":
        own |= {"start_at": NOON - DAY, "end_at": NOON + 9999 * DAY}
    if name in ("jobs.create", "jobs.update"):
        own |= DEFINITION
    own |= OWN.get(name, lambda _: {})(theirs)
    return {parameter: _value(parameter, own) for parameter in names}


def _value(parameter, own):
    if parameter in own:
        return own[parameter]
    assert parameter in OPTIONAL or parameter in GIVEN, f"say in this test what to give for {parameter}"
    return GIVEN.get(parameter)


OWN = (
    dict.fromkeys(LISTS, lambda theirs: {"key": None})
    | dict.fromkeys(
        ("jobs.read", "jobs.complete", "jobs.delete"),
        lambda theirs: {"ids": [theirs["job"], theirs["idle"], theirs["over"]]},
    )
    | dict.fromkeys(("jobs.has_live", "jobs.has_run_since"), lambda theirs: {"job_id": theirs["job"]})
    | {
        "jobs.create": lambda theirs: {"id": uuid4(), "key": "new"},
        "jobs.lock_all": lambda theirs: {"ids": [theirs["job"], theirs["idle"]], "statuses": ["active", "paused"]},
        "jobs.matching": lambda theirs: {"statuses": ["active", "paused"]},
        "executions.seek": lambda _: {"place": 5},  # beyond what a tenant has by itself
        "executions.lock_counts": lambda theirs: {"job_ids": [theirs["job"], theirs["idle"]]},
        "audit.list": lambda theirs: {"action": None},
        "audit.count": lambda theirs: {"action": None},
    }
)
CONDITIONED = sorted(n for n, s in sql.STATEMENTS.items() if n.split(".")[0] in API_FILES and CONDITION.search(s.text))
BARE = sorted(
    name
    for name, statement in sql.STATEMENTS.items()
    if name.split(".")[0] in API_FILES
    and not CONDITION.search(statement.text)
    and name not in (*OTHERS, *WRITES, *NO_ROWS, *ACTS, *AS_OWNER_OF_A_JOB)
)


def _result(conn, text, parameters):
    """What a statement gives, without what it did; a refusal of the database is its error's name."""
    try:
        with conn.transaction(force_rollback=True), conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount
    except psycopg.Error as error:
        return type(error).__name__


@pytest.fixture
def as_tenant(api_pool):
    """A session of the API in a transaction of tenant a."""
    with api_pool.connection() as conn, conn.transaction(force_rollback=True):
        conn.execute("SELECT set_config('scheduler.tenant_id', 'a', TRUE)")
        yield conn


@pytest.mark.parametrize("name", CONDITIONED)
def test_a_statement_without_its_condition_finds_the_same_rows(as_tenant, conn, tenants, name):
    statement = sql.STATEMENTS[name]
    stripped = CONDITION.sub(b"TRUE", statement.text)
    parameters = _parameters(name, statement.parameters, tenants)

    found = _result(as_tenant, stripped, parameters)

    assert _result(as_tenant, statement.text, parameters) == found
    assert found != _result(conn, stripped, parameters)  # nothing but the tenant's role keeps it from more


@pytest.mark.parametrize("name", BARE)
def test_a_statement_that_names_no_tenant_does_not_find_anothers_rows(as_tenant, conn, tenants, name):
    statement = sql.STATEMENTS[name]
    nobody = dict.fromkeys(tenants, uuid4())

    found = _result(as_tenant, statement.text, _parameters(name, statement.parameters, tenants))

    assert _result(as_tenant, statement.text, _parameters(name, statement.parameters, nobody)) == found
    assert found != _result(conn, statement.text, _parameters(name, statement.parameters, tenants))


@pytest.mark.parametrize("name", WRITES)
def test_a_row_of_another_tenant_cannot_be_written(as_tenant, conn, tenants, name):
    statement = sql.STATEMENTS[name]
    parameters = _parameters(name, statement.parameters, tenants) | {"tenant_id": "b"}

    assert _result(as_tenant, statement.text, parameters) == "InsufficientPrivilege"
    assert _result(conn, statement.text, parameters) != "InsufficientPrivilege"


@pytest.mark.parametrize("name", ACTS)
def test_what_is_anothers_is_not_known_to_an_act(as_tenant, conn, tenants, name):
    statement, id = sql.STATEMENTS[name], tenants[ACTS[name]]
    parameters = {"tenant_id": "b", "id": id, "ids": [id], "again": True}
    given = {parameter: parameters[parameter] for parameter in statement.parameters}

    (refused,), (done,) = (_result(session, statement.text, given) for session in (as_tenant, conn))

    assert done[-2:] == (True, None)
    assert refused[-2:] == (False, NO_SUCH[name.split(".")[0]])
    assert _result(conn, statement.text, given | {"tenant_id": "a"}) == [refused]  # by its own condition, too


def test_a_session_without_a_tenant_sees_no_rows(api_pool, tenants):
    with api_pool.connection() as conn:
        seen = {table: conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in SEEN}

    assert seen == dict.fromkeys(SEEN, 0)


def test_every_table_of_tenants_is_among_them_and_has_row_level_security(make):
    found = make.rows(
        "SELECT c.relname FROM pg_class AS c INNER JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND c.relnamespace = 'public'::regnamespace"
    )
    secured = make.rows("SELECT relname FROM pg_class WHERE relrowsecurity")

    assert {row["relname"] for row in found} - UNSEEN == set(SEEN)
    assert {row["relname"] for row in found} <= {row["relname"] for row in secured}


SEEN = (
    "audit_log", "execution_log", "execution_queue", "idempotency_keys", "job_history",
    "job_incidents", "job_totals", "job_versions", "jobs", "signing_secrets", "tenant_history",
)  # fmt: skip
UNSEEN = {
    "alert_requests",
    "api_keys",
    "endpoint_breakers",
    "job_alerts",
    "job_counts",
}  # the API's role may not read them at all


def test_what_reaches_past_row_level_security_is_known(make):
    reachable = make.rows(
        "SELECT c.relname AS name FROM pg_class AS c "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace NOT IN "
        "('pg_catalog'::regnamespace, 'information_schema'::regnamespace) "
        "AND NOT c.relrowsecurity AND NOT coalesce('security_invoker=true' = ANY(c.reloptions), FALSE) "
        "AND has_schema_privilege('scheduler_api', c.relnamespace, 'USAGE') "
        "AND has_any_column_privilege('scheduler_api', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
    )
    functions = make.rows(
        "SELECT p.proname AS name FROM pg_proc AS p WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype "
        "AND has_schema_privilege('scheduler_api', p.pronamespace, 'USAGE') "
        "AND has_function_privilege('scheduler_api', p.oid, 'EXECUTE')"
    )

    assert {row["name"] for row in reachable} == WITHOUT_TENANTS
    assert {row["name"] for row in functions} == AS_OWNER


def test_the_apis_role_can_become_no_other_one(make):
    role = make.row("SELECT * FROM pg_roles WHERE rolname = 'scheduler_api'")
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication", "rolcanlogin")

    assert [power for power in powers if role[power]] == []
    assert make.rows("SELECT FROM pg_auth_members WHERE member = %s", role["oid"]) == []
    assert make.rows("SELECT FROM pg_class WHERE relowner = %s", role["oid"]) == []


# What of the database the API may read that no policy guards, since no tenant's data are in it.
WITHOUT_TENANTS = {"closed_days", "log_partitions_thinned", "schema_migrations", "service_state", "workers"}
# Functions that run as the owner: one records for the transaction's tenant alone, one finds the key of a digest,
# two count and place executions of a job of the transaction's tenant.
AS_OWNER = {"count_job_executions", "find_api_key", "record_audit", "seek_job_executions"}
