"""What whoever is on call does in psql, as the role scheduler_ops, and what the audit says of it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest


def audited(conn):
    conn.execute("RESET ROLE")
    return [(row["action"], row["actor"]) for row in conn.execute("SELECT action, actor FROM audit_log ORDER BY at")]


def test_trigger_runs_a_job_now(make, conn):
    job = make.job()
    conn.execute("SET ROLE scheduler_ops")

    made = conn.execute("SELECT ops.trigger(%s) AS id", [job["id"]]).fetchone()["id"]

    assert audited(conn)[-1] == ("job.trigger", f"role:{conn.info.user}")
    row = make.row("SELECT id, status, origin, rank FROM execution_queue")
    assert (row["id"], row["status"], row["origin"], row["rank"]) == (made, "pending", "manual", 1)


def test_a_deleted_job_is_not_triggered(make, conn):
    job = make.job(status="deleted")
    conn.execute("SET ROLE scheduler_ops")

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="The job is deleted"):
        conn.execute("SELECT ops.trigger(%s)", [job["id"]])


def test_rerun_runs_a_failure_again(make, conn):
    failed = make.logged()
    conn.execute("SET ROLE scheduler_ops")

    made = conn.execute("SELECT ops.rerun(%s) AS id", [failed["id"]]).fetchone()["id"]

    assert audited(conn)[-1] == ("execution.rerun", f"role:{conn.info.user}")
    assert make.row("SELECT id, rerun_of FROM execution_queue") == {"id": made, "rerun_of": failed["id"]}


def test_rerun_failed_takes_a_jobs_failures_once(make, conn):
    job = make.job()
    failed = [make.logged(job, status) for status in ("failed", "timeout")]
    make.logged(job, "completed"), make.logged()
    conn.execute("SET ROLE scheduler_ops")
    ask = "SELECT id, rerun_id FROM ops.rerun_failed(%s, %s)"

    first, second = (conn.execute(ask, [job["id"], datetime.now(UTC) - timedelta(hours=1)]).fetchall() for _ in "12")

    assert {row["id"] for row in first if row["rerun_id"]} == {row["id"] for row in failed}
    assert [row["rerun_id"] for row in second] == [None, None]


@pytest.mark.parametrize("role", ["scheduler_report", "scheduler_api", "scheduler_engine"])
def test_no_other_role_may(make, conn, role):
    acts = make.rows(
        "SELECT oid FROM pg_proc WHERE pronamespace = 'ops'::regnamespace AND prosecdef AND provolatile = 'v'"
    )
    conn.execute(f"SET ROLE {role}")

    allowed = conn.execute(
        "SELECT oid FROM pg_proc WHERE oid = ANY(%s) AND has_function_privilege(oid, 'EXECUTE')",
        [[row["oid"] for row in acts]],
    )

    assert (len(acts), allowed.fetchall()) == (8, [])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT ops.trigger(%s)", [uuid4()])


def test_every_act_shows_how_to_call_it(make):
    acts = make.rows(
        "SELECT proname AS name, obj_description(oid) AS comment FROM pg_proc "
        "WHERE pronamespace = 'ops'::regnamespace AND prosecdef AND provolatile = 'v'"
    )

    assert [row["name"] for row in acts if f"ops.{row['name']}(" not in row["comment"].split(" -- ")[0]] == []


@pytest.fixture
def alice(conn):
    """A session of a person's own login role, which was granted scheduler_ops."""
    conn.execute("CREATE ROLE alice LOGIN IN ROLE scheduler_ops")
    where = {"host": conn.info.host, "port": conn.info.port, "dbname": conn.info.dbname}
    with psycopg.connect(**where, user="alice", autocommit=True) as session:
        yield session
    conn.execute("DROP ROLE alice")


def test_the_audit_names_the_person_who_acted(make, conn, alice):
    job = make.job()

    alice.execute("SELECT ops.pause(%s)", [job["id"]])
    alice.execute("SELECT ops.trigger(%s)", [job["id"]])

    assert audited(conn)[-2:] == [("job.pause", "role:alice"), ("job.trigger", "role:alice")]


@pytest.mark.parametrize(
    "around",
    [
        "SELECT pause_jobs(ARRAY[gen_random_uuid()])",
        "SELECT cancel_executions('{}')",
        "SELECT ops.jobs_meant(NULL, 't1', 'active', NULL)",
        "UPDATE jobs SET status = 'paused'",
        "UPDATE workers SET drain_requested_at = now()",
    ],
)
def test_who_may_act_may_not_go_round_the_acts(alice, around):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        alice.execute(around)
