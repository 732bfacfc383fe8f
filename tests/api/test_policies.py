"""A job's policies and bounds through the API: what is kept, and what edits, pauses and ticks make of each other."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from service.lease import Lease
from service.ticker import Ticker
from tests.api.conftest import JOB
from tests.conftest import eventually
from tests.factories import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TODAY = datetime.now(UTC).replace(microsecond=0)
DEFAULTS = {
    "misfire_policy": "fire_once", "misfire_limit": 100, "start_deadline": None, "overlap_policy": "allow",
    "start_at": None, "end_at": None, "max_runs": None, "jitter": 0, "retry_backoff": "fixed",
    "retry_max_delay": None, "retry_on": None,
}  # fmt: skip
OTHERS = {
    "misfire_policy": "fire_all", "misfire_limit": 7, "start_deadline": 30, "overlap_policy": "queue",
    "start_at": "2027-01-01T00:00:00Z", "end_at": "2099-01-01T00:00:00Z", "max_runs": 9, "jitter": 60,
    "retry_backoff": "exponential", "retry_max_delay": 600, "retry_on": ["429", "5xx", "timeout"],
}  # fmt: skip


@pytest.fixture
def ticker(engine_pool, config):
    return Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)


def text(at):
    return at.isoformat().replace("+00:00", "Z")


def instant(at):
    return datetime.fromisoformat(at)


def stored(make, job):
    return make.row("SELECT * FROM jobs WHERE id = %s", job["id"])


def versions(make, job):
    return make.rows("SELECT * FROM job_versions WHERE job_id = %s ORDER BY version", job["id"])


def overdue_job(make, api, **given):
    """An hourly job whose last instant nobody has ticked for yet."""
    job = api.job(schedule="3600", **given)
    due = TODAY - timedelta(seconds=5)
    make.conn.execute(
        "UPDATE jobs SET anchor_at = %s, next_run_at = %s, next_instant_at = %s WHERE id = %s",
        [due - HOUR, due, due, job["id"]],
    )
    return job, due


def test_policies_have_defaults(api):
    job = api.job()

    assert {name: job[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_policies_are_kept(api, method):
    job = api.job(**OTHERS) if method == "POST" else api.ok(method, f"/jobs/{api.job()['id']}", OTHERS)

    assert {name: job[name] for name in OTHERS} == OTHERS
    assert api.ok("GET", f"/jobs/{job['id']}") == job


def test_null_clears_what_may_be_null(api):
    cleared = {name: None for name, default in DEFAULTS.items() if default is None}

    job = api.ok("PATCH", f"/jobs/{api.job(**OTHERS)['id']}", cleared)

    assert {name: job[name] for name in cleared} == cleared


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("misfire_policy", "never"), ("misfire_limit", 0), ("misfire_limit", 1001), ("misfire_limit", None),
        ("start_deadline", 0), ("start_deadline", 10**12), ("overlap_policy", None), ("start_at", "tomorrow"),
        ("end_at", "2026-01-01"), ("max_runs", 0), ("max_runs", 2**31), ("jitter", -1), ("jitter", 86_401),
        ("jitter", 1.5), ("retry_backoff", "linear"), ("retry_max_delay", 0), ("retry_on", "5xx"),
        ("retry_on", ["5xx"] * 51),
    ],
)  # fmt: skip
def test_policies_are_checked_by_field(api, field, value):
    assert list(api.invalid("POST", "/jobs", json=JOB | {field: value})) == [field]
    assert list(api.invalid("PATCH", f"/jobs/{api.job()['id']}", json={field: value})) == [field]


@pytest.mark.parametrize("item", ["2xx", "600", "dns", "", 200, -503, 10**400, 503.0, True, None])
def test_retry_on_names_the_item_at_fault(api, item):
    assert list(api.invalid("POST", "/jobs", json=JOB | {"retry_on": ["5xx", item]})) == ["retry_on.1"]


def test_retry_on_takes_a_status_as_a_number(api):
    assert api.job(retry_on=[503, "5xx", "503", 404])["retry_on"] == ["503", "5xx", "404"]


def test_end_must_be_later_than_start(api):
    job = api.job(start_at="2027-01-01T00:00:00Z")

    problems = api.invalid("POST", "/jobs", json=JOB | {"start_at": "2027-01-02T00:00:00Z", "end_at": text(TODAY)})
    merged = api.invalid("PATCH", f"/jobs/{job['id']}", json={"end_at": "2027-01-01T00:00:00Z"})

    assert problems == {"end_at": "must be later than start_at"}
    assert merged == {"end_at": "must be later than start_at, which is 2027-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("end_at", {"end_at": "2020-01-01T00:00:00Z"}),
        ("end_at", {"type": "cron", "schedule": "0 0 29 2 *", "end_at": "2027-01-01T00:00:00Z"}),
        ("end_at", {"type": "one_time", "schedule": "2027-01-02T00:00:00Z", "end_at": "2027-01-01T00:00:00Z"}),
        ("start_at", {"type": "one_time", "schedule": "2027-01-02T00:00:00Z", "start_at": "2027-01-03T00:00:00Z"}),
    ],
)
def test_bounds_that_leave_no_run_are_refused(api, field, given):
    problems = api.invalid("POST", "/jobs", json=JOB | given)

    assert list(problems) == [field]
    assert problems[field].startswith("leaves no run")


def test_first_run_is_put_off_by_the_jitter_of_job_and_instant(api, make):
    jobs = [api.job(type="cron", schedule="@hourly", jitter=3000) for _ in range(8)]

    rows = [stored(make, job) for job in jobs]
    assert len({row["next_run_at"] for row in rows}) > 1
    assert all(row["next_instant_at"] <= row["next_run_at"] < row["next_instant_at"] + 50 * MINUTE for row in rows)
    assert {(row["next_instant_at"].minute, row["next_instant_at"].second) for row in rows} == {(0, 0)}


def test_interval_with_a_start_runs_from_there(api):
    start = text(TODAY + DAY)

    assert api.job(schedule="7", start_at=start)["next_run_at"] == start


def test_another_schedule_counts_runs_anew_and_another_bound_does_not(api, make):
    job = api.job(schedule="3600", max_runs=5)
    make.conn.execute("UPDATE jobs SET runs = 3")

    bounded = api.ok("PATCH", f"/jobs/{job['id']}", {"max_runs": 9})
    anew = api.ok("PATCH", f"/jobs/{job['id']}", {"schedule": "1800"})

    assert (bounded["runs"], anew["runs"]) == (3, 0)
    assert bounded["next_run_at"] == job["next_run_at"]
    assert anew["next_run_at"] == text(instant(anew["updated_at"]) + 30 * MINUTE)


def test_bounds_keep_the_grid_and_move_the_next_run(api, make):
    job = api.job(schedule="3600")
    start = TODAY + 3 * DAY

    later = api.ok("PATCH", f"/jobs/{job['id']}", {"start_at": text(start)})
    sooner = api.ok("PATCH", f"/jobs/{job['id']}", {"start_at": None})

    assert later["next_run_at"] == text(start)
    assert sooner["next_run_at"] == job["next_run_at"]


def test_a_bound_that_leaves_nothing_completes_the_job_and_a_wider_one_revives_it(api, make):
    job = api.job(schedule="3600")
    make.conn.execute("UPDATE jobs SET runs = 3")

    over = api.ok("PATCH", f"/jobs/{job['id']}", {"max_runs": 3})
    again = api.ok("PATCH", f"/jobs/{job['id']}", {"max_runs": 4})

    assert (over["status"], over["next_run_at"]) == ("completed", None)
    assert (again["status"], again["next_run_at"]) == ("active", job["next_run_at"])


def test_an_edit_of_a_run_put_off_by_jitter_keeps_it(api, make):
    job = api.job(type="cron", schedule="* * * * *")
    passed, later = TODAY.replace(second=0) - MINUTE, TODAY + HOUR
    make.conn.execute("UPDATE jobs SET next_instant_at = %s, next_run_at = %s", [passed, later])

    api.ok("PATCH", f"/jobs/{job['id']}", {"jitter": 1})

    assert stored(make, job)["next_instant_at"] == passed


@pytest.mark.parametrize("change", [{"schedule": "60"}, {"max_runs": 3}, {"jitter": 30}])
def test_an_edit_does_not_take_away_what_was_due(api, make, change):
    job, due = overdue_job(make, api)

    changed = api.ok("PATCH", f"/jobs/{job['id']}", change)

    assert [row["scheduled_at"] for row in make.rows("SELECT * FROM execution_queue")] == [due]
    assert instant(changed["next_run_at"]) > TODAY


@pytest.mark.parametrize("round", range(6))
@pytest.mark.parametrize("change", [{"schedule": "7200"}, {"max_runs": 2}])
def test_an_edit_and_a_tick_at_once_neither_lose_nor_double_a_run(api, make, ticker, change, round):
    job, due = overdue_job(make, api)
    start = threading.Barrier(2)

    def tick():
        start.wait()
        ticker.tick()

    thread = threading.Thread(target=tick)
    thread.start()
    start.wait()
    api.ok("PATCH", f"/jobs/{job['id']}", change)
    thread.join()
    ticker.tick()

    assert [row["scheduled_at"] for row in make.rows("SELECT * FROM executions")] == [due]
    assert stored(make, job)["next_run_at"] > TODAY


def test_an_edit_waits_for_the_tick_that_holds_the_job(api, make, conn, ticker, monkeypatch):
    job, due = overdue_job(make, api)
    locked, go = threading.Event(), threading.Event()

    def hold(*_):
        locked.set()
        go.wait(10)

    monkeypatch.setattr("service.notify.work", hold)
    threads = [threading.Thread(target=ticker.tick)]
    threads[0].start()
    locked.wait(10)
    threads.append(threading.Thread(target=api.ok, args=("PATCH", f"/jobs/{job['id']}", {"schedule": "60"})))
    threads[1].start()
    eventually(lambda: make.rows("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
    go.set()
    for thread in threads:
        thread.join()

    assert [row["scheduled_at"] for row in make.rows("SELECT * FROM executions")] == [due]
    assert stored(make, job)["next_run_at"] > TODAY


def test_each_edit_leaves_a_version(api, make):
    job = api.job()
    api.ok("PUT", f"/jobs/{job['id']}", {"endpoint": "http://example.org/other", "payload": {"a": 1}, "jitter": 5})

    first, second = versions(make, job)

    assert (first["version"], first["endpoint"], first["payload"]) == (1, JOB["endpoint"], None)
    assert (second["version"], second["endpoint"], second["payload"]) == (2, "http://example.org/other", {"a": 1})
    assert (first["tenant_id"], second["jitter_seconds"]) == ("t1", 5)


def test_an_execution_shows_the_request_that_was_sent_before_the_edit(api, make):
    job = api.job(headers={"X-A": "1"}, payload=[1])
    waiting = api.ok("POST", f"/jobs/{job['id']}/trigger", status=202)
    make.conn.execute("UPDATE execution_queue SET job_version = 1, attempt = 1")
    api.ok("PUT", f"/jobs/{job['id']}", {"endpoint": "http://example.org/other"})

    sent = api.ok("GET", f"/executions/{waiting['id']}")
    (listed,), _ = api.page("/executions")

    assert (waiting["job_version"], waiting["request"]) == (None, None)
    assert sent["request"] == {"method": "POST", "endpoint": JOB["endpoint"], "headers": {"X-A": "1"}, "payload": [1]}
    assert (listed["job_version"], "request" in listed) == (1, False)


def test_resume_tells_of_what_the_pause_swallowed(api, make):
    job, due = overdue_job(make, api)
    paused = api.ok("POST", f"/jobs/{job['id']}/pause")
    shift = "UPDATE jobs SET next_instant_at = next_instant_at - %s, paused_at = paused_at - %s"
    make.conn.execute(shift, [5 * HOUR, 5 * HOUR])
    make.conn.execute("UPDATE jobs SET anchor_at = anchor_at - %s", [10 * HOUR])

    resumed = api.ok("POST", f"/jobs/{job['id']}/resume")

    skip = make.row("SELECT * FROM executions")
    assert (paused["paused_at"], resumed["paused_at"]) == (paused["updated_at"], None)
    assert (skip["status"], skip["error_code"], skip["skipped_count"]) == ("skipped", "paused", 6)
    assert (skip["scheduled_at"], skip["skipped_until"]) == (due - 5 * HOUR, due)
    assert instant(resumed["next_run_at"]) == due + HOUR


def test_resume_tells_nothing_when_nothing_passed(api, make):
    job = api.job(schedule="3600")
    api.ok("POST", f"/jobs/{job['id']}/pause")

    resumed = api.ok("POST", f"/jobs/{job['id']}/resume")

    assert resumed["next_run_at"] == job["next_run_at"]
    assert make.rows("SELECT FROM executions") == []


def test_an_edit_in_a_pause_accounts_for_the_old_schedule_and_resume_for_the_new(api, make):
    job, due = overdue_job(make, api)
    api.ok("POST", f"/jobs/{job['id']}/pause")

    edited = api.ok("PATCH", f"/jobs/{job['id']}", {"schedule": "60"})
    resumed = api.ok("POST", f"/jobs/{job['id']}/resume")

    skip = make.row("SELECT * FROM executions")
    assert (skip["error_code"], skip["scheduled_at"], skip["skipped_count"]) == ("paused", due, 1)
    assert (edited["status"], edited["next_run_at"]) == ("paused", None)
    assert instant(resumed["next_run_at"]) == instant(edited["updated_at"]) + MINUTE


def test_resume_leaves_what_waits_for_its_predecessor(api, make):
    job = api.job(overlap_policy="queue")
    make.running(make.worker(), job)
    waiting = make.execution(job, status="held", held_for="overlap")

    api.ok("POST", f"/jobs/{job['id']}/pause")
    api.ok("POST", f"/jobs/{job['id']}/resume")

    row = make.row("SELECT status, held_for FROM execution_queue WHERE id = %s", waiting["id"])
    assert (row["status"], row["held_for"]) == ("held", "overlap")


def test_delete_cancels_what_waits_for_its_predecessor(api, make):
    job = api.job(overlap_policy="queue")
    running = make.running(make.worker(), job)
    waiting = make.execution(job, status="held", held_for="overlap")

    api.ok("DELETE", f"/jobs/{job['id']}", status=204)

    assert [row["id"] for row in make.rows("SELECT id FROM execution_queue")] == [running["id"]]
    assert make.row("SELECT id, status FROM execution_log") == {"id": waiting["id"], "status": "cancelled"}


def test_a_one_time_job_runs_once_whatever_is_edited(api, make, ticker):
    job = api.job(type="one_time", schedule=text(NOON))
    ticker.tick()

    edited = api.ok("PATCH", f"/jobs/{job['id']}", {"jitter": 5})
    ticker.tick()

    assert edited["next_run_at"] is None
    assert len(make.rows("SELECT FROM executions")) == 1


def test_the_document_shows_policies_and_previews(client):
    document = client.get("/openapi.json").json

    schemas = document["components"]["schemas"]
    assert DEFAULTS.keys() <= schemas["Job"]["properties"].keys() & schemas["JobCreate"]["properties"].keys()
    assert {"/api/v1/schedules/preview", "/api/v1/jobs/{id}/upcoming"} <= document["paths"].keys()
