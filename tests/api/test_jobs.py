"""Jobs through the API: what is kept, what is refused, and what each change of state does."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.api.conftest import JOB
from tests.factories import NOON

SOON = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


def test_create_takes_defaults(api):
    job = api.job()

    expected = {
        "tenant_id": "t1", "name": "report", "description": None, "type": "interval", "schedule": "300",
        "timezone": "UTC", "method": "POST", "headers": {}, "payload": None, "timeout": 30, "max_retries": 3,
        "retry_delay": 60, "priority": 5, "tags": [], "metadata": {}, "status": "active", "last_run_at": None,
        "run_count": 0, "fail_count": 0, "version": 1,
    }  # fmt: skip
    assert expected == {name: job[name] for name in expected}


def test_create_keeps_every_field(api):
    given = {
        "name": "näme", "description": "d", "type": "cron", "schedule": "0 0 9 * * *", "timezone": "Europe/Berlin",
        "endpoint": "https://example.org:8443/a?b=c", "method": "PATCH", "headers": {"X-A": "1"},
        "payload": {"a": [1, 2.5, None, "x"]}, "timeout": 3600, "max_retries": 0, "retry_delay": 0, "priority": 10,
        "tags": ["a", "b"], "metadata": {"k": {"v": 1}},
    }  # fmt: skip

    job = api.job(**given)

    assert given == {name: job[name] for name in given}
    assert job == api.ok("GET", f"/jobs/{job['id']}")


def test_interval_first_runs_one_interval_from_now(api):
    job = api.job(schedule=60)

    waited = datetime.fromisoformat(job["next_run_at"]) - datetime.fromisoformat(job["created_at"])
    assert timedelta(seconds=60) == waited
    assert job["schedule"] == "60"


def test_one_time_that_has_passed_is_due_at_once(api):
    job = api.job(type="one_time", schedule="2024-12-31T23:59:59Z", payload={"user_id": "123"})

    assert job["created_at"] == job["next_run_at"]


def test_times_are_rfc_3339_in_utc(api):
    job = api.job(type="one_time", schedule=SOON.isoformat())

    assert f"{SOON:%Y-%m-%dT%H:%M:%S}Z" == job["next_run_at"]


def test_all_bad_fields_are_reported_at_once(refuser):
    bad = {
        "name": "", "type": "cron", "schedule": "61 * * * *", "timezone": "Mars/Base", "endpoint": "ftp://x",
        "method": "BREW", "headers": {"a b": "c"}, "timeout": 0, "max_retries": 101, "retry_delay": -1,
        "priority": True, "tags": [""], "metadata": [], "colour": "red",
    }  # fmt: skip

    found = refuser.invalid("POST", "/jobs?verbose=1", json=bad)

    assert {*bad, "tags.0", "verbose"} - {"tags", "type"} == set(found)
    assert found["colour"] == "is not a field of this request"


def test_missing_fields_are_named(refuser):
    assert {"name", "type", "schedule", "endpoint"} == set(refuser.invalid("POST", "/jobs", json={}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", "5"), ("timeout", True), ("timeout", 5.5), ("timeout", None), ("timeout", 3601),
        ("name", None), ("name", " "), ("name", "a\0b"), ("name", "\ud800"), ("name", "x" * 256), ("name", 5),
        ("description", "x" * 10_001), ("payload", {"a": "\0"}), ("payload", {"\udfff": 1}),
        ("metadata", {"a": ["\0"]}), ("tags", ["x"] * 51), ("tags", "x"), ("tags", [1]),
        ("endpoint", "http://"), ("endpoint", "http://u:p@h/"), ("endpoint", "http://h:0/"),
        ("endpoint", "http://h:99999/"), ("endpoint", "http://h:x/"), ("endpoint", "http://a b/"),
        ("endpoint", "http://[::1/"), ("endpoint", "/path"), ("endpoint", "http://h/" + "x" * 2048),
        ("endpoint", "http://h/\r\nX: y"), ("endpoint", "javascript:alert(1)"), ("endpoint", "http://:80/"),
        ("headers", {"X": "a\r\nb"}), ("headers", {"X": "a\0"}), ("headers", {"": "a"}), ("headers", {"X:": "a"}),
        ("headers", {"X": 1}), ("headers", {"Content-Length": "1"}), ("headers", {"transfer-encoding": "x"}),
        ("headers", {"X-Scheduler-Job-Id": "x"}), ("headers", {"Connection": "close"}),
        ("headers", {"A": "1", "a": "2"}), ("schedule", ""), ("schedule", "0"), ("schedule", "-1"),
        ("schedule", None), ("schedule", True), ("schedule", [5]), ("schedule", "x" * 5000),
        ("schedule", 10**30), ("timezone", ""), ("timezone", "../etc/passwd"), ("type", "weekly"), ("type", None),
        ("type", []), ("status", "active"), ("id", "00000000-0000-7000-8000-000000000001"),
    ],
)  # fmt: skip
def test_bad_value_is_a_validation_error_that_names_its_field(refuser, field, value):
    found = refuser.invalid("POST", "/jobs", json=JOB | {field: value})

    assert field == next(iter(found)).split(".")[0]


@pytest.mark.parametrize("host", ["Host", "Accept", "Content-Type"])
def test_ordinary_headers_may_be_set(api, host):
    assert {host: "x"} == api.job(headers={host: "x"})["headers"]


def test_schedule_without_a_run_left_is_refused(api):
    assert {"schedule"} == set(api.invalid("POST", "/jobs", json=JOB | {"type": "cron", "schedule": "0 0 30 2 *"}))


def test_update_changes_only_what_is_sent(api):
    job = api.job(description="d", payload={"a": 1})

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"name": "new", "payload": None, "timeout": 7})

    expected = job | {"name": "new", "payload": None, "timeout": 7, "version": 2}
    assert expected | {"updated_at": changed["updated_at"]} == changed


def test_patch_does_the_same_as_put(api):
    job = api.job()

    assert api.ok("PATCH", f"/jobs/{job['id']}", {"name": "new"})["name"] == "new"


def test_update_refuses_null_for_what_must_have_a_value(api):
    job = api.job()

    found = api.invalid("PUT", f"/jobs/{job['id']}", json={"name": None, "timeout": None, "schedule": None})

    assert {"name", "timeout", "schedule"} == set(found)


def test_update_checks_the_schedule_against_the_type_it_has(api):
    job = api.job()

    assert {"schedule"} == set(api.invalid("PUT", f"/jobs/{job['id']}", json={"schedule": "* * * * *"}))


def test_same_schedule_sent_again_keeps_the_grid(api, make):
    job = api.job()
    make.conn.execute("UPDATE jobs SET next_run_at = %s", [NOON])

    changed = api.ok("PUT", f"/jobs/{job['id']}", JOB)

    assert f"{NOON:%Y-%m-%dT%H:%M:%SZ}" == changed["next_run_at"]


def test_another_schedule_starts_from_now(api):
    job = api.job()

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"schedule": 60})

    waited = datetime.fromisoformat(changed["next_run_at"]) - datetime.fromisoformat(changed["updated_at"])
    assert timedelta(seconds=60) == waited


def test_another_schedule_starts_a_completed_job_again(api, make):
    job = api.job(type="one_time", schedule="2024-12-31T23:59:59Z")
    make.conn.execute("UPDATE jobs SET status = 'completed', next_run_at = NULL")

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"schedule": SOON.isoformat()})

    assert ("active", f"{SOON:%Y-%m-%dT%H:%M:%SZ}") == (changed["status"], changed["next_run_at"])


def test_paused_job_stays_paused_when_its_schedule_changes(api):
    job = api.job()
    api.ok("POST", f"/jobs/{job['id']}/pause")

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"schedule": 60})

    assert (changed["status"], changed["next_run_at"]) == ("paused", None)


def test_update_waits_for_a_tick_and_sees_what_it_wrote(api, conn):
    job = api.job()

    with conn.transaction():
        conn.execute("SELECT FROM jobs FOR NO KEY UPDATE")
        error = api.refused(503, "PUT", f"/jobs/{job['id']}", json={"name": "new"})

    assert error["code"] == "UNAVAILABLE"


def test_delete_hides_the_job_and_cancels_what_waits(api, make):
    job = api.job()
    waiting = api.ok("POST", f"/jobs/{job['id']}/trigger", status=202)
    running = make.running(make.worker(), job)

    api.ok("DELETE", f"/jobs/{job['id']}", status=204)

    deleted = api.ok("GET", f"/jobs/{job['id']}")
    assert (deleted["status"], deleted["next_run_at"]) == ("deleted", None)
    assert api.ok("GET", f"/executions/{waiting['id']}")["status"] == "cancelled"
    assert [running["id"]] == [row["id"] for row in make.rows("SELECT id FROM execution_queue")]


def test_delete_twice_is_fine(api):
    job = api.job()

    api.ok("DELETE", f"/jobs/{job['id']}", status=204)
    api.ok("DELETE", f"/jobs/{job['id']}", status=204)


@pytest.mark.parametrize("action", ["pause", "resume", "trigger"])
def test_deleted_job_refuses_actions(api, action):
    job = api.job()
    api.ok("DELETE", f"/jobs/{job['id']}", status=204)

    assert api.refused(409, "POST", f"/jobs/{job['id']}/{action}")["code"] == "CONFLICT"


def test_deleted_job_refuses_changes(api):
    job = api.job()
    api.ok("DELETE", f"/jobs/{job['id']}", status=204)

    assert api.refused(409, "PUT", f"/jobs/{job['id']}", json={"name": "x"})["code"] == "CONFLICT"


def test_pause_holds_what_waits_and_stops_what_is_due(api, make):
    job = api.job()
    make.execution(job)
    make.execution(job, status="retrying", retry_at=SOON)
    running = make.running(make.worker(), job)

    paused = api.ok("POST", f"/jobs/{job['id']}/pause")

    assert (paused["status"], paused["next_run_at"]) == ("paused", None)
    states = {row["id"]: row["status"] for row in make.rows("SELECT id, status FROM execution_queue")}
    assert states.pop(running["id"]) == "running"
    assert list(states.values()) == ["held", "held"]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_completed_job_refuses_pause_and_resume(api, make, action):
    job = make.job(status="completed")

    assert api.refused(409, "POST", f"/jobs/{job['id']}/{action}")["code"] == "CONFLICT"


def test_pause_and_resume_are_idempotent(api):
    job = api.job()

    once = api.ok("POST", f"/jobs/{job['id']}/pause")
    assert once == api.ok("POST", f"/jobs/{job['id']}/pause")
    again = api.ok("POST", f"/jobs/{job['id']}/resume")
    assert again == api.ok("POST", f"/jobs/{job['id']}/resume")


def test_resume_goes_on_from_now_on_the_old_grid(api, make):
    job = make.job(status="paused", schedule="3600", anchor_at=NOON - timedelta(days=400))

    resumed = api.ok("POST", f"/jobs/{job['id']}/resume")

    next_run_at = datetime.fromisoformat(resumed["next_run_at"])
    assert (next_run_at.minute, next_run_at.second) == (0, 0)
    assert timedelta() < next_run_at - datetime.now(UTC) <= timedelta(hours=1)


def test_resume_lets_go_of_what_was_held(api, make):
    job = api.job()
    ready = make.execution(job)
    later = make.execution(job, status="retrying", retry_at=SOON)
    api.ok("POST", f"/jobs/{job['id']}/pause")

    api.ok("POST", f"/jobs/{job['id']}/resume")

    states = {row["id"]: row["status"] for row in make.rows("SELECT id, status FROM execution_queue")}
    assert {ready["id"]: "pending", later["id"]: "retrying"} == states


def test_one_time_whose_time_passed_while_paused_runs_at_once(api, make):
    job = make.job(type="one_time", schedule="2026-03-10T12:00:00Z", status="paused", anchor_at=NOON)

    resumed = api.ok("POST", f"/jobs/{job['id']}/resume")

    assert ("active", resumed["updated_at"]) == (resumed["status"], resumed["next_run_at"])


def test_one_time_that_ran_before_its_pause_is_completed_by_resume(api, make, conn):
    job = make.job(type="one_time", schedule="2026-03-10T12:00:00Z", status="active", anchor_at=NOON)
    execution = make.execution(job)
    api.ok("POST", f"/executions/{execution['id']}/cancel")
    conn.execute("UPDATE jobs SET status = 'paused'")

    assert api.ok("POST", f"/jobs/{job['id']}/resume")["status"] == "completed"


@pytest.mark.parametrize("status", ["active", "paused", "completed"])
def test_trigger_makes_a_pending_execution(api, make, status):
    job = make.job(status=status, priority=9)

    execution = api.ok("POST", f"/jobs/{job['id']}/trigger", status=202)

    expected = {"job_id": str(job["id"]), "status": "pending", "origin": "manual", "priority": 9, "attempt": 0}
    assert expected == {name: execution[name] for name in expected}
    assert status == api.ok("GET", f"/jobs/{job['id']}")["status"]


@pytest.mark.parametrize("path", ["", "/executions", "/history"])
def test_unknown_job_is_404(api, path):
    assert api.refused(404, "GET", f"/jobs/{uuid4()}{path}")["code"] == "NOT_FOUND"


def test_stats_count_jobs_by_status_and_type(api, make):
    make.job(type="cron", schedule="@daily")
    make.job(status="paused")
    make.job(status="deleted")

    stats = api.ok("GET", "/jobs/stats")

    assert stats["by_status"] == {"active": 1, "paused": 1, "completed": 0, "deleted": 1}
    assert stats["by_type"] == {"cron": 1, "interval": 1, "one_time": 0}
    assert stats["total"] == 2


def test_defaults_are_what_a_job_gets_that_says_no_more_than_it_must(api):
    defaults = api.ok("GET", "/jobs/defaults")

    job = api.job()

    assert defaults == {name: job[name] for name in defaults}


@pytest.mark.parametrize(
    "filters", ["name=rare", "type=interval", "tag=nightly", "name=rare&upcoming_before=2100-01-01T00:00:00Z"]
)
def test_a_search_that_ends_soon_is_not_made_again_to_count(api, make, monkeypatch, filters):
    [make.job(name="rare", type="interval", tags=["nightly"], next_run_at=NOON) for _ in range(5)]
    monkeypatch.setattr("service.jobs.count", lambda *_, **__: 0)
    monkeypatch.setattr("service.jobs.count_upcoming", lambda *_, **__: 0)

    rows, place = api.page(f"/jobs?page=2&page_size=2&{filters}")

    assert (len(rows), place["total"], place["totalPages"], place["hasNext"]) == (2, 5, 3, True)
