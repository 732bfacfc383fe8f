"""Any bytes at any route: never a 500, and every answer is one that the document describes."""

import json
import re
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from service.api import openapi
from tests.api.conftest import JOB

QUICK = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
DOCUMENT = openapi.document()
ROUTES = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item]
ODD = st.sampled_from(
    [b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"%00", b"%ff", b"%ED%A0%80", b"..", b"*", b'"', b"9" * 5000, b"null"]
)
TEXT = ODD | st.binary(max_size=30)
HEADER = TEXT.map(lambda raw: re.sub(r"[\r\n]", "", raw.decode("latin-1")))
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Tenant-ID", "Idempotency-Key", "If-Match", "If-None-Match", "Authorization", "traceparent", "X-Request-ID"]
    ),
    HEADER,
    max_size=3,
)
QUERY = st.lists(
    st.tuples(
        st.sampled_from([b"page", b"page_size", b"cursor", b"status", b"from", b"start_time", b"id"]) | TEXT, TEXT
    ),
    max_size=3,
).map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs).decode("latin-1"))
DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
BODY = TEXT | st.sampled_from(
    [
        *(b"{}", b"[]", b'"\\ud800"', b'{"name":"\\u0000"}', b'{"name":1,"name":2}', b'{"\\udfff":1}', DEEP),
        *(
            b'{"timeout":1e999}',
            b'{"timeout":' + b"9" * 5000 + b"}",
            b'{"limit":NaN}',
            b"\xef\xbb\xbf{}",
            b"[" * 50_000,
        ),
        json.dumps(JOB).encode(),
        json.dumps({"jobs": [JOB, JOB | {"headers": {"X" * 300: "\0"}}]}).encode(),
        json.dumps(JOB | {"payload": "x" * 1_048_576}).encode(),
        json.dumps(JOB | {"payload": {"a": 10**400, "b": -1e308}, "metadata": {"": ""}}).encode(),
    ]
)
TYPES = st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", "", "a/b; \xff"])
IDS = st.sampled_from(["00000000-0000-0000-0000-000000000001", "k", "ffffffff-ffff-ffff-ffff-ffffffffffff"])


@QUICK
@given(
    route=st.sampled_from(ROUTES),
    id=IDS | HEADER,
    query=QUERY,
    headers=HEADERS,
    body=st.none() | BODY,
    content_type=TYPES,
)
def test_any_bytes_get_an_answer_of_the_document(client, route, id, query, headers, body, content_type):
    path, method = route
    url = re.sub(r"{\w+}", lambda _: re.sub(r"[?#%/]|^\.*$", "x", id), path)

    response = client.open(
        url, method=method, query_string=query, headers=headers, data=body, content_type=content_type
    )

    described = DOCUMENT["paths"][path][method]["responses"]
    misses = (
        "{" in path and response.status_code == 404
    )  # no route takes such an id, where the document says that it is a UUID
    assert misses or str(response.status_code) in described, (response.status_code, response.text)
    if response.mimetype == "application/json":
        schema = described.get(str(response.status_code), FAILURE)["content"]["application/json"].get("schema", {})
        assert not list(validator(json.dumps(schema)).iter_errors(response.json)), response.text


FAILURE = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}}


@cache
def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema) | {"components": DOCUMENT["components"]})
