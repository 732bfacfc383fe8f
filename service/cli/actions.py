"""Commands that have sub-commands: each is a function of the client and the arguments."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from service.cli import exits, output
from service.cli.client import Client, Refused
from service.cli.remote import add_connection, connect

Act = Callable[[Client, argparse.Namespace], int]


class Actions:
    """The sub-commands of a command."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._actions = parser.add_subparsers(metavar="action", required=True)
        parser.epilog = exits.LEGEND

    def add(self, name: str, act: Act, help: str) -> argparse.ArgumentParser:
        """Declare one; its own arguments are added to what this gives back."""
        parser = self._actions.add_parser(name, help=help, description=help)
        parser.set_defaults(act=act)
        add_connection(parser)
        return parser


def run(arguments: argparse.Namespace) -> int:
    """Do what the sub-command says."""
    act: Act = arguments.act
    return act(connect(arguments), arguments)


def each(
    arguments: argparse.Namespace, references: Sequence[str], act: Callable[[str], Any], tell: Callable[[Any], str]
) -> int:
    """Do something to one after the other, the rest too when the API refuses one.

    Returns:
        0, or 3 when it refused any.
    """
    done, refused = [], False
    for reference in references:
        try:
            data = act(reference)
        except Refused as refusal:
            output.note(f"{reference}: {refusal}")
            refused = True
            continue
        done.append(data)
        if not arguments.json:
            print(output.safe(f"{reference}: {tell(data)}"))
    if arguments.json:
        output.document(done)
    return exits.REFUSED if refused else exits.OK
