"""What would have to change for a service's jobs to be what a file says. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.cli.manifest import Definition

MASK = "********"  # how the API shows a secret, and what keeps it when it is sent back
INSTANTS = ("start_at", "end_at")


class Missing:
    """Stands for what is not there, which null is."""

    def __repr__(self) -> str:
        return "(none)"


NONE = Missing()


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs; `path` goes into objects, with dots."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """Keys by what would become of their jobs, each in order."""

    create: list[str]
    change: dict[str, list[Change]]
    unchanged: list[str]
    surplus: list[str]  # have a key and are not in the file

    @property
    def differs(self) -> bool:
        """Whether the file asks for anything, surplus aside."""
        return bool(self.create or self.change)


def plan(wanted: Mapping[str, Definition], live: Mapping[str, Definition]) -> Plan:
    """Compare a file with a service."""
    both = sorted(wanted.keys() & live.keys())
    changes = {key: differences(live[key].values, wanted[key].values) for key in both}
    return Plan(
        create=sorted(wanted.keys() - live.keys()),
        change={key: found for key, found in changes.items() if found},
        unchanged=[key for key, found in changes.items() if not found],
        surplus=sorted(live.keys() - wanted.keys()),
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The fields of two definitions that differ."""
    found: list[Change] = []
    for name, value in after.items():
        found += _compared(name, before.get(name, NONE), value)
    return found


def _compared(path: str, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _compared(f"{path}.{name}", before.get(name, NONE), after.get(name, NONE))
    elif not _same(path, before, after):
        yield Change(path, before, after)


def _same(path: str, before: Any, after: Any) -> bool:
    if path in INSTANTS and isinstance(before, str) and isinstance(after, str):
        return datetime.fromisoformat(before) == datetime.fromisoformat(after)
    if isinstance(before, bool) or isinstance(after, bool):  # true is no 1
        return before is after
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_same(path, *pair) for pair in zip(before, after, strict=True))
    if isinstance(before, dict) and isinstance(after, dict):
        return not list(_compared(path, before, after))
    return bool(before == after)
