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

    assert len([read(conn, view) for view in views]) == 19
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
    job = make.job(name="nightly", tenant_id="acme")
    make.logged(job, error_code="timeout"), make.logged(job, error_code="timeout"), make.worker(host="box-3")
    make.running(make.worker(), job, claimed_at=now() - timedelta(hours=2))
    section = Path("README.md").read_text().split("### On call")[1].split("\n## ")[0]
    statements = [part for block in re.findall(r"```sql\n(.*?)```", section, re.DOTALL) for part in block.split(";\n")]
    lines = [part for block in statements for part in re.split(r"(?<=;) +--.*\n", block) if part.strip()]

    found = [conn.execute(line).fetchall() for line in lines]

    assert len(found) == 23
    assert all(found[14:])  # each act found what it acts on


def why(make, job):
    """What ops.why tells of a job, who changed it left out."""
    return [told for told in everything(make, job) if not told[0].startswith("job.")]


def everything(make, job):
    return [(row["what"], row["why"]) for row in make.rows("SELECT * FROM ops.why(%s)", job["id"])]


NEXT = ("next run", "interval 60")
DUE = {"schedule": "60", "next_run_at": datetime(2099, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("given", "what", "said"),
    [
        ({"status": "paused", "paused_at": datetime(2026, 3, 1, tzinfo=UTC)}, "job is paused", "until it is resumed"),
        ({"status": "deleted"}, "job is deleted", "does not run any more"),
        ({"status": "completed", "max_runs": 3, "runs": 3}, "job is completed", "max_runs is 3"),
        (
            {"status": "completed", "end_at": datetime(2026, 3, 1, tzinfo=UTC)},
            "job is completed",
            "end_at is 2026-03-01",
        ),
        ({"status": "completed", "type": "one_time"}, "job is completed", "its one instant has run"),
        ({}, "no next run", "has yet to end"),
        ({"next_run_at": datetime(2026, 3, 1, tzinfo=UTC)}, "run is overdue", "no tick has dealt with it"),
        (DUE, *NEXT),
        (
            DUE | {"type": "cron", "schedule": "0 9 * * *", "timezone": "Asia/Tokyo"},
            "next run",
            "cron 0 9 * * * Asia/Tokyo",
        ),
    ],
)
def test_why_begins_with_the_state_of_the_job(make, given, what, said):
    ((found, reason),) = why(make, make.job(**given))

    assert (found, said in reason) == (what, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no engine process claims it"),
        ({"status": "held"}, "held while its job is paused"),
        ({"status": "held", "held_for": "overlap"}, "waits until the job's earlier execution has ended"),
        (
            {"status": "retrying", "retry_at": datetime(2099, 1, 1, tzinfo=UTC), "put_off_for": "h:80"},
            "put off: the breaker of h:80 is open; see ops.endpoints; again at 2099-01-01 00:00:00+00",
        ),
        (
            {
                "status": "retrying",
                "retry_at": datetime(2099, 1, 1, tzinfo=UTC),
                "attempt": 2,
                "attempts": '[{"error": "no"}]',
            },
            "attempt 2 failed: no; again at 2099-01-01 00:00:00+00",
        ),
    ],
)
def test_why_tells_what_an_execution_waits_for(make, given, said):
    job = make.job(**DUE)
    make.conn.execute("SET timezone = 'UTC'")
    make.execution(job, **given)

    (_, (what, reason)) = why(make, job)

    assert (what, reason.startswith(said)) == (given.get("status", "pending"), True)


def test_why_names_the_process_that_calls(make):
    job = make.job(**DUE)
    make.running(make.worker(host="h9", pid=77), job)

    assert "by process 77 on h9" in why(make, job)[1][1]


