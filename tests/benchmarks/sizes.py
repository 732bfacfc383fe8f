"""How much each benchmark does: the full sizes, or, with QUICK=1, ones that show the harness works."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of runs, rows and seconds."""

    quick: bool = False
    repeats: int = 3
    deliveries: int = 5_000  # executions of a run, as many as the peers were once compared by
    lag_idle: int = 100  # jobs, one after the other
    lag_steady_seconds: int = 20  # at 100 a second
    lag_bursts: tuple[int, ...] = (500, 5_000, 100_000)  # jobs due at one instant
    claims: int = 20_000  # executions of a run without HTTP
    tick_jobs: int = 1_000_000
    tick_due: int = 1_000
    api_jobs: int = 10_000
    api_log: int = 200_000
    api_requests: int = 1_500  # a route and run
    flat_pending: int = 1_000_000
    flat_log: int = 10_000_000
    large_jobs: int = 20_000  # of the large tenant; the others have half as many together
    large_log: int = 10_000_000
    large_pending: int = 1_000_000
    large_changes: int = 300_000  # entries of the audit log, and incidents
    large_requests: int = 50  # a route and run
    held_seconds: float = 300.0  # how long a transaction stays open
    idle_seconds: float = 10.0
    fair_flood: int = 50_000  # pending executions of a noisy tenant
    fair_jobs: int = 50  # of a quiet one


QUICK = Sizes(
    quick=True,
    repeats=1,
    deliveries=500,
    lag_idle=8,
    lag_steady_seconds=2,
    lag_bursts=(100, 500),
    claims=1_000,
    tick_jobs=5_000,
    tick_due=500,
    api_jobs=300,
    api_log=2_000,
    api_requests=60,
    flat_pending=5_000,
    flat_log=20_000,
    large_jobs=200,
    large_log=30_000,
    large_pending=3_000,
    large_changes=1_000,
    large_requests=5,
    held_seconds=3.0,
    idle_seconds=2.0,
    fair_flood=2_000,
    fair_jobs=10,
)


def sizes() -> Sizes:
    """The sizes that the environment asks for."""
    return QUICK if os.environ.get("QUICK", "") not in ("", "0") else Sizes()
