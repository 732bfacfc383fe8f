"""Spans on their way to a collector, and calls that do not wait for one that is dead."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from uuid import UUID

import pytest
from opentelemetry.trace import INVALID_SPAN

from service import claims, tracing
from service.lease import Lease
from service.ticker import Ticker
from tests.factories import NOON
from tests.service.receiver import OK, Caller, answering, receiver  # noqa: F401 - a fixture


class Collector(HTTPServer):
    """Takes OTLP requests and keeps their bodies."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def configure(monkeypatch, collector, config):
    """Turns tracing on for one test."""
    monkeypatch.setattr(tracing, "_tracer", None)
    monkeypatch.setattr(tracing, "_provider", None)

    monkeypatch.setattr(tracing, "_calls", tracing._calls)

    def turn_on(port: int, **changes: str) -> None:
        enabled = replace(config, tracing_enabled=True, otlp_endpoint=f"http://127.0.0.1:{port}", **changes)
        tracing.configure(enabled, "1")

    yield turn_on
    tracing.shutdown()


@pytest.fixture
def claimed(make, engine_pool, receiver):  # noqa: F811 - a fixture
    job = make.job(endpoint=f"http://127.0.0.1:{receiver(answering(OK)).port}/")
    make.execution(job)
    with engine_pool.connection() as conn:
        (item,) = claims.claim(conn, worker_id=make.worker(), limit=1)
    return item


def test_spans_of_a_tick_its_statements_and_a_call_arrive(collector, configure, config, engine_pool, make, claimed):
    configure(collector.server_port)
    make.job(next_run_at=NOON)

    Ticker(engine_pool, Lease(config, "w"), timedelta(minutes=1), lambda: None).tick(NOON)
    ended = Caller().perform(claimed)
    tracing.shutdown()

    sent = b"".join(collector.bodies)
    names = [b"tick", b"tick.due_jobs", b"tick.materialize", b"call", b"scheduler-service"]
    assert [name for name in names if name not in sent] == []
    assert bytes.fromhex(ended.trace_id) in sent


def test_a_dead_collector_does_not_slow_a_call(configure, claimed):
    configure(9)

    ended = Caller().perform(claimed)

    assert (ended.status, ended.duration_ms < 500) == ("completed", True)


def test_a_span_is_a_child_of_the_traceparent_given(collector, configure):
    configure(collector.server_port)
    parent = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"

    with tracing.span("request", traceparent=parent) as span:
        trace_id, traceparent = tracing.trace_of(span)

    assert trace_id == "ab" * 16
    assert traceparent.startswith("00-" + "ab" * 16) and traceparent != parent


@pytest.mark.parametrize(("sampler", "sampled"), [("", [1, 1, 0]), ("always_on", [1, 1, 1])])
def test_only_so_many_calls_a_second_are_recorded_and_the_receiver_is_told(configure, monkeypatch, sampler, sampled):
    monkeypatch.setattr(tracing, "CALL_SPANS_A_SECOND", 2.0)
    monkeypatch.setattr(tracing, "time", SimpleNamespace(monotonic=lambda: 1.0))
    configure(9, traces_sampler=sampler)

    calls = [tracing.begin_call(str(UUID(int=1))) for _ in sampled]

    assert [int(call.parent[-2:], 16) & 1 for call in calls] == sampled
    assert [call.parent[3:35] for call in calls] == [call.trace_id for call in calls]


def test_the_allowance_of_recorded_calls_grows_with_time(monkeypatch):
    monkeypatch.setattr(tracing, "time", SimpleNamespace(monotonic=lambda: 1.0))
    rate = tracing._Rate(2.0)
    spent = [rate.admits() for _ in range(3)]

    monkeypatch.setattr(tracing, "time", SimpleNamespace(monotonic=lambda: 1.5))

    assert (spent, rate.admits(), rate.admits()) == ([True, True, False], True, False)


def test_without_tracing_a_span_is_inert_and_ids_are_fresh():
    with tracing.span("tick") as span:
        first, second = tracing.trace_of(span), tracing.trace_of(span)

    assert span is INVALID_SPAN
    assert first[0] != second[0]
    assert (f"00-{first[0]}-", "-00") == (first[1][:36], first[1][-3:])
