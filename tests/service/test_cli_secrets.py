"""`python -m service signing rotate` and `secrets rotate`."""

import base64
import os

import pytest

from service import cli

ROTATE = ("signing", "rotate", "--tenant")
UPPER = "ABCDEF01-0000-4000-8000-000000000000"


@pytest.fixture
def run(config, monkeypatch, capsys):
    """Runs a command against the test's database: gives its code, output and error output."""
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("SECRETS_KEY", base64.b64encode(os.urandom(32)).decode())

    def command(*arguments):
        code = cli.main(arguments)
        return code, *capsys.readouterr()

    return command


def test_signing_rotate_prints_the_secret_and_names_who_is_logged_in(run, make, config):
    code, out, _ = run(*ROTATE, "t1")

    user = make.conn.info.user
    assert (code, out.startswith("whsec_")) == (0, True)
    assert make.rows("SELECT tenant_id, actor, action FROM audit_log") == [
        {"tenant_id": "t1", "actor": f"role:{user}", "action": "signing.rotate"}
    ]


def test_signing_rotate_takes_a_uuid_of_any_case_for_the_same_tenant(run, make):
    run(*ROTATE, UPPER)

    assert make.rows("SELECT tenant_id FROM signing_secrets") == [{"tenant_id": UPPER.lower()}]


def test_signing_rotate_refuses_what_names_no_tenant(run, make, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*ROTATE, "a b")

    assert (ended.value.code, make.rows("SELECT FROM signing_secrets")) == (2, [])
    assert "argument --tenant: must be a UUID, or 1 to 64 of letters" in capsys.readouterr().err


@pytest.mark.parametrize("command", [(*ROTATE, "t1"), ("secrets", "rotate")])
def test_without_a_database_it_says_so(run, monkeypatch, command):
    monkeypatch.setenv("DATABASE_URL", "postgres://scheduler@127.0.0.1:1/none")

    code, _, err = run(*command)

    assert (code, err.splitlines()[-1]) == (1, "The database is out of reach; try again shortly.")
