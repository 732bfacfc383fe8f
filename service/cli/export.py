"""`export`: a tenant's jobs as the file that `apply` takes."""

import argparse
from pathlib import Path

from service.cli import desired, exits, manifest, output
from service.cli.remote import add_connection, connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to write, and the service."""
    parser.add_argument("-o", "--output", help="the file to write; default standard output")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every job that has a key, and say how many have none."""
    client = connect(arguments)
    definitions, without_key = desired.live(client)
    if arguments.json:
        text = output.json_text({"jobs": {key: dict(definitions[key].values) for key in sorted(definitions)}})
    else:
        text = manifest.written(definitions, desired.defaults_of(client))
    if arguments.output:
        try:
            Path(arguments.output).write_text(text, encoding="utf-8")
        except OSError as error:
            raise exits.FileFault(f"{arguments.output}: {error.strerror}") from error
    else:
        print(text, end="")
    if without_key:
        output.note(f"{without_key} jobs have no key and were left out; give them one: jobs update ID key=...")
    return exits.OK
