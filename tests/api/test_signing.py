"""The signing secret through the API: shown once, renewed, removed."""

import base64
from dataclasses import replace

import pytest

from service.api.services import Services


@pytest.fixture
def services(config, api_pool):
    return Services(replace(config, secrets_key=base64.b64encode(bytes(32)).decode()), api_pool, None)


def test_a_secret_is_shown_when_it_is_made_and_never_again(api, conn):
    made = api.ok("POST", "/signing-secret", status=201)

    texts = [api.send("GET", path).text for path in ("/signing-secret", "/audit")]
    assert made["secret"].startswith("whsec_")
    assert [text for text in texts if made["secret"] in text] == []
    assert api.ok("GET", "/signing-secret")["signed"] is True
    assert made["secret"] not in str(conn.execute("SELECT * FROM signing_secrets").fetchall())


def test_another_one_leaves_the_one_before_valid_for_a_day(api):
    first, second = (api.ok("POST", "/signing-secret", status=201) for _ in range(2))

    assert first["secret"] != second["secret"]
    assert (first["previous_until"], api.ok("GET", "/signing-secret")["previous_until"]) == (
        None,
        second["previous_until"],
    )


def test_an_answer_with_a_secret_is_not_kept_for_repeated_requests(api, conn):
    headers = {"Idempotency-Key": "k"}

    first, second = (api.send("POST", "/signing-secret", headers=headers).json["data"] for _ in range(2))

    assert first["secret"] != second["secret"]
    assert conn.execute("SELECT count(*) FROM idempotency_keys").fetchone()["count"] == 0


def test_each_tenant_has_its_own(api):
    api.ok("POST", "/signing-secret", status=201)

    assert api.of("t2").ok("GET", "/signing-secret") == {"signed": False, "rotated_at": None, "previous_until": None}


def test_removing_it_ends_signing(api):
    api.ok("POST", "/signing-secret", status=201)

    api.ok("DELETE", "/signing-secret", status=204)

    assert api.ok("GET", "/signing-secret")["signed"] is False


def test_without_a_key_none_is_made(api, services):
    object.__setattr__(services, "config", replace(services.config, secrets_key=""))

    assert "SECRETS_KEY" in api.refused(409, "POST", "/signing-secret")["message"]
