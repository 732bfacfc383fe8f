"""The gate between a claim and its call: puts off what would go to a host that does not answer, or has its fill."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import db, log, metrics, sql
from service.breaker import ANSWERS, FAILURES, Breakers, HostLimit, Key, host_of
from service.claims import ClaimedExecution
from service.executions import Ended

PUT_OFF_SECONDS = 60.0  # what waits for a breaker looks again after so long, however the breaker was lost
WATCH_SECONDS = 1.0  # between two looks at the breakers while any is open
IDLE_SECONDS = 30.0  # and while none is: a notification tells of the first one

_open = sql.execute("breakers.open")
_list_open = sql.many("breakers.list_open", row=Key)
_take_probes = sql.many("breakers.take_probes", row=Key)
_put_off = sql.execute("breakers.put_off")
_invite_probes = sql.execute("breakers.invite_probes")
_close = sql.execute("breakers.close")
_forget = sql.execute("breakers.forget")


class Gate:
    """What a process may call. hold() is for the loop that claims, run_once() for a loop of its own."""

    def __init__(self, pool: db.Pool, failures: int = 0, probe_seconds: float = 5.0, host_limit: int = 0) -> None:
        """With failures 0 no breaker opens; with host_limit 0 a host may have any number of calls."""
        self._pool = pool
        self._probe_seconds = probe_seconds
        self._watches = failures > 0
        self._breakers = Breakers(failures)
        self._limit = HostLimit(host_limit)
        self._worker_id: UUID | None = None
        self._wake: Callable[[], None] = lambda: None

    def start(self, wake: Callable[[], None]) -> None:
        """wake() is called when a breaker has changed here, and run_once() should tell."""
        self._wake = wake

    def hold(
        self, conn: Connection[Any], claimed: list[ClaimedExecution], running: Callable[[], Iterable[ClaimedExecution]]
    ) -> list[ClaimedExecution]:
        """Those of a claim that may be called now; the others are put off, their attempt unspent."""
        if not claimed or not (self._breakers.open or self._limit.limit):
            return claimed
        self._worker_id = claimed[0].worker_id
        held = self._behind_breakers(conn, claimed)
        if self._limit.limit:
            held |= self._over_limit([item for item in claimed if item.id not in held], running())
        if held:
            self._put_off(conn, [item for item in claimed if item.id in held], held)
        return [item for item in claimed if item.id not in held]

    def _behind_breakers(
        self, conn: Connection[Any], claimed: Sequence[ClaimedExecution]
    ) -> dict[str, tuple[str | None, float]]:
        """Executions to put off, with the host whose breaker they wait for and for how long."""
        is_open = self._breakers.open
        behind = {item.id: key for item in claimed if (key := _key(item)) in is_open}
        if not behind:
            return {}
        asked = set(behind.values())
        probes = _take_probes(conn, worker_id=self._worker_id, probe_seconds=self._probe_seconds, **_arrays(asked))
        for probe in probes:
            del behind[next(execution_id for execution_id, key in behind.items() if key == probe)]
        return {execution_id: (key.host, PUT_OFF_SECONDS) for execution_id, key in behind.items()}

    def _over_limit(
        self, claimed: Sequence[ClaimedExecution], running: Iterable[ClaimedExecution]
    ) -> dict[str, tuple[str | None, float]]:
        calls = Counter(host_of(item.endpoint or "") for item in running)
        over: dict[str, tuple[str | None, float]] = {}
        for item in claimed:
            host = host_of(item.endpoint or "")
            if calls[host] < self._limit.limit:
                calls[host] += 1
            else:
                over[item.id] = (None, self._limit.delay(host, time.monotonic()))
        return over

    def _put_off(
        self,
        conn: Connection[Any],
        items: Sequence[ClaimedExecution],
        held: dict[str, tuple[str | None, float]],
    ) -> None:
        _put_off(
            conn,
            worker_id=self._worker_id,
            ids=[item.id for item in items],
            attempts=[item.attempt for item in items],
            hosts=[held[item.id][0] for item in items],
            delays=[held[item.id][1] for item in items],
        )

    def ended(self, claimed: ClaimedExecution, ended: Ended) -> None:
        """Learn from a call that has ended, from a thread of the transport."""
        if self._limit.limit:
            self._limit.ended(host_of(claimed.endpoint or ""), (ended.duration_ms or 0.0) / 1000)
        if ended.error_code in FAILURES:
            if self._breakers.failed(_key(claimed)):
                self._worker_id = claimed.worker_id
                self._tell(log.BREAKER_OPENED, claimed)
        elif not self._breakers.quiet and ended.error_code in ANSWERS and self._breakers.answered(_key(claimed)):
            self._tell(log.BREAKER_CLOSED, claimed)

    def _tell(self, event: str, claimed: ClaimedExecution) -> None:
        log.warning(event, tenant_id=claimed.tenant_id, host=host_of(claimed.endpoint or ""), execution_id=claimed.id)
        self._wake()

    def run_once(self) -> float:
        """Tell what has changed here, learn what has elsewhere. Returns the seconds until the next look."""
        if not self._watches:
            return IDLE_SECONDS
        opening, closing = self._breakers.changes()
        with db.session(self._pool) as conn:
            if opening:
                failures = list(opening.values())
                probe = self._probe_seconds
                _open(conn, worker_id=self._worker_id, probe_seconds=probe, failures=failures, **_arrays(opening))
            if closing:
                _close(conn, **_arrays(closing))
            self._breakers.told(opening, closing)
            if self._breakers.open:
                _invite_probes(conn)
                _forget(conn)
            self._breakers.learn(_list_open(conn))
        metrics.OPEN_BREAKERS.set(len(self._breakers.open))
        return WATCH_SECONDS if self._breakers.open else IDLE_SECONDS


def _key(claimed: ClaimedExecution) -> Key:
    return Key(claimed.tenant_id, host_of(claimed.endpoint or ""))


def _arrays(keys: Iterable[Key]) -> dict[str, object]:
    listed = list(keys)
    return {"tenant_ids": [key.tenant_id for key in listed], "hosts": [key.host for key in listed]}
