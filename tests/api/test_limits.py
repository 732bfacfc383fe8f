"""How much a tenant may have and ask for."""

from dataclasses import replace

import pytest

from service.api import Services, create_app
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
