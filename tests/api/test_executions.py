"""Executions through the API: listed, looked up, cancelled, counted."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from service import executions
from service.api.cursor import Cursor
from service.executions import Ended
from tests.factories import NOON

CURSOR = Cursor("executions by scheduled_at", NOON, UUID(int=1))


def finish(make, row, status="completed", **given):
    """End an execution as its worker would."""
    ended = Ended(row["id"], row["worker_id"], row["attempt"], status, **({"duration_ms": 10.0} | given))
    return executions.end(make.conn, [ended])


def finished(make, job, status="completed", **given):
    """A finished execution of the job."""
    row = make.running(make.worker(), job, **given)
    finish(make, row, status)
    return row


def ids(rows):
    return [row["id"] for row in rows]


def test_live_execution_shows_its_state(api, make):
    row = make.running(make.worker(), make.job())

    shown = api.ok("GET", f"/executions/{row['id']}")

    expected = {"status": "running", "attempt": 1, "finished_at": None, "duration_ms": None, "attempts": []}
    assert expected == {name: shown[name] for name in expected}


def test_finished_execution_keeps_every_attempt(api, make):
    row = make.running(make.worker(), make.job())
    finish(make, row, "failed", response_status=500, error_code="http_status", error="e", response_body="no")

    shown = api.ok("GET", f"/executions/{row['id']}")

    expected = {"status": "failed", "response_status": 500, "response_body": "no", "duration_ms": 10.0}
    assert expected == {name: shown[name] for name in expected}
    assert [(a["status"], a["response_status"], a["host"]) for a in shown["attempts"]] == [("failed", 500, "h")]
    assert shown["lag_ms"] > 0


def test_unknown_execution_is_404(api):
    assert api.refused(404, "GET", f"/executions/{uuid4()}")["code"] == "NOT_FOUND"
    assert api.refused(404, "POST", f"/executions/{uuid4()}/cancel")["code"] == "NOT_FOUND"


@pytest.mark.parametrize("id", [UUID(int=0), UUID(int=2**128 - 1)])
def test_any_uuid_may_be_asked_for(api, id):
    assert api.refused(404, "GET", f"/executions/{id}")["code"] == "NOT_FOUND"


def test_list_is_newest_first_whether_live_or_finished(api, make):
    job = make.job()
    old = finished(make, job, scheduled_at=NOON)
    new = make.execution(job, scheduled_at=NOON + timedelta(hours=1))

    rows, pagination = api.page("/executions")

    assert [str(new["id"]), str(old["id"])] == ids(rows)
    expected = {"page": 1, "perPage": 20, "total": 2, "totalCapped": False, "totalPages": 1}
    assert expected | {"hasNext": False, "hasPrev": False, "nextCursor": None} == pagination


def test_filters_narrow_the_list(api, make):
    job = make.job()
    done = finished(make, job, scheduled_at=NOON)
    other = make.execution(scheduled_at=NOON + timedelta(hours=1))

    assert [str(done["id"])] == ids(api.page("/executions?status=completed")[0])
    assert [str(done["id"])] == ids(api.page(f"/executions?job_id={job['id']}")[0])
    assert [str(done["id"])] == ids(api.page(f"/jobs/{job['id']}/executions")[0])
    assert [str(done["id"])] == ids(api.page("/executions?end_time=2026-03-10T12:00:00Z")[0])
    assert [str(other["id"])] == ids(api.page("/executions?start_time=2026-03-10T13:30:00.5%2B01:00")[0])
    assert [str(other["id"])] == ids(api.page("/executions?start_time=2026-03-10T13:30:00.5+01:00")[0])
    assert api.page("/executions?status=held")[0] == []


def test_cursor_pages_through_equal_instants(api, make):
    job = make.job()
    made = {str(make.execution(job, scheduled_at=NOON)["id"]) for _ in range(5)}

    first, one = api.page("/executions?page_size=2")
    second, two = api.page(f"/executions?page_size=2&cursor={one['nextCursor']}")
    third, three = api.page(f"/executions?page_size=2&cursor={two['nextCursor']}")

    assert made == {*ids(first), *ids(second), *ids(third)}
    assert tuple(two[k] for k in ("page", "total", "totalPages", "hasNext", "hasPrev")) == (None, 5, 3, True, True)
    assert (three["hasNext"], three["nextCursor"]) == (False, None)


def test_pages_reach_the_same_rows(api, make):
    job = make.job()
    for minute in range(5):
        make.execution(job, scheduled_at=NOON + timedelta(minutes=minute))

    everything = ids(api.page("/executions")[0])

    assert everything[2:4] == ids(api.page("/executions?page=2&page_size=2")[0])
    assert api.page("/executions?page=4&page_size=2")[0] == []


@pytest.mark.parametrize(
    ("number", "size", "counted"),
    [(1, 5, False), (1, 4, True), (2, 3, False), (2, 2, True), (3, 2, False), (3, 5, True)],
)
def test_rows_are_counted_only_where_the_page_does_not_tell(api, make, monkeypatch, number, size, counted):
    [make.execution(make.job()) for _ in range(5)]
    asked = []
    monkeypatch.setattr(executions, "count", lambda *_, **__: asked.append(True) or 5)

    _, place = api.page(f"/executions?page={number}&page_size={size}")

    assert (place["total"], bool(asked)) == (5, counted)


@pytest.mark.parametrize(
    "filters", ["", "status=failed&", "status=completed&", "start_time=2026-03-10T12:02:00Z&", "status=pending&"]
)
@pytest.mark.parametrize("listed", ["/executions?", "/executions?job_id={id}&", "/jobs/{id}/executions?"])
def test_pages_of_what_a_filter_names_reach_the_same_rows(api, make, listed, filters):
    job, other = make.job(), make.job(tenant_id="t2")
    for minute in range(8):
        finished(make, job, ("completed", "failed")[minute % 2], scheduled_at=NOON + timedelta(minutes=minute // 2))
        make.execution(job, scheduled_at=NOON + timedelta(minutes=minute))
        make.execution(other, scheduled_at=NOON + timedelta(minutes=minute))
    path = listed.format(id=job["id"]) + filters

    everything, whole = api.page(f"{path}page_size=100")
    pages = [api.page(f"{path}page={number}&page_size=3") for number in (1, 2, 3, 4, 5, 6, 7)]

    assert ids(everything) == [id for rows, _ in pages for id in ids(rows)]
    assert {len(everything)} == {whole["total"], *(place["total"] for _, place in pages)}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"), ("page=-1", "page"), ("page=x", "page"), ("page=1.0", "page"), ("page=", "page"),
        ("page=501", "page"), ("page=99999999999999", "page"), ("page_size=0", "page_size"),
        ("page_size=101", "page_size"), ("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("cursor=", "cursor"),
        ("cursor=MjAyNg", "cursor"), (f"page=1&cursor={CURSOR}", "cursor"),
        ("status=lost", "status"), ("job_id=1", "job_id"), ("start_time=yesterday", "start_time"),
        ("start_time=2026-02-30T00:00:00Z", "start_time"), ("start_time=2026-03-10T12:00:00", "start_time"),
        ("start_time=0001-01-01T00:00:00%2B10:00", "start_time"), ("colour=red", "colour"),
        ("start_time=2026-03-10T12:00:00Z&end_time=2026-03-09T12:00:00Z", "end_time"),
        ("status=held&status=pending", "status"), ("a%00b=1", "a\0b"),
    ],
)  # fmt: skip
def test_bad_query_names_its_parameter(refuser, query, field):
    assert {field} == set(refuser.invalid("GET", f"/executions?{query}"))


@pytest.mark.parametrize("state", ["pending", "held", "retrying"])
def test_cancel_ends_what_waits(api, make, state):
    row = make.execution(status=state, retry_at=NOON if state == "retrying" else None)

    shown = api.ok("POST", f"/executions/{row['id']}/cancel")

    assert (shown["status"], shown["attempts"], shown["duration_ms"]) == ("cancelled", [], None)
    assert make.rows("SELECT FROM execution_queue") == []


def test_cancel_ends_what_runs_and_tells_its_worker(api, make, conn):
    row = make.running(make.worker(), make.job())
    conn.execute("LISTEN scheduler_cancel")

    shown = api.ok("POST", f"/executions/{row['id']}/cancel")

    assert (shown["status"], [a["status"] for a in shown["attempts"]]) == ("cancelled", ["cancelled"])
    assert [str(row["id"])] == [n.payload for n in conn.notifies(timeout=1, stop_after=1)]


def test_what_psql_of_another_time_zone_ends_is_told_in_utc(api, make, conn):
    row = make.running(make.worker(), make.job())
    conn.execute("SET timezone TO 'Asia/Kolkata'")

    conn.execute("SELECT ops.pause(%s), ops.cancel(%s)", [row["job_id"], row["id"]])

    (attempt,) = api.ok("GET", f"/executions/{row['id']}")["attempts"]
    (entry,) = api.ok("GET", "/audit?action=job.pause")
    assert attempt["started_at"].endswith("Z")
    assert entry["after"]["paused_at"].endswith("+00:00")


def test_worker_cannot_overwrite_a_cancel(api, make):
    row = make.running(make.worker(), make.job())
    api.ok("POST", f"/executions/{row['id']}/cancel")

    assert finish(make, row) == [row["id"]]
    assert api.ok("GET", f"/executions/{row['id']}")["status"] == "cancelled"


def test_cancel_of_a_finished_execution_conflicts(api, make):
    row = finished(make, make.job())

    error = api.refused(409, "POST", f"/executions/{row['id']}/cancel")

    assert error["code"] == "CONFLICT"
    assert "completed" in error["message"]


def test_stats_agree_with_the_executions(api, make):
    job, other = make.job(), make.job()
    for status in ("completed", "completed", "completed", "failed", "timeout", "cancelled"):
        finished(make, job, status)
    finished(make, other)
    make.execution(job)
    make.execution(job, status="held")

    stats = api.ok("GET", f"/executions/stats?job_id={job['id']}")
    everything = api.ok("GET", "/executions/stats")

    counts = {"completed": 3, "failed": 1, "timeout": 1, "cancelled": 1, "skipped": 0, "total": 6}
    assert counts == stats["finished"]
    assert stats["live"] == {"pending": 1, "running": 0, "retrying": 0, "held": 1, "total": 2}
    assert (
        stats["success_rate"],
        stats["percentiles"]["sampled"],
        stats["percentiles"]["duration_p95_ms"],
    ) == (0.6, 5, 10.0)
    assert (everything["finished"]["total"], everything["percentiles"]["sampled"]) == (7, 6)
    shown = api.ok("GET", f"/jobs/{job['id']}")
    assert (shown["run_count"], shown["fail_count"]) == (5, 2)
    assert shown["last_run_at"] is not None


def test_stats_of_nothing_are_zero_and_null(api):
    stats = api.ok("GET", "/executions/stats")

    assert (
        stats["finished"]["total"],
        stats["success_rate"],
        stats["percentiles"]["sampled"],
        stats["percentiles"]["lag_p99_ms"],
    ) == (0, None, 0, None)


def test_the_first_day_of_the_calendar_can_be_asked_for(api):
    assert api.ok("GET", "/executions?end_time=0001-01-01T00:00:00Z") == []
