"""Secrets of jobs: write-only, encrypted, kept by edits that do not send them, and never shown."""

import base64
from dataclasses import replace

import pytest

from service.api.services import Services
from service.masks import MASK
from service.vault import SecretUnreadable, Vault, job_owner
from tests.api.conftest import JOB

KEY = bytes(range(32))
TOKEN, PASSWORD = "Bearer correct-horse-battery", "staple-of-the-horse"
NAMED = {"headers": ["X-Token"], "payload": ["/auth/password"]}
SECRET = {
    "headers": {"Authorization": TOKEN, "X-Token": "t0k3n-t0k3n", "X-A": "1"},
    "payload": {"auth": {"user": "u", "password": PASSWORD}, "n": 1},
    "secrets": NAMED,
}


def text(key):
    return base64.b64encode(key).decode()


@pytest.fixture
def services(config, api_pool):
    return Services(replace(config, secrets_key=text(KEY)), api_pool, None)


@pytest.fixture
def stored(conn):
    """What the engine would open of a job."""

    def read(job, key=KEY):
        row = conn.execute("SELECT sealed FROM jobs WHERE id = %s", [job["id"]]).fetchone()
        return row["sealed"] and Vault((key,)).open(row["sealed"], job_owner("t1", job["id"]))

    return read


VALUES = {
    "headers": {"authorization": TOKEN, "x-token": "t0k3n-t0k3n"},
    "payload": {"/auth/password": PASSWORD},
}


def test_secrets_are_shown_as_masks(api):
    job = api.job(**SECRET)

    assert job["headers"] == {"Authorization": MASK, "X-Token": MASK, "X-A": "1"}
    assert job["payload"] == {"auth": {"user": "u", "password": MASK}, "n": 1}
    assert job["secrets"] == NAMED


def test_no_answer_gives_a_secret_back(api):
    job = api.job(**SECRET)
    started = api.ok("POST", f"/jobs/{job['id']}/trigger", status=202)

    paths = (
        f"/jobs/{job['id']}", "/jobs", "/jobs?upcoming_before=2100-01-01T00:00:00Z", f"/executions/{started['id']}",
        "/audit", f"/jobs/{job['id']}/executions", f"/jobs/{job['id']}/occurrences", f"/jobs/{job['id']}/history",
    )  # fmt: skip
    texts = [api.send("GET", path).text for path in paths]
    texts += [api.send("PUT", f"/jobs/{job['id']}", json={"name": "n"}).text]
    texts += [api.send("POST", f"/jobs/{job['id']}/{act}").text for act in ("pause", "resume")]
    assert [text for text in texts if "battery" in text or PASSWORD in text or "t0k3n" in text] == []


def test_secrets_are_encrypted_in_every_table(api, conn):
    job = api.job(**SECRET)
    api.ok("POST", f"/jobs/{job['id']}/trigger", status=202)

    rows = [
        str(conn.execute(f"SELECT * FROM {table}").fetchall()) for table in ("jobs", "job_versions", "execution_queue")
    ]
    assert [row for row in rows if "battery" in row or PASSWORD in row or "t0k3n" in row] == []
    assert "'sealed': 'v1:" in rows[0]


def test_a_value_opens_for_its_own_job_only(api, conn):
    first, second = api.job(**SECRET), api.of("t2").job(**SECRET)

    conn.execute(
        "UPDATE jobs SET sealed = (SELECT sealed FROM jobs WHERE id = %s) WHERE id = %s", [first["id"], second["id"]]
    )

    row = conn.execute("SELECT sealed FROM jobs WHERE id = %s", [second["id"]]).fetchone()
    with pytest.raises(SecretUnreadable):
        Vault((KEY,)).open(row["sealed"], job_owner("t2", second["id"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "new"},
        {"headers": {"X-A": "1"}},
        {"headers": {"authorization": MASK, "x-token": MASK, "X-A": "1"}},
        {"payload": {"auth": {"user": "u"}, "n": 1}},
        {"payload": {"n": 2}},
        {"payload": {"auth": {"user": "u", "password": MASK}}},
        {"secrets": NAMED},
        {"headers": {"Authorization": MASK}, "payload": {"auth": {"password": MASK}}, "secrets": NAMED},
    ],
)
def test_an_update_that_leaves_secrets_out_or_sends_masks_keeps_them(api, stored, changes):
    job = api.job(**SECRET)

    changed = api.ok("PUT", f"/jobs/{job['id']}", changes)

    assert stored(job) == VALUES
    assert (changed["secrets"], changed["payload"]["auth"]["password"]) == (NAMED, MASK)
    assert {name.lower(): value for name, value in changed["headers"].items() if name != "X-A"} == {
        "authorization": MASK,
        "x-token": MASK,
    }


