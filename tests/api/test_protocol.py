"""What holds for every request: envelope, tenants, bodies, methods."""

import gzip
import json
from uuid import uuid4

import pytest

from service import db
from service.api.app import create_app
from service.api.services import Services
from tests.api.conftest import JOB, Api

TRACE = "0af7651916cd43dd8448eb211c80319c"
DEFAULT = "00000000-0000-0000-0000-000000000000"


def test_trace_id_is_the_one_of_traceparent(api):
    response = api.send("GET", "/jobs", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})

    assert response.json["traceId"] == TRACE


@pytest.mark.parametrize("header", ["x", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{TRACE}-b7ad6b7169203331-01"])
def test_trace_id_is_random_when_traceparent_is_not_valid(api, header):
    response = api.send("GET", "/jobs", headers={"traceparent": header})

    assert response.json["traceId"] not in (TRACE, "0" * 32)


@pytest.mark.parametrize("path", ["/nothing", "/jobs/not-a-uuid", "/executions/1", "/jobs/1/pause"])
def test_unknown_path_is_404(refuser, path):
    assert refuser.refused(404, "GET", path)["code"] == "NOT_FOUND"


def test_wrong_method_is_405_with_allow(refuser):
    response = refuser.send("PATCH", "/executions")

    assert (response.status_code, response.json["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in response.headers["Allow"]


def test_trailing_slash_is_the_same_resource(api):
    assert api.send("GET", "/jobs/").status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", "{", "nul", "[1", "\ufeff{}", '{"a": 1} x', "[" * 200_000],
)
def test_malformed_json_is_400(refuser, text):
    error = refuser.refused(400, "POST", "/jobs", data=text, content_type="application/json")

    assert error["code"] == "MALFORMED_REQUEST"


def test_body_that_is_not_utf_8_is_400(refuser):
    error = refuser.refused(400, "POST", "/jobs", data=b'{"name": "\xff"}', content_type="application/json")

    assert error["code"] == "MALFORMED_REQUEST"


def test_body_that_begins_with_a_byte_order_mark_is_told_so(refuser):
    error = refuser.refused(400, "POST", "/jobs", data="\ufeff{}".encode(), content_type="application/json")

    assert error["message"] == "The request body is not valid JSON: it begins with a byte order mark."


def test_body_that_is_compressed_is_415(refuser):
    error = refuser.refused(
        415,
        *("POST", "/jobs"),
        data=gzip.compress(json.dumps(JOB).encode()),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )

    assert error["message"] == "Send the request body as it is, without Content-Encoding: gzip."


@pytest.mark.parametrize("text", ["[]", "1", "1" * 5000, '"x"', "null", "NaN"])
def test_body_must_be_an_object(refuser, text):
    assert {"body"} == set(refuser.invalid("POST", "/jobs", data=text, content_type="application/json"))


@pytest.mark.parametrize(
    "payload", ["1e400", "-1e999", '["\\u0000"]', '{"\\ud800": 1}', "[" * 101 + "]" * 101, '"\\udc00"']
)
def test_payload_that_cannot_be_stored_is_400(refuser, payload):
    text = json.dumps(JOB)[:-1] + f', "payload": {payload}}}'

    assert {"payload"} == set(refuser.invalid("POST", "/jobs", data=text, content_type="application/json"))


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ('"name": "again"', "name", "must be given once"),
        ('"payload": {"a": [{"b": 1, "b": 1}]}', "payload", 'must not have the name "b" twice in one object'),
        ('"metadata": {"c": null, "c": 2}', "metadata", 'must not have the name "c" twice in one object'),
        ('"x": 1, "x": 2', "x", "must be given once"),
        ('"\\ud800": 1, "\\ud800": 2', "\\ud800", "must be given once"),
    ],
)
def test_a_name_that_occurs_twice_is_refused(refuser, more, field, message):
    text = json.dumps(JOB)[:-1] + f", {more}}}"

    assert {field: message} == refuser.invalid("POST", "/jobs", data=text, content_type="application/json")


@pytest.mark.parametrize("payload", [0, "", [], {}, False, 1e22, 10**100, "é\U0001f600", [[[[1.5]]]], 5e-324])
def test_any_other_payload_comes_back_as_it_was(api, payload):
    assert payload == api.job(payload=payload)["payload"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_body_of_another_type_is_415(refuser, content_type):
    error = refuser.refused(415, "POST", "/jobs", data=json.dumps(JOB), content_type=content_type)

    assert error["code"] == "UNSUPPORTED_MEDIA_TYPE"


def test_json_with_a_charset_is_json(api):
    content_type = "application/json; charset=utf-8"

    assert api.send("POST", "/jobs", data=json.dumps(JOB), content_type=content_type).status_code == 201


def test_body_beyond_a_mebibyte_is_413(refuser):
    error = refuser.refused(413, "POST", "/jobs", json=JOB | {"payload": "x" * 2**20})

    assert error["code"] == "PAYLOAD_TOO_LARGE"


def test_action_refuses_fields_it_does_not_know(api):
    job = api.job()

    assert {"force"} == set(api.invalid("POST", f"/jobs/{job['id']}/pause", json={"force": True}))
    assert api.send("POST", f"/jobs/{job['id']}/pause", json={}).status_code == 200


def test_unknown_parameters_are_refused_everywhere(refuser):
    assert {"x"} == set(refuser.invalid("GET", f"/jobs/{uuid4()}?x=1"))
    assert {"x"} == set(refuser.invalid("DELETE", f"/jobs/{uuid4()}?x=1"))


def test_without_a_header_the_default_tenant_is_meant(client):
    response = client.post("/api/v1/jobs", json=JOB)

    assert response.json["data"]["tenant_id"] == DEFAULT


@pytest.mark.parametrize("tenant", ["a", "Team.one_2-x:y", "x" * 64, DEFAULT])
def test_tenant_may_be(api, tenant):
    assert tenant == api.of(tenant).job()["tenant_id"]


@pytest.mark.parametrize("tenant", ["", " ", "a b", "x" * 65, "a/b", "é", "a,b", "a\0"])
def test_tenant_may_not_be(refuser, tenant):
    assert {"X-Tenant-ID"} == set(refuser.of(tenant).invalid("GET", "/jobs"))


def test_uuid_tenants_are_one_whatever_their_case(api):
    tenant = "ABCDEF01-0000-4000-8000-000000000000"
    api.of(tenant).job()

    assert api.of(tenant.lower()).page("/jobs")[1]["total"] == 1


def test_bad_tenant_is_reported_with_the_other_fields(refuser):
    assert {"X-Tenant-ID", "page"} == set(refuser.of("a b").invalid("GET", "/jobs?page=x"))


def test_tenant_can_be_required(services, monkeypatch):
    object.__setattr__(services.config, "tenant_required", True)
    response = create_app(services).test_client().get("/api/v1/jobs")

    assert (response.status_code, response.json["error"]["validation"][0]["field"]) == (400, "X-Tenant-ID")


def test_database_out_of_reach_is_503_with_retry_after(config):
    away = type(config).from_env({"DATABASE_URL": "postgres://x@127.0.0.1:1/x"})
    pool = db.open_pool(away, "api", size=1)
    pool.timeout = 0.2
    services = Services(config=away, pool=pool, draining=None)
    client = create_app(services).test_client()

    response = client.get("/api/v1/jobs")

    pool.close()
    assert (response.status_code, response.json["error"]["code"]) == (503, "UNAVAILABLE")
    assert int(response.headers["Retry-After"]) > 0


def test_fault_of_ours_leaks_nothing(api, monkeypatch):
    monkeypatch.setattr("service.jobs.get", lambda *_, **__: 1 / 0)

    response = api.send("GET", f"/jobs/{uuid4()}")

    assert (response.status_code, response.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "division" not in response.text


def test_jobs_are_filtered_and_paged(api: Api):
    names = ["alpha", "Beta_1", "be%ta", "gamma\\"]
    made = [api.job(name=name, tags=[name[0]])["id"] for name in names]
    api.job(name="gone", type="cron", schedule="@daily")
    api.ok("DELETE", f"/jobs/{api.page('/jobs')[0][0]['id']}", status=204)

    assert made[::-1] == [row["id"] for row in api.page("/jobs")[0]]
    assert [row["name"] for row in api.page("/jobs?name=BETA")[0]] == ["Beta_1"]
    assert [row["name"] for row in api.page("/jobs?name=_")[0]] == ["Beta_1"]
    assert [row["name"] for row in api.page("/jobs?name=%25")[0]] == ["be%ta"]
    assert [row["name"] for row in api.page("/jobs?name=%5C")[0]] == ["gamma\\"]
    assert [row["name"] for row in api.page("/jobs?tag=a")[0]] == ["alpha"]
    assert [row["name"] for row in api.page("/jobs?status=deleted")[0]] == ["gone"]
    assert api.page("/jobs?type=interval&status=active")[1]["total"] == 4
    first, one = api.page("/jobs?page_size=3")
    second, _ = api.page(f"/jobs?page_size=3&cursor={one['nextCursor']}")
    assert made[::-1] == [row["id"] for row in first + second]
    assert second == api.page("/jobs?page_size=3&page=2")[0]
