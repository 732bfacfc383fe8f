"""`python -m service keys`."""

import re

import pytest

from service import cli


@pytest.fixture
def run(config, monkeypatch, capsys):
    """Runs a command against the test's database: gives its code, output and error output."""
    monkeypatch.setenv("DATABASE_URL", config.database_url)

    def command(*arguments):
        code = cli.main(["keys", *arguments])
        return code, *capsys.readouterr()

    return command


CREATE = ("create", "--tenant", "t1", "--scope", "write", "--name", "ci")


def test_create_prints_the_key_and_nothing_else_to_stdout(run, make):
    code, out, err = run(*CREATE, "--expires", "90d")

    row = make.row("SELECT id, tenant_id, scope, name, expires_at - created_at AS lifetime FROM api_keys")
    assert (code, re.fullmatch(r"sched_[\w-]{43}\n", out) is not None, str(row.pop("id")) in err) == (0, True, True)
    assert (row.pop("lifetime").days, row) == (90, {"tenant_id": "t1", "scope": "write", "name": "ci"})


def test_list_shows_keys_and_never_a_secret(run):
    _, secret, _ = run(*CREATE)
    run("create", "--tenant", "t2", "--scope", "read", "--name", "other", "--expires", "1h")

    _, everything, _ = run("list")
    _, one, _ = run("list", "--tenant", "t2")

    assert [len(everything.splitlines()), len(one.splitlines())] == [3, 2]
    assert (secret[:12] in everything, secret.strip() in everything, "t2" in one) == (True, False, True)


def test_revoke_takes_the_id(run, make):
    run(*CREATE)
    id = make.row("SELECT id FROM api_keys")["id"]

    assert run("revoke", str(id))[0] == 0
    assert make.row("SELECT revoked_at FROM api_keys")["revoked_at"] is not None


def test_revoking_a_key_that_is_not_there_fails(run):
    code, _, err = run("revoke", "00000000-0000-0000-0000-000000000000")

    assert (code, "There is no key" in err) == (1, True)


@pytest.mark.parametrize(
    "change",
    [
        ("--tenant", "a b"), ("--scope", "root"), ("--name", ""), ("--name", "a\nb"), ("--expires", "90"),
        ("--expires", "0d"), ("--expires", "99999w"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(run, make, change):
    with pytest.raises(SystemExit) as ended:
        run(*CREATE, *change)

    assert (ended.value.code, make.rows("SELECT FROM api_keys")) == (2, [])


def test_without_a_database_it_says_so(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://scheduler@127.0.0.1:1/none")

    code, _, err = run("list")

    assert (code, "refused" in err) == (1, True)
