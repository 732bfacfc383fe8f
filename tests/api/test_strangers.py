"""A tenant that knows every id, key, name and cursor of another one learns nothing by them and changes nothing."""

import base64
import json
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from service import db, keys
from service.api import openapi
from service.api.app import create_app
from service.api.cursor import CursorField
from service.api.services import Services
from tests.api.conftest import JOB
from tests.api.test_executions import finished
from tests.api.test_idempotency import BACKFILL
from tests.factories import NOON

MARK = "zebra"  # part of all texts that are the owner's
read_cursor = TypeAdapter(CursorField).validate_python
ROUTES = {(r.method, r.path): r for resource in openapi.RESOURCES for r in resource.routes if not r.plain}
SHOWN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHOWN_AT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")


@dataclass(frozen=True)
class Known:
    """What a stranger may have heard of a tenant; or made up, for comparison."""

    tenant: str = "t9"
    job_id: str = field(default_factory=lambda: str(uuid4()))
    live_id: str = field(default_factory=lambda: str(uuid4()))
    done_id: str = field(default_factory=lambda: str(uuid4()))
    key: str = "made.up"
    text: str = "made up"
    cursors: dict[str, object] = field(default_factory=dict)  # by path


@pytest.fixture
def services(config, api_pool):
    """With a key for secrets, which signing needs."""
    return Services(replace(config, secrets_key=base64.b64encode(bytes(32)).decode()), api_pool, None)


@pytest.fixture
def owner(api, make):
    """Tenant t1 with two of everything, so that each of its lists has a next page."""
    job = api.job(key=MARK, name=MARK, tags=[MARK], description=MARK, metadata={MARK: MARK}, endpoint=f"http://{MARK}/")
    api.send("POST", "/jobs", json=JOB | {"name": MARK}, headers={"Idempotency-Key": MARK})
    row = make.row("UPDATE jobs SET anchor_at = %s, created_at = %s WHERE id = %s RETURNING *", NOON, NOON, job["id"])
    done = [finished(make, row, "failed", scheduled_at=NOON + timedelta(minutes=n)) for n in (1, 2)]
    live = [make.execution(row) for _ in range(2)]
    make.conn.execute(
        "INSERT INTO job_incidents (job_id, tenant_id, kind, failures, opened_execution_id) "
        "SELECT %s, 't1', kind, 1, gen_random_uuid() FROM unnest('{failing,late}'::text[]) AS kind",
        [job["id"]],
    )
    make.conn.execute(
        "INSERT INTO job_history (job_id, tenant_id, day, failed) VALUES (%s, 't1', current_date - 1, 1)", [job["id"]]
    )
    make.conn.execute("INSERT INTO signing_secrets (tenant_id, sealed) VALUES ('t1', 'plain:1')")
    known = Known("t1", job["id"], str(live[0]["id"]), str(done[0]["id"]), MARK, MARK)
    return replace(known, cursors={path: _cursor(api, path, known) for path in CURSORS})


def _made_up(owner):
    """The like of what the owner has, but for its ids."""
    made_up = Known()
    cursors = {
        path: replace(read_cursor(text), list=read_cursor(text).list.replace(owner.job_id, made_up.job_id))
        for path, text in owner.cursors.items()
    }
    return replace(made_up, cursors=cursors)


CURSORS = [path for (_, path), route in ROUTES.items() if "cursor" in route.query.model_fields]


def _cursor(api, path, known):
    return api.page(_paths(path, known)[0] + "?page_size=1" + WINDOW.get(path, ""))[1]["nextCursor"]


WINDOW = {"/jobs/<uuid:id>/occurrences": f"&from={NOON:%Y-%m-%dT%H:%M:%SZ}&to={NOON:%Y-%m-%dT13:%M:%SZ}"}


def _paths(path, known):
    """A route's path with each id that it may mean."""
    ids = [known.live_id, known.done_id] if path.startswith("/executions/<") else [known.job_id]
    return list(dict.fromkeys(path.replace("<uuid:id>", id).replace("<key>", known.key) for id in ids))


def _queries(path, known):
    """Query strings that ask for what is the owner's: by each parameter alone, and none."""
    fields = ROUTES["GET", path].query.model_fields if ("GET", path) in ROUTES else {}
    return ["", *(f"?{field.alias or name}={_value(name, path, known)}" for name, field in fields.items())]


def _value(name, path, known):
    if name == "cursor":
        return known.cursors.get(path, "")
    if name == "status":
        return "active" if path == "/jobs" else "failed"
    return {
        "job_id": known.job_id,
        "entity_id": known.job_id,
        "key": known.key,
        "name": known.text,
        "tag": known.text,
        "actor": "api",
        "action": "job.create",
        "type": "interval",
        "kind": "failing",
        "state": "open",
        "upcoming_before": "2100-01-01T00:00:00Z",
        "start_date": "2026-03-01",
        "end_date": "2026-03-20",
        "start_time": "2026-03-01T00:00:00Z",
        "end_time": "2100-01-01T00:00:00Z",
        "from_": "2026-03-10T12:00:00Z",
        "to": "2100-01-01T00:00:00Z",
        "page": 1,
        "page_size": 1,
        "count": 3,
        "days": 366,
    }[name]


