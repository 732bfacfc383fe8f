"""One process of the service: opens what its role needs, serves until a signal, and drains."""

import gc
import random
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType

from service import __version__, affinity, db, log, tracing
from service.affinity import Affinity
from service.config import Config
from service.engine import Engine
from service.lease import Lease
from service.loop import Loop
from service.supervisor import SAME_SIGNAL_SECONDS
from service.web import WebServer

REQUEST_SECONDS = 10.0  # longest that a request under way keeps a drained process; statements end sooner
PROBE_THREADS = 2
COLLECT_AFTER = 20_000  # objects; Python's 700 are those of a few calls, or of a few rows of a page


def serve_on(
    sockets: Sequence[socket.socket], config: Config, role: str, orphaned: int | None = None, place: int | None = None
) -> int:
    """Serve as `role` on these sockets until a signal, then drain; `probe` shows an instance's state only.

    When the file descriptor `orphaned` closes at its other end, the process drains as after a signal. Processes whose
    places follow each other begin on different cores.
    """
    tracing.configure(config, __version__)
    if not config.secrets_key and role != "probe":
        note = "SECRETS_KEY is not set: Authorization and the like are masked, but stored in plain text"
        log.warning(log.SECRETS_IN_PLAIN, note=note)
    shutdown = Shutdown(config)
    with ExitStack() as closing:
        closing.callback(tracing.shutdown)
        if role in ("all", "engine"):
            shutdown.engine = Engine(config, on_failure=shutdown.fail)
        if sockets:
            shutdown.web = _web(sockets, config, role, shutdown, closing)
        shutdown.take_signals(orphaned)
        if role != "probe":
            _bind_to_core(config, place, shutdown)
        _spare_collector()
        if shutdown.engine is not None:
            shutdown.engine.start()
        log.info(log.SERVING, role=role, port=shutdown.web.port if shutdown.web else None, version=__version__)
        _run(shutdown)
    log.info(log.STOPPED, code=shutdown.code)
    return shutdown.code


def _web(
    sockets: Sequence[socket.socket], config: Config, role: str, shutdown: "Shutdown", closing: ExitStack
) -> WebServer:
    # Not above: it is half of what a process imports, and most engines have no socket.
    from service.api.app import create_app, create_probe
    from service.api.services import Services

    threads = config.server_threads if role in ("all", "api") else PROBE_THREADS
    pool = db.open_pool(config, "api", size=threads + 1)
    closing.callback(pool.close)
    lease = shutdown.engine.lease if shutdown.engine is not None else Lease(config, "api")
    services = Services(config=config, pool=pool, draining=shutdown.draining, lease_state=lease.state)
    app = create_app(services) if role in ("all", "api") else create_probe(services)
    return WebServer(app, sockets, threads, shutdown.draining)


def _bind_to_core(config: Config, place: int | None, shutdown: "Shutdown") -> None:
    if config.cpu_affinity and affinity.AVAILABLE:
        kept = Affinity(random.randrange(affinity.PLACES) if place is None else place)
        kept.run_once()  # before the engine starts its threads, which take it over
        Loop("affinity", kept.run_once, shutdown.fail, jitter=affinity.JITTER_SECONDS).start()


def _spare_collector() -> None:
    """Keep the garbage collector from what stays: nothing else runs while it looks at all that was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _run(shutdown: "Shutdown") -> None:
    try:
        if shutdown.web is not None:
            shutdown.web.run()
        shutdown.ended.wait()
    except SystemExit:  # a second signal
        return


class Shutdown:
    """Turns the first signal into a drain and a second one into an exit at once."""

    def __init__(self, config: Config) -> None:
        self.draining = threading.Event()
        self.ended = threading.Event()
        self.engine: Engine | None = None
        self.web: WebServer | None = None
        self.code = 0
        self._delay = config.drain_delay
        self._lock = threading.Lock()
        self._began = 0.0  # monotonic

    def take_signals(self, orphaned: int | None = None) -> None:
        """Handle SIGTERM and SIGINT from now on, and the end of a supervisor. Must be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if orphaned is not None:
            threading.Thread(target=self._watch, args=[orphaned], name="orphaned", daemon=True).start()

    def fail(self) -> None:
        """Drain and exit with code 1: a process that goes on with a part dead is worse than one started anew."""
        self.code = 1
        self._begin(self._delay)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.draining.is_set():
            if time.monotonic() < self._began + SAME_SIGNAL_SECONDS:
                return
            self.code = 128 + number  # what runs is rescued by others, as after any crash
            self._end()  # waitress may swallow what is raised within it
            raise SystemExit(self.code)
        self._begin(0.0 if number == signal.SIGINT else self._delay)  # no balancer stands before a terminal

    def _watch(self, orphaned: int) -> None:
        with open(orphaned, "rb", buffering=0) as lifeline:
            lifeline.read(1)
        log.warning(log.ORPHANED, note="the supervisor is gone")
        self._begin(0.0)

    def _begin(self, delay: float) -> None:
        with self._lock:
            if self.draining.is_set():
                return
            self._began = time.monotonic()
            self.draining.set()
        threading.Thread(target=self._drain, args=[delay], name="drain", daemon=True).start()

    def _drain(self, delay: float) -> None:
        log.info(log.DRAINING)
        try:
            if self.engine is not None:
                self.engine.drain()
            if self.web is not None:
                # Until a balancer has seen /ready say no, it sends requests, and they are answered.
                time.sleep(max(0.0, self._began + delay - time.monotonic()))
                self.web.finish(REQUEST_SECONDS)
        finally:
            self._end()

    def _end(self) -> None:
        self.ended.set()
        if self.web is not None:
            self.web.stop()
