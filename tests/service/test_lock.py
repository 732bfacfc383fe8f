"""The lock that the image is built from: all of requirements.txt, what that needs in turn, a hash for every file."""

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TEXT = Path(".requirements.lock").read_text()
PINNED = re.compile(r"^(\S+)==(\S+)(?: ; .+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+$")
COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)
ENTRIES = re.split(r"\n(?=\S)", COMMENT.sub("", TEXT).strip())
LOCKED = {found[1]: found[2] for found in map(PINNED.match, ENTRIES) if found}
REQUIRED = [Requirement(line) for line in Path("requirements.txt").read_text().splitlines()]


@pytest.mark.parametrize("required", REQUIRED, ids=str)
def test_lock_pins_each_requirement_to_its_version(required: Requirement) -> None:
    assert str(required.specifier) == f"=={LOCKED.get(canonicalize_name(required.name))}"


@pytest.mark.parametrize("required", REQUIRED, ids=str)
def test_lock_has_what_each_requirement_needs(required: Requirement) -> None:
    needs = [Requirement(line) for line in requires(required.name) or []]
    here = [need for need in needs if not need.marker or any(map(need.marker.evaluate, extras(required)))]

    assert [str(need) for need in here if canonicalize_name(need.name) not in LOCKED] == []


def test_every_entry_of_the_lock_has_a_version_and_hashes() -> None:
    assert [entry.split("\n")[0] for entry in ENTRIES if not PINNED.match(entry)] == []


def test_lock_names_no_index() -> None:
    assert [line for line in TEXT.splitlines() if "://" in line or line.startswith("-")] == []


def extras(required: Requirement) -> list[dict[str, str]]:
    """What the markers of its needs are evaluated with: no extra, and each that is asked for."""
    return [{"extra": extra} for extra in ("", *required.extras)]
