"""What every benchmark stands on: servers of its own, a fresh database a run, and the service as real processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from service import embedded, migrate
from tests.benchmarks import receiver
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.sizes import Sizes

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / ".data" / "benchmarks"
TEMPLATE = "scheduler_template"
OURS = ("OTEL_", "SCHEDULER_", "SERVER_", "POSTGRES_", "REDIS_", "TRACING_")  # settings of whoever runs this
START_SECONDS = 60.0
STOP_SECONDS = 40.0
LISTEN_SECONDS = 1.0  # after an engine has registered: by then it listens for work


class BenchmarkError(RuntimeError):
    """A run did not do what it was to measure, so there is no number."""


@dataclass(slots=True)
class Stand:
    """The servers and the receiver of all benchmarks."""

    servers: embedded.Servers
    receiver: Receiver
    sizes: Sizes
    owner: Connection[Any]  # autocommit, in the database "postgres"
    _runs: int = field(default=0)

    @contextlib.contextmanager
    def database(self, *, template: str | None = TEMPLATE, keep: bool = False) -> Iterator["Database"]:
        """A fresh database, migrated unless template is None; dropped afterwards unless it is to be kept."""
        self._runs += 1
        name = f"run_{self._runs}"
        source = sql.Identifier(template or "template0")
        self.owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(name), source)
        )
        self._redis().flushall()
        self.receiver.reset()
        try:
            with psycopg.connect(self._url(name), autocommit=True) as conn:
                # Rows that the harness makes or moves need not be audited, as a user's are: no triggers in its session.
                conn.execute("SET session_replication_role = replica")
                yield Database(self, name, self._url(name), conn)
        finally:
            if not keep:
                self.drop(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self.owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def postmaster(self) -> int:
        """Process id of the PostgreSQL server."""
        return int((DATA / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def _url(self, name: str) -> str:
        parts = conninfo_to_dict(self.servers.database_url)
        return f"postgres://{parts['user']}@{parts['host']}:{parts['port']}/{name}?sslmode=disable"

    def _redis(self) -> redis.Redis:
        return redis.Redis(host=self.servers.redis_host, port=self.servers.redis_port)


@dataclass(slots=True)
class Database:
    """One run's database."""

    stand: Stand
    name: str
    url: str
    conn: Connection[Any]  # autocommit, as the owner

    @contextlib.contextmanager
    def service(self, role: str = "engine", *, processes: int = 1, **settings: object) -> Iterator[list[int]]:
        """An instance of the service while the block runs, ready to work; gives the id of its (root) process."""
        process = self._start(role, settings | {"SCHEDULER_PROCESSES": processes})
        try:
            if role != "api":
                wait_for(lambda: self._registered() >= processes, START_SECONDS, "engines register")
                time.sleep(LISTEN_SECONDS)
            yield [process.pid]
        finally:
            process.send_signal(signal.SIGTERM)
            _end(process)

    def settle(self) -> None:
        """Leave no work of the preparation to the measured part: statistics, hint bits, dirty pages."""
        self.conn.execute("VACUUM (ANALYZE)")
        self.conn.execute("CHECKPOINT")

    def value(self, query: Any, parameters: Any = None) -> Any:
        """The one value a query gives."""
        row = self.conn.execute(query, parameters).fetchone()
        assert row is not None
        return row[0]

    def _registered(self) -> int:
        count: int = self.value("SELECT count(*) FROM workers")
        return count

    def _start(self, role: str, settings: dict[str, object]) -> subprocess.Popen[bytes]:
        servers = self.stand.servers
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment |= {
            "DATABASE_URL": self.url,
            "REDIS_HOST": servers.redis_host,
            "REDIS_PORT": str(servers.redis_port),
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": "0",
        } | {name: str(value) for name, value in settings.items()}
        with (DATA / f"{role}-{self.name}.log").open("wb") as log:
            command = (sys.executable, "-m", "service", role)
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


@contextlib.contextmanager
def standing(sizes: Sizes) -> Iterator[Stand]:
    """The servers, as durable as those of `make run`, on an empty data folder that goes away afterwards."""
    shutil.rmtree(DATA, ignore_errors=True)
    try:
        _preload_statements()
        with embedded.servers(DATA) as servers, receiver.running() as running, _owner(servers) as owner:
            owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
            stand = Stand(servers, running, sizes, owner)
            _fill_template(stand._url(TEMPLATE))
            yield stand
    finally:
        shutil.rmtree(DATA, ignore_errors=True)


def wait_for(condition: Callable[[], bool], seconds: float, what: str, every: float = 0.02) -> None:
    """Ask until it is so. Raises BenchmarkError after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchmarkError(f"still waiting after {seconds:g} s: {what}")
        time.sleep(every)


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def check(holds: bool, what: str) -> None:
    """Refuse a number whose run went wrong."""
    if not holds:
        raise BenchmarkError(what)


def module(name: str, *arguments: str) -> Sequence[str]:
    """The command that runs one of our modules as a process."""
    return (sys.executable, "-m", f"tests.benchmarks.{name}", *arguments)


def _owner(servers: embedded.Servers) -> Connection[Any]:
    parts = conninfo_to_dict(servers.database_url) | {"dbname": "postgres"}
    return psycopg.connect(psycopg.conninfo.make_conninfo(**parts), autocommit=True)


def _preload_statements() -> None:
    """Start once to have pg_stat_statements loaded at the next start; it counts statements for all alike."""
    with embedded.servers(DATA) as servers, _owner(servers) as owner:
        owner.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")


def _fill_template(url: str) -> None:
    migrate.migrate_up(url)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_stat_statements")
        conn.execute("SELECT make_log_partition(current_date + n) FROM generate_series(-1, 2) AS n")
        conn.execute("VACUUM (ANALYZE)")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
