"""A file of jobs beside the jobs of a service: reading both, and showing what differs. Shared by apply and diff."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.cli import manifest, output
from service.cli.changes import MASK, NONE, Change, Plan
from service.cli.client import Client
from service.cli.exits import FileFault
from service.cli.manifest import Definition


def add_file(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument("-f", "--file", required=True, help="the jobs as YAML; - reads standard input")


def read(path: str, defaults: Mapping[str, Any]) -> dict[str, Definition]:
    """The jobs of a file by key.

    Raises: FileFault when it cannot be read or says what no job can be.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return manifest.parse(text, defaults)
    except FileFault as fault:
        raise FileFault("\n".join(f"{path}: {line}" for line in str(fault).splitlines())) from fault


def defaults_of(client: Client) -> dict[str, Any]:
    """What the service gives a job for each field that is left out."""
    given: dict[str, Any] = client.get("/jobs/defaults")
    return given


def live(client: Client) -> tuple[dict[str, Definition], int]:
    """The service's jobs that have a key, and how many have none."""
    rows = list(output.progress(client.rows("/jobs"), "Reading jobs", client.count("/jobs")))
    keyed = [manifest.of_job(job) for job in rows if job.get("key")]
    return {definition.key: definition for definition in keyed}, len(rows) - len(keyed)


def show(plan: Plan, prune: bool) -> None:
    """Print what would become of which job, field by field."""
    for key in plan.create:
        output.colored("+", f"+ {key}")
    for key, changes in plan.change.items():
        output.colored("~", f"~ {key}")
        for change in changes:
            print(f"    {output.text_of(change.path)}: {_shown(change)}")
    for key in plan.surplus if prune else ():
        output.colored("-", f"- {key}")


def as_data(plan: Plan, prune: bool) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "create": plan.create,
        "change": {
            key: [{"field": item.path, "from": _plain(item.before), "to": _plain(item.after)} for item in changes]
            for key, changes in plan.change.items()
        },
        "delete": plan.surplus if prune else [],
        "unchanged": plan.unchanged,
    }


def sum_of(plan: Plan, prune: bool) -> str:
    """The plan in numbers."""
    surplus = f"{len(plan.surplus)} {'to delete' if prune else 'not in the file'}"
    return f"{len(plan.create)} to create, {len(plan.change)} to change, {surplus}, {len(plan.unchanged)} unchanged"


def _shown(change: Change) -> str:
    if change.before == MASK:  # the file has the secret's own text, which only the service can compare
        return f"{MASK} -> (set by the file)"
    return f"{_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    return repr(value) if value is NONE else output.safe(json.dumps(value, ensure_ascii=False))


def _plain(value: Any) -> Any:
    return None if value is NONE else value
