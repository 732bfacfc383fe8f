"""GET /audit: who changed what, for every request that changes something."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from service.api import openapi
from service.api.services import Services
from tests.api.conftest import JOB
from tests.factories import NOON

READ_ONLY = {("POST", "/schedules/preview")}


@pytest.fixture
def services(config, api_pool):
    return Services(replace(config, secrets_key=base64.b64encode(bytes(32)).decode()), api_pool, None)


def created(api, make):
    api.job()


def updated(api, make):
    api.ok("PUT", f"/jobs/{api.job()['id']}", {"priority": 9})


def patched(api, make):
    api.ok("PATCH", f"/jobs/{api.job()['id']}", {"priority": 9})


def deleted(api, make):
    api.ok("DELETE", f"/jobs/{api.job()['id']}", status=204)


def put_by_key(api, make):
    api.ok("PUT", "/jobs/by-key/k", JOB, status=201)


def deleted_by_key(api, make):
    api.job(key="k")
    api.ok("DELETE", "/jobs/by-key/k", status=204)


def created_together(api, make):
    api.ok("POST", "/jobs/bulk", {"jobs": [JOB]}, status=201)


def changed_together(act, **given):
    def change(api, make):
        make.job(**given)
        api.ok("POST", f"/jobs/bulk/{act}", {"all": True})

    return change


def acted(action, status=200):
    def act(api, make):
        api.ok("POST", f"/jobs/{api.job()['id']}/{action}", status=status)

    return act


def resumed(api, make):
    api.ok("POST", f"/jobs/{make.job(status='paused')['id']}/resume")


def backfilled(api, make):
    job = make.job(anchor_at=NOON)
    asked = {"from": NOON.isoformat(), "to": (NOON + timedelta(minutes=3)).isoformat()}
    api.ok("POST", f"/jobs/{job['id']}/backfill", asked, status=202)


def cancelled(api, make):
    api.ok("POST", f"/executions/{make.execution()['id']}/cancel")


def signed(api, make):
    api.ok("POST", "/signing-secret", status=201)


def unsigned(api, make):
    signed(api, make)
    api.ok("DELETE", "/signing-secret", status=204)


def rerun(api, make):
    api.ok("POST", f"/executions/{make.logged()['id']}/rerun", status=202)


def rerun_together(api, make):
    make.logged()
    api.ok("POST", "/executions/rerun", {"all": True}, status=202)


# Every route that is no GET, how to use it, and what it must leave behind.
CHANGES = {
    ("POST", "/jobs"): (created, "job.create"),
    ("PUT", "/jobs/<uuid:id>"): (updated, "job.update"),
    ("PATCH", "/jobs/<uuid:id>"): (patched, "job.update"),
    ("DELETE", "/jobs/<uuid:id>"): (deleted, "job.delete"),
    ("PUT", "/jobs/by-key/<key>"): (put_by_key, "job.create"),
    ("DELETE", "/jobs/by-key/<key>"): (deleted_by_key, "job.delete"),
    ("POST", "/jobs/<uuid:id>/pause"): (acted("pause"), "job.pause"),
    ("POST", "/jobs/<uuid:id>/resume"): (resumed, "job.resume"),
    ("POST", "/jobs/<uuid:id>/trigger"): (acted("trigger", 202), "job.trigger"),
    ("POST", "/jobs/<uuid:id>/backfill"): (backfilled, "job.backfill"),
    ("POST", "/jobs/bulk"): (created_together, "job.create"),
    ("POST", "/jobs/bulk/pause"): (changed_together("pause"), "job.pause"),
    ("POST", "/jobs/bulk/resume"): (changed_together("resume", status="paused"), "job.resume"),
    ("POST", "/jobs/bulk/delete"): (changed_together("delete"), "job.delete"),
    ("POST", "/executions/<uuid:id>/cancel"): (cancelled, "execution.cancel"),
    ("POST", "/signing-secret"): (signed, "signing.rotate"),
    ("DELETE", "/signing-secret"): (unsigned, "signing.remove"),
    ("POST", "/executions/<uuid:id>/rerun"): (rerun, "execution.rerun"),
    ("POST", "/executions/rerun"): (rerun_together, "execution.rerun"),
}


def test_every_route_that_changes_something_is_tried_below():
    routes = {(r.method, r.path) for resource in openapi.RESOURCES for r in resource.routes if r.method != "GET"}

    assert routes - READ_ONLY == set(CHANGES)


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
def test_a_request_that_changes_something_is_recorded(api, make, route):
    use, action = CHANGES[route]

    use(api, make)

    newest = api.page("/audit")[0][0]
    assert (action, "api", 16) == (newest["action"], newest["actor"], len(newest["request_id"]))
    assert (newest["job_id"] is None) == action.startswith("signing.")


def test_an_entry_tells_before_after_and_the_request(api):
    job = api.job()

    response = api.send("PUT", f"/jobs/{job['id']}", json={"priority": 9})

    newest = api.page("/audit")[0][0]
    assert (newest["before"], newest["after"]) == ({"priority": 5, "version": 1}, {"priority": 9, "version": 2})
    assert (job["id"], response.headers["X-Request-ID"]) == (newest["entity_id"], newest["request_id"])


def test_a_cancel_belongs_to_the_execution_and_its_job(api, make):
    execution = make.execution()

    api.ok("POST", f"/executions/{execution['id']}/cancel")

    (found,), _ = api.page(f"/audit?entity_id={execution['id']}")
    assert (str(execution["job_id"]), {"status": "pending"}) == (found["job_id"], found["before"])


def test_a_refused_or_empty_change_leaves_no_entry(api, make):
    job = make.job(status="completed")
    api.refused(409, "POST", f"/jobs/{job['id']}/pause")
    paused = api.job()
    api.ok("POST", f"/jobs/{paused['id']}/pause")
    api.ok("POST", f"/jobs/{paused['id']}/pause")

    assert [entry["action"] for entry in api.page("/audit")[0]] == ["job.pause", "job.create", "job.create"]


@pytest.fixture
def filled(api):
    job = api.job()
    api.ok("POST", f"/jobs/{job['id']}/pause")
    api.job(name="other")
    return job


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("job_id={id}", ["job.pause", "job.create"]),
        ("entity_id={id}", ["job.pause", "job.create"]),
        ("action=job.create", ["job.create", "job.create"]),
        ("actor=api", ["job.create", "job.pause", "job.create"]),
        ("actor=role:nobody", []),
        ("start_time=2100-01-01T00:00:00Z", []),
        ("end_time=2000-01-01T00:00:00Z", []),
        ("start_time=2000-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z&action=job.pause", ["job.pause"]),
    ],
)
def test_filters(api, filled, query, actions):
    rows, pagination = api.page("/audit?" + query.format(id=filled["id"]))

    assert (actions, len(actions)) == ([row["action"] for row in rows], pagination["total"])


def test_a_cursor_goes_through_all_of_it(api, filled):
    rows, cursor = [], ""
    while cursor is not None:
        page, pagination = api.page(f"/audit?page_size=1{cursor and '&cursor=' + cursor}")
        rows, cursor = rows + page, pagination["nextCursor"]

    assert [row["id"] for row in rows] == [row["id"] for row in api.page("/audit")[0]]


@pytest.mark.parametrize("query", ["action=Job", "action=%00", "actor=", "job_id=1", "entity_id=x", "what=1"])
def test_bad_filters_are_named(refuser, query):
    assert {query.split("=")[0]} == set(refuser.invalid("GET", f"/audit?{query}"))


def test_the_end_must_not_be_before_the_start(refuser):
    query = "start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z"

    assert {"end_time"} == set(refuser.invalid("GET", f"/audit?{query}"))


def test_another_tenant_sees_nothing_of_it(api, filled):
    assert [] == api.of("t2").page(f"/audit?job_id={filled['id']}")[0] == api.of("t2").page("/audit")[0]
