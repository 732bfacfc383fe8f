"""What differs between a file and a service."""

from typing import Any

import pytest

from service.cli.changes import NONE, Change, differences, plan
from service.cli.manifest import Definition


def some(**jobs: Any) -> dict[str, Definition]:
    return {key: Definition(key, values) for key, values in jobs.items()}


def test_a_plan_says_what_becomes_of_each_key() -> None:
    found = plan(some(new={"a": 1}, same={"a": 1}, other={"a": 1}), some(same={"a": 1}, other={"a": 2}, gone={"a": 1}))

    assert (
        found.create,
        list(found.change),
        found.unchanged,
        found.surplus,
    ) == (["new"], ["other"], ["same"], ["gone"])


@pytest.mark.parametrize("there", [True, False])
def test_surplus_alone_is_no_difference(there: bool) -> None:
    found = plan(some(a={"x": 1}), some(a={"x": 1} if there else {"x": 2}, gone={}))

    assert found.differs is not there


def test_fields_of_objects_are_compared_one_by_one() -> None:
    before = {"headers": {"A": "1", "B": "2"}, "tags": ["x"]}
    after = {"headers": {"A": "1", "C": "3"}, "tags": ["x", "y"]}

    assert [
        Change("headers.B", "2", NONE),
        Change("headers.C", NONE, "3"),
        Change("tags", ["x"], ["x", "y"]),
    ] == differences(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"start_at": "2026-12-01T08:00:00Z"}, {"start_at": "2026-12-01T09:00:00+01:00"}),
        ({"headers": {"Authorization": "********"}}, {"headers": {"Authorization": "********"}}),
        ({"payload": {"n": 1}}, {"payload": {"n": 1.0}}),
        ({"of_a_newer_service": 1}, {}),
    ],
)
def test_what_means_the_same_does_not_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert differences(before, after) == []


@pytest.mark.parametrize(("before", "after"), [(True, 1), (0, False), (None, 0), ([1], [True]), ([{"a": 1}], [{}])])
def test_values_of_other_types_differ(before: Any, after: Any) -> None:
    assert [Change("payload", before, after)] == differences({"payload": before}, {"payload": after})
