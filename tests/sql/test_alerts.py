"""Alerts: what counts as trouble, and that each incident and its end is reported once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from service import alerts, claims, db, executions, upkeep
from service.executions import Ended
from tests.conftest import eventually
from tests.factories import NOON

NEVER = NOON.replace(year=2999)
URL = "http://127.0.0.1:9/alerts"


def alert(**given):
    unset = {"after_failures": 1, "also_on_recovery": True, "if_late_by": None, "if_no_success_for": None}
    return {"url": URL} | unset | given


@pytest.fixture
def run(make, engine_pool):
    """Lets a job have runs that end with the statuses given, one after the other, and judges."""

    def end(job, *statuses, judge=True):
        worker = make.worker()
        for status in statuses:
            row = make.running(worker, job, scheduled_at=datetime.now(UTC))
            with db.session(engine_pool) as conn:
                executions.end(conn, [Ended(row["id"], worker, 1, status, response_status=500, error="it broke")])
        return alerts.judge(engine_pool) if judge else 0

    return end


@pytest.fixture
def look(engine_pool):
    """Judges now, or as it would so many seconds from now."""

    def judge(seconds=0):
        return alerts.judge(engine_pool, datetime.now(UTC) + timedelta(seconds=seconds))

    return judge


def incidents(make, columns="kind, outcome"):
    return [tuple(row.values()) for row in make.rows(f"SELECT {columns} FROM job_incidents ORDER BY opened_at, kind")]


def reports(make):
    return [row["type"] for row in make.rows(
        "SELECT body ->> 'type' AS type FROM alert_requests AS r JOIN execution_queue AS q ON q.id = r.execution_id"
        " ORDER BY q.scheduled_at, type"
    )]  # fmt: skip


def test_a_failure_opens_one_incident_and_a_success_closes_it(make, run):
    job = make.job(alert=alert())

    counts = [run(job, status) for status in ("failed", "failed", "timeout", "completed", "completed")]

    assert counts == [1, 0, 0, 1, 0]
    assert incidents(make) == [("failing", "recovered")]
    assert reports(make) == ["job.failing", "job.recovered"]


def test_a_later_failure_is_another_incident(make, run):
    job = make.job(alert=alert())

    for status in ("failed", "completed", "failed"):
        run(job, status)

    assert incidents(make) == [("failing", "recovered"), ("failing", None)]


def test_so_many_failures_in_a_row_are_needed(make, run):
    job = make.job(alert=alert(after_failures=3))

    counts = [run(job, *statuses) for statuses in (["failed"] * 2, ["completed"], ["failed"] * 2, ["timeout"])]

    assert counts == [0, 0, 0, 1]
    assert incidents(make, "failures") == [(3,)]


def test_what_came_between_two_looks_is_seen_in_its_order(make, run):
    job = make.job(alert=alert(after_failures=2))

    counts = [run(job, *statuses) for statuses in (["failed", "completed", "failed"], ["completed", *["failed"] * 2])]

    assert counts == [0, 1]


def test_cancelled_and_skipped_runs_are_neither_failure_nor_success(make, run):
    job = make.job(alert=alert())

    assert [run(job, status) for status in ("cancelled", "failed", "cancelled")] == [0, 1, 0]
    assert incidents(make) == [("failing", None)]


def test_recovery_is_not_reported_where_that_is_not_wanted(make, run):
    job = make.job(alert=alert(also_on_recovery=False))

    assert (run(job, "failed"), run(job, "completed")) == (1, 0)
    assert incidents(make) == [("failing", "recovered")]


def test_failures_before_the_alert_was_set_do_not_count(make, run):
    job = make.job()
    run(job, "failed", "failed")
    make.conn.execute("UPDATE jobs SET alert = %s", [alert_json(after_failures=2)])

    assert (run(job, "failed"), run(job, "failed")) == (0, 1)


def alert_json(**given):
    return Jsonb(alert(**given))


def test_a_job_without_an_alert_is_not_watched(make, run):
    assert run(make.job(), "failed") == 0
    assert make.rows("SELECT FROM job_alerts") == []


def test_a_job_that_is_late_is_reported_until_its_run_begins(make, look, conn):
    now = datetime.now(UTC)
    job = make.job(alert=alert(if_late_by=30), next_run_at=now)

    counts = [look(29), look(31), look(32)]
    conn.execute("UPDATE jobs SET next_run_at = %s WHERE id = %s", [now + timedelta(hours=1), job["id"]])

    assert counts == [0, 1, 0]
    assert look(33) == 1
    assert incidents(make) == [("late", "recovered")]


def test_an_execution_that_waits_too_long_is_late(make, look, conn):
    job = make.job(alert=alert(if_late_by=30))
    make.execution(job, scheduled_at=datetime.now(UTC))

    assert (look(29), look(31)) == (0, 1)


@pytest.mark.parametrize(
    "given", [{"status": "retrying", "retry_at": NOON}, {"status": "held"}, {"origin": "backfill"}]
)
def test_what_has_begun_or_is_held_or_made_up_is_not_late(make, look, given):
    make.execution(make.job(alert=alert(if_late_by=30)), scheduled_at=NOON, **given)

    assert look() == 0


def test_silence_is_measured_from_the_last_success(make, run, look):
    job = make.job(alert=alert(if_no_success_for=60, after_failures=100), next_run_at=NEVER)

    run(job, "completed", "failed")

    assert (look(58), look(62), look(70)) == (0, 1, 0)
    assert incidents(make) == [("silent", None)]
    assert run(job, "completed") == 1


def test_a_job_that_never_succeeds_is_silent_from_when_it_is_watched(make, look):
    make.job(alert=alert(if_no_success_for=60))

    assert (look(58), look(62)) == (0, 1)


def test_all_kinds_may_be_open_at_once(make, run, look):
    job = make.job(alert=alert(if_no_success_for=60, if_late_by=30), next_run_at=datetime.now(UTC))
    run(job, "failed")

    assert look(62) == 2
    assert incidents(make) == [("failing", None), ("late", None), ("silent", None)]


WITHDRAWALS = {
    "pause": "UPDATE jobs SET status = 'paused', next_run_at = NULL",
    "delete": "UPDATE jobs SET status = 'deleted', next_run_at = NULL",
    "no alert": "UPDATE jobs SET alert = NULL",
}


@pytest.mark.parametrize("change", WITHDRAWALS)
def test_whoever_stops_watching_closes_the_incident_in_silence(make, run, conn, look, change):
    job = make.job(alert=alert())
    run(job, "failed")

    conn.execute(WITHDRAWALS[change])

    assert incidents(make) == [("failing", "withdrawn")]
    assert (look(), run(job, "failed")) == (0, 0)


def test_a_completed_job_is_neither_late_nor_silent_but_may_have_failed(make, run, look, conn):
    job = make.job(alert=alert(if_no_success_for=60), type="one_time", next_run_at=NEVER)
    run(job, "failed", judge=False)
    look(62)
    conn.execute("UPDATE jobs SET status = 'completed', next_run_at = NULL")

    assert incidents(make) == [("failing", None), ("silent", "withdrawn")]
    assert look(99) == 0


def test_resuming_begins_anew(make, run, conn):
    job = make.job(alert=alert(after_failures=2))
    run(job, "failed")
    conn.execute("UPDATE jobs SET status = 'paused'")
    conn.execute("UPDATE jobs SET status = 'active'")

    assert (run(job, "failed"), run(job, "failed")) == (0, 1)


def test_a_completed_job_that_is_active_again_is_not_silent_at_once(make, look, conn):
    make.job(alert=alert(if_no_success_for=60), status="completed")
    conn.execute("UPDATE job_alerts SET since = now() - interval '1 day'")

    conn.execute("UPDATE jobs SET status = 'active', next_run_at = %s", [NEVER])

    assert (look(58), look(62)) == (0, 1)


def test_editing_the_url_keeps_the_incident_open(make, run, conn):
    job = make.job(alert=alert())
    run(job, "failed")
    conn.execute('UPDATE jobs SET alert = alert || \'{"url": "http://127.0.0.1:9/new"}\'')

    assert run(job, "failed", "completed") == 1
    assert make.row("SELECT url FROM alert_requests WHERE body ->> 'type' = 'job.recovered'")["url"].endswith("new")


def test_a_report_tells_job_incident_and_execution(make, run):
    job = make.job(alert=alert(), key="k", name="n")
    run(job, "failed")

    body = make.row("SELECT body FROM alert_requests")["body"]
    id = str(make.row("SELECT id FROM job_incidents")["id"])
    assert body["job"] == {"id": str(job["id"]), "key": "k", "name": "n", "tenant": "t1"}
    assert (body["type"], body["incident"]["id"], body["incident"]["kind"]) == ("job.failing", id, "failing")
    assert (body["incident"]["failures"], body["incident"]["closed_at"]) == (1, None)
    assert (body["execution"]["status"], body["execution"]["response_status"]) == ("failed", 500)
    assert body["execution"]["error"] == "it broke"


def test_a_report_is_an_execution_with_the_request_of_the_alert(make, run, engine_pool):
    job = make.job(alert=alert(), payload={"a": 1}, headers={"X": "1"}, method="PUT")
    run(job, "failed")

    with db.session(engine_pool) as conn:
        (claimed,) = claims.claim(conn, worker_id=make.worker(), limit=9)

    assert (claimed.endpoint, claimed.method, claimed.headers, claimed.job_version) == (URL, "POST", "{}", None)
    assert (claimed.job_id, claimed.tenant_id, claimed.priority) == (str(job["id"]), "t1", 10)
    assert '"type": "job.failing"' in claimed.payload


def test_a_report_is_no_run_of_its_job(make, run, engine_pool, conn):
    job = make.job(alert=alert(), status="active")
    run(job, "failed")
    before = (make.rows("SELECT * FROM job_totals"), make.rows("SELECT * FROM job_history"))
    worker = make.worker()
    with db.session(engine_pool) as engine:
        (claimed,) = claims.claim(engine, worker_id=worker, limit=9)
        executions.end(engine, [Ended(claimed.id, worker, 1, "failed")])

    assert before == (make.rows("SELECT * FROM job_totals"), make.rows("SELECT * FROM job_history"))
    assert make.row("SELECT status FROM execution_log WHERE origin = 'alert'")["status"] == "failed"
    assert run(job) == 0


def test_a_report_does_not_keep_its_job_from_completing(make, run, engine_pool):
    job = make.job(alert=alert(), type="one_time")
    run(job, "failed")

    upkeep.settle(engine_pool)

    assert make.row("SELECT status FROM jobs")["status"] == "completed"
    assert make.row("SELECT status FROM execution_queue")["status"] == "pending"


@pytest.mark.parametrize("status", ["paused", "deleted"])
def test_a_report_is_tried_again_whatever_has_become_of_its_job(make, run, engine_pool, conn, status):
    job = make.job(alert=alert())
    run(job, "failed")
    conn.execute("UPDATE jobs SET status = %s, next_run_at = NULL", [status])
    worker = make.worker()
    with db.session(engine_pool) as engine:
        (claimed,) = claims.claim(engine, worker_id=worker, limit=9)
        executions.end(engine, [Ended(claimed.id, worker, 1, "failed", retry_delay=5.0)])

    assert make.row("SELECT status FROM execution_queue")["status"] == "retrying"


def test_judges_at_the_same_time_report_once(make, run, engine_pool):
    jobs = [make.job(alert=alert()) for _ in range(20)]
    for job in jobs:
        run(job, "failed", judge=False)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: alerts.judge(engine_pool), range(8))) == 20
    assert len(incidents(make)) == len(reports(make)) == 20


def test_a_pause_under_way_goes_first(make, run, conn, engine_pool):
    job = make.job(alert=alert())
    run(job, "failed", judge=False)

    with conn.transaction():
        conn.execute(WITHDRAWALS["pause"])
        assert alerts.judge(engine_pool) == 0

    assert (alerts.judge(engine_pool), incidents(make)) == (0, [])


def test_a_pause_waits_for_the_judge_and_closes_what_it_has_opened(make, run, conn, engine_pool, config):
    job = make.job(alert=alert())
    run(job, "failed", judge=False)
    with db.transaction(engine_pool) as judge:
        alerts._reports(judge, None)
        paused = threading.Thread(target=conn.execute, args=(WITHDRAWALS["pause"],))
        paused.start()
        eventually(lambda: judge.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None)
    paused.join()

    assert incidents(make) == [("failing", "withdrawn")]


def test_incidents_are_kept_their_days(make, run, conn, engine_pool):
    job = make.job(alert=alert())
    for status in ("failed", "completed", "failed", "completed", "failed"):
        run(job, status)
    old = "SELECT id FROM job_incidents ORDER BY opened_at LIMIT 1"
    conn.execute(f"UPDATE job_incidents SET closed_at = now() - interval '31 days' WHERE id = ({old})")

    upkeep.purge_incidents(engine_pool, 30)

    assert incidents(make) == [("failing", "recovered"), ("failing", None)]
    assert make.row("SELECT count(*) FROM alert_requests")["count"] == 3


def test_a_tick_does_not_fire_the_watch(conn):
    fires = conn.execute(
        "SELECT tgattr::text, tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'jobs_watch'"
    ).fetchone()

    names = conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'jobs'::regclass AND attnum = ANY(%s::int[])"
        " ORDER BY attname",
        [[int(n) for n in fires["tgattr"].split()]],
    ).fetchall()
    assert [row["attname"] for row in names] == ["alert", "status"]
