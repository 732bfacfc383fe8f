"""One core for the threads of an engine process.

Only one of them runs Python at a time, so a second core gains little, while each hand-over between two cores moves
the interpreter's data from one's cache to the other's, which costs a tenth to a quarter of the deliveries. Where
others keep that core busy the process moves to one that is free, and while there is none it runs on all of them.

Sources: sched_setaffinity(2), and proc_stat(5) for the times of the cores.
"""

import os
import time
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from service import log

AVAILABLE = hasattr(os, "sched_setaffinity")  # on Linux
LOOK_SECONDS = 1.0
JITTER_SECONDS = 0.5  # so that of two processes on one core only one moves
REST_SECONDS = 3600.0  # after a refusal
GAIN = 0.25  # of a core: how much more of another one must be free to be worth the move
ENOUGH = 0.5  # of a core: where others leave less of every one, the process is better off on all

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
        """Processes that are to stay apart have places that follow each other."""
        self._place = place
        self._allowed: Set[int] = frozenset()
        self._bound: Set[int] = frozenset()
        self._last: Times | None = None

    def run_once(self) -> float:
        """Bind the process, or look whether to move it. Returns the seconds until the next look."""
        try:
            self._look()
        except OSError as error:  # in some sandboxes; it runs as well unbound
            log.info(log.AFFINITY_REFUSED, error=error)
            return REST_SECONDS
        return LOOK_SECONDS

    def _look(self) -> None:
        may_use = os.sched_getaffinity(0)
        if may_use != self._bound:  # at the start, and when somebody else has said what may be used
            self._allowed, self._last = may_use, None
            self._bound = {sorted(may_use)[self._place % len(may_use)]}
        if len(self._allowed) < 2:  # nothing to choose
            return
        now = _times(self._allowed)
        if self._last is not None:
            self._bound = best(self._bound, self._allowed, self._last, now)
        self._last = now
        _bind(self._bound)


def best(bound: Set[int], allowed: Set[int], before: Times, now: Times) -> Set[int]:
    """The cores to run on, of those allowed: the one of which others leave the most, or all while that is little.

    The one that the process is bound to already is left only for GAIN.
    """
    passed = now.at - before.at
    own = (now.own - before.own) / passed / len(bound)
    free = {core: (now.idle[core] - before.idle[core]) / passed for core in now.idle.keys() & before.idle.keys()}
    free |= {core: free.get(core, 0.0) + own for core in bound}
    freest = max(free, key=free.__getitem__)
    if free[freest] < ENOUGH:
        return allowed
    stays = len(bound) == 1 and all(free[freest] < free[core] + GAIN for core in bound)
    return bound if stays else {freest}


def _times(cores: Set[int]) -> Times:
    ticks = os.sysconf("SC_CLK_TCK")
    idle = {}
    for line in STAT.read_text().splitlines():
        columns = line.split()
        core = columns[0].removeprefix("cpu")
        if core.isdigit() and int(core) in cores:
            idle[int(core)] = sum(map(int, columns[IDLE])) / ticks
    return Times(time.monotonic(), time.process_time(), idle)


def _bind(cores: Set[int]) -> None:
    """Have every thread run on these cores; those that they start will as well."""
    for task in TASKS.iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:  # it has ended meanwhile
            continue
