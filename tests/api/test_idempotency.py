"""Idempotency-Key: a POST that is sent again does nothing, and gets the answer of the first time."""

from datetime import timedelta

import pytest

from service import db, upkeep
from service.api import openapi
from tests.api.conftest import JOB
from tests.factories import NOON

BROKEN_OFF = "SET LOCAL statement_timeout = 1; SELECT pg_sleep(9)"
HELD = "SELECT pg_advisory_xact_lock(hashtextextended('t1 k', 6))"
BACKFILL = {"from": NOON.isoformat(), "to": (NOON + timedelta(minutes=3)).isoformat()}

# Every POST route: what makes the thing it is about, and the body.
POSTS = {
    "/jobs": (lambda make: None, JOB),
    "/jobs/<uuid:id>/trigger": (lambda make: make.job(), None),
    "/jobs/<uuid:id>/pause": (lambda make: make.job(), None),
    "/jobs/<uuid:id>/resume": (lambda make: make.job(status="paused"), None),
    "/jobs/<uuid:id>/backfill": (lambda make: make.job(anchor_at=NOON), BACKFILL),
    "/jobs/bulk": (lambda make: None, {"jobs": [JOB, JOB]}),
    "/jobs/bulk/pause": (lambda make: make.job(), {"all": True}),
    "/jobs/bulk/resume": (lambda make: make.job(status="paused"), {"all": True}),
    "/jobs/bulk/delete": (lambda make: make.job(), {"all": True}),
    "/executions/<uuid:id>/cancel": (lambda make: make.execution(), None),
    "/executions/<uuid:id>/rerun": (lambda make: make.logged(), None),
    "/executions/rerun": (lambda make: make.logged(), {"all": True}),
    "/schedules/preview": (lambda make: None, {"type": "cron", "schedule": "@daily"}),
}


def post(api, path, json=None, key="k"):
    return api.send("POST", path, json=json, headers={"Idempotency-Key": key})


def state(make):
    """What a POST could have changed."""
    tables = ("jobs", "execution_queue", "execution_log", "audit_log", "idempotency_keys", "job_totals")
    return [make.rows(f"SELECT * FROM {table} AS t ORDER BY t::text") for table in tables]


def test_every_post_is_tried_below():
    routes = {
        r.path for resource in openapi.RESOURCES for r in resource.routes if r.method == "POST" and not r.shows_secret
    }

    assert routes == set(POSTS)


@pytest.mark.parametrize("path", POSTS)
def test_a_post_that_is_sent_again_does_nothing_and_gets_the_same_answer(api, make, path):
    arrange, body = POSTS[path]
    path = path.replace("<uuid:id>", str((arrange(make) or {}).get("id")))
    first = post(api, path, body)
    before = state(make)

    again = post(api, path, body)

    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert first.headers.get("ETag") == again.headers.get("ETag")
    assert tuple(answer.headers.get("Idempotency-Replayed") for answer in (first, again)) == (None, "true")
    assert first.status_code < 300
    assert before == state(make)


def test_order_of_members_makes_no_difference(api):
    first = post(api, "/jobs", JOB | {"payload": {"a": 1, "b": 2}})

    again = post(api, "/jobs", dict(reversed(JOB.items())) | {"payload": {"b": 2, "a": 1}})

    assert first.data == again.data


@pytest.mark.parametrize(("path", "body"), [("/jobs", JOB | {"name": "x"}), ("/schedules/preview", None)])
def test_key_that_came_with_another_request_is_refused(api, path, body):
    post(api, "/jobs", JOB)

    response = post(api, path, body or {"type": "cron", "schedule": "@daily"})

    assert (response.status_code, response.json["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert api.page("/jobs")[1]["total"] == 1


def test_refusals_are_answers_too(api):
    job = api.job()
    api.ok("DELETE", f"/jobs/{job['id']}", status=204)
    first = post(api, f"/jobs/{job['id']}/trigger")

    again = post(api, f"/jobs/{job['id']}/trigger")

    assert (409, first.data) == (first.status_code, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_refused_request_leaves_nothing_but_its_answer(api, make):
    api.job(key="taken")
    before = state(make)

    assert post(api, "/jobs", JOB | {"key": "taken"}).status_code == 409
    assert before[:4] == state(make)[:4]


def test_request_that_is_not_valid_does_not_use_the_key_up(api):
    assert post(api, "/jobs", JOB | {"name": ""}).status_code == 400
    assert post(api, "/jobs", JOB).status_code == 201


def test_fault_of_ours_is_not_kept(api, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("service.jobs.notify.jobs", lambda conn: 1 / 0)
        assert post(api, "/jobs", JOB).status_code == 500

    assert post(api, "/jobs", JOB).status_code == 201
    assert api.page("/jobs")[1]["total"] == 1


def test_answer_that_cannot_be_stored_undoes_what_was_done(api, monkeypatch, make):
    with monkeypatch.context() as patched:
        patched.setattr("service.api.idempotency._store", lambda conn, **_: conn.execute(BROKEN_OFF))
        assert post(api, "/jobs", JOB).status_code == 503

    assert make.rows("SELECT FROM jobs") == []
    assert post(api, "/jobs", JOB).status_code == 201


def test_same_request_at_the_same_time_is_told_to_come_back(api, conn):
    with conn.transaction():
        conn.execute(HELD)
        response = post(api, "/jobs", JOB)

    assert (response.status_code, response.json["error"]["code"]) == (409, "REQUEST_IN_PROGRESS")
    assert response.headers["Retry-After"] == "1"
    assert post(api, "/jobs", JOB).status_code == 201


def test_tenants_have_keys_of_their_own(api):
    assert post(api, "/jobs", JOB).json["data"]["id"] != post(api.of("t2"), "/jobs", JOB).json["data"]["id"]


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\x7f"])
def test_key_must_be_short_and_visible(refuser, key):
    response = refuser.send("POST", "/jobs", json=JOB, headers={"Idempotency-Key": key})

    assert "Idempotency-Key" in {problem["field"] for problem in response.json["error"]["validation"]}


def test_key_counts_for_posts_only(api):
    job = api.job()
    for name in ("a", "b"):
        api.send("PATCH", f"/jobs/{job['id']}", json={"name": name}, headers={"Idempotency-Key": "k"})

    assert api.ok("GET", f"/jobs/{job['id']}")["name"] == "b"


def test_key_is_free_again_after_a_day(api, conn):
    first = post(api, "/jobs", JOB)
    conn.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 h 1 s'")

    second = post(api, "/jobs", JOB)

    assert first.json["data"]["id"] != second.json["data"]["id"]
    assert second.data == post(api, "/jobs", JOB).data


def test_upkeep_deletes_what_is_older_than_a_day(api, conn, engine_pool, monkeypatch):
    for key in ("a", "b", "c", "d"):
        post(api, "/jobs", JOB, key)
    conn.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 h 1 s' WHERE key <> 'd'")
    monkeypatch.setattr(upkeep, "PURGE_BATCH", 2)

    assert [upkeep.purge_idempotency_keys(engine_pool) for _ in range(2)] == [0.0, upkeep.PARTITION_SECONDS]
    assert [row["key"] for row in conn.execute("SELECT key FROM idempotency_keys")] == ["d"]


def test_tenant_cannot_see_the_keys_of_another(api, api_pool):
    post(api, "/jobs", JOB)

    with db.transaction(api_pool, "t2") as other:
        assert other.execute("SELECT count(*) FROM idempotency_keys").fetchone()[0] == 0
