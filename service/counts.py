"""Counting aside: what finishing leaves uncounted while an open transaction makes counting in place slow.

Each count updates a row of its job, and an update walks past the versions of the row that somebody's snapshot keeps.
When there are many, outcomes are counted in rows of their own, which are folded into the totals twice a second, or more
seldom where a fold takes long: each leaves another version of the rows it counts into.
"""

import time

from service import db, sql

LOOK_SECONDS = 2.0  # between two looks at how many old versions there are
FOLD_SECONDS = 0.5  # between two folds at least, while outcomes come without a break
SWEEP_SECONDS = 5.0  # likewise of folds of all there is
SHARE = 20  # and so many times as long as the last one took
IDLE_SHARE = 5  # or so many where there is nothing else to do
LIMIT = 50_000  # rows a fold

_counts_pinned = sql.value("upkeep.counts_pinned")
_fold_counts = sql.execute("upkeep.fold_counts")


class Counts:
    """Whether this process counts aside, and the folds of what it has."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self.aside = False
        self.unfolded = False  # something of this process waits for a fold
        self._look_at = 0.0
        self._fold_at = 0.0
        self._idle_fold_at = 0.0
        self._sweep_at = 0.0

    def choose(self) -> bool:
        """Whether the outcomes that are to be written now are counted aside."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            with db.session(self._pool) as conn:
                self.aside = bool(_counts_pinned(conn))
        self.unfolded |= self.aside
        return self.aside

    def fold_own(self, *, idle: bool) -> None:
        """Fold what this process has counted aside, when it is time or there is nothing else to do."""
        now = time.monotonic()
        if self.unfolded and now >= (self._idle_fold_at if idle else self._fold_at):
            folded = self._fold(from_start=False)
            ended = time.monotonic()
            self._fold_at = ended + max(FOLD_SECONDS, SHARE * (ended - now))
            self._idle_fold_at = ended + IDLE_SHARE * (ended - now)
            self.unfolded = folded or not idle

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
