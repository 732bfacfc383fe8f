"""Whatever a client sends, the answer is never a 500, and what is accepted comes back."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import JOB

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)  # halves of surrogate pairs too
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8)
URL = st.builds("http{}://{}".format, st.sampled_from(["", "s"]), TEXT)
SCHEDULE = st.sampled_from(["0 0 9 * * *", "@every 1h", "300", 300, "2026-12-01T09:00:00+01:00", "9" * 400]) | VALUE
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys((*JOB, "description", "payload", "headers", "tags", "metadata", "timezone"), VALUE)
    | {"endpoint": URL | VALUE, "schedule": SCHEDULE, "type": st.sampled_from(["cron", "one_time", "interval"])}
    | {"timeout": st.integers(-1, 2**70), "headers": st.dictionaries(TEXT, TEXT) | VALUE},
)
QUERY = st.dictionaries(
    st.sampled_from(
        ["page", "page_size", "cursor", "status", "type", "name", "tag", "job_id", "start_time", "start_date"]
    )
    | TEXT.filter(lambda text: text.isprintable()),
    st.binary(max_size=20) | st.sampled_from(["1", "active", "2026-01-01", "9999-12-31", "0001-01-01T00:00:00Z"]),
    max_size=4,
)


@QUICK
@given(fields=FIELDS)
def test_any_job(api, fields):
    response = api.send("POST", "/jobs", data=json.dumps(JOB | fields), content_type="application/json")

    assert response.status_code in (201, 400), (fields, response.text)
    assert "Input should" not in response.text or response.status_code == 201


@QUICK
@given(fields=FIELDS)
def test_any_change_of_a_job(api, fields):
    job = api.job()

    response = api.send("PUT", f"/jobs/{job['id']}", data=json.dumps(fields), content_type="application/json")

    assert response.status_code in (200, 400), (fields, response.text)


@QUICK
@given(raw=st.binary(max_size=60), content_type=st.sampled_from(["application/json", "a/b", ""]))
def test_any_body(api, raw, content_type):
    assert api.send("POST", "/jobs", data=raw, content_type=content_type).status_code in (400, 415)


@QUICK
@given(path=st.sampled_from(["/jobs", "/executions", "/history", "/history/stats", "/executions/stats"]), query=QUERY)
def test_any_query(api, path, query):
    assert api.send("GET", path, query_string=query).status_code in (200, 400), (path, query)


@QUICK
@given(payload=VALUE.filter(lambda value: value is not None))
def test_accepted_payload_comes_back(api, payload):
    text = json.dumps(JOB | {"payload": payload})

    response = api.send("POST", "/jobs", data=text, content_type="application/json")

    # 5.3e16 comes back as 53000000000000000: the same number, written otherwise.
    accepted = response.status_code == 201
    assert not accepted or json.loads(response.text, parse_int=float)["data"]["payload"] == as_doubles(payload)


def as_doubles(value):
    return json.loads(json.dumps(value), parse_int=float)
