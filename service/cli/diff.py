"""`diff`: what `apply` would change."""

import argparse

from service.cli import desired, exits, output
from service.cli.changes import plan
from service.cli.remote import add_connection, connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the service."""
    desired.add_file(parser)
    parser.add_argument("--prune", action="store_true", help="count jobs with a key that are not in the file too")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it. Gives 1 when there is anything, so that a script can ask."""
    client = connect(arguments)
    wanted = desired.read(arguments.file, desired.defaults_of(client))
    found = plan(wanted, desired.live(client)[0])
    if arguments.json:
        output.document(desired.as_data(found, arguments.prune))
    else:
        desired.show(found, arguments.prune)
    output.note(desired.sum_of(found, arguments.prune))
    return exits.DIFFERENT if found.differs or (arguments.prune and found.surplus) else exits.OK
