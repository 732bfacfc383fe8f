"""Dispatch: claims as many executions as there are idle threads, and stops the calls that should stop."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import claims, db, log, metrics, worker
from service.call import Caller
from service.claims import ClaimedExecution
from service.loop import POLL_SECONDS
from service.recorder import Recorder

REFILL = 4  # while there is a backlog, claim when a quarter of the threads is idle, not for each one
REABORT_SECONDS = 0.1
UNWRITTEN_LIMIT = 2000  # outcomes the database is behind; past it nothing more is claimed


@dataclass(slots=True)
class _Flight:
    """A claimed execution from its claim until its outcome is handed over."""

    claimed: ClaimedExecution
    caller: Caller | None = None  # None until a thread has it
    aborted: bool = False
    since: float = field(default_factory=time.monotonic)


class Dispatcher:
    """The worker threads of a process and what they are calling."""

    def __init__(
        self,
        pool: db.Pool,
        recorder: Recorder,
        slots: int,
        worker_id: Callable[[], UUID | None],
        on_fault: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._recorder = recorder
        self._slots = slots
        self._worker_id = worker_id
        self._on_fault = on_fault
        self._inbox: queue.SimpleQueue[_Flight | None] = queue.SimpleQueue()
        self._flights: dict[UUID, _Flight] = {}
        self._lock = threading.Lock()
        self._in_doubt = False  # the last claim may have been committed without an answer
        self._backlog = False  # there may be more pending than was claimed
        self._refill = max(1, slots // REFILL)
        self._draining = False
        self._unspent: list[ClaimedExecution] = []
        self._wake: Callable[[], None] = lambda: None
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(slots)
        ]

    def start(self, wake: Callable[[], None]) -> None:
        """Start the worker threads; wake() is called when claiming may go on."""
        self._wake = wake
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> int:
        """Claimed executions whose outcome is not there yet."""
        return len(self._flights)

    def run_once(self) -> float:
        """Claim for the idle threads. Returns the seconds until it is worth trying again."""
        free = self._slots - len(self._flights)
        if free < (self._refill if self._backlog else 1):
            self._backlog = True
            return POLL_SECONDS
        worker_id = self._worker_id()
        if worker_id is None or len(self._recorder.unwritten) > UNWRITTEN_LIMIT:
            return REABORT_SECONDS
        with db.session(self._pool) as conn:
            claimed = self._claim(conn, worker_id, free)
        self._backlog = len(claimed) == free
        for item in claimed:
            flight = _Flight(item)
            with self._lock:
                self._flights[item.id] = flight
            self._inbox.put(flight)
        metrics.BUSY.set(len(self._flights))
        return POLL_SECONDS

    def _claim(self, conn: Connection[Any], worker_id: UUID, limit: int) -> list[ClaimedExecution]:
        if self._in_doubt:
            # In this order: an outcome is put with the recorder before its flight ends.
            known = list(self._flights) + self._recorder.unwritten
            claims.return_strays(conn, worker_id=worker_id, known_ids=known)
        self._in_doubt = True
        claimed = claims.claim(conn, worker_id=worker_id, limit=limit)
        self._in_doubt = False
        return claimed

    def abort(self, execution_id: UUID) -> None:
        """Stop the call for an execution, if it is made here."""
        with self._lock:
            flight = self._flights.get(execution_id)
            if flight is None:
                return
            if not flight.aborted:
                log.info(log.CLAIM_ABORTED, execution_id=execution_id, attempt=flight.claimed.attempt)
            flight.aborted = True
            if flight.caller is not None:
                flight.caller.abort()

    def abort_all(self) -> None:
        """Stop every call."""
        for execution_id in list(self._flights):
            self.abort(execution_id)

    def watch(self) -> float:
        """Stop calls whose claim does not stand any more. Returns the seconds until the next look."""
        with self._lock:
            flights = list(self._flights.values())
        aborted = [flight for flight in flights if flight.aborted]
        for flight in aborted:  # an abort that came just before the exchange began has hit nothing
            self.abort(flight.claimed.id)
        lasting = [
            flight.claimed
            for flight in flights
            if not flight.aborted and flight.since < time.monotonic() - POLL_SECONDS / 2
        ]
        for worker_id in {item.worker_id for item in lasting}:
            with db.session(self._pool) as conn:
                lost = claims.lost(conn, worker_id, [item for item in lasting if item.worker_id == worker_id])
            for item in lost:
                self.abort(item.id)
        return REABORT_SECONDS if aborted else POLL_SECONDS * 0.7

    def drain(self, grace: float) -> None:
        """Let calls under way finish for `grace` seconds; stop the rest and hand them back, their attempt unspent.

        The claiming loop must have ended. Raises Unavailable when the database cannot take them back: then they
        are rescued like those of a worker that died.
        """
        self._draining = True
        unstarted = self._take_unstarted()
        deadline = time.monotonic() + grace
        while self._flights and time.monotonic() < deadline:
            time.sleep(0.02)
        give_up = time.monotonic() + 2.0
        while self._flights and time.monotonic() < give_up:
            self.abort_all()
            time.sleep(0.05)
        for _ in self._threads:
            self._inbox.put(None)
        unspent = unstarted + self._unspent
        for worker_id in {item.worker_id for item in unspent}:
            with db.session(self._pool) as conn:
                claims.hand_back(conn, worker_id, [item for item in unspent if item.worker_id == worker_id])

    def _take_unstarted(self) -> list[ClaimedExecution]:
        taken: list[ClaimedExecution] = []
        while True:
            try:
                flight = self._inbox.get_nowait()
            except queue.Empty:
                return taken
            if flight is not None:
                taken.append(flight.claimed)
                with self._lock:
                    del self._flights[flight.claimed.id]

    def _work(self) -> None:
        caller = Caller()
        try:
            while (flight := self._inbox.get()) is not None:
                self._fly(flight, caller)
        except Exception as error:  # noqa: BLE001 - the top of a thread
            log.error(log.LOOP_FAILED, error, loop=threading.current_thread().name)
            self._on_fault()
        finally:
            caller.close()

    def _fly(self, flight: _Flight, caller: Caller) -> None:
        with self._lock:
            flight.caller = caller
        ended = None if flight.aborted else worker.perform(flight.claimed, caller)
        # A call that was stopped has nothing to record: its execution was cancelled or taken back already,
        # or a drain hands it back.
        if ended is not None and ended.status != "cancelled":
            self._recorder.put(ended)
        elif self._draining:
            self._unspent.append(flight.claimed)
        with self._lock:
            del self._flights[flight.claimed.id]
        if self._backlog and self._slots - len(self._flights) >= self._refill:
            self._wake()