def test_what_an_answer_shows_can_be_sent_back_as_it_is(api, stored):
    job = api.job(**SECRET)

    api.ok("PUT", f"/jobs/{job['id']}", {name: job[name] for name in ("headers", "payload", "secrets", "name")})

    assert stored(job) == VALUES


def test_a_new_value_replaces_a_secret_alone(api, stored):
    job = api.job(**SECRET)

    api.ok("PATCH", f"/jobs/{job['id']}", {"headers": {"Authorization": "Bearer new"}})

    assert stored(job) == VALUES | {"headers": {"authorization": "Bearer new", "x-token": "t0k3n-t0k3n"}}


def test_null_removes_a_secret_header(api, stored):
    job = api.job(**SECRET)

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"headers": {"Authorization": None, "X-Token": None}})

    assert (changed["headers"], changed["secrets"]["headers"]) == ({}, [])
    assert stored(job) == VALUES | {"headers": {}}


def test_a_payload_of_null_removes_its_secrets(api, stored):
    job = api.job(**SECRET)

    changed = api.ok("PUT", f"/jobs/{job['id']}", {"payload": None})

    assert (changed["payload"], changed["secrets"]["payload"]) == (None, [])
    assert stored(job) == VALUES | {"payload": {}}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"secrets": {}}, {"headers.X-Token", "payload"}),
        ({"secrets": {"payload": ["/auth/password"]}, "headers": {"X-Token": MASK}}, {"headers.X-Token"}),
        ({"secrets": {"headers": ["X-Token"]}, "payload": {"auth": {"password": MASK}}}, {"payload"}),
        ({"secrets": {"headers": ["X-Token"], "payload": ["/auth"]}}, {"payload"}),
        ({"secrets": {"headers": ["X-Token"], "payload": ["/auth/password/x"]}}, {"payload", "secrets.payload"}),
        (
            {"secrets": {"headers": ["X-Token"], "payload": ["/b"]}, "payload": {"b": MASK}},
            {"payload"},
        ),
        ({"headers": {"X-New": MASK}, "secrets": NAMED | {"headers": ["X-New"]}}, {"headers.X-New"}),
        ({"payload": {"auth": [1]}}, {"payload"}),
    ],
)
def test_no_edit_turns_a_stored_secret_into_what_is_shown(api, stored, changes, fields):
    job = api.job(**SECRET)

    assert fields == set(api.invalid("PUT", f"/jobs/{job['id']}", json=changes))
    assert stored(job) == VALUES


def test_a_secret_that_is_no_more_named_may_be_sent_anew(api, stored):
    job = api.job(**SECRET)
    changes = {"secrets": {}, "headers": {"X-Token": "open"}, "payload": {"auth": {"password": "open"}}}

    changed = api.ok("PUT", f"/jobs/{job['id']}", changes)

    assert (changed["headers"]["X-Token"], changed["payload"]["auth"]["password"]) == ("open", "open")
    assert stored(job) == {"headers": {"authorization": TOKEN}, "payload": {}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"headers": {"Authorization": MASK}}, "headers.Authorization"),
        ({"secrets": {"payload": ["/a"]}, "payload": {"a": MASK}}, "payload"),
        ({"secrets": {"headers": ["X-Typo"]}, "headers": {"X-Token": "x"}}, "secrets.headers"),
        ({"secrets": {"payload": ["/a/b"]}, "payload": {"a": {"c": 1}}}, "secrets.payload"),
        ({"secrets": {"payload": ["/a"]}}, "secrets.payload"),
        ({"secrets": {"payload": ["a"]}}, "secrets.payload.0"),
        ({"secrets": {"payload": ["/a~2"]}}, "secrets.payload.0"),
        ({"secrets": {"payload": ["/a", "/a/b"]}, "payload": {"a": {"b": 1}}}, "secrets.payload"),
        ({"secrets": {"cookies": []}}, "secrets.cookies"),
        ({"secrets": None}, "secrets"),
    ],
)
def test_secrets_that_name_nothing_are_refused(api, given, field):
    assert {field} == set(api.invalid("POST", "/jobs", json=JOB | given))


