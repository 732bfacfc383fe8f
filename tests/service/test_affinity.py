"""The core that an engine process stays on."""

import os
import re
from pathlib import Path

import pytest

from service import affinity, log
from service.affinity import ENOUGH, GAIN, REST_SECONDS, Affinity, Times, best
from tests.conftest import eventually
from tests.crash.harness import instances
from tests.crash.test_supervisor import child_named, instance_of_two

EVERY = os.sched_getaffinity(0)
STAT = "cpu  9 9 9 9 9 9 9 9 9 9\n{}intr 1\nctxt 7\n"
START = Times(0.0, 0.0, {0: 0.0, 1: 0.0, 2: 0.0})


def cores_of(pid):
    """The cores of each of a process's threads."""
    return [os.sched_getaffinity(int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()]


def on_one_core(pid):
    cores = cores_of(pid)
    return cores[0] if len(cores) > 5 and len(cores[0]) == 1 and cores.count(cores[0]) == len(cores) else None


@pytest.mark.parametrize(
    ("bound", "own", "idle", "expected"),
    [
        ({0}, 1.0, {0: 0.0, 1: 1.0, 2: 1.0}, {0}),  # it has its core for itself
        ({0}, 0.5, {0: 0.0, 1: 1.0, 2: 0.9}, {1}),  # others use half of it
        ({0}, 0.5, {0: 0.0, 1: 0.5 + GAIN - 0.01, 2: 0.0}, {0}),  # not worth the move
        ({0}, 0.5, {0: 0.0, 1: 0.5 + GAIN, 2: 0.0}, {1}),
        ({0}, 0.0, {0: 0.0, 1: 0.2, 2: 0.6}, {2}),  # it has come to nothing at all
        ({0}, 0.0, {0: 1.0, 1: 1.0, 2: 1.0}, {0}),
        ({0}, 0.3, {1: 0.9, 2: 0.2}, {1}),  # its core has gone offline
        ({0}, ENOUGH - 0.01, {0: 0.0, 1: 0.0, 2: 0.1}, {0, 1, 2}),  # others are busy everywhere
        ({0, 1, 2}, 0.9, {0: 0.0, 1: 0.0, 2: 0.1}, {0, 1, 2}),  # as they go on to be
        ({0, 1, 2}, 0.9, {0: 0.0, 1: 0.0, 2: 0.2}, {2}),  # and not any more
        ({0, 1, 2}, 0.0, {0: 0.4, 1: 0.3, 2: 0.3}, {0, 1, 2}),
    ],
)
def test_it_runs_where_others_leave_the_most_of_a_core(bound, own, idle, expected):
    assert best(bound, frozenset({0, 1, 2}), START, Times(1.0, own, idle)) == expected


class Machine:
    """Cores whose idle times a test sets, in place of this machine's."""

    def __init__(self, monkeypatch, folder, cores):
        self.now, self.idle = 0.0, dict.fromkeys(cores, 0)
        self.may_use, self.bound = set(cores), []
        self._stat = folder / "stat"
        monkeypatch.setattr(affinity, "STAT", self._stat)
        monkeypatch.setattr(affinity.os, "sched_getaffinity", lambda _: self.may_use)
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
        self._stat.write_text(STAT.format("".join(lines)))

    def _bind(self, _task, cores):
        self.may_use = set(cores)
        self.bound.append(set(cores))


@pytest.mark.parametrize("place", range(6))
def test_neighbours_begin_on_different_cores(monkeypatch, tmp_path, place):
    machine = Machine(monkeypatch, tmp_path, [3, 5, 12])

    Affinity(place).run_once()

    assert machine.bound == [{[3, 5, 12][place % 3]}] * len(list(Path("/proc/self/task").iterdir()))


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


def test_where_there_is_one_core_nothing_is_bound(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, tmp_path, [7])

    Affinity(0).run_once()

    assert machine.bound == []


def test_where_cores_cannot_be_chosen_the_process_runs_on(monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(affinity.os, "sched_setaffinity", refuse)
    monkeypatch.setattr(affinity.os, "sched_getaffinity", lambda _: {0, 1})
    log.configure("INFO")

    assert Affinity(0).run_once() == REST_SECONDS
    log.flush()
    assert re.search(r'event=affinity.refused error=".*not permitted', capsys.readouterr().err)


def test_an_engine_keeps_all_its_threads_on_one_core(config, tmp_path):
    with instances(config, tmp_path) as (instance,):
        assert eventually(lambda: on_one_core(instance.pid)) <= EVERY


def test_an_engine_can_be_left_to_the_system(config, tmp_path):
    with instances(config, tmp_path, SCHEDULER_CPU_AFFINITY="false") as (instance,):
        eventually(lambda: "event=service.serving" in instance.log.read_text())
        assert all(cores == EVERY for cores in cores_of(instance.pid))


def test_the_engines_of_an_instance_are_on_different_cores(config, tmp_path):
    with instance_of_two(config, tmp_path) as instance:
        first, second = (int(child_named(instance, f"engine-{number}")) for number in (1, 2))
        one, other = eventually(lambda: on_one_core(first)), eventually(lambda: on_one_core(second))

        assert len(EVERY) == 1 or one != other
