"""What the database lets each role do with API keys, and what it records of them."""

import psycopg
import pytest

from service import db, keys


@pytest.fixture
def admin(config):
    with db.connect(config, "admin") as session:
        yield session


def test_the_secret_is_kept_nowhere(admin, make):
    key, secret = keys.create(admin, "t1", "ci", "write", None)

    row = make.row("SELECT * FROM api_keys")
    assert (row["hash"], row["prefix"]) == (keys.digest(secret), secret[:12])
    assert secret[12:] not in str(row) + str(make.rows("SELECT * FROM audit_log"))
    assert (len(secret), key.expires_at) == (49, None)


def test_making_and_revoking_record_themselves(admin, make):
    key, _ = keys.create(admin, "t1", "ci", "write", 3600.0)

    keys.revoke(admin, id=key.id)
    keys.revoke(admin, id=key.id)

    created, revoked = make.rows("SELECT action, tenant_id, entity_id, actor, after FROM audit_log ORDER BY at")
    assert (created["action"], created["tenant_id"], created["entity_id"]) == ("key.create", "t1", key.id)
    assert (created["after"]["scope"], created["actor"]) == ("write", f"role:{make.conn.info.user}")
    assert (revoked["action"], list(revoked["after"])) == ("key.revoke", ["revoked_at"])


def test_a_hash_set_by_hand_is_recorded_and_not_shown(admin, make, conn):
    keys.create(admin, "t1", "ci", "write", None)

    conn.execute("UPDATE api_keys SET hash = sha256('mine')")

    assert [row["action"] for row in make.rows("SELECT action FROM audit_log ORDER BY at")] == [
        "key.create", "key.update",
    ]  # fmt: skip
    assert "hash" not in str(make.rows("SELECT before, after FROM audit_log"))


def test_looking_a_key_up_leaves_no_entry(admin, make, config):
    _, secret = keys.create(admin, "t1", "ci", "write", None)

    with db.connect(config, "api") as api:
        assert keys._find(api, hash=keys.digest(secret)).tenant_id == "t1"

    assert make.row("SELECT last_used_at IS NOT NULL AS used FROM api_keys")["used"]
    assert make.row("SELECT count(*) FROM audit_log")["count"] == 1


def test_looking_a_key_up_waits_for_nobody(admin, config, conn):
    _, secret = keys.create(admin, "t1", "ci", "write", None)

    with conn.transaction(), db.connect(config, "api") as api:
        conn.execute("SELECT FROM api_keys FOR UPDATE")
        api.execute("SET lock_timeout TO '1ms'")
        assert keys._find(api, hash=keys.digest(secret)) is not None


@pytest.mark.parametrize("role", ["api", "engine"])
@pytest.mark.parametrize("statement", ["SELECT id FROM api_keys", "UPDATE api_keys SET revoked_at = NULL"])
def test_neither_api_nor_engine_reach_the_table(config, role, statement):
    with db.connect(config, role) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


@pytest.mark.parametrize(
    "statement", ["SELECT hash FROM api_keys", "UPDATE api_keys SET hash = ''", "SELECT id FROM jobs"]
)
def test_the_command_line_reads_no_hash_and_no_job(admin, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin.execute(statement)


def test_the_engine_looks_up_no_key(config):
    with db.connect(config, "engine") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("SELECT find_api_key('')")
