"""The loop beneath everything that repeats."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from service import loop as module
from service.errors import Unavailable
from service.loop import Loop
from tests.conftest import eventually


class Body:
    """A run_once that returns or raises what it is given, the last of it for ever."""

    def __init__(self, *results: float | Exception) -> None:
        self.results = list(results)
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def failed():
    return threading.Event()


@pytest.fixture
def run(failed) -> Iterator:
    started = []

    def start(body, name="loop"):
        started.append(Loop(name, body, failed.set))
        started[-1].start()
        return started[-1]

    yield start
    [loop.stop() for loop in started]


def test_a_loop_goes_on_at_once_while_there_is_more(run):
    body = Body(0.0, 0.0, 60.0)
    run(body)

    eventually(lambda: body.calls == 3)


def test_wake_cuts_a_wait_short(run):
    body = Body(60.0)
    loop = run(body)
    eventually(lambda: body.calls == 1)

    loop.wake()

    eventually(lambda: body.calls == 2)


def test_wake_during_a_batch_is_not_lost(run):
    entered, go = threading.Event(), threading.Event()
    calls = []

    def body():
        calls.append(entered.set())
        go.wait(10)
        return 60.0

    loop = run(body)
    entered.wait(10)
    loop.wake()
    go.set()

    eventually(lambda: len(calls) == 2)


def test_stop_ends_a_wait_and_the_thread(run):
    body = Body(60.0)
    loop = run(body, name="stopped")
    eventually(lambda: body.calls == 1)

    loop.stop()

    assert "stopped" not in [thread.name for thread in threading.enumerate()]


def test_stop_before_the_start_does_nothing(failed):
    Loop("loop", Body(0.0), failed.set).stop()

    assert not failed.is_set()


@pytest.mark.parametrize("error", [Unavailable(), psycopg.OperationalError("gone"), psycopg.InterfaceError("closed")])
def test_a_lost_database_is_waited_for(run, failed, monkeypatch, error):
    monkeypatch.setattr(module, "BACKOFF_SECONDS", 0.01)
    body = Body(error, error, 60.0)
    run(body)

    eventually(lambda: body.calls == 3)

    assert not failed.is_set()


@pytest.mark.parametrize("error", [ValueError("bug"), psycopg.errors.UndefinedTable("no migrations")])
def test_anything_unexpected_ends_the_loop_and_tells(run, failed, error):
    body = Body(error)
    run(body, name="failing")

    assert failed.wait(10)
    eventually(lambda: "failing" not in [thread.name for thread in threading.enumerate()])
    assert body.calls == 1
