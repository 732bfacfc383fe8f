"""ETag, If-Match and If-None-Match on jobs: nobody overwrites what they have not seen."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import JOB

STALE = '"0-active-0"'


def tag(api, job):
    return api.send("GET", f"/jobs/{job['id']}").headers["ETag"]


def sent(api, method, path, header, value, **more):
    return api.send(method, path, headers={header: value}, **more)


CHANGES = {
    "put": ("PUT", "/jobs/{id}", {"json": {"name": "new"}}),
    "patch": ("PATCH", "/jobs/{id}", {"json": {"name": "new"}}),
    "put by key": ("PUT", "/jobs/by-key/k", {"json": JOB | {"name": "new"}}),
    "pause": ("POST", "/jobs/{id}/pause", {}),
    "resume": ("POST", "/jobs/{id}/resume", {}),
    "delete": ("DELETE", "/jobs/{id}", {}),
    "delete by key": ("DELETE", "/jobs/by-key/k", {}),
}


@pytest.fixture(params=CHANGES)
def change(request, api):
    """A job with its tag, and a function that sends one change of it with a header."""
    job = api.job(key="k")
    method, path, more = CHANGES[request.param]

    def send(header, value):
        return sent(api, method, path.format(**job), header, value, **more)

    return job, send


def test_change_with_the_current_tag_is_made(api, change):
    job, send = change

    assert send("If-Match", f'"other", {tag(api, job)}').status_code in (200, 204)


@pytest.mark.parametrize("value", [STALE, '"a", "b"', 'W/"a"', '""'])
def test_change_with_a_stale_tag_is_refused(api, change, value):
    job, send = change

    response = send("If-Match", value)

    assert (response.status_code, response.json["error"]["code"]) == (412, "PRECONDITION_FAILED")
    assert tag(api, job) in response.json["error"]["message"]
    assert job == api.ok("GET", f"/jobs/{job['id']}")


def test_weak_tag_never_satisfies_if_match(api, change):
    job, send = change

    assert send("If-Match", f"W/{tag(api, job)}").status_code == 412


def test_change_with_an_asterisk_is_made(change):
    assert change[1]("If-Match", "*").status_code in (200, 204)


@pytest.mark.parametrize("value", ["", "abc", '"a', '"a" "b"', '*, "a"', '"a b"', "w/'a'", '"a",, x'])
def test_malformed_condition_is_a_validation_error(change, value):
    for header in ("If-Match", "If-None-Match"):
        response = change[1](header, value)

        assert (response.status_code, response.json["error"]["validation"][0]["field"]) == (400, header)


def test_if_none_match_refuses_a_change_of_what_is_there(api, change):
    job, send = change

    assert send("If-None-Match", f"W/{tag(api, job)}").status_code == 412
    assert send("If-None-Match", "*").status_code == 412
    assert send("If-None-Match", STALE).status_code in (200, 204)


def test_every_answer_about_a_job_has_its_tag(api):
    created = api.send("POST", "/jobs", json=JOB | {"key": "k"})
    path = f"/jobs/{created.json['data']['id']}"
    same = [api.send("GET", path), api.send("GET", "/jobs/by-key/k"), api.send("PATCH", path, json={})]
    changed = [api.send("PUT", path, json={"name": "x"}), api.send("POST", f"{path}/pause")]

    assert {created.headers["ETag"]} == {answer.headers["ETag"] for answer in same}
    assert len({answer.headers["ETag"] for answer in (created, *changed)}) == 3
    assert created.headers["ETag"].startswith('"')


def test_tag_never_comes_back(api):
    job = api.job()
    before = tag(api, job)
    for action in ("pause", "resume"):
        api.ok("POST", f"/jobs/{job['id']}/{action}")

    assert before != tag(api, job)


def test_tag_is_not_moved_by_runs(api, conn, engine_pool):
    job = api.job()
    before = tag(api, job)
    conn.execute("INSERT INTO job_totals (job_id, tenant_id, completed) VALUES (%s, 't1', 5)", [job["id"]])
    conn.execute("UPDATE jobs SET next_run_at = next_run_at + interval '1 min', runs = 5")

    assert before == tag(api, job)


def test_tag_is_moved_when_the_engine_completes_the_job(api, conn):
    job = api.job()
    before = tag(api, job)
    conn.execute("UPDATE jobs SET status = 'completed', next_run_at = NULL")

    assert before != tag(api, job)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_reader_that_has_the_job_gets_304(api, form):
    job = api.job()
    before = tag(api, job)

    response = sent(api, "GET", f"/jobs/{job['id']}", "If-None-Match", form.format(before))

    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", before)


def test_reader_of_an_older_state_gets_the_job(api):
    job = api.job()

    assert sent(api, "GET", f"/jobs/{job['id']}", "If-None-Match", STALE).json["data"] == job
    assert sent(api, "GET", f"/jobs/{job['id']}", "If-Match", STALE).status_code == 412


def test_missing_job_is_404_whatever_is_demanded(api):
    path = "/jobs/00000000-0000-4000-8000-000000000000"

    assert sent(api, "PUT", path, "If-Match", "*", json={"name": "x"}).status_code == 404
    assert sent(api, "DELETE", "/jobs/by-key/k", "If-Match", STALE).status_code == 404


def test_put_by_key_only_creates_with_if_none_match(api):
    answers = [sent(api, "PUT", "/jobs/by-key/k", "If-None-Match", "*", json=JOB).status_code for _ in range(2)]

    assert answers == [201, 412]


def test_put_by_key_only_replaces_with_if_match(api):
    assert sent(api, "PUT", "/jobs/by-key/k", "If-Match", "*", json=JOB).status_code == 412
    assert api.page("/jobs")[0] == []


def test_one_of_the_editors_that_read_the_same_state_wins(api):
    job = api.job()
    read = tag(api, job)

    def edit(priority):
        path = f"/jobs/{job['id']}"
        return sent(api, "PATCH", path, "If-Match", read, json={"priority": priority}).status_code

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(edit, (1, 2, 3))) == [200, 412, 412]
    assert api.ok("GET", f"/jobs/{job['id']}")["version"] == 2
