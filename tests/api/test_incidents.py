"""Alerts through the API: what a job may say of them, and the incidents they have reported."""

import pytest

from service import alerts, db, executions
from service.executions import Ended
from tests.api.conftest import JOB

URL = "https://example.org/alerts"
FULL = {"url": URL, "after_failures": 1, "also_on_recovery": True, "if_late_by": None, "if_no_success_for": None}


@pytest.fixture
def fail(make, engine_pool):
    """Lets a job fail, and its alert report it."""

    def run(job, status="failed"):
        worker = make.worker()
        row = make.running(worker, make.row("SELECT * FROM jobs WHERE id = %s", job["id"]))
        with db.session(engine_pool) as conn:
            executions.end(conn, [Ended(row["id"], worker, 1, status)])
        alerts.judge(engine_pool)

    return run


def test_an_alert_takes_defaults_and_is_kept(api):
    job = api.job(alert={"url": URL})

    assert job["alert"] == FULL
    assert api.ok("GET", f"/jobs/{job['id']}")["alert"] == FULL
    assert api.job()["alert"] is None


def test_an_edit_replaces_the_alert_as_a_whole(api):
    job = api.job(alert={"url": URL, "after_failures": 5, "if_late_by": 60})

    assert api.ok("PATCH", f"/jobs/{job['id']}", {"name": "x"})["alert"]["after_failures"] == 5
    assert api.ok("PATCH", f"/jobs/{job['id']}", {"alert": {"url": URL}})["alert"] == FULL
    assert api.ok("PATCH", f"/jobs/{job['id']}", {"alert": None})["alert"] is None


def test_the_same_alert_put_again_changes_nothing(api):
    api.ok("PUT", "/jobs/by-key/k", JOB | {"alert": {"url": URL}}, status=201)

    assert api.ok("PUT", "/jobs/by-key/k", JOB | {"alert": FULL})["version"] == 1


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        ({}, "url"), ({"url": "ftp://x"}, "url"), ({"url": URL, "after_failures": 0}, "after_failures"),
        ({"url": URL, "after_failures": 101}, "after_failures"), ({"url": URL, "if_late_by": 0}, "if_late_by"),
        ({"url": URL, "if_no_success_for": "1"}, "if_no_success_for"), ({"url": URL, "also_on_recovery": 1},
        "also_on_recovery"),
        ({"url": URL, "email": "x"}, "email"), ({"url": "http://u:p@h/"}, "url"),
    ],
)  # fmt: skip
def test_a_malformed_alert_is_refused_by_field(refuser, alert, field):
    assert {f"alert.{field}"} == set(refuser.invalid("POST", "/jobs", json=JOB | {"alert": alert}))


def test_incidents_are_listed_and_filtered(api, fail):
    job, other = api.job(alert={"url": URL}), api.job(alert={"url": URL})
    for status in ("failed", "completed", "failed"):
        fail(job, status)
    fail(other)

    newest = api.page(f"/jobs/{job['id']}/incidents")[0]
    assert [(row["kind"], row["outcome"]) for row in newest] == [("failing", None), ("failing", "recovered")]
    assert [row["id"] for row in api.page("/incidents?state=closed")[0]] == [newest[1]["id"]]
    assert {row["job_id"] for row in api.page("/incidents?state=open&kind=failing")[0]} == {job["id"], other["id"]}
    assert api.page(f"/incidents?job_id={other['id']}")[1]["total"] == 1
    assert api.page("/incidents?kind=late")[0] == []


def test_incidents_are_paged_by_cursor(api, fail):
    jobs = [api.job(alert={"url": URL}) for _ in range(3)]
    for job in jobs:
        fail(job)

    first, place = api.page("/incidents?page_size=2")
    second, _ = api.page(f"/incidents?page_size=2&cursor={place['nextCursor']}")

    assert [row["job_id"] for row in first + second] == [job["id"] for job in reversed(jobs)]


def test_incidents_of_another_tenant_are_not_seen(api, fail):
    job = api.job(alert={"url": URL})
    fail(job)
    other = api.of("t2")

    assert other.page("/incidents")[0] == []
    assert other.send("GET", f"/jobs/{job['id']}/incidents").status_code == 404


def test_a_report_can_be_followed_from_its_incident(api, fail):
    job = api.job(alert={"url": URL})
    fail(job)
    (incident,), _ = api.page("/incidents")

    report = api.ok("GET", f"/executions/{incident['opened_execution_id']}")

    assert (report["origin"], report["job_id"], report["status"]) == ("alert", job["id"], "pending")
    assert (report["request"]["endpoint"], report["request"]["payload"]["type"]) == (URL, "job.failing")


def test_pause_leaves_reports_alone_and_closes_incidents(api, fail):
    job = api.job(alert={"url": URL})
    fail(job)

    api.ok("POST", f"/jobs/{job['id']}/pause")

    assert api.page("/executions?status=held")[0] == []
    assert [row["outcome"] for row in api.page("/incidents")[0]] == ["withdrawn"]


def test_delete_does_not_cancel_a_report(api, fail):
    job = api.job(alert={"url": URL})
    fail(job)

    api.ok("DELETE", f"/jobs/{job['id']}", status=204)

    assert [row["status"] for row in api.page("/executions")[0] if row["origin"] == "alert"] == ["pending"]
