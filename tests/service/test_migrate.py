"""Migrations through dbmate."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import embedded, migrate
from tests.conftest import ROOT, eventually


@pytest.fixture(scope="module")
def servers() -> Iterator[embedded.Servers]:
    with embedded.scratch() as running:
        yield running


def test_expected_version_is_the_newest_migration() -> None:
    newest = sorted(path.name for path in Path("sql/migrations").glob("*.sql"))[-1]

    assert newest.startswith(f"{migrate.expected_version()}_")


def test_up_applies_once_and_down_takes_back(servers: embedded.Servers) -> None:
    url = servers.database_url

    first, second = migrate.migrate_up(url), migrate.migrate_up(url)
    back, again = migrate.migrate_down(url), migrate.migrate_up(url)

    assert migrate.expected_version() in first
    assert second == ""
    assert "Rolling back" in back
    assert migrate.expected_version() in again


def test_two_dumps_are_equal(servers: embedded.Servers, tmp_path: Path) -> None:
    migrate.migrate_up(servers.database_url)

    for name in ("one.sql", "two.sql"):
        migrate.dump_schema(servers.database_url, tmp_path / name, servers.postgres_bin)

    assert (tmp_path / "one.sql").read_text() == (tmp_path / "two.sql").read_text()
    assert "restrict" not in (tmp_path / "one.sql").read_text().splitlines()[0]


def test_up_takes_the_keyword_form_too(servers: embedded.Servers) -> None:
    conninfo = make_conninfo(**conninfo_to_dict(servers.database_url) | {"password": "a b@/:c"})

    migrate.migrate_up(conninfo)

    assert migrate.migrate_up(conninfo) == ""


def test_an_error_says_what_was_wrong() -> None:
    with pytest.raises(migrate.MigrationError, match=r"(?i)connection refused"):
        migrate.migrate_up("postgres://scheduler@127.0.0.1:1/scheduler?sslmode=disable")


MIGRATION = """-- migrate:up
{statement}
-- migrate:down
SELECT 1;
"""


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("require-concurrent-index-creation", "CREATE INDEX bad_idx ON jobs (name);"),
        ("ban-concurrent-index-creation-in-transaction", "CREATE INDEX CONCURRENTLY bad_idx ON jobs (name);"),
        ("require-concurrent-index-deletion", "DROP INDEX jobs_due_idx;"),
        ("adding-required-field", "ALTER TABLE jobs ADD COLUMN bad text NOT NULL;"),
        ("adding-field-with-default", "ALTER TABLE jobs ADD COLUMN bad uuid DEFAULT gen_random_uuid();"),
        ("adding-not-nullable-field", "ALTER TABLE jobs ALTER COLUMN description SET NOT NULL;"),
        ("changing-column-type", "ALTER TABLE jobs ALTER COLUMN name TYPE jsonb USING to_jsonb(name);"),
        ("constraint-missing-not-valid", "ALTER TABLE jobs ADD CONSTRAINT bad CHECK (priority > 0);"),
        ("disallowed-unique-constraint", "ALTER TABLE jobs ADD CONSTRAINT bad UNIQUE (name);"),
        ("adding-foreign-key-constraint", "ALTER TABLE jobs ADD FOREIGN KEY (id) REFERENCES workers (id);"),
        ("renaming-column", "ALTER TABLE jobs RENAME COLUMN name TO title;"),
        ("renaming-table", "ALTER TABLE jobs RENAME TO tasks;"),
        ("ban-drop-column", "ALTER TABLE jobs DROP COLUMN description;"),
    ],
)
def test_lint_refuses_what_locks_for_long_or_breaks_the_old_code(rule: str, statement: str, tmp_path: Path) -> None:
    bad = tmp_path / "20990101000000_bad.sql"
    bad.write_text(MIGRATION.format(statement=statement))

    squawk = Path(sys.executable).with_name("squawk")
    done = subprocess.run([squawk, "--reporter=gcc", bad], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, rule in done.stdout) == (1, True), done.stdout


def migration(folder: Path, version: int, statement: str) -> None:
    (folder / f"209901010000{version:02}_test.sql").write_text(MIGRATION.format(statement=statement))


CONCURRENTLY = """-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS grown_idx ON grown (id);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS grown_idx;
"""


@pytest.fixture
def own_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations of the test's own, in a schema table of its own database."""
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    return tmp_path


