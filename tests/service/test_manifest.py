"""The file of a tenant's jobs: what it may say, and where it says what is wrong."""

from typing import Any

import pytest

from service.cli import manifest
from service.cli.exits import FileFault
from service.cli.manifest import Definition

DEFAULTS: dict[str, Any] = {"timezone": "UTC", "method": "POST", "priority": 5, "tags": [], "payload": None}
JOB = "type: interval, schedule: 60, endpoint: http://a.example/"


def jobs(text: str) -> dict[str, Definition]:
    return manifest.parse(text, DEFAULTS)


def fault(text: str) -> str:
    with pytest.raises(FileFault) as caught:
        jobs(text)
    return str(caught.value)


def test_a_job_takes_its_name_from_its_key_and_the_rest_from_the_defaults() -> None:
    job = jobs(f"jobs: {{a: {{{JOB}}}}}")["a"]

    assert tuple(job.values[name] for name in ("name", "schedule", "method", "priority")) == ("a", "60", "POST", 5)
    assert job.body == {"name": "a", "type": "interval", "schedule": "60", "endpoint": "http://a.example/"}


def test_anchors_may_stand_beside_the_jobs() -> None:
    text = "x-hook: &hook {endpoint: http://a.example/}\njobs:\n  a: {<<: *hook, type: interval, schedule: 60}\n"

    assert jobs(text)["a"].values["endpoint"] == "http://a.example/"


@pytest.mark.parametrize(
    "plain",
    ["yes", "no", "on", "12:30", "010", "0x1f", "1e3", "2026-01-01", "2026-01-01T00:00:00Z", ".inf", "1_000", "+1"],
)
def test_what_yaml_would_turn_into_something_else_stays_text(plain: str) -> None:
    assert plain == manifest.load(f"[{plain}]")[0]


@pytest.mark.parametrize(
    ("plain", "value"), [("true", True), ("false", False), ("null", None), ("~", None), ("-3", -3), ("1.5", 1.5)]
)
def test_json_values_are_values(plain: str, value: object) -> None:
    assert value == manifest.load(f"[{plain}]")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs:\n  a: [", "line 2: "),
        ("jobs:\n  a: {}\n  a: {}\n", 'line 3: "a" is given twice'),
        (f"jobs:\n  a:\n    {{{JOB}, tags: [], tags: []}}\n", 'line 3: "tags" is given twice'),
        (f"jobs:\n  a: {{{JOB},\n    nope: 1}}\n", "line 3: a: nope is not a field of this request"),
        ("jobs:\n  a:\n    type: cron\n    schedule: x\n    endpoint: http://a.example/\n", "line 4: a: schedule "),
        (f"jobs:\n  a: {{{JOB}, key: b}}\n", "line 2: a: key is the name above the job; leave the field out"),
        ("jobs:\n  a b: {}\n", "line 2: a b: a key is "),
        ("jobs:\n  1: {}\n", "line 2: names must be text"),
        ("jobs:\n  a: 3\n", "line 2: a: expected the fields of a job"),
        ("jobs: {}\nmore: 1\n", "line 2: more is not known here"),
        ("jobs: []\n", "line 1: expected `jobs:`"),
        ("", "line 1: expected `jobs:`"),
        ("jobs: {a: !!python/object:os.system {}}", "line 1: could not determine a constructor"),
    ],
)
def test_a_fault_names_its_line_and_what_is_wrong(text: str, expected: str) -> None:
    assert expected in fault(text)


def test_all_faults_are_told_at_once() -> None:
    lines = fault(f"jobs:\n  a: {{{JOB}, nope: 1}}\n  b: {{type: interval}}\n").splitlines()

    assert [line.split(" ")[1] for line in lines] == ["2:", "3:", "3:"]


def test_what_is_written_reads_as_the_same() -> None:
    odd = {
        "yes": "no",
        "n": "010",
        "at": "2026-01-01",
        "text": "a\nb\n",
        "f": 1e20,
        "deep": [[1, None, True], {"": " x"}],
    }
    job = Definition("a", DEFAULTS | {"name": "A: b", "type": "interval", "schedule": "60"} | {"payload": odd})
    whole = Definition("a", {**job.values, "endpoint": "http://a.example/", "headers": {"X-A": "********"}})

    text = manifest.written({"a": whole}, DEFAULTS)

    assert whole.values == {name: value for name, value in jobs(text)["a"].values.items() if name in whole.values}


def test_what_is_written_leaves_defaults_out_and_is_sorted_by_key() -> None:
    values = DEFAULTS | {"type": "interval", "schedule": "60"}
    text = manifest.written({key: Definition(key, values | {"name": key}) for key in ("b", "a")}, DEFAULTS)

    assert text.endswith(
        "jobs:\n  a:\n    type: interval\n    schedule: '60'\n\n  b:\n    type: interval\n    schedule: '60'\n"
    )
