"""Outcomes on their way into the database: gathered for a moment, written in batches, kept while it is away."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import psycopg

from service import db, executions, log, metrics
from service.counts import Counts
from service.errors import ServiceError, Unavailable
from service.executions import Ended

ENOUGH = 200  # outcomes are not kept waiting for company
BATCH = 400  # at most a statement, where more have come while the last was written
GATHER_SECONDS = 0.01  # longest an outcome waits for company
IDLE_SECONDS = 0.5
QUIET_SECONDS = 0.1  # without an outcome, and the recorder is idle


class Recorder:
    """Takes outcomes from the calls' threads and writes them; its run_once belongs to one loop."""

    def __init__(self, pool: db.Pool, tell: Callable[[], None] = lambda: None) -> None:
        """tell() is called in the loop's thread once what has ended was gathered, before it is written."""
        self._pool = pool
        self._tell = tell
        self.counts = Counts(pool)
        self._outcomes: deque[Ended] = deque()
        self._some = threading.Event()  # there is one at least
        self._many = threading.Event()  # there are enough for a batch
        self._batch: list[Ended] = []
        self._written_at = float("-inf")

    def put(self, ended: Ended) -> None:
        """Take an outcome over; it is written within moments, or when the database is back."""
        self._outcomes.append(ended)
        if len(self._outcomes) >= ENOUGH and not self._many.is_set():
            self._many.set()
        if not self._some.is_set():  # once a batch, not once an outcome: each would be a switch of threads
            self._some.set()

    def hurry(self) -> None:
        """Do not wait for company: no call is under way whose outcome could come."""
        self._many.set()

    @property
    def unwritten(self) -> list[str]:
        """Executions whose outcomes were taken over and are not yet in the database."""
        # In this order: an outcome is in the batch before it leaves those that wait.
        return [ended.id for ended in [*self._outcomes.copy(), *self._batch]]

    @property
    def behind(self) -> int:
        """How many outcomes are not yet in the database."""
        return len(self._outcomes) + len(self._batch)

    @property
    def idle(self) -> bool:
        """Whether no outcome waits, and none was written in the last moments."""
        return not self.behind and time.monotonic() - self._written_at >= QUIET_SECONDS

    def run_once(self) -> float:
        """Wait for outcomes and write one batch. Raises Unavailable, keeping the batch for the next call."""
        self._gather()
        self._tell()
        if self._batch:
            self._write(self._batch)
            self._written_at = time.monotonic()
            self._batch = []
        return 0.0

    def _gather(self) -> None:
        """Fill the batch: with all there is, GATHER_SECONDS after the first of them came at the latest."""
        if self._some.wait(0.0 if self._batch else IDLE_SECONDS) and len(self._outcomes) < ENOUGH:
            self._many.wait(GATHER_SECONDS)
        # Cleared before the look, so that an outcome that comes after it sets them anew.
        self._some.clear()
        self._many.clear()
        while self._outcomes and len(self._batch) < BATCH:
            self._batch.append(self._outcomes[0])
            self._outcomes.popleft()
        if self._outcomes:
            self._some.set()

    def _write(self, batch: Sequence[Ended]) -> None:
        try:
            set_aside = self.counts.choose()
            with db.session(self._pool) as conn:
                fenced = executions.end(conn, batch, set_aside=set_aside)
        except Unavailable:
            raise
        except (psycopg.Error, ServiceError) as error:
            self._write_apart(batch, error)
            return
        for execution_id in fenced:
            metrics.FENCED.inc()
            log.warning(log.ATTEMPT_FENCED, execution_id=execution_id)

    def _write_apart(self, batch: Sequence[Ended], error: Exception) -> None:
        """Find the outcome the database refuses, so that it does not keep the others from being recorded."""
        if len(batch) > 1:
            middle = len(batch) // 2
            self._write(batch[:middle])
            self._write(batch[middle:])
            return
        (ended,) = batch
        if ended.error_code == "unrecordable":
            raise error
        log.error(log.OUTCOME_REFUSED, error, execution_id=ended.id)
        self._write(
            [ended._replace(response_body=None, error_code="unrecordable", error="The answer could not be stored.")]
        )