@pytest.mark.parametrize(
    ("pointer", "payload", "shown"),
    [
        ("", {"a": 1}, MASK),
        ("/a/1", {"a": [1, 2]}, {"a": [1, MASK]}),
        ("/a~1b/m~0n", {"a/b": {"m~n": {"deep": True}}}, {"a/b": {"m~n": MASK}}),
        ("/", {"": "x"}, {"": MASK}),
    ],
)
def test_a_pointer_may_name_any_part_of_the_payload(api, stored, pointer, payload, shown):
    job = api.job(payload=payload, secrets={"payload": [pointer]})

    assert shown == job["payload"]
    assert len(stored(job)["payload"]) == 1


def test_a_whole_definition_keeps_what_it_sends_as_masks_and_drops_the_rest(api, stored):
    definition = JOB | {"headers": {"Authorization": TOKEN, "Cookie": "a=b"}}
    job = api.ok("PUT", "/jobs/by-key/k", definition, status=201)

    api.ok("PUT", "/jobs/by-key/k", definition | {"headers": {"Authorization": MASK}})

    assert stored(job)["headers"] == {"authorization": TOKEN}


def test_sending_the_same_value_again_is_no_change(api):
    definition = JOB | SECRET
    first = api.ok("PUT", "/jobs/by-key/k", definition, status=201)

    again = api.ok("PUT", "/jobs/by-key/k", definition)
    other = api.ok("PUT", "/jobs/by-key/k", definition | {"headers": SECRET["headers"] | {"X-Token": "another-one"}})

    assert (first["version"], again["version"], other["version"]) == (1, 1, 2)


def test_jobs_created_in_bulk_have_secrets_too(api, stored):
    (job,) = api.ok("POST", "/jobs/bulk", {"jobs": [JOB | SECRET]}, status=201)

    assert job["payload"]["auth"]["password"] == MASK
    assert stored(job) == VALUES


def test_what_was_stored_before_there_were_secrets_is_masked_and_sealed_by_an_edit(api, make, stored):
    old = make.job(headers={"Authorization": TOKEN, "X-A": "1"})
    path = f"/jobs/{old['id']}"

    shown = api.ok("GET", path)
    changed = api.ok("PUT", path, {"headers": shown["headers"]})

    assert shown["headers"] == changed["headers"] == {"Authorization": MASK, "X-A": "1"}
    assert stored(old)["headers"] == {"authorization": TOKEN}
    assert TOKEN not in api.send("GET", "/audit").text


def test_without_a_key_named_secrets_are_refused_and_others_masked(api, services, conn):
    object.__setattr__(services, "config", replace(services.config, secrets_key=""))

    refused = api.invalid("POST", "/jobs", json=JOB | {"secrets": {"headers": ["X-A"]}, "headers": {"X-A": "1"}})
    job = api.job(headers={"Cookie": "session=1"})

    assert "SECRETS_KEY" in refused["secrets"]
    assert job["headers"] == {"Cookie": MASK}
    assert conn.execute("SELECT sealed FROM jobs").fetchone()["sealed"].startswith("plain:")


def test_when_the_key_is_gone_other_fields_change_and_secrets_can_be_sent_anew(api, services, stored):
    job = api.job(headers={"Authorization": TOKEN})
    object.__setattr__(services, "config", replace(services.config, secrets_key=text(bytes(32))))
    path = f"/jobs/{job['id']}"

    api.ok("PUT", path, {"name": "new"})
    refused = api.invalid("PUT", path, json={"headers": {"Authorization": MASK}})
    api.ok("PUT", path, {"headers": {"Authorization": "Bearer new"}})

    assert "send the value" in refused["headers.Authorization"]
    assert stored(job, bytes(32))["headers"] == {"authorization": "Bearer new"}
