"""Real servers for every test: a template database per session, a clone of it per test, and one Redis."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import redis
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from pytest_postgresql import factories

from service import db, embedded, migrate
from service.config import Config
from tests.factories import Factory

# What is ignored stays ignored in a program that is started, where tests end programs by these signals: so in a shell's
# background, or under nohup. A handler does not stay, and one that does nothing ignores the signal here as well.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def servers() -> Iterator[embedded.Servers]:
    """PostgreSQL and Redis of the test session's own."""
    with embedded.scratch() as running:
        yield running


@pytest.fixture(scope="session")
def cluster(servers: embedded.Servers) -> SimpleNamespace:
    """Where pytest-postgresql finds the server."""
    parts = psycopg.conninfo.conninfo_to_dict(servers.database_url)
    return SimpleNamespace(
        host=parts["host"],
        port=parts["port"],
        user=parts["user"],
        password=None,
        options="",
        maintenance_dbname="postgres",
        template_dbname=None,
    )


def migrated(host: str, port: int, user: str, dbname: str, password: str | None, **_: Any) -> None:
    """Fill the template: the migrations, and the log's partitions of these days."""
    conninfo = make_conninfo(host=host, port=port, user=user, dbname=dbname, sslmode="disable")
    migrate.migrate_up(conninfo)
    with psycopg.connect(conninfo) as conn:
        conn.execute("SELECT make_log_partition(current_date + n) FROM generate_series(-1, 2) AS n")


postgresql_noproc = factories.postgresql_noproc(depends_on="cluster", dbname="scheduler_tests", load=[migrated])
postgresql = factories.postgresql("postgresql_noproc")


@pytest.fixture
def config(postgresql: Connection[Any], servers: embedded.Servers) -> Config:
    """Settings of a service on the test's database and an empty Redis."""
    redis.Redis(host=servers.redis_host, port=servers.redis_port).flushall()
    info = postgresql.info
    return Config.from_env(
        {
            "DATABASE_URL": f"postgres://{info.user}@{info.host}:{info.port}/{info.dbname}?sslmode=disable",
            "REDIS_HOST": servers.redis_host,
            "REDIS_PORT": str(servers.redis_port),
            "SCHEDULER_WORKER_COUNT": "4",
            "SCHEDULER_HEARTBEAT_SECONDS": "0.5",
            "SERVER_SHUTDOWN_TIMEOUT": "2",
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": "0",
        }
    )


@pytest.fixture
def conn(config: Config) -> Iterator[Connection[Any]]:
    """An autocommit session of the owner, who sees every tenant's rows, as dictionaries."""
    with psycopg.connect(config.database_conninfo, autocommit=True, row_factory=dict_row) as session:
        yield session


@pytest.fixture
def make(conn: Connection[Any]) -> Factory:
    """Makes rows to start from."""
    return Factory(conn)


@pytest.fixture
def engine_pool(config: Config) -> Iterator[db.Pool]:
    """A pool of the engine's sessions."""
    pool = db.open_pool(config, "engine", size=4)
    yield pool
    pool.close()


@pytest.fixture
def api_pool(config: Config) -> Iterator[db.Pool]:
    """A pool of the API's sessions."""
    pool = db.open_pool(config, "api", size=4)
    yield pool
    pool.close()


def eventually(condition: Callable[[], Any], deadline: float = 20.0) -> Any:
    """The first true result of a condition that is asked until a deadline; fails the test at the deadline."""
    end = time.monotonic() + deadline
    while not (result := condition()):
        assert time.monotonic() < end, f"still not true after {deadline} s: {condition}"
        time.sleep(0.02)
    return result


ROOT = Path(__file__).parent.parent
