"""`preview`: when a schedule would run, before a job has it."""

import argparse

from service.cli.jobs import shown_runs
from service.cli.remote import add_connection, connect

OPTIONS = ("timezone", "after", "start_at", "end_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the schedule and the service."""
    parser.add_argument("type", choices=("cron", "interval", "one_time"))
    parser.add_argument("schedule", help="as a job has it, such as '0 9 * * 1-5'")
    parser.add_argument("--timezone", help="IANA name")
    for name in ("after", "start-at", "end-at"):
        parser.add_argument(f"--{name}", metavar="INSTANT", help="RFC 3339")
    parser.add_argument("--count", type=int, default=5, help="how many runs (5)")
    parser.add_argument("--max-runs", type=int)
    parser.add_argument("--jitter", type=int, help="seconds")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the runs."""
    names = ("type", "schedule", "count", "max_runs", "jitter", *OPTIONS)
    body = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return shown_runs(arguments, connect(arguments).send("POST", "/schedules/preview", body=body).data)
