"""GET /jobs/:id/occurrences: every instant the schedule named, and what became of it."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from service import skips
from service.policy import Skip

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime.now(UTC)
SINCE = NOW - timedelta(hours=5, minutes=30)  # so that the last hourly instant was half an hour ago


def hours(n):
    """The n-th instant of an hourly job that exists SINCE."""
    return SINCE + n * HOUR


@pytest.fixture
def hourly(make):
    def made(**given):
        return make.job(
            **{
                "schedule": "3600",
                "anchor_at": SINCE,
                "created_at": SINCE,
                "updated_at": SINCE,
                "next_run_at": hours(6),
            }
            | given
        )

    return made


@pytest.fixture
def listed(api):
    def found(job, query="", tenant="t1"):
        return api.of(tenant).ok("GET", f"/jobs/{job['id']}/occurrences{query}")

    return found


def finished(make, job, at, **given):
    """A row of the log."""
    row = {
        "id": make.row("SELECT execution_id(%s, %s) AS id", job["id"], at)["id"],
        "job_id": job["id"],
        "tenant_id": job["tenant_id"],
        "scheduled_at": at,
        "created_at": at,
        "attempt": 1,
        "priority": 5,
        "status": "completed",
        "origin": "schedule",
    } | given
    return make._insert("execution_log", row)


def version(make, job, number, since, **given):
    """A row of job_versions."""
    copied = ("anchor_at", "start_at", "end_at", "jitter_seconds", "type", "schedule", "timezone", "endpoint", "method")
    row = {name: job[name] for name in (*copied, "headers", "tenant_id")}
    return make._insert("job_versions", row | {"job_id": job["id"], "version": number, "created_at": since} | given)


def window(start, end, **more):
    """A query string."""
    given = {"from": start.isoformat(), "to": end.isoformat()} | more
    return "?" + "&".join(f"{name}={quote(str(value))}" for name, value in given.items())


def moment(text):
    return datetime.fromisoformat(text)


def fates(rows):
    return [(row["state"], row["reason"]) for row in rows]


def ats(rows):
    return [moment(row["at"]) for row in rows]


def test_lists_what_ran_lives_and_is_to_come(make, hourly, listed):
    job = hourly()
    ran = finished(make, job, hours(1), status="failed")
    live = make.execution(job, scheduled_at=hours(2))

    rows = listed(job, window(hours(1), hours(8)))

    assert ats(rows) == [hours(n) for n in range(1, 8)]
    assert fates(rows)[:3] == [("ran", None), ("live", None), ("unknown", None)]
    assert fates(rows)[5:] == [("upcoming", None), ("upcoming", None)]
    assert [rows[0][k] for k in ("execution_id", "status", "origin")] == [str(ran["id"]), "failed", "schedule"]
    assert (rows[1]["execution_id"], rows[1]["status"]) == (str(live["id"]), "pending")


def test_the_window_is_a_day_either_way_unless_given(hourly, listed):
    rows = listed(hourly())

    assert ats(rows) == [hours(n) for n in range(1, 30)]


def test_instants_before_the_job_existed_are_none(make, hourly, listed):
    job = hourly(type="cron", schedule="0 * * * *", next_run_at=None)

    assert min(ats(listed(job))) > SINCE


def test_a_skip_accounts_for_each_instant_of_its_range(make, hourly, listed, conn):
    job = hourly()
    with conn.transaction():
        skips.record(conn, [(job["id"], Skip("misfire", hours(2), hours(4), 3))])

    rows = listed(job, window(hours(2), hours(6)))
    from_within = listed(job, window(hours(3), hours(5)))

    assert fates(rows) == [("skipped", "misfire")] * 3 + [("unknown", None)]
    assert [row["skipped_count"] for row in rows] == [3, 3, 3, None]
    assert fates(from_within) == [("skipped", "misfire")] * 2
    assert rows[0]["execution_id"] == from_within[1]["execution_id"]


def test_a_backfill_outranks_the_skip_it_made_up_for(make, hourly, listed, conn):
    job = hourly()
    with conn.transaction():
        skips.record(conn, [(job["id"], Skip("paused", hours(2), hours(3), 2))])
    make.execution(job, scheduled_at=hours(2), origin="backfill")

    rows = listed(job, window(hours(2), hours(4)))

    assert fates(rows) == [("live", None), ("skipped", "paused")]
    assert rows[0]["origin"] == "backfill"


def test_manual_runs_are_no_occurrences(make, hourly, listed):
    job = hourly()
    make.execution(job, scheduled_at=hours(2) + timedelta(minutes=1), origin="manual")

    assert ats(listed(job, window(hours(2), hours(3)))) == [hours(2)]


def test_a_cancel_before_the_first_call_is_a_skip(make, hourly, listed):
    job = hourly()
    finished(make, job, hours(2), status="cancelled", attempt=0)
    finished(make, job, hours(3), status="cancelled")

    assert fates(listed(job, window(hours(2), hours(4)))) == [("skipped", "cancelled"), ("ran", None)]


def test_a_pause_skips_what_passed_and_may_let_the_rest_run(hourly, listed):
    job = hourly(status="paused", next_run_at=None, paused_at=hours(4))

    assert fates(listed(job, window(hours(3), hours(7)))) == [
        ("unknown", None),
        ("skipped", "paused"),
        ("skipped", "paused"),
        ("upcoming", "paused"),
    ]


def test_bounds_leave_out_instants_before_and_after(hourly, listed):
    job = hourly(type="cron", schedule="0 * * * *", start_at=NOW + HOUR, end_at=NOW + 3 * HOUR, next_run_at=None)

    rows = listed(job, window(NOW, NOW + 4 * HOUR))

    assert fates(rows)[0] == ("skipped", "before_start")
    assert fates(rows)[-1] == ("skipped", "after_end")
    assert len(rows) == 4


@pytest.mark.parametrize(("start", "expected"), [(6, ["upcoming"] * 2 + ["skipped"] * 2), (8, ["skipped"] * 2)])
def test_max_runs_ends_what_is_to_come_wherever_the_window_begins(hourly, listed, start, expected):
    job = hourly(max_runs=7, runs=5)

    rows = listed(job, window(hours(start), hours(10)))

    assert [row["state"] for row in rows] == expected
    assert rows[-1]["reason"] == "max_runs"


def test_a_deleted_job_names_instants_that_will_not_run(hourly, listed):
    job = hourly(status="deleted", next_run_at=None, updated_at=hours(4))

    assert fates(listed(job, window(hours(4), hours(8)))) == [("unknown", None)] + [("skipped", "deleted")] * 3


def test_instants_older_than_the_log_are_expired(make, hourly, listed):
    long_ago = NOW - 10 * DAY
    job = hourly(anchor_at=long_ago, created_at=long_ago)
    kept = finished(make, job, long_ago + HOUR)

    rows = listed(job, window(long_ago, long_ago + 3 * HOUR))

    assert fates(rows) == [("ran", None), ("unknown", "expired")]
    assert rows[0]["execution_id"] == str(kept["id"])


def test_instants_come_from_the_definition_that_held_then(make, hourly, listed):
    edited = hours(3) + timedelta(minutes=10)
    job = hourly(version=3, schedule="1800", anchor_at=edited, updated_at=edited)
    version(make, job, 1, SINCE, schedule="3600", anchor_at=SINCE)
    version(make, job, 2, hours(2), schedule="3600", anchor_at=SINCE)
    version(make, job, 3, edited)

    rows = listed(job, window(hours(1), hours(5)))

    assert ats(rows) == [hours(1), hours(2), hours(3), edited + HOUR / 2, edited + HOUR, edited + 3 * HOUR / 2]


def test_an_execution_that_no_definition_names_is_listed_all_the_same(make, hourly, listed):
    job = hourly(type="one_time", schedule="2020-01-01T00:00:00Z", next_run_at=None)
    finished(make, job, SINCE)

    (row,) = listed(job, window(SINCE, NOW))

    assert (moment(row["at"]), row["instant"], row["state"]) == (SINCE, None, "ran")


def test_jitter_moves_the_time_but_not_the_instant(hourly, listed):
    job = hourly(jitter_seconds=3600, next_run_at=None)

    rows = listed(job, window(hours(3), hours(5)))
    whole = listed(job)

    assert all(hours(3) <= at < hours(5) for at in ats(rows))
    assert rows == [row for row in whole if hours(3) <= moment(row["at"]) < hours(5)]
    assert [moment(row["instant"]) for row in whole] == [hours(n) for n in range(1, len(whole) + 1)]


def test_pages_join_without_gap_or_repeat(make, hourly, api):
    job = hourly()
    make.execution(job, scheduled_at=hours(2) + timedelta(minutes=3))
    path = f"/jobs/{job['id']}/occurrences"
    query = window(hours(1), hours(6))
    whole, _ = api.page(path + query)

    first, place = api.page(f"{path}{query}&page_size=3")
    second, end = api.page(f"{path}{query}&page_size=3&cursor={place['nextCursor']}")

    assert first + second == whole
    assert (place["hasNext"], end["hasNext"], end["nextCursor"]) == (True, False, None)


def test_more_definitions_than_a_page_reads_go_on_the_next(make, hourly, api, monkeypatch):
    monkeypatch.setattr("service.occurrences.MAX_DEFINITIONS", 2)
    job = hourly(version=3)
    for number in (1, 2, 3):
        version(make, job, number, hours(number) - timedelta(minutes=1))
    path = f"/jobs/{job['id']}/occurrences{window(hours(1), hours(6))}"

    first, place = api.page(path)
    second, _ = api.page(f"{path}&cursor={place['nextCursor']}")

    assert ats(first) == [hours(1), hours(2)]
    assert ats(second) == [hours(3), hours(4), hours(5)]


def test_a_year_of_seconds_answers_at_once(hourly, api):
    job = hourly(schedule="1", jitter_seconds=86_400)
    path = f"/jobs/{job['id']}/occurrences{window(SINCE, NOW + 365 * DAY)}"
    api.page(path)

    started = time.monotonic()
    rows, place = api.page(path)

    assert (len(rows), place["hasNext"]) == (1000, True)
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "to"),
        ("?from=yesterday", "from"),
        ("?to=0001-01-01T00:00:00Z", "to"),
        ("?to=9999-12-31T23:59:59Z", "to"),
        ("?page_size=1001", "page_size"),
        ("?page_size=0", "page_size"),
        ("?cursor=x", "cursor"),
        ("?since=2026-01-02T00:00:00Z", "since"),
    ],
)
def test_a_bad_window_is_refused_by_field(hourly, api, query, field):
    assert list(api.invalid("GET", f"/jobs/{hourly()['id']}/occurrences{query}")) == [field]


@pytest.mark.parametrize("query", ["?to=1970-01-01T00:00:00Z", "?from=9998-12-31T23:59:59Z"])
def test_windows_at_the_ends_of_time_are_answered(hourly, api, query):
    assert api.send("GET", f"/jobs/{hourly()['id']}/occurrences{query}").status_code == 200


def test_another_tenants_job_is_not_found(hourly, api):
    api.of("t2").refused(404, "GET", f"/jobs/{hourly()['id']}/occurrences")
