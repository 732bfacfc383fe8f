"""`python -m service executions`, as far as it says no before anything is sent."""

import pytest

from service import cli

NOBODY = ("--url", "http://127.0.0.1:1")  # where nothing is sent, nothing is missed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "--all means all that failed"), (("--dry-run",), "--all means"), (("a", "--all"), "but not by both")],
)
def test_rerun_needs_to_be_told_what(arguments, message, capsys):
    code = cli.main(["executions", "rerun", *arguments, *NOBODY])

    assert (code, message in capsys.readouterr().err) == (2, True)