def test_why_tells_what_became_of_runs_and_who_was_at_it(make, conn):
    job, at = make.job(**DUE), now() - timedelta(hours=1)
    ends = {"completed": {"response_status": 204, "attempt": 2}, "failed": {"error": "no route"}, "cancelled": {}}
    [make.logged(job, status, scheduled_at=at - timedelta(minutes=n), **ends[status]) for n, status in enumerate(ends)]
    skip = {"error": "passed while the job was paused", "skipped_count": 9, "skipped_until": at}
    make.logged(job, "skipped", scheduled_at=at - timedelta(minutes=9), **skip)
    make.logged(job, "failed", origin="alert"), make.logged(error="of another job")
    conn.execute("UPDATE jobs SET priority = 7, version = 2 WHERE id = %s", [job["id"]])

    told = dict(everything(make, job))

    by = f"by role:{conn.info.user}"
    assert list(told) == ["next run", "job.update", "job.create", "completed", "failed", "cancelled", "skipped"]
    assert (told["completed"], told["failed"]) == ("answered 204; 2 attempts", "no route")
    assert told["cancelled"] == "with its job, or by the run that replaced it"
    assert told["skipped"].startswith("passed while the job was paused; 9 instants until ")
    assert (told["job.create"], told["job.update"]) == (by, f"{by}: priority, version")


def test_why_tells_of_the_time_around_an_instant(make):
    job, at = make.job(**DUE), now() - timedelta(hours=3)
    for minutes in (-9, 0, 9):
        make.logged(job, "failed", error=str(minutes), scheduled_at=at + timedelta(minutes=minutes))
    make.execution(job)

    around = at - timedelta(minutes=5), at + timedelta(minutes=5)
    told = make.rows("SELECT * FROM ops.why(%s, %s, %s)", job["id"], *around)

    assert [(row["what"], row["why"]) for row in told] == [NEXT, ("failed", "0")]


def test_why_names_who_cancelled(make, conn):
    execution = make.execution(make.job(**DUE))
    conn.execute("SELECT ops.cancel(%s)", [execution["id"]])

    assert ("cancelled", f"by role:{conn.info.user}") in why(make, {"id": execution["job_id"]})


def test_why_reads_what_it_shows_by_the_jobs_index(make, conn):
    job, other = make.job(), make.job()
    for of, count in ((job, 300), (other, 3000)):
        conn.execute(
            "INSERT INTO execution_log"
            " (id, job_id, tenant_id, scheduled_at, created_at, attempt, priority, status, origin)"
            " SELECT gen_random_uuid(), %s, 't1', now() - n * interval '1 s', now(), 1, 5, 'completed', 'schedule'"
            " FROM generate_series(1, %s) AS n",
            [of["id"], count],
        )
    conn.execute("ANALYZE execution_log")
    read_so_far = (
        "SELECT sum(seq_tup_read + idx_tup_fetch)::int AS n FROM pg_stat_xact_user_tables"
        " WHERE relname ~ '^execution_log'"
    )

    with conn.transaction():
        before = make.row(read_so_far)["n"] or 0
        assert len(everything(make, job)) == 100
        assert (make.row(read_so_far)["n"] or 0) - before <= 150


def test_failing_since_is_the_first_failure_after_the_newest_success(make):
    job, at = make.job(endpoint="http://h:81/x"), now() - timedelta(minutes=30)
    for minute, status in enumerate(("failed", "completed", "failed", "timeout")):
        make.logged(job, status, scheduled_at=at + timedelta(minutes=minute))

    row = make.row("SELECT * FROM ops.endpoints")

    assert row["failing_since"] == at + timedelta(minutes=2, seconds=1)
    assert (row["first_failure_at"], row["last_success_at"]) == (
        at + timedelta(seconds=1),
        at + timedelta(minutes=1, seconds=1),
    )


def test_an_endpoint_whose_newest_call_succeeded_is_failing_no_more(make):
    job, at = make.job(), now() - timedelta(minutes=30)
    make.logged(job, "failed", scheduled_at=at), make.logged(job, "completed", scheduled_at=at + timedelta(minutes=1))

    assert make.row("SELECT failing_since FROM ops.endpoints") == {"failing_since": None}


def test_what_a_pause_holds_shows_beside_the_backlog(make):
    job = make.job()
    make.execution(job), make.execution(job, status="held")

    assert make.row("SELECT backlog, held FROM ops.tenants") == {"backlog": 1, "held": 1}


def test_audit_names_who_changed_what_and_shows_no_value(make, conn):
    job = make.job(name="n1", payload=None)
    conn.execute("UPDATE jobs SET endpoint = 'http://h/?token=1', version = 2 WHERE id = %s", [job["id"]])

    newest = make.rows("SELECT * FROM ops.audit")[0]

    assert (newest["action"], newest["actor"]) == ("job.update", f"role:{conn.info.user}")
    assert (newest["name"], newest["fields"]) == ("n1", ["endpoint", "version"])
    assert "token" not in str(newest)
