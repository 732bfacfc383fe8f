"""Counting aside: what finishing leaves uncounted while an open transaction makes counting in place slow.

Each count updates a row of its job, and an update walks past the versions of the row that somebody's snapshot keeps.
When there are many, outcomes are counted in rows of their own, which are folded into the totals twice a second, or more
seldom where a fold takes long: each leaves another version of the rows it counts into.
"""

import time
from collections.abc import Callable

from service import db, sql

POLL_SECONDS = 0.1  # between two looks whether it is time for a fold
IDLE_SECONDS = 60.0  # while there is nothing to fold
LOOK_SECONDS = 2.0  # between two looks at how many old versions there are
FOLD_SECONDS = 0.5  # between two folds at least, while outcomes come without a break
SWEEP_SECONDS = 5.0  # likewise of folds of all there is
SHARE = 20  # and so many times as long as the last one took
IDLE_SHARE = 5  # or so many where there is nothing else to do
LIMIT = 50_000  # rows a fold

_counts_pinned = sql.value("upkeep.counts_pinned")
_fold_counts = sql.execute("upkeep.fold_counts")


class Counts:
    """Whether this process counts aside, and the folds of what it has. Recording does not wait for a fold."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._wake: Callable[[], None] = lambda: None
        self.aside = False
        self._unfolded = False  # something of this process waits for a fold
        self._look_at = 0.0
        self._fold_at = 0.0
        self._idle_fold_at = 0.0
        self._sweep_at = 0.0

    def start(self, wake: Callable[[], None]) -> None:
        """wake() is called when there is something to fold, and was not before."""
        self._wake = wake

    def choose(self) -> bool:
        """Whether the outcomes that are to be written now are counted aside."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            with db.session(self._pool) as conn:
                self.aside = bool(_counts_pinned(conn))
        if self.aside and not self._unfolded:
            self._unfolded = True
            self._wake()
        return self.aside

    def fold_own(self, idle: Callable[[], bool]) -> float:
        """Fold what this process has counted aside, when it is time. Returns the seconds until the next look.

        Args:
            idle: tells whether no outcome is being written, nor waits for it, and none came in the last moments; then
                folds are closer to each other.
        """
        if not self._unfolded:
            return IDLE_SECONDS
        now = time.monotonic()
        if now >= (self._idle_fold_at if idle() else self._fold_at):
            # What is counted aside from here on sets it anew; what was before is in the database by now, or not idle.
            self._unfolded = False
            left = True  # where the database is away, too
            try:
                done = idle()
                left = self._fold(from_start=False) or not done
            finally:
                if left:
                    self._unfolded = True
            ended = time.monotonic()
            self._fold_at = ended + max(FOLD_SECONDS, SHARE * (ended - now))
            self._idle_fold_at = ended + IDLE_SHARE * (ended - now)
        return POLL_SECONDS

    def sweep(self) -> None:
        """Fold whatever has been left, by processes that are gone too."""
        began = time.monotonic()
        if began < self._sweep_at:
            return
        self._fold(from_start=True)
        ended = time.monotonic()
        self._sweep_at = ended + max(SWEEP_SECONDS, SHARE * (ended - began))

    def _fold(self, *, from_start: bool) -> bool:
        with db.session(self._pool) as conn:
            return _fold_counts(conn, limit=LIMIT, from_start=from_start) > 0
