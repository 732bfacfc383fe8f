"""Outcomes on their way into the database: gathered for a moment, written in batches, kept while it is away."""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import psycopg

from service import db, executions, log, metrics
from service.errors import ServiceError, Unavailable
from service.executions import Ended

BATCH = 200  # outcomes a statement
GATHER_SECONDS = 0.01  # longest an outcome waits for company
IDLE_SECONDS = 0.5


class Recorder:
    """Takes outcomes from worker threads and writes them; its run_once belongs to one loop."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._outcomes: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._batch: list[Ended] = []
        self._lock = threading.Lock()
        self._unwritten: dict[UUID, Ended] = {}

    def put(self, ended: Ended) -> None:
        """Take an outcome over; it is written within moments, or when the database is back."""
        with self._lock:
            self._unwritten[ended.id] = ended
        self._outcomes.put(ended)

    @property
    def unwritten(self) -> list[UUID]:
        """Executions whose outcomes were taken over and are not yet in the database."""
        with self._lock:
            return list(self._unwritten)

    def run_once(self) -> float:
        """Wait for outcomes and write one batch. Raises Unavailable, keeping the batch for the next call."""
        self._gather()
        if self._batch:
            self._write(self._batch)
            with self._lock:
                for ended in self._batch:
                    if self._unwritten.get(ended.id) is ended:  # a later attempt's outcome may be waiting
                        del self._unwritten[ended.id]
            self._batch = []
        return 0.0

    def _gather(self) -> None:
        deadline = time.monotonic() + (GATHER_SECONDS if self._batch else IDLE_SECONDS)
        while len(self._batch) < BATCH:
            try:
                self._batch.append(self._outcomes.get(timeout=max(deadline - time.monotonic(), 0.0)))
            except queue.Empty:
                return
            if len(self._batch) == 1:
                deadline = time.monotonic() + GATHER_SECONDS

    def _write(self, batch: Sequence[Ended]) -> None:
        try:
            with db.session(self._pool) as conn:
                finished = executions.end(conn, batch)
        except Unavailable:
            metrics.DATABASE_ERRORS.inc()
            raise
        except (psycopg.Error, ServiceError) as error:
            self._write_apart(batch, error)
            return
        fenced = {ended.id for ended in batch} - {row.id for row in finished}
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
            [
                replace(
                    ended,
                    response_body=None,
                    error_code="unrecordable",
                    error="The answer could not be stored.",
                )
            ]
        )
