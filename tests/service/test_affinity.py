"""The core that a process stays on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from service import affinity, log
from service.affinity import ENOUGH, GAIN, LOOK_SECONDS, REST_SECONDS, Affinity, Times, best
from tests.conftest import ROOT, eventually
from tests.crash.harness import instances
from tests.crash.test_supervisor import instance_of_two

pytestmark = pytest.mark.skipif(not affinity.AVAILABLE, reason="this system does not let a process choose its cores")

START = Times(0.0, 0.0, {0: 0.0, 1: 0.0, 2: 0.0})
DEBUG = {"LOG_LEVEL": "INFO,affinity=DEBUG"}


@pytest.mark.parametrize(
    ("bound", "own", "idle", "expected"),
    [
        ({0}, 1.0, {0: 0.0, 1: 1.0, 2: 1.0}, {0}),  # it has its core for itself
        ({0}, 0.5, {0: 0.0, 1: 1.0, 2: 0.9}, {1}),  # others use half of it
        ({0}, 0.5, {0: 0.0, 1: 0.5 + GAIN - 0.01, 2: 0.0}, {0}),  # not worth the move
        ({0}, 0.5, {0: 0.0, 1: 0.5 + GAIN, 2: 0.0}, {1}),
        ({0}, 0.0, {0: 0.0, 1: 0.2, 2: 0.6}, {2}),  # it has come to nothing at all
        ({0}, 0.0, {0: 1.0, 1: 1.0, 2: 1.0}, {0}),
        ({0}, 0.0, {0: 0.2, 1: 1.0, 2: 1.0}, {2}),  # of two that are equally free, the one it prefers
        ({0}, ENOUGH - 0.01, {0: 0.0, 1: 0.0, 2: 0.1}, {0, 1, 2}),  # others are busy everywhere
        ({0, 1, 2}, 0.9, {0: 0.0, 1: 0.0, 2: 0.1}, {0, 1, 2}),  # as they go on to be
        ({0, 1, 2}, 0.9, {0: 0.0, 1: 0.0, 2: 0.2}, {2}),  # and not any more
        ({0, 1, 2}, 0.0, {0: 0.4, 1: 0.3, 2: 0.3}, {0, 1, 2}),
    ],
)
def test_it_runs_where_others_leave_the_most_of_a_core(bound, own, idle, expected):
    assert best(bound, [2, 0, 1], START, Times(1.0, own, idle)) == expected


class Machine:
    """Cores whose idle times a test sets, in place of this machine's, and what its one thread was told to use."""

    def __init__(self, monkeypatch, folder, cores):
        self.now, self.idle = 0.0, dict.fromkeys(cores, 0)
        self.container = self.may_use = set(cores)
        self.stat = folder / "stat"
        tasks = folder / "tasks"
        (tasks / "7").mkdir(parents=True)
        monkeypatch.setattr(affinity, "STAT", self.stat)
        monkeypatch.setattr(affinity, "TASKS", tasks)
        monkeypatch.setattr(affinity.os, "sched_getaffinity", lambda _: set(self.may_use))
        monkeypatch.setattr(affinity.os, "sched_setaffinity", self._bind)
        monkeypatch.setattr(affinity.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(affinity.time, "process_time", lambda: 0.0)
        self.passes({})

    def passes(self, idle):
        """A second in which these cores were idle, for so many hundredths."""
        self.now += 1.0
        for core, ticks in idle.items():
            self.idle[core] += ticks
        lines = [f"cpu{core} 1 1 1 {ticks - 1} 1 1 1 0 0 0\n" for core, ticks in self.idle.items()]
        self.stat.write_text(f"cpu  9 9 9 9 9 9 9 9 9 9\n{''.join(lines)}intr 1\nctxt 7\n")

    def _bind(self, _task, cores):
        if not self.container & set(cores):
            raise OSError(22, "Invalid argument")
        self.may_use = self.container & set(cores)


@pytest.mark.parametrize("place", range(6))
def test_neighbours_begin_on_different_cores(monkeypatch, tmp_path, place):
    machine = Machine(monkeypatch, tmp_path, [3, 5, 12])

    assert Affinity(place).run_once() == LOOK_SECONDS

    assert machine.may_use == {[3, 5, 12][place % 3]}


def test_it_goes_where_there_is_room_and_stays(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [0, 1])
    kept = Affinity(0)

    kept.run_once()
    machine.passes({0: 10, 1: 90})
    kept.run_once()
    assert machine.may_use == {1}

    machine.passes({0: 60, 1: 50})
    kept.run_once()
    assert machine.may_use == {1}

    machine.passes({0: 30, 1: 20})
    kept.run_once()
    assert machine.may_use == {0, 1}


def test_it_heeds_that_its_cores_were_changed_from_outside(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [0, 1, 2, 3])
    kept = Affinity(1)
    kept.run_once()
    assert machine.may_use == {1}

    machine.may_use = {2, 3}
    kept.run_once()
    assert machine.may_use == {3}


def test_it_is_not_left_on_one_core_when_a_containers_cores_change_and_change_back(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [0, 1])
    kept = Affinity(1)
    kept.run_once()
    machine.container = machine.may_use = {0}
    kept.run_once()

    machine.container, machine.may_use = {0, 1}, {1}  # the core that was asked for last
    kept.run_once()
    machine.passes({0: 100, 1: 0})
    kept.run_once()

    assert machine.may_use == {0}


def test_a_core_that_was_taken_away_is_not_asked_for_again(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [0, 1, 2])
    kept = Affinity(0)
    kept.run_once()
    machine.container = {0, 1}  # of which the one in use is one, so nothing shows
    machine.passes({0: 0, 1: 80, 2: 100})

    assert kept.run_once() == LOOK_SECONDS  # asks for 2
    assert machine.may_use == {0, 1}

    kept.run_once()
    machine.passes({0: 0, 1: 80, 2: 100})
    kept.run_once()
    assert machine.may_use == {1}


def test_where_there_is_one_core_nothing_is_bound(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [7])
    monkeypatch.setattr(affinity.os, "sched_setaffinity", None)

    assert Affinity(0).run_once() == LOOK_SECONDS
    assert machine.may_use == {7}


@pytest.mark.parametrize(
    "shown", ["cpu  1 1 1 1 1\n", "cpu0 1 1 1 1 1\ncpu1 1 1 1 1 1\n", "", "cpu4 1 1\ncpu5 1 1\n", "cpu4 1 1 1 x 1\n"]
)
def test_where_the_times_of_its_cores_are_not_shown_it_runs_on_all(monkeypatch, tmp_path, shown):
    machine = Machine(monkeypatch, tmp_path, [4, 5])
    machine.stat.write_text(shown)

    assert Affinity(0).run_once() in (LOOK_SECONDS, REST_SECONDS)
    assert machine.may_use == {4, 5}


def test_where_cores_cannot_be_chosen_the_process_runs_on(monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(affinity.os, "sched_setaffinity", refuse)
    monkeypatch.setattr(affinity.os, "sched_getaffinity", lambda _: {0, 1})
    log.configure("INFO")

    assert Affinity(0).run_once() == REST_SECONDS
    log.flush()
    assert re.search(r'event=affinity.refused error=".*not permitted', capsys.readouterr().err)


def test_all_threads_are_bound_and_those_that_they_start():
    code = """
import os, threading, time
from pathlib import Path
from service.affinity import Affinity
wait = lambda: time.sleep(60)
for _ in range(3): threading.Thread(target=wait, daemon=True).start()
Affinity(1).run_once()
threading.Thread(target=wait, daemon=True).start()
print(*{tuple(os.sched_getaffinity(int(task.name))) for task in Path("/proc/self/task").iterdir()}, sep=";")
print(len(list(Path("/proc/self/task").iterdir())))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    cores, threads = done.stdout.split("\n")[:2]
    assert re.fullmatch(r"\(\d+,\)", cores)
    assert threads == "5"


def chosen(instance):
    """The cores that each process of an instance was first told to use, in their order."""
    first = {}
    for line in instance.log.read_text().splitlines():
        if found := re.search(r"(?:process=(\S+) )?thread=\S+ event=affinity.chosen cores=(\S+)", line):
            first.setdefault(found[1], found[2])
    return first


@pytest.mark.parametrize("role", ["all", "api"])
def test_a_process_is_bound_before_it_serves(config, tmp_path, role):
    with instances(config, tmp_path, role=role, **DEBUG) as (instance,):
        lines = eventually(lambda: found if "service.serving" in (found := instance.log.read_text()) else None)
        before, _, _ = lines.partition("event=service.serving")
        assert re.search(r"event=affinity.chosen cores=\d+\n", before)


def test_a_process_can_be_left_to_the_system(config, tmp_path):
    with instances(config, tmp_path, SCHEDULER_CPU_AFFINITY="false", **DEBUG) as (instance,):
        tasks = Path(f"/proc/{instance.pid}/task").iterdir()
        every = affinity.os.sched_getaffinity(0)
        assert all(affinity.os.sched_getaffinity(int(task.name)) == every for task in tasks)
        assert chosen(instance) == {}


def test_the_processes_of_an_instance_begin_on_different_cores(config, tmp_path):
    with instance_of_two(config, tmp_path, **DEBUG) as instance:
        cores = eventually(lambda: found if len(found := chosen(instance)) == 3 else None)

        assert set(cores) == {"api", "engine-1", "engine-2"}
        assert len(affinity.os.sched_getaffinity(0)) == 1 or cores["engine-1"] != cores["engine-2"]
