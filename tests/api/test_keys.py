"""Who is let in: keys, their tenant, scope and end, with AUTH_REQUIRED on and off."""

from dataclasses import replace

import pytest

from service import db, keys
from service.api import openapi
from service.api.app import create_app
from service.errors import Unavailable
from tests.api.conftest import JOB, Api
from tests.conftest import eventually

OPEN = ["/live", "/ready", "/health", "/metrics", "/openapi.json", "/docs/"]
BAD = [
    None, "", "Bearer", "Bearer ", "Bearer x", "Bearer sched_x", "Bearer sched_" + "A" * 43, "Basic dTpw",
    "Token sched_x", "Bearer sched_é", "Bearer " + "x" * 9000,
]  # fmt: skip


@pytest.fixture
def locked(services):
    """A client of a service that needs keys."""
    app = create_app(replace(services, config=replace(services.config, auth_required=True)))
    return app.test_client()


@pytest.fixture
def admin(config):
    with db.connect(config, "admin") as session:
        yield session


@pytest.fixture
def issue(admin):
    """Makes keys: gives the headers that present one."""

    def make(scope="write", tenant="t1", seconds=None):
        key, secret = keys.create(admin, tenant, "test", scope, seconds)
        return {"Authorization": f"Bearer {secret}"}, key.id

    return make


def ask(client, headers, method="GET", path="/jobs", **more):
    return client.open(f"/api/v1{path}", method=method, headers=headers, **more)


@pytest.mark.parametrize("path", OPEN)
def test_probes_metrics_and_documents_need_no_key(locked, path):
    assert locked.get(path).status_code == 200


def test_every_other_route_needs_one(locked):
    routes = [route for resource in openapi.RESOURCES for route in resource.routes if not route.plain]
    paths = [(r.method, r.path.replace("<uuid:id>", "00000000-0000-0000-0000-000000000000")) for r in routes]

    assert {ask(locked, {}, *path).status_code for path in paths} == {401}


