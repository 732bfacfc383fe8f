"""The line that a request leaves in the log."""

import re

import pytest

from service import log


@pytest.fixture
def told(capsys):
    log.configure("INFO")
    yield lambda: log.flush() or capsys.readouterr().err.splitlines()
    log.configure("WARNING")


def fields(line):
    return dict(re.findall(r"(\w+)=(\S+)", line))


def test_a_request_leaves_one_line_with_ids_tenant_route_status_and_time(api, told):
    answer = api.send("GET", "/jobs/00000000-0000-0000-0000-000000000001", headers={"X-Request-ID": "abc-1"})

    (line,) = told()
    line = fields(line)
    assert answer.headers["X-Request-ID"] == "abc-1" == line["request_id"]
    assert (line["event"], line["tenant"], line["method"]) == ("request.done", "t1", "GET")
    assert (line["route"], line["status"]) == ("/api/v1/jobs/<uuid:id>", "404")
    assert line["trace_id"] == answer.json["traceId"]
    assert float(line["ms"]) >= 0


@pytest.mark.parametrize("given", ["", "a b", "a\tb=c", "x" * 129])
def test_a_request_id_that_is_none_is_replaced(api, told, given):
    answer = api.send("GET", "/jobs/stats", headers={"X-Request-ID": given})

    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])
    assert fields(told()[0])["request_id"] == answer.headers["X-Request-ID"]


def test_a_fault_of_ours_is_told_with_the_ids_of_its_request(api, told, monkeypatch):
    monkeypatch.setattr("service.db.transaction", None)

    answer = api.send("GET", "/jobs/stats", headers={"X-Request-ID": "abc-1"})

    failed, done = map(fields, told())
    assert (answer.status_code, failed["event"], done["event"]) == (500, "request.failed", "request.done")
    assert ("abc-1", answer.json["traceId"]) == (failed["request_id"], failed["trace_id"])


def test_probes_that_find_all_well_leave_no_line(client, services, told):
    client.get("/live")
    client.get("/ready")
    services.draining.set()
    client.get("/ready")

    assert [fields(line)["status"] for line in told()] == ["503"]
