"""The front: where in the queue a process begins to look for pending executions.

A claimed execution leaves its entry in the index until vacuum may remove it, and that is not before every snapshot
that could see it is gone. A claim that always began at the start would walk past all that was claimed since someone
opened a transaction. So it begins a moment behind the newest claim: a quarter of a second, since what becomes pending
is ranked before it is committed, and claims go on meanwhile. Whatever comes later than that, or was passed over, is
found by a sweep from the very start.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import claims
from service.claims import BOTTOM, LOOK, PRIORITIES, ClaimedExecution

LAG_SECONDS = 0.25  # behind the newest claim
SAMPLE_SECONDS = 0.1  # between two looks at how far the queue has come
IDLE_SECONDS = 0.5  # claims further apart than this need no floor
SWEEP_SECONDS = 1.0  # between two sweeps, at least
SWEEP_SHARE = 20  # and so many times as long as the last one took
SWEEP_LOOK = 20 * LOOK


class Front:
    """Claims for one process. Not for two threads at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._floors: Sequence[int] = BOTTOM  # nothing is pending below, as far as is known
        self._behind: Sequence[int] = BOTTOM  # how far the queue had come LAG_SECONDS ago
        self._samples: deque[tuple[float, Sequence[int]]] = deque()
        self._called_at = float("-inf")
        self._sweep_at = {True: float("-inf"), False: float("-inf")}  # by whether tenants are passed over

    def claim(
        self, conn: Connection[Any], worker_id: UUID, limit: int, passed_tenants: Sequence[str] = ()
    ) -> list[ClaimedExecution]:
        """Take up to `limit` pending executions, best first, and none of the tenants to be passed over."""
        passing = bool(passed_tenants)
        self._sample(conn)
        began = self._clock()
        sweeps = began >= self._sweep_at[passing]
        claimed = claims.claim(
            conn,
            worker_id=worker_id,
            limit=limit,
            floors=BOTTOM if sweeps else self._behind if passing else self._floors,
            passed_tenants=passed_tenants,
            look=SWEEP_LOOK if sweeps else LOOK,
        )
        if sweeps:
            ended = self._clock()
            self._sweep_at[passing] = ended + max(SWEEP_SECONDS, SWEEP_SHARE * (ended - began))
        if not passing:
            self._floors = self._above(claimed, full=len(claimed) == limit)
        return claimed

    def _sample(self, conn: Connection[Any]) -> None:
        now = self._clock()
        frequent, self._called_at = now - self._called_at < IDLE_SECONDS, now
        if frequent and (not self._samples or now - self._samples[-1][0] >= SAMPLE_SECONDS):
            self._samples.append((now, claims.claimed_ranks(conn)))
        while self._samples and now - self._samples[0][0] >= LAG_SECONDS:
            self._behind = self._samples.popleft()[1]

    def _above(self, claimed: Sequence[ClaimedExecution], *, full: bool) -> list[int]:
        """The floors after a claim that left no tenant out: what it did not take of a priority ranks above."""
        reached = claimed[-1] if full else None
        floors = []
        for priority, floor, behind in zip(PRIORITIES, self._floors, self._behind, strict=True):
            if reached is None or priority > reached.priority:
                floors.append(behind)
            elif priority == reached.priority:
                floors.append(min(behind, reached.rank))
            else:
                floors.append(floor)
        return floors
