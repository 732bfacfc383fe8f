"""`executions`: what ran, what runs, and what became of it."""

import argparse
import time
from collections.abc import Iterator
from typing import Any

from service.cli import actions, exits, output
from service.cli.actions import Actions, each
from service.cli.client import Client, Refused, Unreachable
from service.cli.remote import job_id
from service.cli.tail import Follower

COLUMNS = ("SCHEDULED AT", "STATUS", "ATTEMPT", "HTTP", "MS", "LAG MS", "ORIGIN", "JOB", "ID", "ERROR")
NAMES = (
    "scheduled_at",
    "status",
    "attempt",
    "response_status",
    "duration_ms",
    "lag_ms",
    "origin",
    "job_id",
    "id",
    "error",
)
ATTEMPT_COLUMNS = ("ATTEMPT", "STATUS", "HTTP", "MS", "STARTED AT", "HOST", "ERROR")
ATTEMPT_NAMES = ("attempt", "status", "response_status", "duration_ms", "started_at", "host", "error")
POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
run = actions.run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = Actions(parser)
    listing = commands.add("list", _list, "list executions, newest first")
    listing.add_argument("--since", metavar="INSTANT", help="scheduled at this instant or later (RFC 3339)")
    listing.add_argument("--until", metavar="INSTANT", help="scheduled at this instant or earlier")
    listing.add_argument("--limit", type=int, default=50, help="rows at most (50); 0 lists all")
    tail = commands.add("tail", _tail, "show the latest executions that ended, and with -f each one that ends")
    tail.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C, also while the service restarts")
    tail.add_argument("-n", "--lines", type=int, default=10, help="how many to begin with (10)")
    for one in (listing, tail):
        one.add_argument("--job", help="only those of this job, an id or a key")
        one.add_argument("--status", help="only those in this state")
    commands.add("show", _show, "show an execution with its attempts").add_argument("execution", help="its id")
    cancel = commands.add("cancel", _cancel, "stop executions that have not ended")
    cancel.add_argument("executions", nargs="+", help="their ids")
    again = commands.add("rerun", _rerun, "run ended executions again: those named, or failed ones that match")
    again.add_argument("executions", nargs="*", help="their ids")
    again.add_argument("--job", help="those of this job, an id or a key")
    again.add_argument("--status", help="failed, timeout or cancelled, with commas between (failed,timeout)")
    again.add_argument("--since", metavar="INSTANT", help="scheduled at this instant or later (RFC 3339)")
    again.add_argument("--until", metavar="INSTANT", help="scheduled at this instant or earlier")
    again.add_argument("--error-code", help="such as http_status, timeout or connection")
    again.add_argument("--all", action="store_true", help="all that failed or timed out")
    again.add_argument("--dry-run", action="store_true", help="only tell which ones match")


def _list(client: Client, arguments: argparse.Namespace) -> int:
    window = {"start_time": arguments.since, "end_time": arguments.until}
    rows = list(client.rows("/executions", limit=arguments.limit or None, **_filters(client, arguments), **window))
    if arguments.json:
        output.document(rows)
    else:
        output.table(COLUMNS, [_row(row) for row in rows])
    return exits.OK


def _filters(client: Client, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"job_id": job_id(client, arguments.job) if arguments.job else None, "status": arguments.status}


def _row(row: Any) -> list[Any]:
    return [row[name] for name in NAMES]


def _show(client: Client, arguments: argparse.Namespace) -> int:
    execution = client.get(f"/executions/{arguments.execution}")
    if arguments.json:
        output.document(execution)
        return exits.OK
    output.fields({name: value for name, value in execution.items() if name != "attempts"})
    if execution["attempts"]:
        print()
        rows = [[attempt.get(name) for name in ATTEMPT_NAMES] for attempt in execution["attempts"]]
        output.table(ATTEMPT_COLUMNS, rows)
    return exits.OK


def _cancel(client: Client, arguments: argparse.Namespace) -> int:
    return _posted(client, arguments, "cancel", lambda row: str(row["status"]))


def _rerun(client: Client, arguments: argparse.Namespace) -> int:
    wanted = {
        "job_id": job_id(client, arguments.job) if arguments.job else None,
        "status": arguments.status.split(",") if arguments.status else None,
        "start_time": arguments.since,
        "end_time": arguments.until,
        "error_code": arguments.error_code,
    }
    filter = {name: value for name, value in wanted.items() if value is not None}
    if not (arguments.executions or filter or arguments.all):
        raise exits.CommandError(
            "Name executions by their ids or by what they have in common; --all means all that failed."
        )
    if not arguments.executions:
        return _rerun_matching(client, arguments, filter)
    if filter or arguments.all or arguments.dry_run:
        raise exits.CommandError("Name executions by their ids, or by what they have in common, but not by both.")
    return _posted(client, arguments, "rerun", lambda row: f"runs again as {row['id']}")


def _rerun_matching(client: Client, arguments: argparse.Namespace, filter: dict[str, Any]) -> int:
    """All that match, a thousand a request, until nothing remains or nothing more can be done."""
    body = {"filter": filter, "all": arguments.all, "dry_run": arguments.dry_run}
    total = 0
    while True:
        done = client.send("POST", "/executions/rerun", body=body).data
        total += done["rerun"]
        if not done["remaining"] or not done["rerun"]:
            break
    if arguments.json:
        output.document({**done, "rerun": total})
    else:
        print(f"{done['matched']} would run again" if arguments.dry_run else f"{total} run again")
    return exits.OK


def _posted(client: Client, arguments: argparse.Namespace, verb: str, tell: Any) -> int:
    def act(id: str) -> Any:
        return client.send("POST", f"/executions/{id}/{verb}").data

    return each(arguments, arguments.executions, act, tell)


def _tail(client: Client, arguments: argparse.Namespace) -> int:
    filters = _filters(client, arguments)
    # Rows are asked for in whatever state, since one in another state may still come into the one that is wanted.
    follower = Follower(
        lambda: client.rows("/executions", job_id=filters["job_id"]),
        lambda id: client.find(f"/executions/{id}"),
        filters["status"],
    )
    show = _Lines(arguments.json)
    show.rows(follower.first(max(0, arguments.lines)))
    while arguments.follow:
        for rows in _patiently(follower):
            show.rows(rows)
    return exits.OK


def _patiently(follower: Follower) -> Iterator[list[Any]]:
    """What has come since the last look; while the service is away, waits for it longer and longer."""
    pause, told = POLL_SECONDS, False
    while True:
        time.sleep(pause)
        try:
            rows = follower.more()
        except (Unreachable, Refused) as trouble:
            if isinstance(trouble, Refused) and trouble.status < 500:
                raise
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if not told:
                output.note(f"{trouble} Waiting for it.")
            told = True
            continue
        if told:
            output.note("The service answers again.")
        pause, told = POLL_SECONDS, False
        yield rows


class _Lines:
    """Prints rows as they come: JSON lines, or text under one heading."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._headed = False

    def rows(self, rows: list[Any]) -> None:
        """Print these."""
        for row in rows:
            if self._as_json:
                output.line(row)
                continue
            cells = [output.text_of(value) for value in _row(row)]
            if not self._headed:
                print(_aligned(COLUMNS), flush=True)
                self._headed = True
            output.colored(row["status"], _aligned(cells))


WIDTHS = (27, 9, 7, 4, 8, 8, 8, 36, 36, 0)


def _aligned(cells: Any) -> str:
    return "  ".join(str(cell).ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
