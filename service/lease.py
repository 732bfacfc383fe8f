"""Who may tick, and for how long: the only module that knows Redis.

The lease saves work and guards nothing: two tickers at once are correct, only wasteful. So whenever Redis cannot be
asked, every instance may tick. A holder counts its time from before the request was sent, less a margin, and stops
itself before another may start.
"""

import secrets
import threading
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service import log, metrics
from service.config import Config

KEY = "scheduler:ticker"
RENEW_SECONDS = 1.0
MARGIN = 0.1  # of the lease's time, for clocks that run at different speeds

_REFRESH = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


class Lease:
    """The ticker lease as seen by one process; renew() is called by its own loop, so a slow Redis delays no tick."""

    def __init__(self, config: Config, holder: str) -> None:
        self._ttl = config.lock_ttl
        self._token = f"{holder}:{secrets.token_hex(16)}"
        self._client: redis.Redis = redis.Redis(
            host=config.redis_host,
            port=config.redis_port,
            db=config.redis_db,
            password=config.redis_password or None,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._refresh = self._client.register_script(_REFRESH)
        self._release = self._client.register_script(_RELEASE)
        self._lock = threading.Lock()
        self._held_until = 0.0  # monotonic
        self._reachable: bool | None = None
        self._released = False

    def may_tick(self) -> bool:
        """Whether this process holds the lease, or nobody can know who does."""
        if self._released:
            return False
        return self._reachable is False or time.monotonic() < self._held_until

    @property
    def held(self) -> bool:
        """Whether this process holds the lease for certain."""
        return time.monotonic() < self._held_until

    def renew(self) -> float:
        """Refresh the lease, or take it if it is free. Returns the seconds until the next renewal."""
        with self._lock:
            if not self._released:
                self._ask(only_if_free=True)
        return min(RENEW_SECONDS, self._ttl / 4)

    def seize(self) -> None:
        """Take the lease from a holder that lets runs go overdue; it notices at its next renewal."""
        with self._lock:
            if not self._released:
                self._ask(only_if_free=False)

    def rename(self, holder: str) -> None:
        """Go on as another holder, without the lease: this process hung, and is known by a new name since."""
        with self._lock:
            self._give_up()
            self._token = f"{holder}:{secrets.token_hex(16)}"

    def release(self) -> None:
        """Give the lease up, for good: the next holder starts at once."""
        with self._lock:
            self._released = True
            self._give_up()

    def state(self) -> dict[str, Any]:
        """For /health: `status` ok or down, and `holder`, the worker id of the process that holds the lease."""
        try:
            token = self._client.get(KEY)
        except redis.RedisError:
            return {"status": "down", "holder": None}
        return {"status": "ok", "holder": str(token).partition(":")[0] if token else None}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _give_up(self) -> None:
        self._held_until = 0.0
        try:
            self._release(keys=[KEY], args=[self._token])
        except redis.RedisError as error:
            self._note(error)

    def _ask(self, *, only_if_free: bool) -> None:
        asked = time.monotonic()
        milliseconds = int(self._ttl * 1000)
        try:
            won = bool(self._refresh(keys=[KEY], args=[self._token, milliseconds])) or bool(
                self._client.set(KEY, self._token, nx=only_if_free, px=milliseconds)
            )
        except redis.RedisError as error:
            self._note(error)
            return
        self._note(None)
        held_before = self._held_until > asked
        self._held_until = asked + self._ttl * (1 - MARGIN) if won else 0.0
        if won != held_before:
            metrics.LEASE_CHANGES.labels("taken" if won else "lost").inc()
            log.info(log.LEASE_TAKEN if won else log.LEASE_LOST)

    def _note(self, error: redis.RedisError | None) -> None:
        reachable = error is None
        if reachable != self._reachable:
            if error is not None:
                log.warning(log.REDIS_DOWN, error=error)
            elif self._reachable is False:
                log.info(log.REDIS_UP)
        self._reachable = reachable
