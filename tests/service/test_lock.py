"""The locks that the image and the tests install from: what is required, what it needs in turn, hashes for all."""

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINNED = re.compile(r"^(\S+)==(\S+)(?: ; .+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+$")
COMMENT = re.compile(r"^ *#.*\n?", re.MULTILINE)
LOCKS = {"requirements.txt": Path(".requirements.lock"), "tests/requirements.txt": Path("tests/.requirements.lock")}


def entries(lock: Path) -> list[str]:
    return re.split(r"\n(?=\S)", COMMENT.sub("", lock.read_text()).strip())


LOCKED = {lock: {found[1]: found[2] for found in map(PINNED.match, entries(lock)) if found} for lock in LOCKS.values()}
REQUIRED = [
    pytest.param(Requirement(line), lock, id=f"{file}-{line}")
    for file, lock in LOCKS.items()
    for line in Path(file).read_text().splitlines()
    if not line.startswith("-r ")
]


@pytest.mark.parametrize(("required", "lock"), REQUIRED)
def test_lock_pins_each_requirement_to_its_version(required: Requirement, lock: Path) -> None:
    assert str(required.specifier) == f"=={LOCKED[lock].get(canonicalize_name(required.name))}"


@pytest.mark.parametrize(("required", "lock"), REQUIRED)
def test_lock_has_what_each_requirement_needs(required: Requirement, lock: Path) -> None:
    needs = [Requirement(line) for line in requires(required.name) or []]
    here = [need for need in needs if not need.marker or any(map(need.marker.evaluate, extras(required)))]

    assert [str(need) for need in here if canonicalize_name(need.name) not in LOCKED[lock]] == []


@pytest.mark.parametrize("lock", LOCKS.values(), ids=str)
def test_every_entry_of_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    assert [entry.split("\n")[0] for entry in entries(lock) if not PINNED.match(entry)] == []


@pytest.mark.parametrize("lock", LOCKS.values(), ids=str)
def test_a_lock_names_no_index(lock: Path) -> None:
    assert [line for line in lock.read_text().splitlines() if "://" in line or line.startswith("-")] == []


def test_tests_run_on_what_the_image_is_built_from() -> None:
    image, tests = LOCKED.values()

    assert image.items() - tests.items() == set()


def extras(required: Requirement) -> list[dict[str, str]]:
    """What the markers of its needs are evaluated with: no extra, and each that is asked for."""
    return [{"extra": extra} for extra in ("", *required.extras)]
