"""Several processes as one instance: started, started anew when they die, and drained together.

    supervisor --+-- api        serves the port, which the supervisor opened and keeps open while this one is dead
                 +-- engine-1   ticks, claims, calls
                 +-- engine-2

Each is a fresh Python, not a fork, so it shares no thread, lock or session with another. Each watches a pipe whose
other end only the supervisor holds, and drains when that closes: none outlives a supervisor that was killed.
"""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from service import log
from service.affinity import PLACES
from service.config import Config

QUICK_SECONDS = 10.0  # one that dies sooner after its start had no chance to do anything
PAUSE_SECONDS = 0.5  # before the first restart of one that died quickly, doubled for each that follows
QUICK_DEATHS = 6  # in a row, then the instance ends: started again it would die again
SAME_SIGNAL_SECONDS = 1.0  # a terminal and a supervisor may both pass one Ctrl-C on
KILL_SECONDS = 15.0  # past all that a drain may take, for a process that hangs in it
LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Part:
    """A process of the instance, and those before it that died."""

    name: str
    role: str
    sockets: Sequence[socket.socket] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0  # monotonic, as the others
    start_at: float = 0.0  # when it is to be started, while there is no process
    quick_deaths: int = 0
    starts: int = 0


def parts_of(config: Config, role: str, sockets: Sequence[socket.socket]) -> list[Part]:
    """What an instance of a role is made of."""
    engines = [Part(f"engine-{number}", "engine") for number in range(1, config.processes + 1)]
    if role == "all":
        return [Part("api", "api", sockets), *engines]
    return [Part("probe", "probe", sockets), *engines] if sockets else engines


def supervise(config: Config, role: str, sockets: Sequence[socket.socket]) -> int:
    """Run an instance of several processes until a signal. Returns the exit code: 0 when all have drained well."""
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="scheduler-metrics-"))
        return Supervisor(config, parts_of(config, role, sockets), Path(folder)).run()


class Supervisor:
    """Keeps the parts of an instance alive until a signal, or until one of them dies over and over."""

    def __init__(self, config: Config, parts: Sequence[Part], metrics_folder: Path) -> None:
        self._parts = parts
        self._environment = os.environ | config.environment() | {"PROMETHEUS_MULTIPROC_DIR": str(metrics_folder)}
        self._metrics_folder = metrics_folder
        self._grace = config.shutdown_timeout + config.drain_delay + KILL_SECONDS
        self._lifeline, self._held = os.pipe()  # the children's end, and the one that only this process holds
        self._wake_read, self._wake_write = os.pipe()
        self._signals: list[int] = []
        self._draining_since: float | None = None
        self._code = 0
        self._place = random.randrange(PLACES)

    def run(self) -> int:
        """Start all parts and see to them until the last has ended."""
        self._take_signals()
        try:
            while True:
                self._heed_signals()
                for part in self._parts:
                    self._see_to(part)
                if self._draining_since is not None and all(part.process is None for part in self._parts):
                    return self._code
                self._wait()
        finally:
            self._kill_all()
            signal.set_wakeup_fd(-1)

    def _take_signals(self) -> None:
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _wait(self) -> None:
        pauses = [part.start_at - time.monotonic() for part in self._parts if part.process is None]
        readable, _, _ = select.select([self._wake_read], [], [], max(0.0, min([LOOK_SECONDS, *pauses])))
        if readable:
            os.read(self._wake_read, 4096)

    def _heed_signals(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if self._draining_since is None:
                self._drain(number)
            elif time.monotonic() > self._draining_since + SAME_SIGNAL_SECONDS:
                self._code = 128 + number  # what runs is rescued by others, as after any crash
                self._kill_all()
        if self._draining_since is not None and time.monotonic() > self._draining_since + self._grace:
            self._kill_all()

    def _drain(self, number: int) -> None:
        log.info(log.DRAINING)
        self._draining_since = time.monotonic()
        for part in self._parts:
            for listener in part.sockets:
                listener.close()  # from now on the port is open only as long as the process that serves it wants
            if part.process is not None:
                part.process.send_signal(number)

    def _see_to(self, part: Part) -> None:
        if part.process is not None and (code := part.process.poll()) is not None:
            self._bury(part, code)
        if part.process is None and self._draining_since is None and time.monotonic() >= part.start_at:
            self._start(part)

    def _start(self, part: Part) -> None:
        numbers = [listener.fileno() for listener in part.sockets]
        command = [sys.executable, "-m", "service.child", part.role, "--name", part.name]
        command += ["--lifeline", str(self._lifeline), *(f"--socket={number}" for number in numbers)]
        command += ["--place", str(self._place + self._parts.index(part)), *(["--again"] if part.starts else [])]
        part.process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lifeline, *numbers],
            process_group=0,  # a terminal's Ctrl-C reaches the supervisor, which passes it on
        )
        part.started = time.monotonic()
        part.starts += 1
        log.info(log.PROCESS_STARTED, part=part.name, pid=part.process.pid)

    def _bury(self, part: Part, code: int) -> None:
        mark_process_dead(part.name, str(self._metrics_folder))  # type: ignore[no-untyped-call]
        pid, part.process = part.process.pid if part.process else None, None
        if self._draining_since is not None:
            self._code = self._code or (1 if code not in (0, -signal.SIGTERM, -signal.SIGINT) else 0)
            log.info(log.PROCESS_ENDED, part=part.name, pid=pid, code=code)
            return
        quick = time.monotonic() < part.started + QUICK_SECONDS
        part.quick_deaths = part.quick_deaths + 1 if quick else 0
        if part.quick_deaths >= QUICK_DEATHS:
            log.error(log.PROCESS_DIED, part=part.name, pid=pid, code=code, note="it dies over and over; giving up")
            self._code = 1
            self._drain(signal.SIGTERM)
            return
        pause = PAUSE_SECONDS * 2 ** (part.quick_deaths - 1) if quick else 0.0
        part.start_at = time.monotonic() + pause
        log.warning(log.PROCESS_DIED, part=part.name, pid=pid, code=code, again_in=pause)

    def _kill_all(self) -> None:
        for part in self._parts:
            if part.process is not None:
                part.process.kill()
                part.process.wait()
