"""Each limit of each field of a job, at its edge and one beyond it."""

import pytest

from service.api.requests import JobCreate, JobPut, JobUpdate
from tests.api.conftest import JOB

URL = "http://example.org/"
INT = 2**31 - 1


def nested(depth):
    """A list in a list in a list."""
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def url(length):
    return URL + "x" * (length - len(URL))


def numbers(least, most):
    """Edges of a whole number: what may be, and what may not."""
    return [least, most], [least - 1, most + 1, str(least), float(least), True, 10**400]


def texts(most, *more):
    return ["x", "é" * most, "\U0001f600" * most], ["", "x" * (most + 1), "a\0", "\ud83d", 5, *more]


def choices(*names):
    return list(names), ["", names[0] + "x", names[0].upper() + "\0", 1, [names[0]]]


def maybe(edges):
    """Edges of what may be null too."""
    return [*edges[0], None], edges[1]


OBJECTS = ([{}, {"a": nested(97)}, {"a": 10**100, "": 1e308}], [[], "x", None, {"a": nested(101)}, {"a": "\0"}])
EDGES = {
    "key": maybe((["k", "k" * 255, "A.b_c:d-9"], ["", "k" * 256, "-k", "a b", "k\n", "é", 5])),
    "name": texts(255, " ", "\t", None),
    "description": maybe((["", "é" * 10_000], ["x" * 10_001, "\0", 5])),
    "type": (["interval"], ["", "x", None, 1, "Interval"]),
    "timezone": maybe((["UTC", "America/Argentina/Buenos_Aires"], ["", "x" * 65, "Mars/Olympus", "../UTC", 5])),
    "schedule": (["1", 1, "86400", " 5 "], ["", "0", 0, "-1", "1.5", 10**30, "9" * 513, True, 1.0, None, "\0"]),
    "start_at": maybe((["0001-01-01T00:00:00Z", "2026-01-01T00:00:00+14:00"], ["0000-01-01T00:00:00Z", "x", 5])),
    "end_at": maybe((["9999-12-31T23:59:59Z"], ["9999-12-31T23:59:59-01:00", "2026-01-01", "", 5])),
    "max_runs": maybe(numbers(1, INT)),
    "jitter": numbers(0, 86_400),
    "misfire_policy": choices("fire_once", "skip", "fire_all"),
    "misfire_limit": numbers(1, 1000),
    "start_deadline": maybe(numbers(1, INT)),
    "overlap_policy": choices("allow", "skip", "queue", "replace"),
    "endpoint": ([url(2048), "HTTPS://h:65535/"], [url(2049), "", "ftp://h/", "http://", "http://h:65536/", None, 5]),
    "method": (["get", "OPTIONS"], ["", "CONNECT", "TRACE", "get ", None, 5]),
    "headers": (
        [{}, {f"h{n}": "" for n in range(100)}, {"n" * 256: "v" * 8192}, {"a": "é\t"}],
        [{f"h{n}": "" for n in range(101)}, {"n" * 257: "v"}, {"n": "v" * 8193}, {"n": "\n"}, {"": ""}, [], None],
    ),
    "payload": (
        [None, nested(99), "x" * 900_000, 10**400, -1e308, 5e-324, {"": [None, True]}],
        [nested(101), "\0", "\ud83d", {"\ude00": 1}, [{"a": ["\0"]}]],
    ),
    "secrets": (
        [{}, {"headers": [], "payload": []}],
        [{"headers": ["x"] * 101}, {"headers": ["x" * 257]}, {"payload": ["/x"] * 51}, {"payload": ["x"]},
         {"payload": ["/" + "x" * 1024]}, {"x": []}, [], None],
    ),
    "timeout": numbers(1, 3600),
    "max_retries": maybe(numbers(0, 100)),
    "retry_delay": maybe(numbers(0, 86_400)),
    "retry_backoff": choices("fixed", "exponential"),
    "retry_max_delay": maybe(numbers(1, 86_400)),
    "retry_on": maybe((
        [[], [300, "599", "5xx"], [str(status) for status in range(400, 450)]],
        [[str(status) for status in range(400, 451)], [299], ["600"], ["6xx"], [""], [None], "503"],
    )),
    "priority": numbers(1, 10),
    "tags": ([[], [str(n) for n in range(50)], ["é" * 100]], [["x"] * 51, ["x" * 101], [""], ["\0"], [1], {}, None]),
    "metadata": OBJECTS,
    "alert": maybe((
        [{"url": url(2048), "after_failures": 100, "if_late_by": 1, "if_no_success_for": INT}],
        [{"url": url(2049)}, {}, {"url": "x"}, *({"url": URL} | more for more in (
            {"after_failures": 0}, {"after_failures": 101}, {"if_late_by": 0}, {"if_no_success_for": INT + 1},
            {"also_on_recovery": 1}, {"x": 1},
        ))],
    )),
}  # fmt: skip
NULL_MEANS_DEFAULT = {"timezone", "max_retries", "retry_delay"}  # where a job is new


def test_every_field_of_a_job_is_here():
    assert set(EDGES) == set(JobCreate.model_fields) == set(JobPut.model_fields) == set(JobUpdate.model_fields)


@pytest.mark.parametrize("field", EDGES)
def test_a_new_job_may_go_to_the_edge(api, field):
    answers = [api.send("POST", "/jobs", json=JOB | {field: value}) for value in EDGES[field][0]]

    assert [answer.text for answer in answers if answer.status_code != 201] == []


@pytest.mark.parametrize("field", EDGES)
def test_and_so_may_a_change(api, field):
    path = f"/jobs/{api.job()['id']}"
    values = [value for value in EDGES[field][0] if value is not None or field not in NULL_MEANS_DEFAULT]

    answers = [api.send("PATCH", path, json={field: value}) for value in values]

    assert [answer.text for answer in answers if answer.status_code != 200] == []


@pytest.mark.parametrize("field", EDGES)
@pytest.mark.parametrize(
    ("method", "path", "rest"),
    [("POST", "/jobs", JOB), ("PATCH", f"/jobs/{'0' * 8}-0000-7000-8000-{'0' * 12}", {"type": "interval"})],
)
def test_no_job_goes_beyond(refuser, field, method, path, rest):
    found = [set(refuser.invalid(method, path, json=rest | {field: value})) for value in EDGES[field][1]]

    assert {name.split(".")[0] for fields in found for name in fields} == {field}
