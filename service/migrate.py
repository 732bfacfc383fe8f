"""Migrations: what dbmate does with sql/migrations, and how schema.sql is made and checked.

`python -m service.migrate up` and `down` act on the database that is set, or the one of a run at home.
`schema` writes schema.sql, and `check` takes every migration up, down and up again and compares; both use a
scratch database on an embedded server.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from service import embedded, sql
from service.config import Config, ConfigError

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "sql" / "migrations"
SCHEMA = ROOT / "schema.sql"
# A migration that waits for a table's lock holds up all who come after it: it gives way sooner than a request of the
# API ends (db.STATEMENT_SECONDS), and is tried again once the others have had their turn. Sooner also than a server
# looks for deadlocks (deadlock_timeout, 1 s unless set): one that takes a table which the service waits for, and at
# once waits for one that the service holds, is then the one to step back. One that works for long in between may still
# be the survivor, so migrations take the tables they change first.
SESSION = "-c lock_timeout=800ms"
LOCK_ATTEMPTS = 20
LOCK_PAUSE_SECONDS = 2.0
GAVE_WAY = re.compile(r"due to lock timeout|deadlock detected")

TURN_SECONDS = 600.0  # how long one waits for others that migrate the same database
TURN_POLL_SECONDS = 0.2

BUILT = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)")

_try_migration_lock = sql.value("session.try_migration_lock")
_invalid_indexes = sql.value("session.invalid_indexes")


class MigrationError(RuntimeError):
    """What dbmate said when it failed, or how the migrations differ from what they should be."""


def migrate_up(database_url: str) -> str:
    """Apply what is pending, one process at a time; gives dbmate's report, empty when nothing was pending.

    A migration that cannot get a table's lock in time, or ends in a deadlock with those who use the tables, is tried
    again, a bounded number of times.

    Args:
        database_url: a connection string of either of libpq's forms, here and below.

    Raises:
        MigrationError: with what dbmate said.
    """
    with _turn(database_url) as conn:
        for attempt in range(1, LOCK_ATTEMPTS + 1):
            try:
                _drop_broken_off(conn)
                return _dbmate(database_url, "--migration-lock", "migrate")
            except MigrationError as error:
                if not GAVE_WAY.search(str(error)) or attempt == LOCK_ATTEMPTS:
                    raise
                time.sleep(LOCK_PAUSE_SECONDS * random.uniform(0.5, 1.5))
    raise AssertionError("the last attempt returns or raises")


def _drop_broken_off(conn: psycopg.Connection[Any]) -> None:
    """Drop the indexes whose building was broken off, by the lock timeout or with its process.

    They stay, invalid, and IF NOT EXISTS would pass over them. Only those that our migrations build: another may be
    under construction by somebody else. Raises MigrationError where one cannot be dropped.
    """
    ours = {name for path in MIGRATIONS.glob("*.sql") for name in BUILT.findall(path.read_text())}
    try:
        for name in sorted(ours.intersection(_invalid_indexes(conn))):
            drop = psycopg.sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
            conn.execute(drop.format(psycopg.sql.Identifier(name)))
    except psycopg.Error as error:
        raise MigrationError(f"cannot drop invalid indexes: {error}") from error


@contextlib.contextmanager
def _turn(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Be the only one of these processes that migrates the database while the block runs; gives a session to it.

    dbmate's own lock is not enough: one that waits for it deadlocks with an index that is built concurrently.
    """
    try:
        conn = psycopg.connect(
            database_url, autocommit=True, options=SESSION, application_name="scheduler-migrate", connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise MigrationError(str(error).strip()) from error
    with contextlib.closing(conn):
        end = time.monotonic() + TURN_SECONDS
        while not _try_migration_lock(conn):
            if time.monotonic() > end:
                raise MigrationError(f"another process has been migrating this database for {TURN_SECONDS:g} s")
            time.sleep(TURN_POLL_SECONDS)
        yield conn


def migrate_down(database_url: str) -> str:
    """Take back the latest migration; gives dbmate's report."""
    return _dbmate(database_url, "--migration-lock", "rollback")


def dump_schema(database_url: str, path: Path, postgres_bin: Path | None = None) -> None:
    """Write the database's schema to path, the same text for the same schema.

    Args:
        postgres_bin: folder of a pg_dump no older than the server; None takes the one on PATH.
    """
    _dbmate(database_url, "--schema-file", str(path), "dump", postgres_bin=postgres_bin)
    text = re.sub(r"^\\(un)?restrict .*\n", "", path.read_text(), flags=re.MULTILINE)  # a random token each
    text = re.sub(r"^-- Dumped (from|by) .*\n", "", text, flags=re.MULTILINE)  # versions, of no use here
    path.write_text(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")


def expected_version() -> str:
    """The version of the newest migration, as in schema_migrations: the schema this code is written for."""
    return max(path.name.split("_")[0] for path in MIGRATIONS.glob("*.sql"))


def _dbmate(database_url: str, *arguments: str, postgres_bin: Path | None = None) -> str:
    # The URL is not an argument, since ps shows those.
    path = os.pathsep.join(filter(None, (str(postgres_bin or ""), os.environ.get("PATH"))))
    environ = os.environ | {"DATABASE_URL": _url(database_url), "PGOPTIONS": SESSION, "PATH": path}
    done = subprocess.run(
        (_dbmate_program(), "--no-dump-schema", "--migrations-dir", str(MIGRATIONS), *arguments),
        check=False,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise MigrationError(f"dbmate {arguments[-1]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _url(conninfo: str) -> str:
    """A connection string of either of libpq's forms as a URL, the one that dbmate reads."""
    if "://" in conninfo:
        return conninfo
    rest = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    login = ":".join(quote(rest.pop(name), safe="") for name in ("user", "password") if name in rest)
    return f"postgres://{login}@/{quote(rest.pop('dbname', ''), safe='')}?{urlencode(rest)}"


def _dbmate_program() -> str:
    """The dbmate of this Python's environment, or else the one on PATH."""
    beside = Path(sys.executable).with_name("dbmate")
    program = str(beside) if beside.exists() else shutil.which("dbmate")
    if program is None:
        raise MigrationError("dbmate is missing: pip install -r requirements.txt")
    return program


def _up() -> str:
    with embedded.home_environment(os.environ) as environ:
        return migrate_up(Config.from_env(environ).database_conninfo) or "nothing pending\n"


def _down() -> str:
    with embedded.home_environment(os.environ) as environ:
        return migrate_down(Config.from_env(environ).database_conninfo)


def _schema() -> str:
    """Write schema.sql anew."""
    with embedded.scratch() as servers:
        migrate_up(servers.database_url)
        dump_schema(servers.database_url, SCHEMA, servers.postgres_bin)
    return f"wrote {SCHEMA.name} at version {expected_version()}\n"


def _check() -> str:
    """Take every migration up, down and up again, and compare the result with schema.sql."""
    with embedded.scratch() as servers, tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "schema.sql"
        migrate_up(servers.database_url)
        for _ in MIGRATIONS.glob("*.sql"):
            migrate_down(servers.database_url)
        dump_schema(servers.database_url, dump, servers.postgres_bin)
        left = re.findall(r"^CREATE (?!TABLE public\.schema_migrations).*", dump.read_text(), re.MULTILINE)
        if left:
            raise MigrationError("left behind by the downs:\n" + "\n".join(left))
        migrate_up(servers.database_url)
        dump_schema(servers.database_url, dump, servers.postgres_bin)
        if not SCHEMA.exists() or dump.read_text() != SCHEMA.read_text():
            raise MigrationError(f"{SCHEMA.name} is not what the migrations add up to; run: make schema")
    return f"migrations go up, down and up again; {SCHEMA.name} is what they add up to\n"


def main() -> None:
    """Run the command named on the command line."""
    commands = {"up": _up, "down": _down, "schema": _schema, "check": _check}
    parser = argparse.ArgumentParser(prog="python -m service.migrate", description=__doc__)
    parser.add_argument("command", choices=commands)
    try:
        sys.stdout.write(commands[parser.parse_args().command]())
    except (MigrationError, embedded.EmbeddedError, ConfigError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
