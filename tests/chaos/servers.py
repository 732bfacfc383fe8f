"""PostgreSQL and Redis that can be stopped, frozen and started again on the same port and data."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis

from service import embedded

START_SECONDS = 60.0


class Server:
    """A server process that can be brought down and up again as it was."""

    def __init__(self, pid: int, answers: Callable[[], bool], *arguments: str) -> None:
        process = psutil.Process(pid)
        self._command = [process.exe(), *arguments] if arguments else process.cmdline()
        self._folder = process.cwd()
        self._uid, self._gid = process.uids().real, process.gids().real
        self._pid = pid
        self._answers = answers
        self._ours: subprocess.Popen[bytes] | None = None

    def stop(self, number: signal.Signals) -> None:
        """Send a signal that ends it, and wait until it is gone."""
        process = psutil.Process(self._pid)
        process.send_signal(number)
        if self._ours is not None:
            self._ours.wait(60)
        else:
            process.wait(60)

    def start(self) -> None:
        """Start it as it was and wait until it answers."""
        root = os.geteuid() == 0
        self._ours = subprocess.Popen(
            self._command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=self._uid if root else None,
            group=self._gid if root else None,
            extra_groups=() if root else None,
        )
        self._pid = self._ours.pid
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._ours.poll() is not None:
                raise RuntimeError(f"{Path(self._command[0]).name} did not come back")
            time.sleep(0.05)

    def freeze(self) -> None:
        """Stop it in its tracks."""
        psutil.Process(self._pid).send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        psutil.Process(self._pid).send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End what start() has started; the first process belongs to whoever started that."""
        if self._ours is not None and self._ours.poll() is None:
            self.thaw()
            self.stop(signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Backing:
    """The servers of a run, and whether their processes are ours to bring down."""

    database_url: str
    redis_host: str
    redis_port: int
    postgres: Server | None
    redis: Server | None

    def settings(self) -> dict[str, str]:
        """The variables by which the service finds them."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_HOST": self.redis_host,
            "REDIS_PORT": str(self.redis_port),
        }


@contextlib.contextmanager
def backing(environ: Mapping[str, str]) -> Iterator[Backing]:
    """The servers that DATABASE_URL and REDIS_HOST name, else embedded ones with durable settings."""
    if environ.get("DATABASE_URL"):
        host, port = environ.get("REDIS_HOST", "localhost"), int(environ.get("REDIS_PORT", "6379"))
        yield Backing(environ["DATABASE_URL"], host, port, None, None)
        return
    with tempfile.TemporaryDirectory(prefix="scheduler-chaos-") as folder:
        home = Path(folder)
        with embedded.servers(home) as running, contextlib.ExitStack() as closing:
            postgres = Server(_pid(home / "postgres" / "postmaster.pid"), lambda: _accepts(running.database_url))
            # Redis writes a title over its command line.
            port = ("--port", str(running.redis_port))
            cache = Server(_pid(home / "redis" / "redis.pid"), lambda: _pongs(running), *embedded.REDIS, *port)
            closing.callback(postgres.close)
            closing.callback(cache.close)
            yield Backing(running.database_url, running.redis_host, running.redis_port, postgres, cache)


def _pid(path: Path) -> int:
    return int(path.read_text().split()[0])


def _accepts(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
        return True
    return False


def _pongs(running: embedded.Servers) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(redis.Redis(host=running.redis_host, port=running.redis_port, socket_timeout=1).ping())
    return False
