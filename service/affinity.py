"""One core for the threads of a process.

Only one of them runs Python at a time, so a second core gains little, while each hand-over between two cores moves
the interpreter's data from one's cache to the other's, which costs a tenth to a quarter of the deliveries, and a fifth
to a half of the API's answers when many ask at once. Where others keep that core busy the process moves to one that is
free, and while there is none it runs on all of them.

Sources: sched_setaffinity(2), and proc_stat(5) for the times of the cores.
"""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from service import log

AVAILABLE = hasattr(os, "sched_setaffinity")  # on Linux
LOOK_SECONDS = 1.0
JITTER_SECONDS = 0.5  # so that of two processes on one core only one moves
REST_SECONDS = 3600.0  # after a refusal
GAIN = 0.25  # of a core: how much more of another one must be free to be worth the move
ENOUGH = 0.5  # of a core: where others leave less of every one, the process is better off on all

PLACES = 1 << 16  # a process's is one of these by chance: process ids are the same in each container

STAT = Path("/proc/stat")
TASKS = Path("/proc/self/task")
IDLE = slice(4, 6)  # columns of a core's line, whose name is column 0: idle, iowait


class Times(NamedTuple):
    """What has passed until a look, in seconds."""

    at: float  # monotonic
    own: float  # CPU that this process has used
    idle: Mapping[int, float]  # by core


class Affinity:
    """Keeps this process on one of the cores that it may use. Not for two threads at once."""

    def __init__(self, place: int) -> None:
        """Processes whose places follow each other begin on different cores, as far as there are enough."""
        self._place = place
        self._widest: Set[int] = frozenset()  # what this process might use when it started
        self._order: Sequence[int] = ()  # what it may use now, as it prefers them where they are equally free
        self._bound: Set[int] = frozenset()  # what it was told to use here
        self._last: Times | None = None

    def run_once(self) -> float:
        """Bind the process, or look whether to move it. Returns the seconds until the next look."""
        was_bound = bool(self._bound)
        try:
            self._look()
        except (OSError, ValueError, ArithmeticError) as error:  # in some sandboxes; it runs as well unbound
            self._release()
            log.info(log.AFFINITY_REFUSED, error=error)
            return LOOK_SECONDS if was_bound else REST_SECONDS
        return LOOK_SECONDS

    def _look(self) -> None:
        may_use = os.sched_getaffinity(os.getpid())
        if may_use != self._bound:  # at the start, and when somebody else has said what may be used
            cores = sorted(self._widened(may_use))
            first = self._place % len(cores)
            self._order, self._last = [*cores[first:], *cores[:first]], None
            self._choose({self._order[0]})
        if len(self._order) == 1:  # nothing to choose
            return
        now = _times(self._order)
        if self._last is not None:
            self._choose(best(self._bound, self._order, self._last, now))
        self._last = now
        _bind(self._bound)

    def _widened(self, may_use: Set[int]) -> Set[int]:
        """What may be used, less our own choice, which Linux keeps when a container's cores change and change back."""
        self._widest = self._widest or may_use
        if len(may_use) == 1 and len(self._widest) > 1:
            os.sched_setaffinity(os.getpid(), self._widest)
            return os.sched_getaffinity(os.getpid())
        return may_use

    def _choose(self, cores: Set[int]) -> None:
        if cores != self._bound:
            self._bound = cores
            log.debug(log.AFFINITY_CHOSEN, cores=",".join(map(str, sorted(cores))))

    def _release(self) -> None:
        self._bound, self._last = frozenset(), None
        with contextlib.suppress(OSError):  # it was refused already
            _bind(self._widest)


def best(bound: Set[int], order: Sequence[int], before: Times, now: Times) -> Set[int]:
    """The cores to run on: the one of which others leave the most, the first in order, or all while that is little.

    The one that the process is bound to already is left only for GAIN.
    """
    passed = now.at - before.at
    own = (now.own - before.own) / passed / len(bound)
    free = {core: (now.idle[core] - before.idle[core]) / passed + (own if core in bound else 0.0) for core in order}
    freest = max(order, key=free.__getitem__)
    if free[freest] < ENOUGH:
        return set(order)
    stays = len(bound) == 1 and all(free[freest] < free[core] + GAIN for core in bound)
    return bound if stays else {freest}


def _times(cores: Sequence[int]) -> Times:
    ticks = os.sysconf("SC_CLK_TCK")
    lines = (line.split() for line in STAT.read_text().splitlines())
    idle = {line[0]: sum(map(int, line[IDLE])) / ticks for line in lines if len(line) >= IDLE.stop}
    if missing := [core for core in cores if f"cpu{core}" not in idle]:  # others are shown to some containers
        raise ValueError(f"{STAT} does not show cores {missing}")
    return Times(time.monotonic(), time.process_time(), {core: idle[f"cpu{core}"] for core in cores})


def _bind(cores: Set[int]) -> None:
    """Have every thread run on these cores; those that they start will as well."""
    for task in TASKS.iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(task.name), cores)
