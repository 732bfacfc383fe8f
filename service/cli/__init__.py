"""Commands of `python -m service`, one module each, imported only when it is the one that runs.

A command's module has `add_arguments(parser)`, which declares its options and sub-commands, and `run(arguments)`, which
does the work and gives the exit code. `arguments.command` is the name it was called by.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from service import __version__
from service.cli import exits
from service.config import ConfigError

READER_LEFT = 128 + 13  # as a shell reports a program that SIGPIPE ended


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives and what --help says of it."""

    module: str  # in service.cli
    help: str


class Module(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the command."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; gives the exit code."""


DEFAULT = "all"
COMMANDS = {
    "all": Command("serve", "serve the API and run the engine (the default)"),
    "api": Command("serve", "serve the API only"),
    "engine": Command("serve", "run the engine only: tick, claim, call"),
    "home": Command("home", "as all, with PostgreSQL and Redis of its own unless a database is set"),
    "apply": Command("apply", "create and change jobs until they are as a file says"),
    "diff": Command("diff", "show what apply would change"),
    "export": Command("export", "write the jobs as a file that apply takes"),
    "jobs": Command("jobs", "list, show, create, update, delete, pause, resume and trigger jobs"),
    "executions": Command("executions", "list, show, tail, cancel and rerun executions"),
    "preview": Command("preview", "show when a schedule would run"),
    "history": Command("history", "show what finished, by job and day"),
    "stats": Command("stats", "count jobs and executions, of the tenant or of one job"),
    "live": Command("live", "ask the service in this environment whether it serves; exit code 1 if not"),
    "migrate": Command("migrate", "apply pending migrations"),
    "keys": Command("keys", "make, list and revoke API keys"),
    "openapi": Command("openapi", "print the OpenAPI document"),
    "secrets": Command("secrets", "encrypt stored secrets anew, under the first key of SECRETS_KEY"),
    "signing": Command("signing", "make another signing secret for a tenant"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 2 for arguments or settings the service cannot work with."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, DEFAULT)
    parser = argparse.ArgumentParser(prog="python -m service", description="Scheduler Service")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.help, description=command.help)
        if name == given[0]:
            module = cast(Module, import_module(f"{__name__}.{command.module}"))
            module.add_arguments(own)
    parsed = parser.parse_args(given)
    try:
        return module.run(parsed)
    except exits.CommandError as error:
        print(error, file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal and a shell may both pass one Ctrl-C on
        return exits.INTERRUPTED
    except ConfigError as error:
        print(f"The service cannot start with these settings:\n{error}", file=sys.stderr)
        return exits.USAGE
    except BrokenPipeError:  # as when piped to head: nobody reads on, so there is nothing to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