def _selections(known):
    filters = [{"ids": [known.job_id]}, {"name": known.text}, {"tag": known.text}]
    return [{"all": True}, {"all": True, "dry_run": True}, *({"filter": chosen} for chosen in filters)]


NO_BODY = (None,)
BODIES = {
    ("POST", "/jobs"): lambda known: [JOB | {"key": known.key}],
    ("PUT", "/jobs/by-key/<key>"): lambda known: [JOB],
    ("PUT", "/jobs/<uuid:id>"): lambda known: [{"name": "mine"}, {"key": known.key}],
    ("PATCH", "/jobs/<uuid:id>"): lambda known: [{"name": "mine"}, {"key": known.key}],
    ("POST", "/jobs/bulk"): lambda known: [{"jobs": [JOB | {"key": known.key}]}],
    ("POST", "/jobs/bulk/pause"): _selections,
    ("POST", "/jobs/bulk/resume"): _selections,
    ("POST", "/jobs/bulk/delete"): _selections,
    ("POST", "/schedules/preview"): lambda known: [{"type": "cron", "schedule": "@daily"}],
    ("POST", "/jobs/<uuid:id>/backfill"): lambda known: [BACKFILL],
    ("POST", "/executions/rerun"): lambda known: [{"all": True}, {"filter": {"job_id": known.job_id}}],
}


def _requests(method, path, known):
    """Every request of a route that names what is known."""
    bodies = BODIES[method, path](known) if ROUTES[method, path].body else NO_BODY
    urls = [
        url + query for url in _paths(path, known) for query in (_queries(path, known) if method == "GET" else [""])
    ]
    return [(url, body) for url in urls for body in bodies]


def _answers(api, method, path, known):
    """What a tenant is answered to each of them, told apart by nothing but what it names."""
    answers = [
        api.send(method, url, headers=_key(method, nth, known), **({"json": body} if body else {}))
        for nth, (url, body) in enumerate(_requests(method, path, known))
    ]
    return [
        (answer.status_code, answer.headers.get("Idempotency-Replayed"), _blank(answer, known)) for answer in answers
    ]


def _key(method, nth, known):
    """The first POST carries a key that the owner has used."""
    return {"Idempotency-Key": known.key} if method == "POST" and nth == 0 else {}


def _blank(answer, known):
    body = (answer.get_json(silent=True) or {}) | {"traceId": None}
    text = json.dumps(body).replace(known.key, "<name>").replace(known.text, "<name>")
    text = re.sub(r'"secret": "[^"]+"', '"secret"', text).replace('"tenant_id": "t3"', '"tenant_id": "t2"')
    return SHOWN_AT.sub("<at>", SHOWN_ID.sub("<id>", text))


def _rows(make, tenant):
    """All that a tenant has."""
    tables = make.rows(
        "SELECT c.oid::regclass::text AS name FROM pg_class AS c INNER JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return {
        table["name"]: make.rows(f"SELECT t::text FROM {table['name']} AS t WHERE tenant_id = %s ORDER BY 1", tenant)
        for table in tables
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_is_anothers_is_answered_as_what_is_not_there(api, make, owner, method, path):
    before = _rows(make, owner.tenant)

    answers = _answers(api.of("t2"), method, path, owner)

    assert answers == _answers(api.of("t3"), method, path, _made_up(owner))
    assert {status for status, _, _ in answers} <= {200, 201, 202, 204, 404}
    assert MARK not in str(answers)
    assert before == _rows(make, owner.tenant)


@pytest.mark.parametrize(("method", "path"), [name for name in ROUTES if name[0] == "GET"])
def test_its_owner_is_answered_otherwise(api, owner, method, path):
    other = _answers(api.of("t2"), method, path, owner)

    assert (other == _answers(api, method, path, owner)) == (path in SAME_FOR_ALL)


SAME_FOR_ALL = {"/jobs/defaults"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_key_of_another_tenant_opens_no_route(services, make, owner, config, method, path):
    with db.connect(config, "admin") as session:
        secret = keys.create(session, "t2", "test", "admin", None)[1]
    app = create_app(replace(services, config=replace(services.config, auth_required=True)))
    before = _rows(make, owner.tenant)
    headers = {"Authorization": f"Bearer {secret}", "X-Tenant-ID": owner.tenant}

    answers = [
        app.test_client().open(f"/api/v1{url}", method=method, headers=headers, json=body)
        for url, body in _requests(method, path, owner)
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert before == _rows(make, owner.tenant)
