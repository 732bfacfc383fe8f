"""Reruns through the API: one finished execution, and all that match a filter."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from service import claims, executions
from service.executions import Ended
from tests.factories import NOON


def ago(**given):
    return {"scheduled_at": NOON - timedelta(**given)}


def rerun(api, json=None, **given):
    return api.ok("POST", "/executions/rerun", json or given, status=202)


def succeed(make, engine_pool):
    """Call for all that is pending, as a worker does, and have it succeed."""
    with engine_pool.connection() as conn:
        claimed = claims.claim(conn, worker_id=make.worker(), limit=10)
        executions.end(conn, [Ended(c.id, c.worker_id, c.attempt, "completed") for c in claimed])


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled", "completed"])
def test_a_rerun_is_a_new_execution_of_the_job_as_it_is_today(api, make, status):
    job = make.job(priority=9)
    first = make.logged(job, status, **ago(days=1), priority=3)

    shown = api.ok("POST", f"/executions/{first['id']}/rerun", status=202)

    expected = {"job_id": str(job["id"]), "status": "pending", "origin": "rerun", "priority": 9, "attempt": 0}
    assert expected | {"rerun_of": str(first["id"]), "reruns": []} == {
        name: shown[name] for name in (*expected, "rerun_of", "reruns")
    }
    assert make.row("SELECT scheduled_at > now() - interval '1 min' AS now FROM execution_queue")["now"]


def test_both_executions_show_each_other_once_the_rerun_has_finished(api, make, engine_pool):
    first = make.logged(**ago(days=1))
    again = api.ok("POST", f"/executions/{first['id']}/rerun", status=202)

    succeed(make, engine_pool)

    assert api.ok("GET", f"/executions/{first['id']}")["reruns"] == [again["id"]]
    done = api.ok("GET", f"/executions/{again['id']}")
    assert (done["status"], done["rerun_of"]) == ("completed", str(first["id"]))
    assert make.row("SELECT completed FROM job_totals") == {"completed": 1}
    assert make.row("SELECT completed, failed FROM job_history") == {"completed": 1, "failed": 0}


def test_a_second_rerun_has_to_wait_for_the_first(api, make, engine_pool):
    first = make.logged()
    path = f"/executions/{first['id']}/rerun"
    one = api.ok("POST", path, status=202)

    assert one["id"] in api.refused(409, "POST", path)["message"]
    succeed(make, engine_pool)
    two = api.ok("POST", path, status=202)

    assert api.ok("GET", f"/executions/{first['id']}")["reruns"] == [one["id"], two["id"]]


def test_an_unfinished_execution_is_not_run_again(api, make):
    running = make.running(make.worker())

    assert "it is running" in api.refused(409, "POST", f"/executions/{running['id']}/rerun")["message"]


@pytest.mark.parametrize(
    ("status", "given", "reason"),
    [("skipped", {"skipped_count": 1}, "was skipped"), ("failed", {"origin": "alert"}, "report of an alert")],
)
def test_what_was_no_run_is_not_run_again(api, make, status, given, reason):
    row = make.logged(None, status, **given)

    assert reason in api.refused(409, "POST", f"/executions/{row['id']}/rerun")["message"]


def test_executions_of_a_deleted_job_are_refused_by_its_name_and_left_out_of_many(api, make):
    job = make.job(status="deleted")
    row = make.logged(job)

    assert str(job["id"]) in api.refused(409, "POST", f"/executions/{row['id']}/rerun")["message"]
    assert rerun(api, all=True)["matched"] == 0


@pytest.mark.parametrize("status", ["paused", "completed"])
def test_a_job_that_is_paused_or_completed_runs_again_as_a_trigger_runs_it(api, make, engine_pool, status):
    row = make.logged(make.job(status=status))

    again = api.ok("POST", f"/executions/{row['id']}/rerun", status=202)
    succeed(make, engine_pool)

    assert api.ok("GET", f"/executions/{again['id']}")["status"] == "completed"
    assert make.row("SELECT status FROM jobs")["status"] == status


def test_executions_of_others_and_unknown_ones_are_404(api, make):
    theirs = make.logged(make.job(tenant_id="t2"))

    for id in (theirs["id"], uuid4()):
        assert api.refused(404, "POST", f"/executions/{id}/rerun")["code"] == "NOT_FOUND"
    assert rerun(api, all=True)["matched"] == 0
    assert make.rows("SELECT * FROM execution_queue") == []


@pytest.fixture
def dead(make):
    """Dead letters of two jobs by name, and what is none."""
    one, two = make.job(), make.job()
    make.logged(one, "completed")
    return {
        "old": make.logged(one, **ago(days=3), error_code="http_status"),
        "new": make.logged(one, **ago(days=1), error_code="connection"),
        "slow": make.logged(two, "timeout", **ago(days=2), error_code="timeout"),
        "stopped": make.logged(two, "cancelled", **ago(days=1), error_code="cancelled"),
    }


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"status": ["failed"]}, ["old", "new"]), ({"status": ["cancelled", "timeout"]}, ["slow", "stopped"]),
        ({"start_time": "2026-03-08T12:00:00Z"}, ["slow", "new"]),
        ({"end_time": "2026-03-08T12:00:00Z"}, ["old", "slow"]),
        ({"error_code": "connection"}, ["new"]), ({"error_code": "dns"}, []),
        ({"status": ["failed"], "end_time": "2026-03-08T00:00:00Z"}, ["old"]),
    ],
)  # fmt: skip
def test_filter_says_which_executions_run_again(api, make, dead, filter, expected):
    done = rerun(api, filter=filter)

    assert [str(dead[name]["id"]) for name in expected] == [item["id"] for item in done["sample"]]
    assert (done["matched"], done["rerun"], done["remaining"]) == (len(expected), len(expected), 0)
    made = make.rows("SELECT id::text, rerun_of::text FROM execution_queue WHERE origin = 'rerun' ORDER BY rank")
    assert [(item["rerun_id"], item["id"]) for item in done["sample"]] == [(r["id"], r["rerun_of"]) for r in made]


def test_job_says_which_executions_run_again(api, dead):
    done = rerun(api, filter={"job_id": str(dead["slow"]["job_id"])})

    assert [str(dead["slow"]["id"])] == [item["id"] for item in done["sample"]]


def test_all_means_every_failed_one_and_dry_run_only_tells(api, make, dead):
    told = rerun(api, all=True, dry_run=True)
    nothing = make.rows("SELECT * FROM execution_queue")
    done = rerun(api, all=True)

    assert (told["dry_run"], told["matched"], told["rerun"], told["remaining"]) == (True, 3, 0, 3)
    assert nothing == []
    assert [item["id"] for item in told["sample"]] == [item["id"] for item in done["sample"]]
    assert make.row("SELECT count(*) FROM audit_log WHERE action = 'execution.rerun'")["count"] == 3


def test_limit_leaves_the_rest_for_the_next_request(api, dead):
    counts = [rerun(api, all=True, limit=2) for _ in range(3)]

    assert [(c["matched"], c["rerun"], c["remaining"]) for c in counts] == [(3, 2, 1), (1, 1, 0), (0, 0, 0)]


def test_what_ran_again_is_done_with_and_a_rerun_that_failed_is_not(api, make, engine_pool):
    make.logged()
    rerun(api, all=True)
    succeed(make, engine_pool)
    make.conn.execute("UPDATE execution_log SET status = 'failed' WHERE origin = 'rerun'")

    done = rerun(api, all=True, dry_run=True)

    assert [str(make.row("SELECT id FROM execution_log WHERE origin = 'rerun'")["id"])] == [
        item["id"] for item in done["sample"]
    ]


def test_many_at_the_same_time_run_each_again_once(api, make):
    job = make.job()
    for _ in range(30):
        make.logged(job)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: rerun(api, all=True), range(3)))

    assert sum(item["rerun"] for item in done) == 30
    assert make.row("SELECT count(*), count(DISTINCT rerun_of) AS apart FROM execution_queue") == {
        "count": 30,
        "apart": 30,
    }


@pytest.mark.parametrize("body", [{}, {"filter": {}}, {"filter": {"status": None}}, {"all": False, "dry_run": True}])
def test_empty_filter_is_refused_unless_every_failed_one_is_meant(refuser, body):
    assert '"all": true' in refuser.invalid("POST", "/executions/rerun", json=body)["filter"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filter": {"status": ["completed"]}}, "filter.status.0"), ({"filter": {"status": []}}, "filter.status"),
        ({"filter": {"ids": ["x"]}}, "filter.ids"), ({"all": True, "limit": 1001}, "limit"),
        ({"filter": {"status": ["failed"]}, "all": True}, "filter"), ({"filter": {"job_id": "x"}}, "filter.job_id"),
        ({"filter": {"start_time": "2026-03-08T12:00:00Z", "end_time": "2026-03-08T11:00:00Z"}}, "filter.end_time"),
    ],
)  # fmt: skip
def test_malformed_filter_is_refused(refuser, body, field):
    assert field in refuser.invalid("POST", "/executions/rerun", json=body)


def test_the_function_refuses_with_the_reason_in_psql_too(make, engine_pool):
    row = make.logged()

    made = make.row("SELECT rerun_execution(%s) AS id", row["id"])["id"]

    assert make.row("SELECT rerun_of FROM execution_queue WHERE id = %s", made)["rerun_of"] == row["id"]
    assert make.row("SELECT actor LIKE 'role:_%%' AS named FROM audit_log WHERE action = 'execution.rerun'")["named"]
    with pytest.raises(Exception, match="being run again already"):
        make.row("SELECT rerun_execution(%s)", row["id"])
