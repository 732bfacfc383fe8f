"""Each limit of each query parameter, and of bodies other than a job's, at its edge and one beyond it."""

import base64

import pytest

from service.api import openapi
from service.api.bulk import JobsChange, JobsCreate
from service.api.occurrences import BackfillRequest
from service.api.requests import JobCreate, JobPut, JobUpdate, SchedulePreview
from service.api.reruns import ExecutionsRerun
from tests.api.conftest import JOB
from tests.api.test_edges import EDGES, choices, maybe, numbers, texts

ROUTES = [route for resource in openapi.RESOURCES for route in resource.routes if not route.plain]
ID = "00000000-0000-7000-8000-000000000000"
FLAG = ([True, False], ["true", 1, None])
SINCE = maybe((["0001-01-01T00:00:00Z"], ["0000-12-31T23:59:59Z", "2026-01-01", "", 5]))
MOMENT = ["1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "x", 5, None]
MANY = {"all": ([False], ["true", 1, None]), "dry_run": FLAG, "limit": numbers(1, 1000)}
SEEN = ("type", "timezone", "schedule", "start_at", "end_at", "max_runs", "jitter")

# By model: where it is sent, what is sent with each field, and the edges of its fields.
BODIES = {
    JobsCreate: (
        "/jobs/bulk",
        {"jobs": [JOB]},
        {"jobs": ([[JOB], [JOB] * 1000], [[], [JOB] * 1001, JOB, None, [JOB, {}]]), "dry_run": FLAG},
    ),
    JobsChange: (
        "/jobs/bulk/pause",
        {"filter": {"name": "x"}},
        MANY
        | {
            "filter.ids": maybe(([[ID], [ID] * 1000], [[], [ID] * 1001, ["x"], [ID[:-1]], ID, [5]])),
            "filter.status": maybe(choices("active", "paused", "completed", "deleted")),
            "filter.type": maybe(choices("cron", "interval", "one_time")),
            "filter.name": texts(255),
            "filter.tag": maybe(texts(100)),
        },
    ),
    ExecutionsRerun: (
        "/executions/rerun",
        {"filter": {"error_code": "x"}},
        MANY
        | {
            "filter.status": maybe(([["failed", "timeout", "cancelled"]], [[], ["failed"] * 4, ["held"], "failed"])),
            "filter.job_id": maybe(([ID, ID.upper()], ["x", "", ID + "0", 5])),
            "filter.start_time": SINCE,
            "filter.end_time": SINCE,
            "filter.error_code": texts(100),
        },
    ),
    SchedulePreview: (
        "/schedules/preview",
        {"type": "interval", "schedule": "60"},
        {name: EDGES[name] for name in SEEN} | {"after": SINCE, "count": numbers(1, 100)},
    ),
    BackfillRequest: (
        "/jobs/{id}/backfill",
        {"from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:03:00Z"},
        {
            "from": (["2026-03-10T12:02:59.999999Z"], MOMENT),
            "to": (["2026-03-10T12:00:00.000001Z"], [*MOMENT, "2026-03-10T12:00:00Z"]),
            "dry_run": FLAG,
            "limit": numbers(1, 10_000),
        },
    ),
}
OF_BODIES = [(model, field) for model, (_, _, edges) in BODIES.items() for field in edges]


def fields(model):
    """The names of a body's fields, those of its filter too."""
    names = {field.alias or name for name, field in model.model_fields.items()} - {"filter"}
    filter = model.model_fields.get("filter")
    return names | ({f"filter.{name}" for name in filter.annotation.model_fields} if filter else set())


def body(rest, field, value):
    """A body with a value of a field, or of a field of its filter."""
    *outer, name = field.split(".")
    return rest | ({outer[0]: rest[outer[0]] | {name: value}} if outer else {name: value})


def test_every_field_of_a_body_is_here():
    assert {route.body for route in ROUTES} - {None, JobCreate, JobPut, JobUpdate} == set(BODIES)
    assert {model: fields(model) for model in BODIES} == {model: set(edges) for model, (_, _, edges) in BODIES.items()}


@pytest.mark.parametrize(("model", "field"), OF_BODIES)
def test_a_body_may_go_to_the_edge(api, model, field):
    path, rest, edges = BODIES[model]
    path = path.format(id=api.job()["id"])

    answers = [api.send("POST", path, json=body(rest, field, value)) for value in edges[field][0]]

    assert [answer.text for answer in answers if answer.status_code >= 300] == []


@pytest.mark.parametrize(("model", "field"), OF_BODIES)
def test_no_body_goes_beyond(refuser, model, field):
    path, rest, edges = BODIES[model]

    found = [set(refuser.invalid("POST", path.format(id=ID), json=body(rest, field, it))) for it in edges[field][1]]

    assert [names for names in found if not all(within(name, field) for name in names)] == []


def within(name, field):
    """Whether a name is a field's, of a part of it, or of what it is a part of."""
    return f"{name}.".startswith(f"{field}.") or f"{field}.".startswith(f"{name}.")


def cursor(text):
    return base64.urlsafe_b64encode(text).decode()


WHOLE = ["-1", "1.0", "", "x", "1_0", "%EF%BC%91", "+1", "9" * 5000]
BAD_TIME = ["0000-01-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "", "x", "2026-02-30T00:00:00Z", "%00"]
TIME = (["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00+01:00"], BAD_TIME)
DAYS = (
    ["1970-01-01&end_date=1971-01-01", "9998-12-31&end_date=9998-12-31"],
    ["1969-12-31", "9999-01-01", "2026-02-30", "20260101", "", "x", "%00"],
)
IDS = ([ID, ID.upper()], ["", "x", ID[:-1], ID.replace("-", ""), "%7B" + ID + "%7D", "%00"])
STATUS = ["", "x", "Active", "%00", "active,paused"]
TEXT = ["", "%00"]
PARAMETERS = {
    "page_size": (["1", "100", "0100"], ["0", "101", *WHOLE]),
    "page": (["1", "500"], ["0", "501", *WHOLE]),
    "cursor": ([], ["", "x", "%00", "=" * 10, "x" * 8000, cursor(b"a|b|c"), cursor(b"jobs|2026-01-01T00:00:00Z|x")]),
    "count": (["1", "100"], ["0", "101", *WHOLE]),
    "days": (["1", "366"], ["0", "367", *WHOLE]),
    "key": (["k", "k" * 255], ["", "k" * 256, "-k", "%00"]),
    "name": (["x", "x" * 255, "%25_%5C"], [*TEXT, "x" * 256]),
    "tag": (["x", "x" * 100], [*TEXT, "x" * 101]),
    "actor": (["x", "x" * 200], [*TEXT, "x" * 201]),
    "action": (["job.create", "a" * 40 + "." + "b" * 40], ["", "job", "a" * 41 + ".b", "a." + "b" * 41, "A.b", "%00"]),
    "type": (["cron", "interval", "one_time"], ["", "x", "%00"]),
    "kind": (["failing", "late", "silent"], ["", "x", "%00"]),
    "state": (["open", "closed"], ["", "x", "%00"]),
    "job_id": IDS,
    "entity_id": IDS,
    "start_time": TIME,
    "end_time": TIME,
    "upcoming_before": TIME,
    "from": (["1970-01-01T00:00:00Z&to=1970-01-02T00:00:00Z"], [*BAD_TIME, "1969-12-31T23:59:59Z"]),
    "to": (["2026-01-01T00:00:00Z&from=2025-12-31T00:00:00Z"], [*BAD_TIME, "9999-01-01T00:00:00Z"]),
    "start_date": DAYS,
    "end_date": (["1970-01-30", "9998-12-31"], DAYS[1]),
}
OF_ONE_ROUTE = {
    ("/jobs", "status"): (["active", "paused", "completed", "deleted"], [*STATUS, "failed"]),
    ("/jobs/<uuid:id>/occurrences", "page_size"): (["1", "1000"], ["0", "1001", *WHOLE]),
}
EXECUTION_STATUS = (
    ["pending", "running", "retrying", "held", "completed", "failed", "timeout", "cancelled", "skipped"],
    [*STATUS, "deleted"],
)
QUERIES = [
    (route.path, field.alias or name)
    for route in ROUTES
    if route.method == "GET"
    for name, field in route.query.model_fields.items()
]


def edges_of(path, name):
    """What a parameter may be, and what not."""
    known = PARAMETERS | {"status": EXECUTION_STATUS}
    return OF_ONE_ROUTE.get((path, name)) or known[name]


def test_only_what_is_read_takes_parameters():
    assert {route.method for route in ROUTES if route.query.model_fields} == {"GET"}


@pytest.mark.parametrize(("path", "name"), QUERIES)
def test_a_parameter_may_go_to_the_edge(api, path, name):
    url = path.replace("<uuid:id>", api.job()["id"])

    answers = [api.send("GET", f"{url}?{name}={value}") for value in edges_of(path, name)[0]]

    assert [answer.text for answer in answers if answer.status_code != 200] == []


@pytest.mark.parametrize(("path", "name"), QUERIES)
def test_no_parameter_goes_beyond(refuser, path, name):
    url = path.replace("<uuid:id>", ID)

    found = [set(refuser.invalid("GET", f"{url}?{name}={value}")) for value in edges_of(path, name)[1]]

    assert [names for names in found if names != {name}] == []
