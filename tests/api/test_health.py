"""Probes, metrics and documentation."""

import re
from dataclasses import replace

import pytest
from referencing.jsonschema import DRAFT202012

from service import db
from service.api import openapi
from service.api.app import create_app
from service.api.services import Services
from tests.api import conftest
from tests.factories import NOON

AWAY = "postgres://x@127.0.0.1:1/x"  # where no database is


def test_live_needs_nothing(config):
    client = create_app(Services(config=config, pool=None, draining=None)).test_client()

    assert (client.get("/live").status_code, client.get("/live").json) == (200, {"status": "ok"})


def test_ready_when_all_is_well(client):
    response = client.get("/ready")

    expected = {"ready": True, "database": "ok", "schema": "ok", "draining": False}
    assert (200, expected) == (response.status_code, response.json)


def test_not_ready_while_draining(client, services):
    services.draining.set()

    assert (client.get("/ready").status_code, client.get("/ready").json["draining"]) == (503, True)


@pytest.mark.parametrize(("version", "schema", "status"), [("1", "behind", 503), ("3", "ahead", 200)])
def test_ready_needs_its_migrations_and_minds_no_later_ones(client, conn, version, schema, status, monkeypatch):
    conn.execute("DELETE FROM schema_migrations")
    conn.execute("INSERT INTO schema_migrations VALUES (%s)", [version])
    monkeypatch.setattr("service.api.health.expected_version", lambda: "2")

    assert (status, schema) == (client.get("/ready").status_code, client.get("/ready").json["schema"])


def test_health_tells_the_state_of_each_part(client, make):
    make.worker(slots=7)
    make.execution()

    health = client.get("/health").json

    assert (
        health["status"],
        health["database"]["status"],
        health["redis"]["status"],
        health["ticker"]["holder"],
    ) == ("ok", "ok", "ok", "w1")
    assert health["workers"] == {"status": "ok", "live": 1, "slots": 7}
    assert health["queue"] == {"status": "ok", "pending": 1, "running": 0, "retrying": 0}
    assert health["overdue"] == {"status": "ok", "oldest_run_at": None, "seconds": 0.0}


def test_health_is_degraded_without_workers(client):
    assert (client.get("/health").status_code, client.get("/health").json["status"]) == (200, "degraded")


def test_health_is_degraded_when_redis_is_down(client, make, monkeypatch):
    make.worker()
    monkeypatch.setitem(conftest.LEASE, "status", "down")

    assert (client.get("/health").status_code, client.get("/health").json["status"]) == (200, "degraded")


def test_health_is_degraded_when_runs_are_overdue(client, make):
    make.worker()
    make.job(next_run_at=NOON)

    health = client.get("/health").json

    assert (
        health["status"],
        health["overdue"]["status"],
        health["overdue"]["oldest_run_at"],
    ) == ("degraded", "late", "2026-03-10T12:00:00Z")


def test_probes_say_when_the_database_is_away(config):
    pool = db.open_pool(type(config).from_env({"DATABASE_URL": AWAY}), "api", size=1)
    pool.timeout = 0.2
    services = Services(config=config, pool=pool, draining=conftest.threading.Event())
    client = create_app(services).test_client()

    ready, health, metrics = client.get("/ready"), client.get("/health"), client.get("/metrics")

    pool.close()
    assert (ready.status_code, ready.json["database"]) == (503, "down")
    assert (health.status_code, health.json["status"]) == (503, "down")
    assert (metrics.status_code, "scheduler_database_up 0.0" in metrics.text) == (200, True)


def test_metrics_count_requests_by_route(client, make):
    make.execution()
    client.get("/api/v1/jobs/00000000-0000-0000-0000-000000000000")
    client.get("/nothing")

    text = client.get("/metrics").text

    assert re.search(r'http_requests_total\{method="GET",route="/api/v1/jobs/<uuid:id>",status="404"\}', text)
    assert re.search(r'http_requests_total\{method="GET",route="unmatched",status="404"\}', text)
    assert 'scheduler_queue_depth{status="pending"} 1.0' in text


def test_health_without_a_database_has_the_same_fields(client, services, config):
    pool = db.open_pool(type(config).from_env({"DATABASE_URL": AWAY}), "api", size=1)
    pool.timeout = 0.2
    away = create_app(replace(services, pool=pool)).test_client()

    answers = client.get("/health").json, away.get("/health").json

    pool.close()
    assert fields_of(answers[0]) == fields_of(answers[1])


def fields_of(health):
    """The fields of each part that has some."""
    return {name: set(part) for name, part in health.items() if isinstance(part, dict)}


def test_docs_show_the_document_with_assets_of_our_own(client):
    page = client.get("/docs/").text

    assert "/openapi.json" in page
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    assert client.get("/docs/swagger-ui-bundle.js").status_code == 200


def test_document_names_every_field_of_every_answer():
    schemas = openapi.document()["components"]["schemas"]

    assert [name for name, item in schemas.items() if "properties" in item and item.get("additionalProperties")] == []


def test_document_has_a_schema_and_the_request_id_of_every_answer():
    items = [item for path in openapi.document()["paths"].values() for item in path.values()]
    responses = [response for item in items for response in item["responses"].values()]

    assert [each for each in responses if "X-Request-ID" not in each["headers"]] == []
    assert [each for each in responses if not all(body["schema"] for body in each.get("content", {}).values())] == []


def test_document_tells_what_a_header_of_a_request_is_for():
    items = [item for path in openapi.document()["paths"].values() for item in path.values()]
    headers = [each for item in items for each in item["parameters"] if each["in"] == "header"]

    assert [each["name"] for each in headers if not each.get("description")] == []


def test_every_route_is_in_the_document(services, client):
    document = client.get("/openapi.json").json
    documented = {(method.upper(), path) for path, item in document["paths"].items() for method in item}

    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in create_app(services).url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/docs")
    }
    assert served == documented


def test_document_refers_only_to_schemas_it_has():
    document = openapi.document()

    resolver = DRAFT202012.create_resource(document)
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', openapi.document_text()))
    assert document["openapi"] == "3.1.0"
    assert references <= set(resolver.contents["components"]["schemas"])


def test_document_tells_the_bounds_of_parameters_and_that_none_is_null():
    parameters = {
        each["name"]: each["schema"] for each in openapi.document()["paths"]["/api/v1/jobs"]["get"]["parameters"]
    }

    assert parameters["page_size"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert parameters["tag"] == {"type": "string", "minLength": 1, "maxLength": 100}


def test_document_of_a_service_with_keys_lets_nobody_in_without(services):
    locked = replace(services, config=replace(services.config, auth_required=True))

    document = create_app(locked).test_client().get("/openapi.json").json

    assert document["paths"]["/api/v1/jobs"]["get"]["security"] == [{"key": []}]


def test_what_is_sent_and_what_is_answered_have_schemas_of_their_own():
    schemas = openapi.document()["components"]["schemas"]

    assert "required" not in schemas["Secrets"]
    assert schemas["JobSecrets"]["required"] == ["headers", "payload"]
