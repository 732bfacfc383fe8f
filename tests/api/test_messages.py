"""What clients read of what they did wrong."""

import json
from uuid import uuid4

import pytest
from pydantic import ValidationError

from service.api import messages
from service.api.requests import Request
from tests.api.conftest import JOB

# Of each kind that JSON has, so that every field meets wrong ones.
VALUES = [None, True, 3, -1.5, "", "x", [], [3], [None], {}, {"x": 3}, {"": ""}]


def models(base=Request):
    """Every model of a request, those within others too."""
    return list(dict.fromkeys(model for child in base.__subclasses__() for model in (child, *models(child))))


def unworded(model, given):
    """Types of the errors that a model finds in a value and that we have no words for."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        found = error.errors()
        return {item["type"] for item in found if "message" not in item.get("ctx", {})} - set(messages.TEXTS)
    return set()


def problems(api, method, path, **more):
    """Field, message and code of all that a request is refused for."""
    error = api.refused(400, method, path, **more)
    return [(item["field"], item["message"], item["code"]) for item in error["validation"]]


def test_unknown_path_points_to_the_documentation(refuser):
    assert refuser.refused(404, "GET", "/nothing")["message"] == "There is no such path; see /docs."


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_path_with_two_slashes_is_told_so(refuser, method):
    error = refuser.refused(404, method, "//jobs")

    assert error["message"] == "There is no such path: it has two slashes in a row."


@pytest.mark.parametrize(("path", "key"), [("a/b", "a/b"), ("a%2Fb", "a/b"), ("", "")])
def test_key_that_no_path_can_have_is_named(refuser, path, key):
    error = refuser.refused(404, "GET", f"/jobs/by-key/{path}")

    assert error["message"].startswith(f'The key "{key}" in the path must be 1 to 255 of letters')


@pytest.mark.parametrize("path", ["/jobs/17", "/jobs/17/pause", "/executions/17", "/executions/17/cancel", "/jobs/17/"])
def test_malformed_id_in_a_path_is_named(refuser, path):
    assert refuser.refused(404, "GET", path)["message"] == 'The id "17" in the path is not a UUID.'


def test_wrong_method_tells_the_right_ones(refuser):
    response = refuser.send("PATCH", "/executions")

    assert response.json["error"]["message"] == "The path does not take PATCH; it takes GET, HEAD, OPTIONS."
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("GET", "/upcoming"), ("GET", "/executions")]
)
def test_missing_job_is_named(api, method, path):
    theirs, none = api.of("t2").job()["id"], uuid4()

    for id in (theirs, none):
        assert api.refused(404, method, f"/jobs/{id}{path}")["message"] == f"There is no job {id}."


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel")])
def test_missing_execution_is_named(api, method, path):
    id = uuid4()

    assert api.refused(404, method, f"/executions/{id}{path}")["message"] == f"There is no execution {id}."


@pytest.mark.parametrize(
    ("given", "field", "message", "code"),
    [
        ({"headers": [1]}, "headers", "must be an object", "invalid_type"),
        ({"headers": {"a": 1}}, "headers.a", "must be a string", "invalid_type"),
        ({"metadata": 1}, "metadata", "must be an object", "invalid_type"),
        ({"tags": {}}, "tags", "must be a list", "invalid_type"),
        ({"tags": [1]}, "tags.0", "must be a string", "invalid_type"),
        ({"tags": ["a"] * 51}, "tags", "must have at most 50 items", "too_long"),
        ({"tags": [""]}, "tags.0", "must have at least 1 character", "too_short"),
        ({"name": ""}, "name", "must have at least 1 character", "too_short"),
        ({"name": "x" * 256}, "name", "must have at most 255 characters", "too_long"),
        ({"name": " "}, "name", "must not be blank", "invalid"),
        ({"priority": 11}, "priority", "must be at most 10", "out_of_range"),
        ({"priority": 0}, "priority", "must be at least 1", "out_of_range"),
        ({"priority": "1"}, "priority", "must be a whole number", "invalid_type"),
        ({"priority": 1.5}, "priority", "must be a whole number", "invalid_type"),
        ({"type": "x"}, "type", 'must be "cron", "one_time" or "interval"', "invalid"),
        ({"type": 1}, "type", 'must be "cron", "one_time" or "interval"', "invalid_type"),
        ({"schedule": 1.5}, "schedule", "must be a whole number of seconds", "invalid_type"),
        ({"schedule": 1.5, "type": "cron"}, "schedule", "must be a string", "invalid_type"),
        ({"x": 1}, "x", "is not a field of this request", "unknown_field"),
        ({"\ud800": 1}, "\\ud800", "must not contain half of a surrogate pair", "invalid"),
        ({"headers": {"\ud800": 1}}, "headers", "must not contain half of a surrogate pair", "invalid"),
    ],
)
def test_field_is_refused_in_one_voice(refuser, given, field, message, code):
    assert problems(refuser, "POST", "/jobs", json=JOB | given) == [(field, message, code)]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_wrong_value_is_refused_in_our_words(model):
    names = [item.alias or name for name, item in model.model_fields.items()]
    given = [*VALUES, *({name: value} for name in names for value in VALUES)]

    assert set() == {type for value in given for type in unworded(model, value)}


@pytest.mark.parametrize(
    ("method", "path", "given", "field"),
    [
        ("POST", "/jobs", JOB | {"secrets": []}, "secrets"),
        ("POST", "/jobs", JOB | {"alert": "http://x/"}, "alert"),
        ("POST", "/jobs/bulk", {"jobs": [JOB, 1]}, "jobs.1"),
        ("POST", "/jobs/bulk/pause", {"filter": 3}, "filter"),
        ("POST", "/executions/rerun", {"filter": None}, "filter"),
    ],
)
def test_what_is_no_object_is_told_so(refuser, method, path, given, field):
    assert problems(refuser, method, path, json=given) == [(field, "must be an object", "invalid_type")]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/jobs?=1", {"method": "GET"}),
        ("/schedules/preview", {"method": "POST", "json": {"": 1, "type": "interval", "schedule": 5}}),
    ],
)
def test_field_without_a_name_is_shown_as_such(refuser, path, more):
    assert problems(refuser, more.pop("method"), path, **more) == [
        ('""', "is not a field of this request", "unknown_field")
    ]


def test_missing_field_is_required(refuser):
    given = {name: value for name, value in JOB.items() if name != "name"}

    assert problems(refuser, "POST", "/jobs", json=given) == [("name", "is required", "required")]


def test_flag_must_be_true_or_false(refuser):
    given = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "dry_run": "x"}
    path = f"/jobs/{uuid4()}/backfill"

    assert problems(refuser, "POST", path, json=given) == [("dry_run", "must be true or false", "invalid_type")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "line 1, column 2"),
        ('{"a": 1}\n x', "line 2, column 2"),
        ('{\n  "name": "a",\n}', "line 3, column 1"),
        ("{'a': 1}", "line 1, column 2"),
        ('{"a": "b', "line 1, column 7"),
    ],
)
def test_body_that_is_not_json_is_told_where(refuser, text, where):
    error = refuser.refused(400, "POST", "/jobs", data=text, content_type="application/json")

    assert error["message"].startswith("The request body is not valid JSON: ")
    assert error["message"].endswith(f" at {where}.")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["timeout", "payload"])
def test_number_that_json_does_not_have_is_named(refuser, field, number):
    text = json.dumps(JOB)[:-1] + f', "{field}": {number}}}'

    [(found, message, code)] = problems(refuser, "POST", "/jobs", data=text, content_type="application/json")

    assert (found, code) == (field, "out_of_range")
    assert message.startswith("must not contain NaN, a number beyond 1.8e308,")


@pytest.mark.parametrize("field", ["priority", "payload"])
def test_number_of_thousands_of_digits_is_named(refuser, field):
    text = json.dumps(JOB)[:-1] + f', "{field}": {"9" * 5000}}}'
    message = "must not contain NaN, a number beyond 1.8e308, or one of thousands of digits"

    found = problems(refuser, "POST", "/jobs", data=text, content_type="application/json")

    assert found == [(field, message, "out_of_range")]


@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        ("page=99999999999999", "is too large: pages reach 10,000 rows", "out_of_range"),
        ("page=" + "9" * 5000, "is too large: pages reach 10,000 rows", "out_of_range"),
        ("page=-1", "must be at least 1", "out_of_range"),
        ("page=x", "must be a whole number", "invalid_type"),
        ("page_size=99999999999999", "must be at most 100", "out_of_range"),
        ("page=1&page=2", "must be given once", "repeated"),
    ],
)
def test_parameter_is_refused_in_one_voice(refuser, query, message, code):
    [(field, found, found_code)] = problems(refuser, "GET", f"/jobs?{query}")

    assert (field, found_code) == (query.split("=")[0], code)
    assert found.startswith(message)


def test_one_field_of_cron_is_no_plural(refuser):
    [(_, message, _)] = problems(refuser, "POST", "/jobs", json=JOB | {"type": "cron", "schedule": "5"})

    assert message.startswith("1 field found")


def test_header_name_that_is_too_long_is_refused(refuser):
    [(field, message, code)] = problems(refuser, "POST", "/jobs", json=JOB | {"headers": {"X" * 257: ""}})

    assert (field, code) == ("headers", "too_long")
    assert message.startswith("must have names of at most 256")


def test_empty_list_of_jobs_is_refused_in_our_words(refuser):
    found = problems(refuser, "POST", "/jobs/bulk", json={"jobs": []})

    assert found == [("jobs", "must have at least 1 item", "too_short")]