def test_a_migration_gives_way_and_is_tried_again(
    servers: embedded.Servers, own_migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration(own_migrations, 1, "CREATE TABLE locked (id int);")
    migrate.migrate_up(servers.database_url)
    migration(own_migrations, 2, "ALTER TABLE locked ADD COLUMN more int;")
    holder = psycopg.connect(servers.database_url)
    holder.execute("LOCK TABLE locked")
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(migrate, "_dbmate", freeing(migrate._dbmate, holder, after=2))

    assert "20990101000002" in migrate.migrate_up(servers.database_url)


def test_an_index_whose_building_was_broken_off_is_built_anew(
    servers: embedded.Servers, own_migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration(own_migrations, 8, "CREATE TABLE grown (id int);")
    migrate.migrate_up(servers.database_url)
    (own_migrations / "20990101000009_test.sql").write_text(CONCURRENTLY)
    holder = psycopg.connect(servers.database_url)
    holder.execute("LOCK TABLE grown IN ROW EXCLUSIVE MODE")  # as a writer does, whom the building waits for
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(migrate, "_drop_broken_off", freeing(migrate._drop_broken_off, holder, after=3))

    migrate.migrate_up(servers.database_url)

    with psycopg.connect(servers.database_url) as conn:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'grown_idx'::regclass"
        assert conn.execute(valid).fetchone() == (True,)


def freeing(step: Callable[..., Any], holder: psycopg.Connection, after: int) -> Callable[..., Any]:
    """A step of migrating, with the holder of a lock letting go before a later attempt."""
    attempts = itertools.count(1)

    def run(*arguments: Any) -> Any:
        if next(attempts) == after:
            holder.close()
        return step(*arguments)

    return run


def test_a_migration_that_ends_in_a_deadlock_is_tried_again(
    servers: embedded.Servers, own_migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration(own_migrations, 10, "CREATE TABLE hen (id int); CREATE TABLE egg (id int);")
    migrate.migrate_up(servers.database_url)
    migration(own_migrations, 11, CROSSING)
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0.01)
    failures: list[migrate.MigrationError] = []
    monkeypatch.setattr(migrate, "_dbmate", telling(migrate._dbmate, failures))

    with psycopg.connect(servers.database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SET LOCAL deadlock_timeout = '1h'")
        other.execute("SELECT FROM hen")
        report = pool.submit(migrate.migrate_up, servers.database_url)
        eventually(lambda: locked(servers, "egg"))
        other.execute("SELECT FROM egg")  # goes on as soon as the migration has stepped back
        other.commit()

    assert "deadlock detected" in str(failures[0])
    assert "20990101000011" in report.result()


# Waits for the second table once whoever holds it waits for the first. The server looks for a deadlock before the lock
# timeout here, as one does whose deadlock_timeout is short.
CROSSING = """
SET LOCAL deadlock_timeout = '10ms';
LOCK TABLE egg;
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_locks WHERE relation = 'hen'::regclass AND granted)
    AND NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'egg'::regclass AND NOT granted) LOOP
        ASSERT clock_timestamp() < now() + interval '30 s', 'nobody came to wait for egg';
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
ALTER TABLE hen ADD COLUMN egg int;
"""


def locked(servers: embedded.Servers, table: str) -> bool:
    with psycopg.connect(servers.database_url) as conn:
        held = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = %s::regclass AND mode = 'AccessExclusiveLock')"
        return conn.execute(held, [table]).fetchone() == (True,)


def telling(step: Callable[..., Any], failures: list[migrate.MigrationError]) -> Callable[..., Any]:
    """A step of migrating, with its errors kept as well as raised."""

    def run(*arguments: Any) -> Any:
        try:
            return step(*arguments)
        except migrate.MigrationError as error:
            failures.append(error)
            raise

    return run


def test_migrations_step_back_before_the_server_ends_one_of_the_service_for_a_deadlock(
    servers: embedded.Servers,
) -> None:
    with psycopg.connect(servers.database_url, options=migrate.SESSION) as conn:
        settings = "current_setting('lock_timeout')::interval, current_setting('deadlock_timeout')::interval"
        (lock, deadlock) = conn.execute(f"SELECT {settings}").fetchone() or ()

    assert lock < deadlock


def test_a_migration_that_never_gets_its_lock_ends_with_an_error(
    servers: embedded.Servers, own_migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration(own_migrations, 3, "CREATE TABLE held (id int);")
    migrate.migrate_up(servers.database_url)
    migration(own_migrations, 4, "ALTER TABLE held ADD COLUMN more int;")
    monkeypatch.setattr(migrate, "LOCK_ATTEMPTS", 1)

    with psycopg.connect(servers.database_url) as holder:
        holder.execute("LOCK TABLE held")
        with pytest.raises(migrate.MigrationError, match="lock timeout"):
            migrate.migrate_up(servers.database_url)


def test_runs_at_once_wait_for_each_other_and_apply_everything_once(
    servers: embedded.Servers, own_migrations: Path
) -> None:
    migration(own_migrations, 5, "CREATE TABLE once (id int); SELECT pg_sleep(3);")  # longer than the lock timeout
    index = MIGRATION.format(statement="CREATE INDEX CONCURRENTLY once_idx ON once (id);")
    (own_migrations / "20990101000006_test.sql").write_text(index.replace(":up", ":up transaction:false"))

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(migrate.migrate_up, [servers.database_url] * 4))

    assert [sum(f"2099010100000{version}" in report for report in reports) for version in (5, 6)] == [1, 1]
