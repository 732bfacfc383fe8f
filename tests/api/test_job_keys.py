"""Jobs by the client's own key: created or replaced by one request, whoever else sends it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import JOB

PATH = "/jobs/by-key/billing:nightly"


def test_key_is_kept_and_found(api):
    job = api.job(key="a.b_c-d:e")

    assert job["key"] == "a.b_c-d:e"
    assert job == api.ok("GET", "/jobs/by-key/a.b_c-d:e")
    assert [job] == api.page("/jobs?key=a.b_c-d:e")[0]
    assert api.page("/jobs?key=a.b_c-d")[0] == []


@pytest.mark.parametrize("key", ["", " ", ".a", "-a", "a/b", "a b", "ä", "x" * 256, "a\0", 5])
def test_key_is_refused_that_could_not_stand_in_a_path(refuser, key):
    assert {"key"} == set(refuser.invalid("POST", "/jobs", json=JOB | {"key": key}))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("key", [".a", "a%20b", "a%00", "%ff", "x" * 256])
def test_malformed_key_in_a_path_is_a_validation_error(refuser, method, key):
    body = {"json": JOB} if method == "PUT" else {}

    assert {"key"} == set(refuser.invalid(method, f"/jobs/by-key/{key}", **body))


def test_key_of_another_job_is_a_conflict_that_names_the_field(api):
    api.job(key="k")

    error = api.refused(409, "POST", "/jobs", json=JOB | {"key": "k"})

    assert (error["code"], *(error["validation"][0][n] for n in ("field", "code"))) == ("CONFLICT", "key", "taken")
    assert api.page("/jobs")[1]["total"] == 1


def test_key_of_another_job_cannot_be_taken_by_an_edit(api):
    api.job(key="k")
    other = api.job(key="l")

    error = api.refused(409, "PATCH", f"/jobs/{other['id']}", json={"key": "k"})

    assert error["validation"][0]["field"] == "key"
    assert other == api.ok("GET", f"/jobs/{other['id']}")


def test_key_can_be_changed_and_cleared(api):
    job = api.job(key="k")

    assert api.ok("PATCH", f"/jobs/{job['id']}", {"key": "l"})["key"] == "l"
    assert api.ok("PATCH", f"/jobs/{job['id']}", {"key": None})["key"] is None
    api.job(key="l")


def test_tenants_have_keys_of_their_own(api):
    job = api.job(key="k")
    other = api.of("t2").job(key="k")

    assert job["id"] != other["id"]
    assert other == api.of("t2").ok("GET", "/jobs/by-key/k")


def test_missing_key_is_404_that_names_it(api):
    assert api.refused(404, "GET", "/jobs/by-key/k")["message"] == "There is no job with the key k."
    assert api.refused(404, "DELETE", "/jobs/by-key/k")["message"] == "There is no job with the key k."


def test_put_creates_the_job_of_a_key(api):
    job = api.ok("PUT", PATH, JOB, status=201)

    assert (job["key"], job["version"]) == ("billing:nightly", 1)
    assert [job] == api.page("/jobs")[0]


def test_put_replaces_the_whole_definition(api):
    job = api.ok("PUT", PATH, JOB | {"description": "d", "payload": 1, "timeout": 9, "tags": ["a"]}, status=201)

    replaced = api.ok("PUT", PATH, JOB | {"name": "new"})

    assert (job["id"], "new", 2) == (replaced["id"], replaced["name"], replaced["version"])
    assert tuple(replaced[name] for name in ("description", "payload", "timeout", "tags")) == (None, None, 30, [])


PAYLOADS = [None, {"a": [1, 1.0, True, None, 1e22, 0.1, {"b": "ä"}]}]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_put_of_the_same_definition_changes_nothing(api, make, payload):
    body = JOB | {"payload": payload, "start_at": "2030-01-01T00:00:00+02:00", "retry_on": [503], "headers": {"A": "1"}}
    job = api.ok("PUT", PATH, body, status=201)

    assert job == api.ok("PUT", PATH, body | {"key": "billing:nightly"})
    assert make.row("SELECT count(*) FROM job_versions")["count"] == 1


@pytest.mark.parametrize(("before", "after"), [({"a": 1}, {"a": True}), ([0], [False]), ([1], [1, 1]), (1, "1")])
def test_put_sees_every_difference(api, before, after):
    api.ok("PUT", PATH, JOB | {"payload": before}, status=201)

    replaced = api.ok("PUT", PATH, JOB | {"payload": after})

    assert (after, 2) == (replaced["payload"], replaced["version"])
    assert type(after) is type(replaced["payload"])


def test_put_leaves_a_paused_job_paused(api):
    job = api.ok("PUT", PATH, JOB, status=201)
    api.ok("POST", f"/jobs/{job['id']}/pause")

    assert api.ok("PUT", PATH, JOB | {"name": "new"})["status"] == "paused"


def test_put_refuses_another_key_in_its_body(refuser):
    assert {"key"} == set(refuser.invalid("PUT", PATH, json=JOB | {"key": "other"}))


def test_put_refuses_an_incomplete_definition(api):
    api.ok("PUT", PATH, JOB, status=201)

    assert {"type", "schedule", "endpoint"} == set(api.invalid("PUT", PATH, json={"name": "x"}))


def test_deleted_job_leaves_its_key_free(api):
    job = api.ok("PUT", PATH, JOB, status=201)
    api.ok("DELETE", PATH, status=204)

    assert api.send("GET", PATH).status_code == 404
    assert job["id"] != api.ok("PUT", PATH, JOB, status=201)["id"]
    assert job["key"] == api.ok("GET", f"/jobs/{job['id']}")["key"]


def test_clients_that_put_the_same_key_at_once_make_one_job(api):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: api.send("PUT", PATH, json=JOB | {"priority": n}), range(1, 5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json["data"]["id"] for answer in answers}) == 1
    assert api.page("/jobs")[1]["total"] == 1
