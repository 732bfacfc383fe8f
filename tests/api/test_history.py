"""History through the API agrees with the executions, to the unit."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.test_executions import finished

TODAY = datetime.now(UTC).date()
NOBODY = "00000000-0000-7000-8000-000000000001"  # no job has this id


@pytest.fixture
def busy(make):
    """Two jobs with executions of every final state, finished today."""
    jobs = make.job(), make.job()
    for status in ("completed", "completed", "failed", "timeout", "cancelled"):
        finished(make, jobs[0], status)
    finished(make, jobs[1])
    return jobs


def days_ago(make, job, days, completed=1):
    make.conn.execute(
        "INSERT INTO job_history (job_id, tenant_id, day, completed, duration_ms_sum, duration_ms_max)"
        " VALUES (%s, %s, %s, %s, 50, 40)",
        [job["id"], job["tenant_id"], TODAY - timedelta(days=days), completed],
    )


def test_days_are_listed_by_job(api, busy):
    rows, pagination = api.page("/history")

    counts = {row["job_id"]: (row["completed"], row["failed"], row["timeout"], row["cancelled"]) for row in rows}
    assert {str(busy[0]["id"]): (2, 1, 1, 1), str(busy[1]["id"]): (1, 0, 0, 0)} == counts
    assert {str(TODAY)} == {row["date"] for row in rows}
    assert pagination["total"] == 2


def test_history_of_a_job_has_its_last_days(api, make, busy):
    days_ago(make, busy[0], 6)
    days_ago(make, busy[0], 7)

    shown = api.ok("GET", f"/jobs/{busy[0]['id']}/history?days=7")

    assert [(str(TODAY), 5), (str(TODAY - timedelta(days=6)), 1)] == [(row["date"], row["total"]) for row in shown]


def test_window_is_thirty_days_unless_said(api, make):
    job = make.job()
    days_ago(make, job, 29)
    days_ago(make, job, 30)

    assert len(api.page("/history")[0]) == 1
    assert len(api.page(f"/history?start_date={TODAY - timedelta(days=30)}")[0]) == 2
    assert len(api.page(f"/history?end_date={TODAY - timedelta(days=30)}")[0]) == 1


def test_cursor_pages_through_days_and_jobs(api, make):
    for _ in range(3):
        job = make.job()
        days_ago(make, job, 1)
        days_ago(make, job, 2)

    first, one = api.page("/history?page_size=4")
    second, two = api.page(f"/history?page_size=4&cursor={one['nextCursor']}")

    assert api.page("/history")[0] == first + second
    assert (two["total"], two["nextCursor"]) == (6, None)


def test_stats_add_up_the_window(api, make, busy):
    days_ago(make, busy[1], 3, completed=2)

    stats = api.ok("GET", "/history/stats")

    totals = {"completed": 5, "failed": 1, "timeout": 1, "cancelled": 1, "skipped": 0, "total": 8}
    assert totals == {name: stats["totals"][name] for name in totals}
    assert (
        round(stats["totals"]["success_rate"], 3),
        stats["totals"]["avg_duration_ms"],
        stats["totals"]["max_duration_ms"],
    ) == (0.714, 14.286, 40.0)
    assert [day["total"] for day in stats["days"]] == [2, 6]
    assert stats["percentiles"]["sampled"] == 5


def test_stats_can_be_of_one_job(api, busy):
    stats = api.ok("GET", f"/history/stats?job_id={busy[1]['id']}")

    assert (stats["totals"]["total"], stats["percentiles"]["sampled"], len(stats["days"])) == (1, 1, 1)


def test_every_count_agrees_with_the_executions(api, busy):
    listed = api.page("/executions")[1]["total"]

    assert [listed] * 4 == [
        api.ok("GET", "/history/stats")["totals"]["total"],
        api.ok("GET", "/executions/stats")["finished"]["total"],
        api.ok("GET", "/jobs/stats")["executions"]["total"],
        sum(row["total"] for row in api.page("/history")[0]),
    ]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/history?start_date=2026-13-01", "start_date"), ("/history?start_date=20260101", "start_date"),
        ("/history?end_date=0001-01-01", "end_date"),
        ("/history?start_date=2026-02-02&end_date=2026-02-01", "end_date"), ("/history/stats?job_id=x", "job_id"),
        ("/history/stats?start_date=2024-01-01&end_date=2026-01-01", "end_date"), ("/history/stats?page=1", "page"),
        (f"/jobs/{NOBODY}/history?days=0", "days"), (f"/jobs/{NOBODY}/history?days=367", "days"),
    ],
)  # fmt: skip
def test_bad_window_names_its_parameter(refuser, path, field):
    assert {field} == set(refuser.invalid("GET", path))


def test_window_that_reaches_to_today_is_bounded_too(api):
    assert set(api.invalid("GET", "/history?start_date=1970-01-01")) == {"start_date"}
