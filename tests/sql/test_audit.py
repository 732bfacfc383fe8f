"""What the audit log records by itself, and what nobody can do to it."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from service import db, upkeep
from tests.factories import NOON


def entries(make):
    return make.rows("SELECT action, before, after FROM audit_log ORDER BY at")


def entry(conn, at=None, tenant="t1"):
    conn.execute(
        "INSERT INTO audit_log (tenant_id, actor, action, at) VALUES (%s, 'api', 'job.update', %s)",
        [tenant, at or datetime.now(UTC)],
    )


CHANGES = [
    ("priority = 7", "job.update", {"priority": 5}, {"priority": 7}),
    ("status = 'paused', paused_at = now(), next_run_at = NULL", "job.pause", {"status": "active"}, None),
    ("status = 'deleted'", "job.delete", {"status": "active"}, {"status": "deleted"}),
    ("status = 'completed'", "job.complete", {"status": "active"}, {"status": "completed"}),
    ('headers = \'{"A": "1"}\'', "job.update", {"headers": {}}, {"headers": {"A": "1"}}),
    ("jitter_seconds = 9, version = 2", "job.update", {"jitter": 0, "version": 1}, {"jitter": 9, "version": 2}),
]


@pytest.mark.parametrize(("change", "action", "before", "after"), CHANGES)
def test_a_change_by_any_statement_records_itself(make, conn, change, action, before, after):
    make.job()

    conn.execute(f"UPDATE jobs SET {change}")

    last = entries(make)[-1]
    assert (last["action"], before) == (action, {name: last["before"][name] for name in before})
    assert after is None or after == last["after"]


@pytest.mark.parametrize(
    ("state", "target", "action"),
    [("paused", "active", "job.resume"), ("deleted", "active", "job.restore"), ("completed", "active", "job.restart")],
)
def test_the_action_tells_the_way_back_to_active(make, conn, state, target, action):
    make.job(status=state)

    conn.execute("UPDATE jobs SET status = %s", [target])

    assert action == entries(make)[-1]["action"]


def test_a_new_job_is_shown_whole_and_a_removed_one_too(make, conn):
    make.job(name="n", payload=Jsonb([1]))

    conn.execute("DELETE FROM jobs")

    created, purged = entries(make)
    assert (
        created["action"], created["before"], created["after"]["name"], created["after"]["payload"]
    ) == ("job.create", None, "n", [1])  # fmt: skip
    assert ("job.purge", created["after"], None) == (purged["action"], purged["before"], purged["after"])


def test_what_the_engine_moves_is_not_recorded(make, config, conn):
    make.job()

    with db.connect(config, "engine") as engine:
        engine.execute("UPDATE jobs SET next_run_at = now(), runs = 1")
        engine.execute("UPDATE jobs SET next_run_at = NULL, status = 'completed'")
    conn.execute("UPDATE jobs SET updated_at = now(), runs = 0")

    assert [row["action"] for row in entries(make)] == ["job.create"]


def test_a_large_value_is_shown_by_length_and_digest(make):
    make.job(payload=Jsonb("x" * 9000), metadata={"a": "x" * 8000})

    (created,) = entries(make)
    assert (created["after"]["payload"]["bytes"], len(created["after"]["payload"]["sha256"])) == (9002, 64)
    assert created["after"]["metadata"] == {"a": "x" * 8000}


def test_whoever_is_logged_in_acts_unless_the_api_says_otherwise(make, config, conn):
    conn.execute("SELECT set_config('scheduler.actor', 'key:forged', FALSE)")
    make.job()
    with db.connect(config, "api") as api, api.transaction():
        db._enter_tenant(api, tenant="t1", actor="key:1", request_id="r1")
        api.execute("UPDATE jobs SET priority = 1")
        api.execute("SELECT record_audit('t1', 'job.trigger', NULL)")

    rows = make.rows("SELECT actor, request_id FROM audit_log ORDER BY at")
    assert [(f"role:{conn.info.user}", None), ("key:1", "r1"), ("key:1", "r1")] == [tuple(r.values()) for r in rows]


def test_the_api_records_for_its_tenant_alone(config):
    with db.connect(config, "api") as api, api.transaction():
        db._enter_tenant(api, tenant="t1", actor=None, request_id=None)

        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="another tenant"):
            api.execute("SELECT record_audit('t2', 'job.trigger', NULL)")


@pytest.mark.parametrize("role", ["api", "engine"])
@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO audit_log (tenant_id, actor, action) VALUES ('t1', 'x', 'job.update')",
        "UPDATE audit_log SET actor = 'x'",
        "TRUNCATE audit_log",
    ],
)
def test_no_role_writes_to_it_directly(config, role, change):
    with db.connect(config, role) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(change)


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"])
def test_not_even_the_owner_changes_what_is_recorded(make, conn, change):
    make.job()

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert-only"):
        conn.execute(change)


def test_the_api_cannot_delete_what_is_old(conn, config):
    entry(conn, NOON - timedelta(days=4000))

    with db.connect(config, "api") as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("DELETE FROM audit_log")


def test_retention_deletes_exactly_what_is_older_than_its_days(make, conn, engine_pool):
    for at in (NOON - timedelta(days=30, seconds=1), NOON - timedelta(days=30), NOON):
        entry(conn, at)

    delay = upkeep.purge_audit(engine_pool, 30, now=NOON)

    kept = make.rows("SELECT at FROM audit_log ORDER BY at")
    assert [NOON - timedelta(days=30), NOON] == [row["at"] for row in kept]
    assert delay == upkeep.PARTITION_SECONDS


def test_retention_goes_on_at_once_after_a_full_batch(conn, engine_pool, monkeypatch):
    monkeypatch.setattr(upkeep, "PURGE_BATCH", 1)
    for tenant in ("t1", "t2"):
        entry(conn, NOON - timedelta(days=2), tenant)

    assert [upkeep.purge_audit(engine_pool, 1, now=NOON) for _ in range(3)] == [0.0, 0.0, upkeep.PARTITION_SECONDS]
