"""CPU time of processes with all they have started, and of PostgreSQL as a whole."""

from collections.abc import Callable, Iterable, Mapping

import psutil

Trees = Mapping[str, Iterable[int]]  # a name for each group of processes: the roots of its trees


def used(roots: Iterable[int]) -> float:
    """Seconds of CPU that the trees below these processes have used, those that have ended included."""
    processes = [one for root in roots for one in (psutil.Process(root), *psutil.Process(root).children(True))]
    return sum(_of(process) for process in processes)


def metered(trees: Trees) -> Callable[[], dict[str, float]]:
    """Start measuring; the result says how many seconds each group has used since."""
    before = {name: used(roots) for name, roots in trees.items()}
    return lambda: {name: used(roots) - before[name] for name, roots in trees.items()}


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0  # its parent counts it among its ended children
    return float(times.user + times.system + times.children_user + times.children_system)
