import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.schedule import ScheduleError, validate
from tests.work import lines_run

CASES_FILE = Path(__file__).parents[2].parent / "shared" / "cases" / "schedules.jsonl"
LINES = CASES_FILE.read_text(encoding="utf-8").splitlines() if CASES_FILE.exists() else []
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]
VALID = [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] != "invalid"]
INVALID = [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] == "invalid"]
LINES_ALLOWED = 50_000  # five times what the hardest case takes


def next_five(case: dict[str, Any]) -> list[datetime]:
    after = datetime.fromisoformat(case["after"])
    schedule = validate(case["type"], case["schedule"], case.get("timezone", "UTC"), after)
    end = datetime.max.replace(tzinfo=UTC)
    return schedule.between(after, end, after, max(1, len(case["expect"])))


@pytest.mark.parametrize("case", VALID)
def test_schedule_names_the_instants_of_the_case(case: dict[str, Any]) -> None:
    expected = [datetime.fromisoformat(text) for text in case["expect"]]

    with lines_run(at_most=LINES_ALLOWED):
        found = next_five(case)

    assert expected == found


@pytest.mark.parametrize("case", INVALID)
def test_schedule_of_the_case_is_refused(case: dict[str, Any]) -> None:
    with lines_run(at_most=LINES_ALLOWED), pytest.raises(ScheduleError) as refused:
        next_five(case)

    assert refused.value.field in ("schedule", "timezone")
    assert 0 < len(refused.value.message) < 200


@pytest.mark.skipif(not CASES, reason="the shared cases are not beside this checkout")
def test_every_case_of_the_file_is_run() -> None:
    assert len(CASES) == len(VALID) + len(INVALID) > 400
