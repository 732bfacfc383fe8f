"""Secrets on their way to the receiver, and back."""

import json
from uuid import UUID

import pytest

from service import rotation
from service.masks import MASK, Values, hidden_texts, hide, reveal_payload
from service.vault import Vault, job_owner
from tests.service.receiver import Caller, header, receiver  # noqa: F401 - a fixture
from tests.service.test_worker import claimed

OLD, NEW = bytes(32), bytes(range(32))
TOKEN = "correct-horse-battery"
VALUES = {"headers": {"authorization": f"Bearer {TOKEN}"}, "payload": {"/auth/password": 'st"aple-horse'}}
OWNER = job_owner("t1", UUID(int=2))


@pytest.fixture
def call(receiver):  # noqa: F811 - a fixture
    """Calls a receiver with secrets; gives what it read and how the attempt ended."""

    def run(sealed, echo=b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s", **given):
        def act(server, sock):
            body = server.read(sock)
            sock.sendall(echo % (len(body), body))

        server = receiver(act)
        request = {
            "endpoint": f"http://127.0.0.1:{server.port}/",
            "headers": json.dumps({"Authorization": MASK}),
            "payload": '{"auth": {"password": "********"}, "n": 12345678901234567890}',
        }
        caller = Caller(vault=Vault((NEW, OLD)))
        ended = caller.perform(claimed(**request | {"sealed": sealed} | given))
        caller.close()
        return server.requests, ended

    return run


@pytest.mark.parametrize("key", [OLD, NEW])
def test_a_receiver_gets_the_values(call, key):
    (sent,), _ = call(Vault((key,)).seal(VALUES, OWNER))

    head, _, body = sent.partition(b"\r\n\r\n")
    assert f"Bearer {TOKEN}".encode() == header(head, b"authorization")
    assert body == b'{"auth": {"password": "st\\"aple-horse"}, "n": 12345678901234567890}'


def test_a_receiver_that_sends_them_back_is_kept_with_masks(call):
    _, ended = call(Vault((OLD,)).seal(VALUES, OWNER))

    assert TOKEN not in ended.response_body and "aple-horse" not in ended.response_body
    assert f"Authorization: {MASK}" in ended.response_body


@pytest.mark.parametrize("owner", [job_owner("t2", UUID(int=2)), job_owner("t1", UUID(int=3))])
def test_a_call_whose_secrets_cannot_be_read_is_not_made(call, owner):
    sent, ended = call(Vault((OLD,)).seal(VALUES, owner))

    assert (sent, ended.status, ended.error_code, ended.retry_delay) == ([], "failed", "secret_unreadable", None)


def test_a_call_whose_key_is_gone_says_so(call):
    sent, ended = call(Vault((b"k" * 32,)).seal(VALUES, OWNER))

    assert (sent, ended.error_code) == ([], "secret_unreadable")
    assert "SECRETS_KEY" in ended.error


@pytest.mark.parametrize(
    ("text", "cut", "shown"),
    [
        (f"token={TOKEN}!", False, f"token={MASK}!"),
        ('"st\\"aple-horse"', False, f'"{MASK}"'),
        (f"x {TOKEN[:12]}", True, f"x {MASK}"),
        (f"x {TOKEN[:12]}", False, f"x {TOKEN[:12]}"),
        ("innocent", True, "innocent"),
        (None, False, None),
    ],
)
def test_secrets_are_hidden_in_a_text(text, cut, shown):
    assert shown == hide(text, hidden_texts(Values(**VALUES)), cut)


def test_short_values_are_not_hunted_for():
    assert hidden_texts(Values({"cookie": "a=1"}, {"/pin": 1234})) == ()


def test_every_text_within_a_secret_is_hidden():
    values = Values({}, {"/a": {"keys": ["first-key-1", 1234567890, None, True]}, "/b": "ünïcödé-key"})

    assert {"first-key-1", "1234567890", "ünïcödé-key", json_of("ünïcödé-key")} == set(hidden_texts(values))


def json_of(text):
    return text.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00")


def test_a_whole_payload_may_be_a_secret():
    assert reveal_payload(f'"{MASK}"', Values({}, {"": {"a": "é"}})) == '{"a": "é"}'


@pytest.fixture
def sealed_jobs(make):
    """Jobs sealed by each key, without one, and by one that is gone."""

    def job(vault, owner_of="t1"):
        row = make.job()
        sealed = vault and vault.seal(VALUES, job_owner(owner_of, row["id"]))
        make.conn.execute("UPDATE jobs SET sealed = %s WHERE id = %s", [sealed, row["id"]])
        return row["id"]

    return [job(vault) for vault in (Vault((OLD,)), Vault(), Vault((NEW,)), None, Vault((b"k" * 32,)))]


def test_rotation_seals_anew_what_another_key_or_none_has_sealed(engine_pool, make, sealed_jobs, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 1)

    done = rotation.rotate(engine_pool, Vault((NEW, OLD)))

    assert (done.resealed, done.unreadable) == (2, [sealed_jobs[4]])
    rows = {row["id"]: row["sealed"] for row in make.rows("SELECT id, sealed FROM jobs")}
    opened = [Vault((NEW,)).open(rows[id], job_owner("t1", id)) for id in sealed_jobs[:3]]
    assert opened == [VALUES] * 3
    assert rows[sealed_jobs[3]] is None


def test_rotation_seals_what_was_stored_before_there_were_secrets(engine_pool, make):
    job = make.job(headers={"Authorization": TOKEN, "X-A": "1"})
    copied = "id, 1, tenant_id, anchor_at, 0, type, schedule, timezone, endpoint, method, headers"
    columns = copied.replace("id, 1,", "job_id, version,").replace(" 0,", " jitter_seconds,")
    make.conn.execute(f"INSERT INTO job_versions ({columns}) SELECT {copied} FROM jobs")

    rotation.rotate(engine_pool, Vault((NEW,)))

    row = make.row(
        "SELECT sealed, j.headers, v.headers AS old FROM jobs AS j JOIN job_versions AS v ON v.job_id = j.id"
    )
    assert (row["headers"], row["old"]) == ({"Authorization": MASK, "X-A": "1"},) * 2
    assert Vault((NEW,)).open(row["sealed"], job_owner("t1", job["id"]))["headers"] == {"authorization": TOKEN}


def test_rotating_again_changes_nothing(engine_pool, sealed_jobs):
    rotation.rotate(engine_pool, Vault((NEW, OLD)))

    assert rotation.rotate(engine_pool, Vault((NEW, OLD))).resealed == 0


def test_rotation_leaves_what_an_edit_has_sealed_meanwhile(engine_pool, make, sealed_jobs):
    (job,) = rotation._batch(engine_pool, Vault((NEW, OLD)), UUID(int=0))[:1]
    make.conn.execute("UPDATE jobs SET version = version + 1")

    rotation._seal_anew(engine_pool, Vault((NEW, OLD)), [job], done := rotation.Rotated())

    assert (done.resealed, make.row("SELECT sealed FROM jobs WHERE id = %s", job.id)["sealed"]) == (0, job.sealed)
