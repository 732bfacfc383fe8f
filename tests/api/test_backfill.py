"""POST /jobs/:id/backfill: past instants of the schedule become executions, once each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from service import skips
from service.policy import Skip
from tests.api.test_occurrences import DAY, HOUR, NOW, SINCE, finished, hourly, hours, moment

__all__ = ["hourly"]


@pytest.fixture
def backfill(api):
    def sent(job, start, end, status=202, **more):
        body = {"from": start.isoformat(), "to": end.isoformat()} | more
        return api.ok("POST", f"/jobs/{job['id']}/backfill", body, status)

    return sent


def queued(make):
    return make.rows("SELECT * FROM execution_queue ORDER BY scheduled_at, id")


def test_materializes_each_instant_once_at_low_priority(make, hourly, backfill):
    job = hourly()

    first = backfill(job, hours(1), hours(4))
    again = backfill(job, hours(1), hours(4))

    assert (first["materialized"], first["already_ran"], first["dry_run"]) == (3, 0, False)
    assert [moment(at) for at in first["instants"]] == [hours(1), hours(2), hours(3)]
    assert (again["materialized"], again["already_ran"], again["instants"]) == (0, 3, [])
    rows = queued(make)
    assert [row["scheduled_at"] for row in rows] == [hours(1), hours(2), hours(3)]
    assert {(row["priority"], row["origin"], row["status"], row["tenant_id"]) for row in rows} == {
        (1, "backfill", "pending", "t1")
    }


def test_a_dry_run_only_tells(make, hourly, backfill):
    told = backfill(hourly(), hours(1), hours(4), status=200, dry_run=True)

    assert (told["would_materialize"], told["materialized"], len(told["instants"])) == (3, 0, 3)
    assert queued(make) == []


def test_what_lives_or_has_run_is_left_alone(make, hourly, backfill):
    job = hourly()
    finished(make, job, hours(1))
    finished(make, job, hours(2), status="failed")
    id = make.row("SELECT execution_id(%s, %s) AS id", job["id"], hours(3))["id"]
    make.execution(job, id=id, scheduled_at=hours(3))

    done = backfill(job, hours(1), hours(5))

    assert (done["already_ran"], [moment(at) for at in done["instants"]]) == (3, [hours(4)])


def test_a_finished_backfill_is_not_repeated(make, hourly, backfill):
    job = hourly()
    backfill(job, hours(1), hours(2))
    (row,) = make.rows("DELETE FROM execution_queue RETURNING id")
    finished(make, job, hours(1), id=row["id"], origin="backfill")

    assert backfill(job, hours(1), hours(2))["already_ran"] == 1


def test_skipped_instants_are_made_up_for(make, hourly, backfill, conn, api):
    job = hourly()
    with conn.transaction():
        skips.record(conn, [(job["id"], Skip("misfire", hours(2), hours(4), 3))])

    assert backfill(job, hours(2), hours(5))["materialized"] == 3

    row = queued(make)[0]
    assert row["scheduled_at"] == hours(2)
    assert row["id"] != make.row("SELECT id FROM execution_log")["id"]
    assert api.ok("GET", f"/executions/{row['id']}")["scheduled_at"] == hours(2).isoformat().replace("+00:00", "Z")


def test_two_backfills_at_once_make_one_execution_an_instant(make, hourly, backfill):
    job = hourly(schedule="60", next_run_at=NOW + HOUR)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: backfill(job, SINCE, NOW - HOUR), range(2)))

    assert sum(item["materialized"] for item in done) == len(queued(make)) > 200
    assert done[0]["materialized"] + done[0]["already_ran"] == len(queued(make))


def test_the_bounds_of_the_job_hold(hourly, backfill):
    job = hourly(type="cron", schedule="0 * * * *", start_at=hours(2), end_at=hours(4))

    done = backfill(job, hours(0), hours(5))

    assert done["materialized"] == 2
    assert all(hours(2) <= moment(at) <= hours(4) for at in done["instants"])


def test_instants_before_the_job_existed_may_be_made_up_for(hourly, backfill):
    job = hourly(type="cron", schedule="0 0 * * *", created_at=NOW)

    assert backfill(job, NOW - 10 * DAY, NOW)["materialized"] == 10


def test_instants_that_the_log_has_forgotten_are_left_alone(hourly, backfill):
    job = hourly(anchor_at=NOW - 10 * DAY, created_at=NOW - 10 * DAY)

    done = backfill(job, NOW - 9 * DAY, NOW - 9 * DAY + 3 * HOUR)

    assert (done["materialized"], done["expired"]) == (0, 3)


def test_due_instants_are_left_to_the_tick(hourly, backfill):
    job = hourly(next_run_at=hours(3))

    done = backfill(job, hours(1), NOW)

    assert (done["materialized"], done["awaiting_tick"]) == (2, 3)


def test_jitter_is_that_of_the_schedule(hourly, backfill, api):
    job = hourly(jitter_seconds=3600)
    listed = api.ok("GET", f"/jobs/{job['id']}/occurrences")

    done = backfill(job, hours(1), hours(5))

    assert done["instants"] == [row["at"] for row in listed if hours(1) <= moment(row["at"]) < hours(5)]


def test_a_paused_jobs_are_held_until_it_is_resumed(make, hourly, backfill, api):
    job = hourly(status="paused", next_run_at=None, paused_at=hours(4))

    backfill(job, hours(1), hours(3))
    held = [row["status"] for row in queued(make)]
    api.ok("POST", f"/jobs/{job['id']}/resume")

    assert held == ["held", "held"]
    assert [row["status"] for row in queued(make) if row["origin"] == "backfill"] == ["pending", "pending"]


def test_executions_that_must_not_overlap_go_one_by_one(make, hourly, backfill):
    backfill(hourly(overlap_policy="queue"), hours(1), hours(4))

    assert [(row["status"], row["held_for"]) for row in queued(make)] == [
        ("pending", None),
        ("held", "overlap"),
        ("held", "overlap"),
    ]


def test_a_window_of_too_many_says_where_to_split(hourly, backfill, api):
    job = hourly()
    body = {"from": SINCE.isoformat(), "to": hours(5).isoformat(), "limit": 2}

    said = api.invalid("POST", f"/jobs/{job['id']}/backfill", json=body)

    assert hours(3).isoformat() in said["to"]
    assert backfill(job, SINCE, hours(3), limit=2)["materialized"] == 2


def test_ten_thousand_instants_go_in_one_request(make, hourly, backfill):
    job = hourly(schedule="1", next_run_at=NOW + HOUR)

    done = backfill(job, SINCE, SINCE + timedelta(seconds=10_001), limit=10_000)

    assert (done["materialized"], len(done["instants"]), len(queued(make))) == (10_000, 100, 10_000)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": "2026-01-02T00:00:00Z"}, "to"),
        ({"to": "2026-01-02T00:00:00Z"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, "to"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2098-01-02T00:00:00Z"}, "to"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-03T00:00:00Z", "limit": 10_001}, "limit"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-03T00:00:00Z", "dry_run": "yes"}, "dry_run"),
        ({"from": 1, "to": "2026-01-03T00:00:00Z"}, "from"),
    ],
)
def test_a_bad_request_is_refused_by_field(hourly, api, body, field):
    assert list(api.invalid("POST", f"/jobs/{hourly()['id']}/backfill", json=body)) == [field]


def test_a_deleted_job_is_a_conflict_and_another_tenants_not_found(make, hourly, api):
    body = {"from": hours(1).isoformat(), "to": hours(3).isoformat()}

    api.refused(409, "POST", f"/jobs/{hourly(status='deleted', next_run_at=None)['id']}/backfill", json=body)
    api.of("t2").refused(404, "POST", f"/jobs/{hourly()['id']}/backfill", json=body)
    assert queued(make) == []
