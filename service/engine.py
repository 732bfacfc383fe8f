"""The engine of one process: its loops, put together, started, and drained."""

import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg

from service import alerts, db, log, metrics, upkeep
from service.config import Config
from service.dispatch import Dispatcher
from service.errors import ServiceError
from service.gate import Gate
from service.lease import Lease
from service.listener import Listener, uuid_handler
from service.loop import POLL_SECONDS, Loop
from service.recorder import Recorder
from service.ticker import Ticker
from service.upkeep import Registration
from service.vault import Vault
from service.warm import warm

# How long a thread that computes may keep the interpreter from one that a socket has just woken. At Python's 5 ms
# the wait adds up on the way from a due run to its call; a shorter interval does not show in the throughput.
SWITCH_SECONDS = 0.001
SESSIONS = 7


class Engine:
    """Ticks, claims, calls, records and keeps house until drained. on_failure is called when a loop breaks."""

    def __init__(self, config: Config, on_failure: Callable[[], None]) -> None:
        self._config = config
        self._pool = db.open_pool(config, "engine", size=SESSIONS, warm=warm)
        self._recorder = Recorder(self._pool, self._tell)
        self._registration = Registration(self._pool, config, lambda: self._dispatcher.busy, self._on_buried)
        gate = Gate(self._pool, config.breaker_failures, config.breaker_probe, config.host_limit)
        self._dispatcher = Dispatcher(
            self._pool,
            self._recorder,
            config.worker_count,
            lambda: self._registration.claimant,
            on_failure,
            Vault(config.secrets_keys),
            config.egress,
            gate=gate,
        )
        self.lease = Lease(config, str(self._registration.id))
        ticker = Ticker(self._pool, self.lease, timedelta(seconds=config.misfire_after), self._on_work)
        self._listener = Listener(
            config,
            {
                "scheduler_work": lambda _: self._on_work(),
                "scheduler_jobs": lambda _: self._tick.wake(),
                "scheduler_cancel": uuid_handler(self._on_cancel),
                "scheduler_breakers": lambda _: self._breakers.wake(),
                "scheduler_drain": uuid_handler(self._on_drain),
            },
        )
        self._tick = Loop("ticker", ticker.run_once, on_failure)
        self._claim = Loop("claim", self._dispatcher.run_once, on_failure)
        self._breakers = Loop("breakers", gate.run_once, on_failure)
        gate.start(self._breakers.wake)
        self._watch = Loop("watch", self._dispatcher.watch, on_failure)
        self._record = Loop("recorder", self._recorder.run_once, on_failure)
        self._fold = Loop("counts", self._fold_once, on_failure)
        self._recorder.counts.start(self._fold.wake)
        self._listen = Loop("listener", self._listener.run_once, on_failure)
        self._renew = Loop("lease", self._renew_lease, on_failure)
        self._heartbeat = Loop("heartbeat", self._beat, on_failure)
        self._rescue = Loop("rescue", self._rescue_once, on_failure, jitter=config.heartbeat / 10)
        self._partitions = Loop("partitions", self._keep_partitions, on_failure, jitter=30.0)
        self._stand_down = Loop("stand-down", self._stand_down_once, on_failure)
        self._stands_down = False
        self._loops = [
            self._record,
            self._fold,
            self._heartbeat,
            self._renew,
            self._partitions,
            self._listen,
            self._tick,
            self._claim,
            self._breakers,
            self._watch,
            self._rescue,
        ]

    def start(self) -> None:
        """Register this process and start working."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._dispatcher.start(self._claim.wake)
        for loop in self._loops:
            loop.start()

    def drain(self) -> None:
        """Stop ticking and claiming, release the lease, let calls finish, record them, hand back the rest.

        Heartbeats go on until the end, so nobody takes the calls under way for lost.
        """
        self._stand_down.stop()
        self._registration.draining = True
        self._heartbeat.wake()
        for loop in (self._tick, self._claim, self._rescue, self._partitions, self._renew):
            loop.stop()
        self.lease.release()
        try:
            self._dispatcher.drain(self._config.shutdown_timeout)
            self._flush()
            self._heartbeat.stop()
            self._registration.remove()
        except (ServiceError, psycopg.Error) as error:
            log.warning(log.DATABASE_LOST, loop="drain", error=error, note="others will rescue what is left")
        for loop in (self._record, self._fold, self._breakers, self._watch, self._listen, self._heartbeat):
            loop.stop()
        self._tell()
        self._listener.close()
        self.lease.close()
        self._pool.close()
        log.info(log.WORKER_DRAINED, unwritten=len(self._recorder.unwritten))

    def _tell(self) -> None:
        self._dispatcher.tell()

    def _flush(self) -> None:
        deadline = time.monotonic() + 10.0
        while self._recorder.unwritten and time.monotonic() < deadline:
            threading.Event().wait(0.02)

    def _fold_once(self) -> float:
        return self._recorder.counts.fold_own(idle=lambda: self._recorder.idle)

    def _renew_lease(self) -> float:
        delay = self.lease.renew()
        metrics.LEASE_HELD.set(self.lease.held)
        return delay

    def _beat(self) -> float:
        metrics.show_pool("engine", self._pool.pop_stats())
        delay = self._registration.run_once()
        if self._registration.asked_to_drain and not self._stands_down:
            self._stands_down = True
            self._stand_down.start()
        return delay

    def _stand_down_once(self) -> float:
        """Drain as drain() does, but stay: calls go on as long as they last, and heartbeats until the process ends.

        Done again from the start where the database was away.
        """
        for loop in (self._tick, self._claim, self._rescue, self._partitions):
            loop.stop()
        self.lease.release()
        self._dispatcher.stand_down()
        self._registration.draining = True
        self._heartbeat.wake()
        log.info(log.WORKER_STANDS_DOWN, worker_id=self._registration.id, busy=self._dispatcher.busy)
        self._stand_down.stop()
        return 0.0

    def _rescue_once(self) -> float:
        rescued = upkeep.look(self._pool)
        self._recorder.counts.sweep()
        alerts.judge(self._pool)
        if rescued:
            self._tick.wake()
        return 0.0 if rescued else min(self._config.heartbeat / 2, POLL_SECONDS * 5)

    def _keep_partitions(self) -> float:
        return min(
            upkeep.keep_partitions(self._pool, self._config.cleanup_days, self._config.failed_days),
            upkeep.close_day(self._pool),
            upkeep.index_partition(self._pool),
            upkeep.purge_audit(self._pool, self._config.audit_days),
            upkeep.purge_idempotency_keys(self._pool),
            upkeep.purge_incidents(self._pool, self._config.cleanup_days),
        )

    def _on_work(self) -> None:
        self._claim.wake()

    def _on_cancel(self, execution_id: UUID) -> None:
        self._dispatcher.abort(str(execution_id))

    def _on_drain(self, worker_id: UUID) -> None:
        if worker_id == self._registration.id:
            self._heartbeat.wake()

    def _on_buried(self) -> None:
        self.lease.rename(str(self._registration.id))
        self._dispatcher.abort_all()
