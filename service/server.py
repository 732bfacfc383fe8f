"""One process of the service: opens what its role needs, serves until a signal, and drains."""

import signal
import threading
import time
from contextlib import ExitStack
from types import FrameType
from typing import Any, NoReturn

from waitress.server import create_server

from service import __version__, db, log, tracing
from service.api import Services, create_app
from service.config import Config, ConfigError
from service.engine import Engine
from service.lease import Lease

BODY_LIMIT = 16 * 1024 * 1024  # bytes read of a request before the API, whose own limit is lower, can refuse it
END_SIGNAL = signal.SIGUSR2
SAME_SIGNAL_SECONDS = 1.0  # a terminal and a supervisor may both pass one Ctrl-C on


def serve(config: Config, role: str = "all") -> int:
    """Serve as `role` until SIGTERM or SIGINT, then drain. Returns the exit code: 1 when a part of the engine broke."""
    log.configure(config.log_level, config.log_format)
    tracing.configure(config, __version__)
    shutdown = Shutdown()
    with ExitStack() as closing:
        closing.callback(tracing.shutdown)
        if role in ("all", "engine"):
            shutdown.engine = Engine(config, on_failure=shutdown.fail)
        server = _listen(config, shutdown, closing) if role in ("all", "api") else None
        shutdown.take_signals()
        if shutdown.engine is not None:
            shutdown.engine.start()
        log.info(log.SERVING, role=role, port=server.effective_port if server else None, version=__version__)
        _run(server)
    log.info(log.STOPPED, code=shutdown.code)
    return shutdown.code


def _listen(config: Config, shutdown: "Shutdown", closing: ExitStack) -> Any:
    pool = db.open_pool(config, "api", size=config.server_threads + 1)
    closing.callback(pool.close)
    lease = shutdown.engine.lease if shutdown.engine is not None else Lease(config, "api")
    app = create_app(Services(config=config, pool=pool, draining=shutdown.draining, lease_state=lease.state))
    try:
        return create_server(
            app,
            host=config.server_host,
            port=config.server_port,
            threads=config.server_threads,
            ident="scheduler-service",
            max_request_body_size=BODY_LIMIT,
            clear_untrusted_proxy_headers=True,
        )
    except (OSError, ValueError) as error:
        where = f"SERVER_HOST={config.server_host} SERVER_PORT={config.server_port}"
        raise ConfigError(f"{where}: expected an address of this machine and a free port ({error})") from error


def _run(server: Any) -> None:
    try:
        if server is None:
            threading.Event().wait()
        else:
            server.run()  # ends cleanly when SystemExit is raised in it
    except SystemExit:
        return
    finally:
        if server is not None:
            server.close()


class Shutdown:
    """Turns the first signal into a drain and a second one into an exit at once."""

    def __init__(self) -> None:
        self.draining = threading.Event()
        self.engine: Engine | None = None
        self.code = 0
        self._lock = threading.Lock()
        self._began = 0.0  # monotonic

    def take_signals(self) -> None:
        """Handle SIGTERM and SIGINT from now on. Must be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(END_SIGNAL, self._on_end)

    def fail(self) -> None:
        """Drain and exit with code 1: a process that goes on with a part dead is worse than one started anew."""
        self.code = 1
        self._begin()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.draining.is_set():
            if time.monotonic() < self._began + SAME_SIGNAL_SECONDS:
                return
            self.code = 128 + number  # what runs is rescued by others, as after any crash
            raise SystemExit(self.code)
        self._begin()

    def _on_end(self, _number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(self.code)

    def _begin(self) -> None:
        with self._lock:
            if self.draining.is_set():
                return
            self._began = time.monotonic()
            self.draining.set()
        threading.Thread(target=self._drain, name="drain", daemon=True).start()

    def _drain(self) -> None:
        log.info(log.DRAINING)
        try:
            if self.engine is not None:
                self.engine.drain()
        finally:
            signal.pthread_kill(threading.main_thread().ident or 0, END_SIGNAL)
