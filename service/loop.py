"""Run-until-stopped: the one thread body of everything in the engine that repeats."""

import random
import threading
from collections.abc import Callable

import psycopg

from service import db, log
from service.errors import Unavailable

BACKOFF_SECONDS = 1.0
POLL_SECONDS = 1.0


class Loop:
    """A thread that calls run_once until stopped, waiting between calls as long as run_once says.

    run_once does one bounded batch and returns the seconds until there may be more to do. wake() cuts a wait short.
    A lost database is waited for. Anything unexpected ends the loop and calls on_failure: a process that goes on
    with a part dead is worse than one that is started anew.
    """

    def __init__(
        self, name: str, run_once: Callable[[], float], on_failure: Callable[[], None], jitter: float = 0.0
    ) -> None:
        self._run_once = run_once
        self._on_failure = on_failure
        self._jitter = jitter
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """End the wait under way, or skip the next one."""
        if not self._wake.is_set():  # asked for by each call that ends, and many end before the loop looks
            self._wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """Ask the thread to end after the batch it is in, and wait for that."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                delay = self._run_once()
            except (Unavailable, psycopg.Error) as error:
                if isinstance(error, psycopg.Error) and not db.is_unavailable(error):
                    self._fail(error)
                    return
                log.warning(log.DATABASE_LOST, loop=self._thread.name, error=error.__cause__ or error)
                delay = BACKOFF_SECONDS * random.uniform(0.5, 1.5)
            except Exception as error:  # noqa: BLE001 - the top of a loop
                self._fail(error)
                return
            if delay > 0:
                self._wake.wait(delay + self._jitter * random.random())
            self._wake.clear()

    def _fail(self, error: Exception) -> None:
        log.error(log.LOOP_FAILED, error, loop=self._thread.name)
        self._on_failure()
