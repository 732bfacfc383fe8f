"""An instance of several processes: they live, die and end together."""

import contextlib
import os
import re
import signal
from pathlib import Path

import psutil
import pytest

from service import supervisor
from service.supervisor import Part, Supervisor
from tests.conftest import eventually
from tests.crash.harness import Endpoint, Instance, free_port, instances
from tests.crash.test_processes import assert_whole, create, once, settle


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


@contextlib.contextmanager
def instance_of_two(config, folder, role="all", **settings):
    with instances(config, folder, role=role, SCHEDULER_PROCESSES="2", **settings) as (instance,):
        children = eventually(lambda: sorted(children_of(instance)) if len(children_of(instance)) == 3 else None)
        try:
            yield instance
        finally:
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def children_of(instance):
    return [child.pid for child in psutil.Process(instance.pid).children()]


def child_named(instance, name):
    return eventually(lambda: re.findall(rf"part={name} pid=(\d+)", instance.log.read_text()))[-1]


def metric(instance, name):
    values = re.findall(rf"^{re.escape(name)} (\S+)$", instance.text("/metrics"), re.MULTILINE)
    return float(values[0]) if values else None


def two_engines(make):
    eventually(lambda: make.row("SELECT count(*) AS n FROM workers")["n"] == 2, 20)


def test_an_engine_that_is_killed_is_started_anew_and_loses_nothing(config, make, endpoint, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        two_engines(make)
        for _ in range(20):
            create(instance, endpoint, max_retries=2, retry_delay=0)
        eventually(lambda: len(endpoint.calls) > 40, 20)
        victim = make.rows("SELECT pid FROM workers")[0]["pid"]
        os.kill(victim, signal.SIGKILL)
        assert instance.ready()
        eventually(lambda: metric(instance, 'scheduler_process_restarts_total{role="engine"}') == 1, 20)
        killed = len(endpoint.calls)
        eventually(lambda: len(endpoint.calls) > killed + 60, 30)
        two_engines(make)
        settle(make)
    assert_whole(make)


def test_the_port_stays_open_while_the_process_that_serves_it_is_started_anew(config, make, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        os.kill(int(child_named(instance, "api")), signal.SIGKILL)
        assert instance.request("GET", "/live")[0] == 200
        assert instance.process.poll() is None


def test_sigterm_drains_every_process(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instance_of_two(config, tmp_path, SERVER_SHUTDOWN_TIMEOUT="15", SCHEDULER_WORKER_COUNT="1") as instance:
        two_engines(make)
        for _ in range(2):
            once(instance, endpoint)
        eventually(lambda: len(endpoint.calls) == 2)
        instance.send(signal.SIGTERM)
        eventually(lambda: make.row("SELECT count(*) AS n FROM workers WHERE draining_at IS NOT NULL")["n"] == 2)
        endpoint.free.set()
        assert instance.process.wait(20) == 0
    assert [row["status"] for row in make.rows("SELECT status FROM execution_log")] == ["completed", "completed"]
    assert make.rows("SELECT FROM workers") == []


def test_an_engine_that_is_asked_to_drain_stays_and_the_others_do_its_work(config, make, endpoint, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        two_engines(make)
        children = children_of(instance)
        leaving = make.rows("SELECT id FROM workers")[0]["id"]
        for _ in range(10):
            create(instance, endpoint)
        eventually(lambda: len(endpoint.calls) > 20, 20)
        make.row("SELECT ops.drain(%s)", leaving)
        eventually(
            lambda: make.row("SELECT state FROM ops.workers WHERE worker_id = %s", leaving)["state"] == "drained"
        )
        drained = len(endpoint.calls)
        eventually(lambda: len(endpoint.calls) > drained + 30, 30)
        assert (instance.ready(), children_of(instance)) == (True, children)
        settle(make)
        assert instance.end() == 0
    assert_whole(make)
    assert make.rows("SELECT FROM workers") == []


def test_processes_end_when_their_supervisor_is_killed(config, make, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        two_engines(make)
        children = children_of(instance)
        instance.send(signal.SIGKILL)
        instance.process.wait(10)
        eventually(lambda: not any(map(psutil.pid_exists, children)), 20)
    assert make.rows("SELECT FROM workers") == []


def test_a_second_signal_ends_all_at_once(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instance_of_two(config, tmp_path, SERVER_SHUTDOWN_TIMEOUT="60") as instance:
        once(instance, endpoint)
        eventually(lambda: endpoint.calls, 20)
        children = children_of(instance)
        eventually(lambda: instance.send(signal.SIGTERM) or instance.process.poll() is not None)
        assert instance.process.poll() != 0  # long before the minute that the drain may take
        assert not any(map(psutil.pid_exists, children))


def test_metrics_are_those_of_all_processes_and_do_not_fall_when_one_dies(config, make, endpoint, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        two_engines(make)
        for _ in range(6):
            once(instance, endpoint)
        completed = 'scheduler_attempts_total{outcome="completed"}'
        eventually(lambda: metric(instance, completed) == 6)
        assert metric(instance, 'scheduler_processes{role="engine"}') == 2
        for engine in make.rows("SELECT pid FROM workers"):
            os.kill(engine["pid"], signal.SIGKILL)
        eventually(lambda: metric(instance, 'scheduler_process_restarts_total{role="engine"}') == 2, 20)
        assert metric(instance, completed) == 6
        assert metric(instance, "scheduler_attempt_duration_seconds_count") == 6


def test_engines_without_an_api_show_their_state_on_the_metrics_port(config, make, tmp_path):
    port = free_port()
    with instance_of_two(config, tmp_path, role="engine", METRICS_PORT=str(port)) as instance:
        instance.port = port
        eventually(instance.ready, 20)
        eventually(lambda: metric(instance, "scheduler_live_workers") == 2, 20)
        assert instance.request("GET", "/health")[0] == 200
        assert instance.request("GET", "/api/v1/jobs")[0] == 404


def test_one_engine_shows_its_state_on_the_metrics_port_too(config, tmp_path):
    port = free_port()
    with instances(config, tmp_path, role="engine", METRICS_PORT=str(port)) as (instance,):
        instance.port = port
        eventually(instance.ready, 20)
        eventually(lambda: metric(instance, "scheduler_live_workers") == 1, 20)


def test_a_process_that_dies_over_and_over_ends_the_instance(config, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.01)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)}
    hopeless = Part("engine-1", "nothing")

    code = Supervisor(config, [hopeless], tmp_path).run()

    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert (code, hopeless.starts) == (1, supervisor.QUICK_DEATHS)


def test_the_metrics_folder_is_gone_with_the_instance(config, tmp_path):
    with instance_of_two(config, tmp_path, TMPDIR=str(tmp_path)) as instance:
        (folder,) = tmp_path.glob("scheduler-metrics-*")
        assert list(Path(folder).glob("counter_engine-1.db")) != []
        assert instance.end() == 0
    assert not folder.exists()


def test_the_options_of_the_command_line_win(config, tmp_path):
    instance = Instance(config, tmp_path, "all --processes 2", SCHEDULER_PROCESSES="1")
    try:
        eventually(lambda: len(children_of(instance)) == 3)
    finally:
        instance.end()
