"""`apply`: make a tenant's jobs what a file says."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from service.cli import desired, exits, output
from service.cli.changes import Plan, plan
from service.cli.client import Client, Refused
from service.cli.manifest import Definition
from service.cli.remote import add_connection, connect, key_path


@dataclass(slots=True)
class Outcome:
    """Keys by what became of their jobs."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)  # with the API's error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, what to do with it, and the service."""
    desired.add_file(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
    parser.add_argument("--prune", action="store_true", help="delete jobs that have a key and are not in the file")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Create and change jobs until they are as the file says. Gives 3 when the API refused some; others are done."""
    client = connect(arguments)
    wanted = desired.read(arguments.file, desired.defaults_of(client))
    found = plan(wanted, desired.live(client)[0])
    if not arguments.json:
        desired.show(found, arguments.prune)
    elif arguments.dry_run:
        output.document(desired.as_data(found, arguments.prune))
    if arguments.dry_run:
        output.note(f"Nothing was sent; {desired.sum_of(found, arguments.prune)}.")
        return exits.OK
    outcome = _carry_out(client, found, wanted, arguments.prune)
    if arguments.json:
        output.document({item.name: getattr(outcome, item.name) for item in fields(outcome)})
    _report(outcome)
    return exits.REFUSED if outcome.refused else exits.OK


def _carry_out(client: Client, found: Plan, wanted: Mapping[str, Definition], prune: bool) -> Outcome:
    outcome = Outcome(unchanged=list(found.unchanged))
    for key in output.progress([*found.create, *found.change], "Applying"):
        _put(client, wanted[key], outcome)
    # A job that was refused may be one that is deleted under another key.
    for key in output.progress(found.surplus if prune and not outcome.refused else [], "Deleting"):
        _delete(client, key, outcome)
    return outcome


def _put(client: Client, definition: Definition, outcome: Outcome) -> None:
    try:
        before = client.find(key_path(definition.key))
        answer = client.send("PUT", key_path(definition.key), body=definition.body)
    except Refused as refusal:
        outcome.refused[definition.key] = refusal.error
        return
    if answer.status == 201:
        outcome.created.append(definition.key)
    elif before is not None and before["version"] == answer.data["version"]:
        outcome.unchanged.append(definition.key)  # a secret that the file spells out and the service had
    else:
        outcome.changed.append(definition.key)


def _delete(client: Client, key: str, outcome: Outcome) -> None:
    try:
        client.send("DELETE", key_path(key))
    except Refused as refusal:
        if refusal.status != 404:  # somebody else was first
            outcome.refused[key] = refusal.error
            return
    outcome.pruned.append(key)


def _report(outcome: Outcome) -> None:
    for key, error in outcome.refused.items():
        output.note(f"{key} was refused. {Refused(0, error)}")
    counts = {item.name: len(getattr(outcome, item.name)) for item in fields(outcome)}
    output.note(", ".join(f"{count} {name}" for name, count in counts.items() if count or name != "refused"))
    if outcome.refused:
        output.note("Nothing is pruned as long as something is refused.")
