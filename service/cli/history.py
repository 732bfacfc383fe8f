"""`history`: what finished, a row per job and UTC day."""

import argparse

from service.cli import exits, output
from service.cli.remote import add_connection, connect, job_id, keys_of

COLUMNS = ("DATE", "JOB", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "SKIPPED", "ATTEMPTS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the window and the service."""
    parser.add_argument("job", nargs="?", help="only this job, an id or a key")
    parser.add_argument("--from", dest="since", metavar="DAY", help="first day (YYYY-MM-DD); default 29 days back")
    parser.add_argument("--to", dest="until", metavar="DAY", help="last day; default today")
    parser.add_argument("--limit", type=int, default=50, help="rows at most (50); 0 lists all")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the days, newest first."""
    client = connect(arguments)
    job = job_id(client, arguments.job) if arguments.job else None
    window = {"start_date": arguments.since, "end_date": arguments.until, "job_id": job}
    rows = list(client.rows("/history", limit=arguments.limit or None, **window))
    if arguments.json:
        output.document(rows)
        return exits.OK
    names = keys_of(client, [row["job_id"] for row in rows])
    counts = [name.lower() for name in COLUMNS[2:]]
    output.table(COLUMNS, [[row["date"], names[row["job_id"]], *(row[name] for name in counts)] for row in rows])
    return exits.OK
