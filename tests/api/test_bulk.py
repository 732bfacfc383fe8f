"""Many jobs at once: created together, or paused, resumed and deleted by a filter."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.api.conftest import JOB
from tests.factories import NOON


def change(api, act, **body):
    return api.ok("POST", f"/jobs/bulk/{act}", body)


def statuses(api):
    return {row["name"]: row["status"] for row in api.page("/jobs?page_size=100")[0]}


def test_jobs_are_created_together_in_their_order(api):
    names = ["b", "a", "c"]

    made = api.ok("POST", "/jobs/bulk", {"jobs": [JOB | {"name": name, "key": name} for name in names]}, status=201)

    assert names == [job["name"] for job in made]
    assert [job["id"] for job in made] == [api.ok("GET", f"/jobs/by-key/{name}")["id"] for name in names]
    assert made[0] == api.ok("GET", f"/jobs/{made[0]['id']}")


def test_dry_run_of_new_jobs_shows_them_and_creates_nothing(api, make):
    shown = api.ok("POST", "/jobs/bulk", {"jobs": [JOB | {"name": "n", "key": "k"}], "dry_run": True})

    assert [(job["name"], job["key"], job["status"]) for job in shown] == [("n", "k", "active")]
    assert shown[0]["next_run_at"]
    assert make.rows("SELECT FROM jobs UNION ALL SELECT FROM audit_log") == []


def test_dry_run_of_new_jobs_is_refused_for_what_the_jobs_would_be(api):
    api.job(key="taken")

    error = api.refused(409, "POST", "/jobs/bulk", json={"jobs": [JOB | {"key": "taken"}], "dry_run": True})

    assert [item["field"] for item in error["validation"]] == ["jobs.0.key"]


def test_problems_of_new_jobs_are_named_by_index(refuser):
    bad = [JOB, JOB | {"name": ""}, JOB | {"timeout": 0, "colour": 1}]

    found = refuser.invalid("POST", "/jobs/bulk", json={"jobs": bad})

    assert {"jobs.1.name", "jobs.2.timeout", "jobs.2.colour"} == set(found)


def test_jobs_without_a_run_left_are_named_by_index_and_nothing_is_created(api):
    over = JOB | {"end_at": "2000-01-01T00:00:00Z"}

    found = api.invalid("POST", "/jobs/bulk", json={"jobs": [over, JOB, over]})

    assert {"jobs.0.end_at", "jobs.2.end_at"} == set(found)
    assert api.page("/jobs")[0] == []


def test_taken_keys_are_named_by_index_and_nothing_is_created(api):
    api.job(key="taken")

    error = api.refused(
        409, "POST", "/jobs/bulk", json={"jobs": [JOB | {"key": key} for key in ("z", "taken", "a", "z")]}
    )

    assert [item["field"] for item in error["validation"]] == ["jobs.1.key", "jobs.3.key"]
    assert api.page("/jobs")[1]["total"] == 1


@pytest.mark.parametrize("jobs", [[], [JOB] * 1001, None, [None], "x"])
def test_list_of_new_jobs_is_bounded(refuser, jobs):
    assert all(field.startswith("jobs") for field in refuser.invalid("POST", "/jobs/bulk", json={"jobs": jobs}))


def test_a_thousand_jobs_are_created_in_one_request(api):
    made = api.ok("POST", "/jobs/bulk", {"jobs": [JOB | {"key": f"k{n}"} for n in range(1000)]}, status=201)

    assert [f"k{n}" for n in range(1000)] == [job["key"] for job in made]


@pytest.mark.parametrize("act", ["pause", "resume", "delete"])
@pytest.mark.parametrize("body", [{}, {"filter": {}}, {"filter": {"tag": None}}, {"all": False, "dry_run": True}])
def test_empty_filter_is_refused_unless_every_job_is_meant(refuser, act, body):
    assert '"all": true' in refuser.invalid("POST", f"/jobs/bulk/{act}", json=body)["filter"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filter": {"ids": []}}, "filter.ids"), ({"filter": {"tags": "x"}}, "filter.tags"),
        ({"filter": {"tag": "x"}, "all": True}, "filter"), ({"all": True, "limit": 0}, "limit"),
        ({"all": True, "limit": 1001}, "limit"), ({"all": "yes"}, "all"), ({"filter": {"ids": ["x"]}}, "filter.ids.0"),
        ({"tag": "x", "all": True}, "tag"),
    ],
)  # fmt: skip
def test_malformed_filter_is_refused(refuser, body, field):
    assert field in refuser.invalid("POST", "/jobs/bulk/delete", json=body)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"tag": "a"}, {"one", "two"}), ({"type": "cron"}, {"cron"}), ({"name": "O"}, {"one", "two", "cron"}),
        ({"name": "o", "tag": "b"}, {"two"}), ({"status": "active"}, {"one", "two", "cron"}),
        ({"status": "completed"}, set()), ({"name": "%"}, set()),
    ],
)  # fmt: skip
def test_filter_says_which_jobs_are_paused(api, filter, expected):
    for name, given in {"one": {"tags": ["a"]}, "two": {"tags": ["a", "b"]}}.items():
        api.job(name=name, **given)
    api.job(name="cron", type="cron", schedule="@daily")
    api.of("t2").job(name="one", tags=["a"])

    done = change(api, "pause", filter=filter)

    assert expected == {name for name, status in statuses(api).items() if status == "paused"}
    assert (done["matched"], done["changed"], done["remaining"]) == (len(expected), len(expected), 0)
    assert statuses(api.of("t2")) == {"one": "active"}


def test_ids_say_which_jobs_are_deleted_and_those_of_others_are_not(api):
    mine, kept, theirs = api.job(name="a"), api.job(name="b"), api.of("t2").job(name="c")

    done = change(api, "delete", filter={"ids": [mine["id"], theirs["id"]]})

    assert [item["id"] for item in done["sample"]] == [mine["id"]]
    assert [kept] == api.page("/jobs")[0]
    assert theirs == api.of("t2").ok("GET", f"/jobs/{theirs['id']}")


@pytest.mark.parametrize("act", ["pause", "resume", "delete"])
def test_dry_run_tells_and_changes_nothing(api, make, act):
    job = make.job(status="paused" if act == "resume" else "active", name="n", key="k")
    before = make.rows("SELECT * FROM jobs")

    done = change(api, act, all=True, dry_run=True)

    assert {n: done[n] for n in done if n != "sample"} == {"dry_run": True, "matched": 1, "changed": 0, "remaining": 1}
    assert [{"id": str(job["id"]), "key": "k", "name": "n", "status": job["status"]}] == done["sample"]
    assert before == make.rows("SELECT * FROM jobs")


def test_limit_leaves_the_rest_for_the_next_request(api):
    for _ in range(5):
        api.job()

    counts = [change(api, "pause", all=True, limit=2) for _ in range(4)]

    assert [(c["matched"], c["changed"], c["remaining"]) for c in counts] == [
        (5, 2, 3),
        (3, 2, 1),
        (1, 1, 0),
        (0, 0, 0),
    ]


def test_pause_holds_what_waits_and_resume_lets_it_go(api, make):
    one, two = make.job(), make.job()
    for job, given in ((one, {}), (two, {"status": "retrying", "retry_at": NOON}), (two, {})):
        make.execution(job, **given)

    change(api, "pause", filter={"ids": [str(one["id"]), str(two["id"])]})
    held = make.rows("SELECT status FROM execution_queue")
    change(api, "resume", all=True)

    assert held == [{"status": "held"}] * 3
    assert make.rows("SELECT status FROM execution_queue") == [{"status": "pending"}] * 3


def test_resume_goes_on_from_now_and_records_what_each_pause_swallowed(api, make):
    jobs = [
        api.job(schedule="60"),
        api.job(type="cron", schedule="* * * * *"),
        api.job(type="cron", schedule="@yearly"),
    ]
    change(api, "pause", all=True)
    make.conn.execute(
        "UPDATE jobs SET paused_at = now() - interval '1 hour', anchor_at = now() - interval '2 hours',"
        " next_instant_at = now() - interval '1 hour'"
    )

    done = change(api, "resume", all=True)

    skipped = make.rows("SELECT job_id::text FROM execution_log WHERE status = 'skipped' AND error_code = 'paused'")
    assert done["changed"] == 3
    assert {row["job_id"] for row in skipped} >= {jobs[0]["id"], jobs[1]["id"]}
    assert make.row("SELECT bool_and(next_run_at > now()) AS later FROM jobs")["later"]


def test_resume_completes_a_job_that_has_nothing_left(api, make):
    job = make.job(status="paused", end_at=NOON, anchor_at=NOON - timedelta(days=1), start_at=NOON - timedelta(days=1))

    change(api, "resume", all=True)

    assert api.ok("GET", f"/jobs/{job['id']}")["status"] == "completed"


def test_delete_cancels_what_waits_and_leaves_what_runs(api, make):
    job = make.job()
    make.execution(job)
    running = make.running(make.worker(), job)

    change(api, "delete", all=True)

    assert make.row("SELECT id FROM execution_queue")["id"] == running["id"]
    assert make.row("SELECT status FROM execution_log")["status"] == "cancelled"
    assert api.page("/jobs")[0] == []


def test_jobs_in_another_state_are_left_alone(api, make):
    make.job(status="completed", name="c")
    make.job(status="deleted", name="d")

    for act in ("pause", "resume"):
        assert change(api, act, all=True)["matched"] == 0
    assert [item["name"] for item in change(api, "delete", all=True)["sample"]] == ["c"]


def test_bulk_acts_at_the_same_time_change_each_job_once(api, make):
    for _ in range(30):
        api.job()

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: change(api, "pause", all=True), range(3)))

    assert sum(item["changed"] for item in done) == 30
    assert make.row("SELECT count(*) FROM audit_log WHERE action = 'job.pause'")["count"] == 30