@pytest.mark.parametrize("authorization", BAD)
def test_without_a_good_key_the_answer_is_401_and_always_the_same(locked, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    response = ask(locked, headers)

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="scheduler"')
    assert response.json["error"] == {
        "code": "UNAUTHORIZED", "message": "Send a valid API key as Authorization: Bearer <key>.",
    }  # fmt: skip


def test_an_expired_and_a_revoked_key_are_answered_as_an_unknown_one(locked, issue, admin, conn):
    expired, _ = issue()
    conn.execute("UPDATE api_keys SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h'")
    revoked, id = issue()
    keys.revoke(admin, id=id)
    unknown = {"Authorization": "Bearer sched_nobody"}

    answers = [ask(locked, headers) for headers in (expired, revoked, unknown)]

    assert [(a.status_code, a.json["error"]) for a in answers] == 3 * [(401, answers[2].json["error"])]


def test_a_key_stands_for_its_tenant(locked, issue):
    headers, _ = issue(tenant="t7")

    assert ask(locked, headers, "POST", json=JOB).json["data"]["tenant_id"] == "t7"
    assert ask(locked, headers | {"X-Tenant-ID": "t7"}).status_code == 200


def test_case_does_not_count_in_a_tenant_that_is_a_uuid(locked, issue):
    headers, _ = issue(tenant="0000000a-0000-0000-0000-000000000000")

    assert ask(locked, headers | {"X-Tenant-ID": "0000000A-0000-0000-0000-000000000000"}).status_code == 200


@pytest.mark.parametrize("tenant", ["t2", "", "a b", "00000000-0000-0000-0000-000000000000"])
def test_a_key_does_not_open_another_tenant(locked, issue, tenant):
    response = ask(locked, issue("admin")[0] | {"X-Tenant-ID": tenant})

    assert (response.status_code, response.json["error"]["code"]) == (403, "FORBIDDEN")


def test_the_default_tenant_needs_a_key_of_its_own(locked, issue):
    headers, _ = issue(tenant="00000000-0000-0000-0000-000000000000")

    assert ask(locked, headers, "POST", json=JOB).status_code == 201


@pytest.mark.parametrize(
    ("scope", "read", "write", "audit"), [("read", 200, 403, 403), ("write", 200, 201, 403), ("admin", 200, 201, 200)]
)
def test_scopes(locked, issue, scope, read, write, audit):
    headers, _ = issue(scope)

    found = ask(locked, headers), ask(locked, headers, "POST", json=JOB), ask(locked, headers, path="/audit")

    assert [response.status_code for response in found] == [read, write, audit]


def test_a_read_key_changes_nothing_by_any_route(locked, issue, make):
    job, (headers, _) = make.job(), issue("read")
    routes = [r for resource in openapi.RESOURCES for r in resource.routes if not r.plain and r.method != "GET"]

    found = {ask(locked, headers, r.method, r.path.replace("<uuid:id>", str(job["id"]))).status_code for r in routes}

    assert (found, make.rows("SELECT * FROM jobs")) == ({403}, [job])


def test_the_key_is_asked_for_before_the_request_is_looked_at(locked):
    assert ask(locked, {}, "POST", data="{", content_type="application/json").status_code == 401


def test_the_audit_log_names_the_key(locked, issue, make):
    headers, id = issue()

    ask(locked, headers, "POST", json=JOB)

    rows = make.rows("SELECT action, actor FROM audit_log ORDER BY at")
    assert rows[1:] == [{"action": "job.create", "actor": f"key:{id}"}]


def test_its_last_use_is_written_once_a_minute(locked, issue, make, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_SECONDS", 0.0)
    headers, _ = issue()
    ask(locked, headers)
    first = make.row("SELECT last_used_at FROM api_keys")["last_used_at"]

    ask(locked, headers)

    assert first is not None
    assert make.row("SELECT last_used_at, xmin FROM api_keys")["last_used_at"] == first
    make.conn.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '61 s'")
    ask(locked, headers)
    assert make.row("SELECT last_used_at FROM api_keys")["last_used_at"] > first


def test_a_key_that_was_good_is_remembered_for_a_moment_only(services, issue, admin, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_SECONDS", 0.2)
    headers, id = issue()
    secret, ring = headers["Authorization"].split()[1], keys.Keyring(services.pool)
    assert ring.find(secret).id == id

    keys.revoke(admin, id=id)

    assert ring.find(secret) is not None
    eventually(lambda: ring.find(secret) is None, deadline=2)


def test_a_remembered_key_asks_no_database(issue, api_pool):
    headers, id = issue()
    secret, ring = headers["Authorization"].split()[1], keys.Keyring(api_pool)
    ring.find(secret)

    api_pool.close()

    assert ring.find(secret).id == id
    with pytest.raises(Unavailable):
        ring.find(secret + "x")


def test_the_memory_of_keys_is_bounded(issue, api_pool, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_SIZE", 2)
    ring = keys.Keyring(api_pool)

    for _ in range(5):
        assert ring.find(issue()[0]["Authorization"].split()[1])

    assert len(ring._known) <= 2


@pytest.mark.parametrize("authorization", ["Basic dTpw", "Bearer eyJhbGciOi.x.y", ""])
def test_where_no_key_is_needed_a_gateways_credentials_are_let_be(api, authorization):
    assert api.send("GET", "/jobs", headers={"Authorization": authorization}).status_code == 200


def test_where_no_key_is_needed_one_that_is_sent_counts_all_the_same(client, issue):
    headers, _ = issue("read", "t7")

    assert ask(client, {"Authorization": "Bearer sched_wrong"}).status_code == 401
    assert ask(client, headers, "POST", json=JOB).status_code == 403
    assert ask(client, headers | {"X-Tenant-ID": "t1"}).status_code == 403


def test_without_keys_the_audit_log_is_open_to_its_tenant(client):
    assert Api(client).send("GET", "/audit").status_code == 200


def test_the_document_tells_of_keys(locked):
    document = locked.get("/openapi.json").json

    operation = document["paths"]["/api/v1/audit"]["get"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert operation["security"] == [{"key": []}]
    assert {"401", "403"} <= operation["responses"].keys()
    assert "security" not in document["paths"]["/live"]["get"]
