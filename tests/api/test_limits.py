"""How much a tenant may have and ask for."""

from dataclasses import replace

import pytest

from service import jobs, quota
from service.api.app import create_app
from service.api.services import Services
from service.quota import JobQuota
from tests.api.conftest import JOB, Api


@pytest.fixture
def services(config, api_pool):
    return Services(replace(config, max_jobs=2), api_pool, None)


def test_a_job_too_many_is_refused_and_leaves_nothing(api, make):
    api.job()
    api.job()

    error = api.refused(409, "POST", "/jobs", json=JOB)

    assert (error["code"], "2 jobs" in error["message"]) == ("QUOTA_EXCEEDED", True)
    assert make.row("SELECT count(*) AS n FROM jobs")["n"] == 2


def test_so_is_a_list_that_goes_too_far(api, make):
    assert api.refused(409, "POST", "/jobs/bulk", json={"jobs": [JOB] * 3})["code"] == "QUOTA_EXCEEDED"

    assert make.rows("SELECT FROM jobs") == []


def test_a_job_by_key_may_be_replaced_but_not_added(api):
    api.ok("PUT", "/jobs/by-key/a", JOB, status=201)
    api.ok("PUT", "/jobs/by-key/b", JOB, status=201)

    api.ok("PUT", "/jobs/by-key/b", JOB | {"priority": 9})

    assert api.refused(409, "PUT", "/jobs/by-key/c", json=JOB)["code"] == "QUOTA_EXCEEDED"


def test_deleted_jobs_and_those_of_others_do_not_count(api):
    api.ok("DELETE", f"/jobs/{api.job()['id']}", status=204)
    api.of("t2").job()

    assert [api.job()["status"], api.job()["status"]] == ["active", "active"]


@pytest.fixture
def counts(monkeypatch):
    """The limits of each count of jobs so far."""
    limits, count = [], jobs.count
    monkeypatch.setattr(
        "service.jobs.count", lambda conn, **given: limits.append(given["limit"]) or count(conn, **given)
    )
    return limits


def test_far_from_the_limit_jobs_are_counted_seldom(config, api_pool, counts):
    roomy = Api(create_app(Services(replace(config, max_jobs=101), api_pool, None)).test_client())

    for _ in range(22):
        roomy.job()

    assert len(counts) == 3  # the first leaves 100 free, so ten more go uncounted, and then eight
    roomy.ok("POST", "/jobs/bulk", {"jobs": [JOB] * 79}, status=201)
    assert roomy.refused(409, "POST", "/jobs", json=JOB)["code"] == "QUOTA_EXCEEDED"


def test_a_count_is_good_for_a_minute_and_for_its_tenant(api_pool, counts):
    limit = JobQuota(100)

    with api_pool.connection() as conn:
        for tenant, now in (("a", 0), ("b", 0), ("a", 59), ("a", 60), ("b", 59)):
            limit.check(conn, tenant, 1, now)

    assert len(counts) == 3


def test_leave_of_tenants_without_number_is_forgotten(api_pool, monkeypatch):
    monkeypatch.setattr(quota, "TENANTS", 3)
    many = JobQuota(100)

    with api_pool.connection() as conn:
        for number in range(20):
            many.check(conn, str(number), 1, 0)

    assert list(many._leave) == ["17", "18", "19"]


@pytest.fixture
def hasty(config, api_pool):
    """An API that lets a tenant send a request every ten seconds."""
    return Api(create_app(Services(replace(config, rate_limit=0.1), api_pool, None)).test_client())


def test_who_asks_too_often_is_told_when_to_come_back(hasty):
    hasty.ok("GET", "/jobs")

    refused = hasty.send("GET", "/jobs")

    assert (refused.status_code, refused.json["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["Retry-After"]) <= 10


def test_another_tenant_and_probes_are_not_counted(hasty):
    hasty.ok("GET", "/jobs")

    hasty.of("t2").ok("GET", "/jobs")
    assert {hasty.client.get("/live").status_code for _ in range(5)} == {200}
