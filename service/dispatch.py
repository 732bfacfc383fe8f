"""Dispatch: claims what can be called at once and a little more, and stops the calls that should stop."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import claims, db, log, metrics, notify
from service.call import open_transport
from service.claims import ClaimedExecution
from service.egress import ANYWHERE, Egress
from service.executions import Ended
from service.fairness import Shares, Tier
from service.front import Front
from service.gate import Gate
from service.loop import POLL_SECONDS
from service.recorder import Recorder
from service.vault import Vault
from service.worker import Attempt, Requests, tell

# While there is a backlog, claim when a quarter of the slots is free, and a third of the room ahead of them: not for
# each call that ends.
REFILL = 4
REFILL_AHEAD = 3
PREFETCH_SECONDS = 0.05  # as many are claimed ahead as end in so long
SHORTEST_SECONDS = 0.005  # of them, after which a rate is taken where many have ended
ENOUGH = 10  # calls; fewer that end together say nothing of a rate
PREFETCH_LIMIT = 400
STALE_SECONDS = 0.1  # what has waited so long for a free slot goes back; looked for as often, so none waits twice that
REST_SECONDS = 0.02  # between two claims for the slots that are kept for some tenants, and before the first
REABORT_SECONDS = 0.1
STRAYS_SECONDS = 10.0  # between two looks for claims that this process knows nothing of, at least
STRAYS_SHARE = 20  # and so many times as long as the last one took
UNWRITTEN_LIMIT = 2000  # outcomes the database is behind; past it nothing more is claimed


class Dispatcher:
    """The calls of a process: those under way, at most `slots`, and those claimed ahead of a free slot."""

    def __init__(
        self,
        pool: db.Pool,
        recorder: Recorder,
        slots: int,
        worker_id: Callable[[], UUID | None],
        on_fault: Callable[[], None],
        vault: Vault,
        egress: Egress = ANYWHERE,
        adapter: str | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._pool = pool
        self._recorder = recorder
        self._slots = slots
        self._worker_id = worker_id
        self._requests = Requests(vault)
        self._transport = open_transport(slots, on_fault, adapter, egress)
        self._flights: dict[str, Attempt] = {}
        self._in_doubt = False  # a claim or a return may have been committed without an answer
        self._strays_at = float("-inf")  # when to look for strays without any doubt
        self._backlog = False  # there may be more pending than was claimed
        self._pace = _Pace(slots)
        self._shares = Shares(slots)
        self._front = Front()
        self._gate = gate or Gate(pool)
        self._room = slots  # executions of any tenants to hold at once, those waiting included
        self._shared = False  # there is more room, but not for all tenants
        self._rest_at = 0.0  # when to claim for that room again
        self._draining = False
        self._untold: deque[tuple[Attempt, Ended]] = deque()
        self._telling = threading.Lock()
        self._unspent: list[ClaimedExecution] = []
        self._wake: Callable[[], None] = lambda: None

    def start(self, wake: Callable[[], None]) -> None:
        """wake() is called when claiming may go on."""
        self._wake = wake

    @property
    def busy(self) -> int:
        """Claimed executions whose outcome is not there yet."""
        return len(self._flights)

    def run_once(self) -> float:
        """Claim for the free slots. Returns the seconds until it is worth trying again."""
        self._return_stale()
        worker_id = self._worker_id()
        if worker_id is None or self._recorder.behind > UNWRITTEN_LIMIT:
            return REABORT_SECONDS
        tiers = self._shares.tiers(self._flights.values(), self._pace.ahead())
        first = next(tiers)
        self._room, self._shared = first.limit, first.more
        begins = not self._backlog and first.more and len(self._flights) < first.limit
        more = self._fill(worker_id, first, wait=self._backlog)
        if more and begins:
            # A burst: soon its calls have told how quick they are, and till then the search for others' is in its way.
            self._rest_at = time.monotonic() + REST_SECONDS
        delay = self._fill_rest(worker_id, tiers) if more else POLL_SECONDS
        metrics.BUSY.set(len(self._flights))
        return min(delay, self._until_next())

    def _fill_rest(self, worker_id: UUID, tiers: Iterator[Tier]) -> float:
        """Claim for the slots kept for some tenants. Returns the seconds until that may be done again."""
        early = self._rest_at - time.monotonic()
        if early > 0:
            return early
        for tier in tiers:
            self._rest_at = time.monotonic() + REST_SECONDS
            if not self._fill(worker_id, tier, wait=False):
                break
        return POLL_SECONDS

    def _fill(self, worker_id: UUID, tier: Tier, *, wait: bool) -> bool:
        """Claim what a tier allows. Returns whether there may be more for those that leave out more tenants.

        Args:
            worker_id: who claims.
            tier: what may be claimed.
            wait: until there is room for many.
        """
        free = tier.limit - len(self._flights)
        if free < 1 or (wait and not self._enough_room()):
            self._backlog = True  # from here on a call that ends wakes this loop
            return True
        with db.session(self._pool) as conn:
            claimed = self._claim(conn, worker_id, free, tier.passed_tenants)
            let_through = self._gate.hold(conn, claimed, self._running)
            self._in_doubt = False
        attempts = [Attempt(item, self._requests, self._over) for item in let_through]
        for attempt in attempts:
            self._flights[attempt.claimed.id] = attempt
        self._transport.submit(attempts)
        self._backlog = len(claimed) == free or bool(tier.passed_tenants)
        return len(claimed) == free

    def _enough_room(self) -> bool:
        slots = min(self._room, self._slots)
        enough = slots // REFILL + (self._room - slots) // REFILL_AHEAD
        return self._room - len(self._flights) >= max(1, enough)

    def _until_next(self) -> float:
        if self._backlog and self._enough_room():
            return 0.0
        return STALE_SECONDS if len(self._flights) > self._slots else POLL_SECONDS

    def _claim(
        self, conn: Connection[Any], worker_id: UUID, limit: int, passed_tenants: list[str]
    ) -> list[ClaimedExecution]:
        # Without a doubt as well: a server that failed over may have lost an outcome whose commit it had answered.
        began = time.monotonic()
        if self._in_doubt or began >= self._strays_at:
            if returned := self._return_strays(conn, worker_id):
                log.warning(log.CLAIMS_RETURNED, executions=returned, worker_id=worker_id)
            ended = time.monotonic()
            self._strays_at = ended + max(STRAYS_SECONDS, STRAYS_SHARE * (ended - began))
        self._in_doubt = True
        return self._front.claim(conn, worker_id, limit, passed_tenants)

    def _return_strays(self, conn: Connection[Any], worker_id: UUID) -> int:
        # In this order: an outcome is put with the recorder before its flight ends.
        known = list(self._flights) + self._recorder.unwritten
        return claims.return_strays(conn, worker_id=worker_id, known_ids=known)

    def stand_down(self) -> None:
        """Give back what has not begun, its attempt unspent; calls go on. The claiming loop must have ended."""
        self._withdraw(before=time.monotonic())
        worker_id = self._worker_id()
        if worker_id is not None:
            with db.session(self._pool) as conn:
                if self._return_strays(conn, worker_id):
                    notify.work(conn)

    def _running(self) -> list[ClaimedExecution]:
        return [attempt.claimed for attempt in list(self._flights.values())]

    def _return_stale(self) -> None:
        """Hand back what was claimed ahead and has found no free slot: others may have one."""
        if len(self._flights) <= self._slots:
            return
        stale = self._withdraw(before=time.monotonic() - STALE_SECONDS)
        if stale:
            self._in_doubt = True
            self._hand_back(stale)
            self._in_doubt = False

    def _withdraw(self, before: float) -> list[ClaimedExecution]:
        """Those claimed before an instant that have not begun, which will not begin any more."""
        taken = []
        for attempt in list(self._flights.values()):  # oldest first
            if attempt.since > before:
                break
            if not attempt.begun and self._transport.withdraw(attempt):
                del self._flights[attempt.claimed.id]
                taken.append(attempt.claimed)
        return taken

    def _hand_back(self, unspent: list[ClaimedExecution]) -> None:
        for worker_id in {item.worker_id for item in unspent}:
            with db.session(self._pool) as conn:
                claims.hand_back(conn, worker_id, [item for item in unspent if item.worker_id == worker_id])

    def abort(self, execution_id: str) -> None:
        """Stop the call for an execution, if it is made here."""
        attempt = self._flights.get(execution_id)
        if attempt is not None and not attempt.aborted:
            attempt.aborted = True
            log.info(log.CLAIM_ABORTED, execution_id=execution_id, attempt=attempt.claimed.attempt)
            self._transport.abort(attempt)

    def abort_all(self) -> None:
        """Stop every call."""
        for execution_id in list(self._flights):
            self.abort(execution_id)

    def watch(self) -> float:
        """Stop calls whose claim does not stand any more. Returns the seconds until the next look."""
        self.tell()  # a recorder that waits for the database does not
        before = time.monotonic() - POLL_SECONDS / 2
        attempts = list(self._flights.values())
        lasting = [attempt.claimed for attempt in attempts if attempt.since < before and not attempt.aborted]
        for worker_id in {item.worker_id for item in lasting}:
            with db.session(self._pool) as conn:
                lost = claims.lost(conn, worker_id, [item for item in lasting if item.worker_id == worker_id])
            for item in lost:
                self.abort(item.id)
        return POLL_SECONDS * 0.7

    def drain(self, grace: float) -> None:
        """Let calls under way finish for `grace` seconds; stop the rest and hand them back, their attempt unspent.

        The claiming loop must have ended. Raises Unavailable when the database cannot take them back: then they
        are rescued like those of a worker that died.
        """
        self._draining = True
        unstarted = self._withdraw(before=time.monotonic())
        deadline = time.monotonic() + grace
        while self._flights and time.monotonic() < deadline:
            time.sleep(0.02)
        self.abort_all()
        give_up = time.monotonic() + 2.0
        while self._flights and time.monotonic() < give_up:
            time.sleep(0.02)
        self._hand_back(unstarted + self._unspent)
        self._transport.close()

    def tell(self) -> None:
        """Count and log the attempts that have ended since the last call."""
        with self._telling:
            if over := [self._untold.popleft() for _ in range(len(self._untold))]:
                tell(over)

    def _over(self, attempt: Attempt, ended: Ended | None) -> None:
        """Take what became of an attempt, from a thread of the transport; None was stopped."""
        if ended is not None:
            self._untold.append((attempt, ended))
            self._recorder.put(ended)
            self._gate.ended(attempt.claimed, ended)
            self._shares.ended(attempt.claimed.tenant_id, (ended.duration_ms or 0.0) / 1000)
        elif self._draining:
            self._unspent.append(attempt.claimed)
        if self._flights.get(attempt.claimed.id) is attempt:  # and not one claimed anew after this one was lost
            del self._flights[attempt.claimed.id]
        if not self._flights:
            self._recorder.hurry()
        self._pace.ended += 1
        if self._backlog and (self._shared or self._enough_room()):
            self._wake()


class _Pace:
    """How quickly calls end, and so how many to claim ahead: few or none where they end slowly.

    Calls that take long but end together count as quick for a moment; what is then claimed in vain goes back after
    STALE_SECONDS.
    """

    def __init__(self, slots: int) -> None:
        self.ended = 0
        self._enough = max(ENOUGH, slots // REFILL)
        self._counted = 0
        self._at = time.monotonic()
        self._ahead = 0

    def ahead(self) -> int:
        """Executions to claim beyond the free slots."""
        now = time.monotonic()
        passed, count = now - self._at, self.ended - self._counted
        if passed >= PREFETCH_SECONDS or (passed >= SHORTEST_SECONDS and count >= self._enough):
            rate = count / passed
            self._ahead = min(int(rate * PREFETCH_SECONDS), PREFETCH_LIMIT)
            self._counted, self._at = self.ended, now
        return self._ahead
