"""Signatures as their receivers verify them."""

import re
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from service import claims, db, signing
from service.rotation import rotate_signing
from service.vault import Vault
from tests.service.receiver import OK, Caller, answering, receiver  # noqa: F401 - a fixture

KEY, NEW = bytes(32), bytes(range(32))


def readme_example():
    """What the README tells receivers to do."""
    (source,) = re.findall(r"```python\n(from standardwebhooks.*?)```", Path("README.md").read_text(), re.DOTALL)
    names = {}
    exec(source, names)
    return names["verified"]


@pytest.fixture
def sent(make, engine_pool, api_pool, receiver):  # noqa: F811 - a fixture
    """Calls a job of t1, perhaps after rotations; gives the secrets made, the headers and the body."""

    def run(rotations, keys=(KEY,), **given):
        target = receiver(answering(OK))
        make.execution(make.job(endpoint=f"http://127.0.0.1:{target.port}/", **given))
        with db.transaction(api_pool, tenant="t1") as conn:
            secrets = [signing.rotate(conn, "t1", Vault((KEY,)))[0] for _ in range(rotations)]
        with db.transaction(engine_pool) as conn:
            (item,) = claims.claim(conn, worker_id=make.worker(), limit=1)
        caller = Caller(vault=Vault(keys))
        ended = caller.perform(item)
        caller.close()
        return secrets, target.requests, ended

    return run


def headers_of(request):
    head = request.partition(b"\r\n\r\n")[0].decode()
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}


def test_the_example_of_the_readme_verifies_a_call(sent):
    (secret,), (request,), ended = sent(1, payload={"a": "ü"})

    body = request.partition(b"\r\n\r\n")[2]
    assert readme_example()(secret, headers_of(request), body) == body == '{"a": "ü"}'.encode()
    assert headers_of(request)["webhook-id"] == str(ended.id)


def test_for_a_time_both_secrets_verify(sent):
    (old, new), (request,), _ = sent(2, payload={})

    verified = readme_example()
    assert [verified(secret, headers_of(request), b"{}") for secret in (old, new)] == [b"{}", b"{}"]


def test_a_body_that_was_changed_does_not_verify(sent):
    (secret,), (request,), _ = sent(1, payload={"a": 1})

    with pytest.raises(WebhookVerificationError):
        readme_example()(secret, headers_of(request), b'{"a": 2}')


def test_without_a_secret_a_call_is_not_signed(sent):
    _, (request,), _ = sent(0)

    assert [name for name in headers_of(request) if name.startswith("webhook-")] == []


def test_a_job_cannot_set_the_signature_itself(sent):
    _, (request,), _ = sent(0, headers={"Webhook-Signature": "v1,forged", "webhook-id": "forged"})

    assert b"forged" not in request


def test_a_signing_secret_that_cannot_be_read_stops_the_call(sent):
    _, requests, ended = sent(1, keys=(NEW,))

    assert (requests, ended.status, ended.error_code) == ([], "failed", "secret_unreadable")


def test_rotating_the_key_seals_signing_secrets_anew(sent, make, engine_pool):
    (_, secret), _, _ = sent(2)

    first, again = (rotate_signing(engine_pool, Vault((NEW, KEY))) for _ in range(2))

    row = make.row("SELECT * FROM signing_secrets")
    assert (first, again) == ((1, []), (0, []))
    assert secret == Vault((NEW,)).open(row["sealed"], signing.owner("t1"))
    assert secret not in str(row)
