"""`jobs`: what a tenant wants called, and when."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from service.cli import actions, exits, manifest, output
from service.cli.actions import Actions, each
from service.cli.client import Client
from service.cli.exits import CommandError, FileFault
from service.cli.remote import is_uuid, job_path, key_path
from service.cli.tail import FINAL

POLL_SECONDS = 0.5
COLUMNS = ("KEY", "NAME", "TYPE", "SCHEDULE", "STATUS", "NEXT RUN", "LAST RUN", "RUNS", "FAILED", "ID")
run = actions.run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = Actions(parser)
    _add_list(commands)
    show = commands.add("show", _show, "show a job with all its fields")
    upcoming = commands.add("upcoming", _upcoming, "show when a job runs next")
    upcoming.add_argument("--count", type=int, default=10, help="how many runs (10)")
    create = commands.add("create", _create, "register a job, from a file or from field=value")
    update = commands.add("update", _update, "change the fields given and no others")
    for one in (show, upcoming, update):
        one.add_argument("job", help="id or key")
    for one in (create, update):
        one.add_argument("-f", "--file", help="fields as YAML or JSON; - reads standard input")
        one.add_argument("fields", nargs="*", metavar="field=value", help="the value is YAML, such as tags='[a, b]'")
    commands.add("delete", _delete, "delete jobs").add_argument("jobs", nargs="+", help="ids or keys")
    commands.add("pause", _pause, "hold jobs").add_argument("jobs", nargs="+", help="ids or keys")
    commands.add("resume", _resume, "let jobs go on from now").add_argument("jobs", nargs="+", help="ids or keys")
    trigger = commands.add("trigger", _trigger, "run a job now")
    trigger.add_argument("job", help="id or key")
    trigger.add_argument("--wait", action="store_true", help="wait for its end; exit code 1 unless it completes")


def _add_list(commands: Actions) -> None:
    parser = commands.add("list", _list, "list jobs, newest first")
    for name in ("status", "type", "name", "tag"):
        parser.add_argument(f"--{name}", help=f"only those of this {name}")
    parser.add_argument("--limit", type=int, default=50, help="rows at most (50); 0 lists all")


def _list(client: Client, arguments: argparse.Namespace) -> int:
    filters = {name: getattr(arguments, name) for name in ("status", "type", "name", "tag")}
    rows = list(client.rows("/jobs", limit=arguments.limit or None, **filters))
    if arguments.json:
        output.document(rows)
    else:
        output.table(COLUMNS, [_row(job) for job in rows])
    return exits.OK


def _row(job: dict[str, Any]) -> list[Any]:
    names = ("key", "name", "type", "schedule", "status", "next_run_at", "last_run_at", "run_count", "fail_count", "id")
    return [job.get(name) for name in names]


def _show(client: Client, arguments: argparse.Namespace) -> int:
    reference = arguments.job
    job = client.get(f"/jobs/{reference}" if is_uuid(reference) else key_path(reference))
    return _shown(arguments, job)


def _upcoming(client: Client, arguments: argparse.Namespace) -> int:
    data = client.get(f"{job_path(client, arguments.job)}/upcoming", count=arguments.count)
    return shown_runs(arguments, data)


def shown_runs(arguments: argparse.Namespace, data: dict[str, Any]) -> int:
    """Print coming runs."""
    if arguments.json:
        output.document(data)
    else:
        output.table(("AT", "LOCAL", "NOTE"), [(run["at"], run["local"], run.get("note")) for run in data["runs"]])
    return exits.OK


def _create(client: Client, arguments: argparse.Namespace) -> int:
    return _shown(arguments, client.send("POST", "/jobs", body=_given(arguments)).data)


def _update(client: Client, arguments: argparse.Namespace) -> int:
    changes = _given(arguments)
    return _shown(arguments, client.send("PATCH", job_path(client, arguments.job), body=changes).data)


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of file and arguments; the arguments win.

    Raises: CommandError when there are none, or something else.
    """
    given = _of_file(arguments.file) if arguments.file else {}
    for pair in arguments.fields:
        name, sign, value = pair.partition("=")
        if not (name and sign):
            raise CommandError(f"{pair}: expected field=value")
        try:
            given[name] = manifest.load(value)
        except FileFault as fault:
            raise CommandError(f"{name}: the value is no YAML ({fault})") from fault
    if not given:
        raise CommandError("expected fields: -f FILE, or field=value")
    return given


def _of_file(path: str) -> dict[str, Any]:
    try:
        content = manifest.load(sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(content, dict):
        raise FileFault(f"{path}: expected a mapping of fields")
    return content


def _shown(arguments: argparse.Namespace, job: dict[str, Any]) -> int:
    if arguments.json:
        output.document(job)
    else:
        output.fields(job)
    return exits.OK


def _delete(client: Client, arguments: argparse.Namespace) -> int:
    def act(reference: str) -> dict[str, str]:
        path = job_path(client, reference)
        client.send("DELETE", path)
        return {"id": path.rpartition("/")[2]}

    return each(arguments, arguments.jobs, act, lambda _: "deleted")


def _pause(client: Client, arguments: argparse.Namespace) -> int:
    return _posted(client, arguments, "pause")


def _resume(client: Client, arguments: argparse.Namespace) -> int:
    return _posted(client, arguments, "resume")


def _posted(client: Client, arguments: argparse.Namespace, verb: str) -> int:
    def act(reference: str) -> Any:
        return client.send("POST", f"{job_path(client, reference)}/{verb}").data

    return each(arguments, arguments.jobs, act, lambda job: str(job["status"]))


def _trigger(client: Client, arguments: argparse.Namespace) -> int:
    execution = client.send("POST", f"{job_path(client, arguments.job)}/trigger").data
    if not arguments.wait:
        output.document(execution) if arguments.json else output.fields({"execution": execution["id"]})
        return exits.OK
    while execution["status"] not in FINAL:
        time.sleep(POLL_SECONDS)
        execution = client.get(f"/executions/{execution['id']}")
    if arguments.json:
        output.document(execution)
    else:
        output.fields({name: execution[name] for name in ("id", "status", "response_status", "error", "duration_ms")})
    return exits.OK if execution["status"] == "completed" else exits.DIFFERENT
