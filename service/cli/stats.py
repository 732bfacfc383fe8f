"""`stats`: jobs and executions in numbers, of the tenant or of one job."""

import argparse
from collections.abc import Iterator
from typing import Any

from service.cli import exits, output
from service.cli.remote import add_connection, connect, job_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job and the service."""
    parser.add_argument("job", nargs="?", help="only this job, an id or a key; default all")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show them."""
    client = connect(arguments)
    if arguments.job:
        data = client.get("/executions/stats", job_id=job_id(client, arguments.job))
    else:
        data = {"jobs": client.get("/jobs/stats"), "executions": client.get("/executions/stats")}
    if arguments.json:
        output.document(data)
    else:
        output.fields(dict(_flat(data)))
    return exits.OK


def _flat(data: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers by their path."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
