"""What is imported for whom: a start costs mostly imports, and each process keeps what it imports in memory."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("service.instance", {"flask", "service.engine", "service.api"}),
        ("service.server", {"flask", "service.api"}),
        ("service.cli.jobs", {"flask", "service.engine"}),
        ("service.cli.apply", {"flask", "service.engine"}),
    ],
)
def test_a_supervisor_an_engine_and_a_command_leave_out_what_they_never_use(module: str, without: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert module in done.stdout.split()
    assert without & set(done.stdout.split()) == set()
