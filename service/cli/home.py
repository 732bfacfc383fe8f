"""`home`: migrate and serve on a PostgreSQL and a Redis of its own, unless a database is set."""

import argparse
import os
import sys

from service.cli.migrate import migrate
from service.cli.serve import add_processes
from service.config import Config
from service.embedded import EmbeddedError, for_libraries, home_environment
from service.instance import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --processes."""
    add_processes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the servers that are missing, migrate, and serve until a signal."""
    try:
        with home_environment(os.environ) as settings:
            for_libraries(settings, os.environ)
            given = {} if arguments.processes is None else {"SCHEDULER_PROCESSES": arguments.processes}
            config = Config.from_env(settings | given)
            return migrate(config) or serve(config, "all")
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
