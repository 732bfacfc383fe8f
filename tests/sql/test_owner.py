"""A database owned by an ordinary user, as a managed PostgreSQL gives it: no superuser anywhere."""

from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service import db, migrate


@pytest.fixture
def owned(cluster, config):
    """Settings of a service that logs in as the plain owner of an empty database."""
    where = {"host": cluster.host, "port": cluster.port}
    with psycopg.connect(make_conninfo(**where, user=cluster.user, dbname="postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE plain_owner LOGIN CREATEROLE NOSUPERUSER")
        admin.execute("GRANT scheduler_api, scheduler_engine, scheduler_admin TO plain_owner WITH ADMIN OPTION")
        admin.execute("CREATE DATABASE plain OWNER plain_owner")
        yield replace(
            config, database_url=f"postgres://plain_owner@{cluster.host}:{cluster.port}/plain?sslmode=disable"
        )
        admin.execute("DROP DATABASE plain WITH (FORCE)")
        admin.execute("DROP ROLE plain_owner")


def test_a_plain_owner_migrates_and_works_as_every_role(owned):
    migrate.migrate_up(owned.database_url)

    roles = []
    for role in ("api", "engine", "admin"):
        with db.connect(owned, role) as conn:
            roles.append(conn.execute("SELECT current_user").fetchone()[0])

    assert roles == ["scheduler_api", "scheduler_engine", "scheduler_admin"]


def test_a_plain_owner_takes_its_migrations_back(owned):
    migrate.migrate_up(owned.database_url)

    for _ in migrate.MIGRATIONS.glob("*.sql"):
        migrate.migrate_down(owned.database_url)

    with psycopg.connect(owned.database_url) as conn:
        left = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert left == [("schema_migrations",)]
