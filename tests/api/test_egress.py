"""Endpoints that are denied addresses are refused when they are registered."""

import pytest

from tests.api.conftest import JOB

METADATA = [
    "169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662",
    "[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]", "[fe80::1]", "[::]", "0",
]  # fmt: skip


@pytest.mark.parametrize("host", METADATA)
def test_a_denied_address_is_no_endpoint(refuser, host):
    found = refuser.invalid("POST", "/jobs", json=JOB | {"endpoint": f"http://{host}/latest"})

    assert "which calls must not go to" in found["endpoint"]


def test_an_edit_cannot_make_it_one_either(api):
    job = api.job()

    assert {"endpoint"} == set(api.invalid("PUT", f"/jobs/{job['id']}", json={"endpoint": "http://169.254.1.1/"}))


def test_nor_is_it_an_alert_url(api):
    denied = {"alert": {"url": "http://169.254.1.1/"}}

    assert {"alert.url"} == set(api.invalid("POST", "/jobs", json=JOB | denied))
    assert {"alert.url"} == set(api.invalid("PATCH", f"/jobs/{api.job()['id']}", json=denied))
    assert {"jobs.1.alert.url"} == set(api.invalid("POST", "/jobs/bulk", json={"jobs": [JOB, JOB | denied]}))
