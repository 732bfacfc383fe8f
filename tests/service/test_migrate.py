"""Migrations through dbmate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import embedded, migrate


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


def test_an_error_says_what_dbmate_said() -> None:
    with pytest.raises(migrate.MigrationError, match="connection refused"):
        migrate.migrate_up("postgres://scheduler@127.0.0.1:1/scheduler?sslmode=disable")
