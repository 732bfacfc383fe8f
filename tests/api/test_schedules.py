"""Schedules beforehand: previews, the coming runs of jobs, and every case of the shared corpus."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.factories import NOON

CASES = ROOT.parent / "shared" / "cases" / "schedules.jsonl"
KINDS = ["cron", "interval", "one_time", "invalid"]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def cases(kind: str, path: Path = CASES) -> Iterator[dict[str, Any]]:
    """The lines of one kind; none where the corpus is not beside the project."""
    lines = path.read_text().splitlines() if path.exists() else []
    return (case for case in map(json.loads, lines) if case["kind"] == kind)


def asked(case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in ("type", "schedule", "timezone", "after") if name in case}


def ats(runs: dict[str, Any]) -> list[str]:
    return [run["at"] for run in runs["runs"]]


def preview(api, **given) -> dict[str, Any]:
    return api.ok("POST", "/schedules/preview", given)


@pytest.mark.skipif(not CASES.exists(), reason="needs the shared corpus")
@pytest.mark.parametrize("kind", KINDS[:3])
def test_every_schedule_of_the_corpus_runs_when_it_must(api, kind):
    wrong = {
        case["id"]: (found, case["expect"])
        for case in cases(kind)
        if (found := ats(preview(api, **asked(case)))[: max(len(case["expect"]), 1)]) != case["expect"]
    }

    assert wrong == {}


@pytest.mark.skipif(not CASES.exists(), reason="needs the shared corpus")
def test_every_invalid_schedule_of_the_corpus_is_refused_by_field(api):
    fields = {case["id"]: api.invalid("POST", "/schedules/preview", json=asked(case)) for case in cases("invalid")}

    assert len(fields) > 100
    assert {id: found for id, found in fields.items() if not found.keys() & {"schedule", "timezone"}} == {}


NO_SCHEDULES = [None, True, 1.5, ["* * * * *"], {"a": 1}, 10**40, "", " ", "\u0000", "9" * 10_000]


@pytest.mark.parametrize("schedule", NO_SCHEDULES)
def test_preview_refuses_what_is_no_schedule(api, schedule):
    assert "schedule" in api.invalid("POST", "/schedules/preview", json={"type": "cron", "schedule": schedule})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timezone", "Mars/Olympus"), ("count", 0), ("count", 101), ("count", "5"), ("after", "now"), ("jitter", -1),
        ("end_at", "2026-01-01T00:00:00Z"), ("max_runs", 0), ("colour", "red"),
    ],
)  # fmt: skip
def test_preview_names_the_field_at_fault(api, field, value):
    given = {"type": "interval", "schedule": "60", "start_at": "2026-01-01T00:00:00Z"} | {field: value}

    assert [field] == list(api.invalid("POST", "/schedules/preview", json=given))


def test_preview_shows_local_times_and_what_clock_changes_do(api):
    runs = preview(
        api, type="cron", schedule="30 2 * * *", timezone="Europe/Berlin", after="2026-03-28T00:00:00Z", count=3
    )["runs"]

    assert runs == [
        {"at": "2026-03-28T01:30:00Z", "local": "2026-03-28T02:30:00+01:00"},
        {
            "at": "2026-03-29T01:00:00Z",
            "local": "2026-03-29T03:00:00+02:00",
            "note": "moved from 02:30, which the clock skipped",
        },
        {"at": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00"},
    ]


def test_preview_defaults_to_five_runs_from_now(api):
    runs = ats(preview(api, type="interval", schedule="3600"))

    assert len(runs) == 5
    assert timedelta(minutes=59) < datetime.fromisoformat(runs[0]) - datetime.now(UTC) < timedelta(minutes=61)


def test_preview_heeds_bounds(api):
    runs = preview(
        api, type="interval", schedule="60", after="2026-03-10T12:00:00Z", start_at="2026-03-10T13:00:00Z",
        end_at="2026-03-10T13:01:00Z", count=100,
    )  # fmt: skip

    assert ats(runs) == ["2026-03-10T13:00:00Z", "2026-03-10T13:01:00Z"]
    assert len(ats(preview(api, type="interval", schedule="60", max_runs=3))) == 3


def test_preview_shows_fractions_where_there_are_some(api):
    runs = preview(api, type="one_time", schedule="2026-12-01T09:00:00.25Z", after="2026-03-10T12:00:00Z")

    assert ats(runs) == ["2026-12-01T09:00:00.250000Z"]


def test_preview_puts_runs_off_by_less_than_the_jitter(api):
    given = {"type": "cron", "schedule": "@hourly", "after": "2026-03-10T12:00:00Z", "count": 50}

    plain, spread = ats(preview(api, **given)), ats(preview(api, **given, jitter=600))

    delays = [datetime.fromisoformat(b) - datetime.fromisoformat(a) for a, b in zip(plain, spread, strict=True)]
    assert timedelta() <= min(delays) < max(delays) < timedelta(seconds=600)
    assert spread == ats(preview(api, **given, jitter=600))


def test_upcoming_runs_begin_with_the_next_and_keep_the_jitter(api):
    job = api.job(type="cron", schedule="0 * * * *", jitter=3000, max_runs=4)

    runs = ats(api.ok("GET", f"/jobs/{job['id']}/upcoming?count=7"))

    assert (len(runs), runs[0]) == (4, job["next_run_at"])


def test_upcoming_runs_count_down_to_the_last(api, make):
    job = api.job(schedule="60", max_runs=5)
    make.conn.execute("UPDATE jobs SET runs = 3")

    assert len(ats(api.ok("GET", f"/jobs/{job['id']}/upcoming"))) == 2


def test_upcoming_is_of_the_future_while_a_run_is_overdue(api, make):
    job = make.job(schedule="60", anchor_at=NOON, next_run_at=NOON)

    first, *others = ats(api.ok("GET", f"/jobs/{job['id']}/upcoming"))

    assert datetime.now(UTC) < datetime.fromisoformat(first) < datetime.now(UTC) + 60 * SECOND
    assert len(others) == 9


@pytest.mark.parametrize("status", ["paused", "completed", "deleted"])
def test_upcoming_is_empty_for_a_job_that_is_not_active(api, make, status):
    job = make.job(status=status)

    assert api.ok("GET", f"/jobs/{job['id']}/upcoming") == {"runs": []}


def test_upcoming_checks_its_count_and_its_job(api, make):
    job = make.job()

    assert list(api.invalid("GET", f"/jobs/{job['id']}/upcoming?count=101")) == ["count"]
    api.of("t2").refused(404, "GET", f"/jobs/{job['id']}/upcoming")


def test_upcoming_before_lists_active_jobs_by_their_next_run(api, make):
    late, soon = make.job(next_run_at=NOON + HOUR), make.job(next_run_at=NOON)
    make.job(next_run_at=NOON + 2 * HOUR)
    make.job(status="paused")
    make.job(tenant_id="t2", next_run_at=NOON)

    rows, pagination = api.page("/jobs?upcoming_before=2026-03-10T13:00:01Z")

    assert [str(soon["id"]), str(late["id"])] == [row["id"] for row in rows]
    assert pagination["total"] == 2


def test_cursors_keep_the_order_of_upcoming_runs(api, make):
    jobs = [make.job(next_run_at=NOON + n // 2 * HOUR) for n in range(5)]
    path, seen = "/jobs?upcoming_before=2027-01-01T00:00:00Z&page_size=2", []

    cursor = ""
    for _ in range(3):
        rows, pagination = api.page(path + cursor)
        seen += [row["id"] for row in rows]
        cursor = f"&cursor={pagination['nextCursor']}"

    ordered = sorted(jobs, key=lambda job: (job["next_run_at"], job["id"]))
    assert [str(job["id"]) for job in ordered] == seen
    assert pagination["hasNext"] is False


def test_upcoming_before_goes_with_active_jobs_only(api):
    path = "/jobs?status=paused&upcoming_before=2027-01-01T00:00:00Z"

    assert list(api.invalid("GET", path)) == ["upcoming_before"]
